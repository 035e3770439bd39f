//! The forms in which a policy may be given: a rule, a definition or its properties, a set, an assignment.

use nave_arm::{ArmError, ErrorCode};
use nave_policy::{Assignment, Definition, Initiative};
use serde_json::{Map, Value, json};

use super::shelf::Shelf;

const ASSIGNMENT: &str = "/providers/Microsoft.Authorization/policyAssignments/test";

/// The policy, assigned with the parameters.
pub(super) fn assigned(
    policy: &Value,
    given: Map<String, Value>,
    shelf: &Shelf,
) -> Result<Assignment, ArmError> {
    let properties = match policy.get("properties") {
        Some(properties) if properties.is_object() => properties,
        _ => policy,
    };
    let has = |name: &str| properties.get(name).is_some();
    if has("policyRule") {
        return definition(policy, properties, given, shelf);
    }
    if has("policyDefinitions") {
        return initiative(policy, properties, given, shelf);
    }
    if has("policyDefinitionId") {
        return assignment(policy, properties, given, shelf);
    }
    if has("if") || has("then") {
        let definition_properties = json!({"policyRule": properties, "parameters": declared(&given)});
        return definition(policy, &definition_properties, given, shelf);
    }
    let message = "The policy is none: it has no 'if' and 'then', no 'policyRule', no 'policyDefinitions' and no \
                   'policyDefinitionId'.";
    Err(ArmError::new(ErrorCode::InvalidPolicyRule, message))
}

fn definition(
    policy: &Value,
    properties: &Value,
    given: Map<String, Value>,
    shelf: &Shelf,
) -> Result<Assignment, ArmError> {
    let id = id(policy, "policyDefinitions");
    let shelf = shelf.with_definition(&id, Definition::parse(properties)?);
    bind(json!({"policyDefinitionId": id, "parameters": given}), &shelf)
}

fn initiative(
    policy: &Value,
    properties: &Value,
    given: Map<String, Value>,
    shelf: &Shelf,
) -> Result<Assignment, ArmError> {
    let id = id(policy, "policySetDefinitions");
    let shelf = shelf.with_initiative(&id, Initiative::parse(properties)?);
    bind(json!({"policyDefinitionId": id, "parameters": given}), &shelf)
}

/// The parameters of the command come before those of the assignment.
fn assignment(
    policy: &Value,
    properties: &Value,
    given: Map<String, Value>,
    shelf: &Shelf,
) -> Result<Assignment, ArmError> {
    let mut properties = properties.clone();
    let mut parameters = properties["parameters"].as_object().cloned().unwrap_or_default();
    parameters.retain(|name, _| !given.keys().any(|other| other.eq_ignore_ascii_case(name)));
    parameters.extend(given);
    properties["parameters"] = parameters.into();
    let id = policy["id"].as_str().unwrap_or(ASSIGNMENT);
    Ok(Assignment::bind(id, &properties, shelf)?)
}

fn bind(properties: Value, shelf: &Shelf) -> Result<Assignment, ArmError> {
    Ok(Assignment::bind(ASSIGNMENT, &properties, shelf)?)
}

fn id(policy: &Value, kind: &str) -> String {
    let name = policy["name"].as_str().unwrap_or("test");
    let placed = || format!("/providers/Microsoft.Authorization/{kind}/{name}");
    policy["id"].as_str().map_or_else(placed, str::to_owned)
}

/// Declarations for the parameters of a bare rule, which has none: of the types of what is given.
fn declared(given: &Map<String, Value>) -> Value {
    let kind = |value: &Value| match value {
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "Float",
        Value::Number(_) => "Integer",
        _ => "String",
    };
    given
        .iter()
        .map(|(name, entry)| (name.clone(), json!({"type": kind(&entry["value"])})))
        .collect::<Map<_, _>>()
        .into()
}
