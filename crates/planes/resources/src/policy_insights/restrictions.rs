//! `checkPolicyRestrictions`: what policies would say of a resource that somebody is about to write, and of values that a
//! field of it could have. Portals ask this while a form is filled in. Nothing is written.

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Engine, Fields, Reply, Snapshot,
    operation::{Access, Surface},
    policy::PolicyState,
    route::{Call, Route},
};
use nave_policy::{Effect, Enforcement, EvaluatedExpression};
use serde_json::{Value, json};

const PATH: &str = "/{scope}/providers/Microsoft.PolicyInsights/checkPolicyRestrictions";

/// The most fields, and the most values of one, that are asked about at once.
const MOST: usize = 100;

/// What a resource is called whose name is yet to be given.
const NAMELESS: &str = "unnamed";

pub(super) fn routes() -> Vec<Route> {
    let access = Access::action("Microsoft.PolicyInsights/checkPolicyRestrictions/read");
    vec![Route::new(Method::POST, PATH, Surface::Arm, access, check)]
}

async fn check(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let place = call.grant.id();
    super::check_place(&snapshot, place)?;
    let body = call.request.json()?;
    let asked = Asked::read(&body, place)?;
    let states = asked.states(&call.engine, &snapshot, &asked.content)?;
    let includes_audit = Fields(&body).flag("/includeAuditEffect")?.unwrap_or_default();
    let evaluations: Vec<Value> = states
        .iter()
        .filter(|state| {
            refuses(state) || includes_audit && state.effect() == Effect::Audit && state.is_non_compliant()
        })
        .map(evaluation)
        .collect();
    let restrictions = pending(&body)?
        .into_iter()
        .map(|field| asked.restrictions(&call.engine, &snapshot, &states, &field))
        .collect::<Result<Vec<_>, _>>()?;
    let restrictions: Vec<Value> = restrictions.into_iter().flatten().collect();
    Ok(Reply::ok(json!({
        "fieldRestrictions": restrictions, "contentEvaluationResult": { "policyEvaluations": evaluations },
    })))
}

/// A field whose value is not known yet, and the values it could have.
struct Pending {
    field: String,
    values: Vec<String>,
}

fn pending(body: &Value) -> Result<Vec<Pending>, ArmError> {
    let wrong = |message: &str| ArmError::new(ErrorCode::InvalidRequestContent, message).on("pendingFields");
    let Some(fields) = Fields(body).value("/pendingFields") else {
        return Ok(Vec::new());
    };
    let fields = fields
        .as_array()
        .ok_or_else(|| wrong("'pendingFields' must be a list."))?;
    let read = |field: &Value| {
        let name = field["field"]
            .as_str()
            .ok_or_else(|| wrong("A pending field needs the name of a 'field'."))?;
        let values = field["values"].as_array().into_iter().flatten();
        let values: Vec<String> = values.filter_map(Value::as_str).map(str::to_owned).collect();
        match values.len() > MOST {
            true => Err(wrong("More than 100 values of one field are too many.")),
            false => Ok(Pending {
                field: name.to_owned(),
                values,
            }),
        }
    };
    match fields.len() > MOST {
        true => Err(wrong("More than 100 fields are too many.")),
        false => fields.iter().map(read).collect(),
    }
}

/// A resource that may be written some day.
struct Asked {
    scope: ResourceId,
    content: Value,
}

impl Asked {
    fn read(body: &Value, place: &ResourceId) -> Result<Self, ArmError> {
        let fields = Fields(body);
        let content = fields.value("/resourceDetails/resourceContent").cloned();
        let content = content.filter(Value::is_object).ok_or_else(|| {
            let message = "The property 'resourceDetails.resourceContent' is required, an object.";
            ArmError::new(ErrorCode::InvalidRequestContent, message).on("resourceDetails.resourceContent")
        })?;
        let scope = fields
            .link("/resourceDetails/scope")?
            .unwrap_or_else(|| place.clone());
        Ok(Self { scope, content })
    }

    /// What policies would say of a content.
    fn states(
        &self,
        engine: &Engine,
        snapshot: &Snapshot,
        content: &Value,
    ) -> Result<Vec<PolicyState>, ArmError> {
        let kind = content["type"].as_str().ok_or_else(|| {
            let message = "The property 'resourceDetails.resourceContent.type' is required to know which policies apply.";
            ArmError::new(ErrorCode::InvalidRequestContent, message).on("resourceDetails.resourceContent.type")
        })?;
        let name = content["name"]
            .as_str()
            .filter(|name| !name.is_empty())
            .unwrap_or(NAMELESS);
        let id = self.scope.extension(kind, name);
        Ok(engine.policy_states_of_proposed(snapshot, &id, content.clone()))
    }

    /// What policies say of a field: of the values it could have, or, where none are named, what they take and what they
    /// would set.
    fn restrictions(
        &self,
        engine: &Engine,
        snapshot: &Snapshot,
        states: &[PolicyState],
        pending: &Pending,
    ) -> Result<Option<Value>, ArmError> {
        let mut found = sets(engine, snapshot, states, &pending.field);
        if pending.values.is_empty() {
            found.extend(
                states
                    .iter()
                    .filter(|state| refuses(state))
                    .flat_map(|state| takes(state, &pending.field)),
            );
        }
        for value in &pending.values {
            let mut content = self.content.clone();
            if !set(&mut content, &pending.field, value) {
                continue;
            }
            let states = self.states(engine, snapshot, &content)?;
            found.extend(
                states
                    .iter()
                    .filter(|state| refuses(state))
                    .map(|state| restriction("Deny", vec![value.as_str().into()], state, None)),
            );
        }
        let shown = json!({ "field": pending.field, "restrictions": found });
        Ok((!found.is_empty()).then_some(shown))
    }
}

/// What policies that change bodies would set or remove.
fn sets(engine: &Engine, snapshot: &Snapshot, states: &[PolicyState], field: &str) -> Vec<Value> {
    let changing = states
        .iter()
        .filter(|state| state.effect().shapes() && state.judgement.holds);
    changing
        .flat_map(|state| {
            let changes = engine
                .reshaped(snapshot, state)
                .map(|(_, changes)| changes)
                .unwrap_or_default();
            changes.into_iter().map(move |change| (state, change))
        })
        .filter(|(_, change)| change.field.eq_ignore_ascii_case(field))
        .map(|(state, change)| match change.operation {
            "remove" => restriction("Removed", Vec::new(), state, None),
            _ => restriction("Required", vec![change.value.clone()], state, Some(&change.value)),
        })
        .collect()
}

/// What a policy that refuses the content takes for a field, as far as one comparison says it.
fn takes(state: &PolicyState, field: &str) -> Vec<Value> {
    let about =
        |one: &&EvaluatedExpression| one.expression.eq_ignore_ascii_case(field) && one.result == "True";
    let evaluated = state.judgement.evaluated.iter().filter(about);
    evaluated
        .filter_map(|one| {
            let values = match &one.target_value {
                Value::Array(values) => values.clone(),
                value => vec![value.clone()],
            };
            match one.operator {
                "NotIn" | "NotEquals" => Some(restriction("Required", values, state, None)),
                "In" | "Equals" => Some(restriction("Deny", values, state, None)),
                _ => None,
            }
        })
        .collect()
}

fn restriction(result: &str, values: Vec<Value>, state: &PolicyState, default: Option<&Value>) -> Value {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let values: Vec<String> = values.iter().map(plain).collect();
    let mut restriction = json!({
        "result": result, "values": values, "policy": policy(state), "policyEffect": state.effect().word(),
        "reason": state.policy().message(),
    });
    if let Some(default) = default {
        restriction["defaultValue"] = plain(default).into();
    }
    restriction
}

/// Whether a policy would refuse a write.
fn refuses(state: &PolicyState) -> bool {
    state.effect() == Effect::Deny
        && state.is_non_compliant()
        && state.policy().assignment.enforcement != Enforcement::DoNotEnforce
}

fn evaluation(state: &PolicyState) -> Value {
    json!({
        "policyInfo": policy(state),
        "evaluationResult": state.state.word(),
        "evaluationDetails": {
            "evaluatedExpressions": state.judgement.evaluated, "reason": state.policy().message(),
        },
        "effectDetails": { "policyEffect": state.effect().word() },
    })
}

fn policy(state: &PolicyState) -> Value {
    let policy = state.policy();
    json!({
        "policyDefinitionId": policy.definition_id,
        "policySetDefinitionId": policy.set.as_deref().map(|set| &set.id),
        "policyDefinitionReferenceId": policy.reference_id(),
        "policyAssignmentId": state.assignment.id,
    })
}

/// Sets a field of a content; false where the field is none that could be set, such as one of an array's elements.
fn set(content: &mut Value, field: &str, value: &str) -> bool {
    let kind = content["type"].as_str().unwrap_or_default();
    let alias = field
        .get(..kind.len())
        .filter(|head| !kind.is_empty() && head.eq_ignore_ascii_case(kind))
        .and_then(|_| field[kind.len()..].strip_prefix('/'));
    let tag = |rest: &str| {
        rest.trim_matches(|c| matches!(c, '[' | ']' | '\'' | '.'))
            .to_owned()
    };
    let path: Vec<String> = match (alias, field.strip_prefix("tags")) {
        (Some(alias), _) => path_of(alias),
        (None, Some(rest)) if !rest.is_empty() => vec![String::from("tags"), tag(rest)],
        (None, _) => vec![field.to_owned()],
    };
    if path
        .iter()
        .any(|part| part.is_empty() || part.contains(['[', '/']))
    {
        return false;
    }
    let mut at = content;
    for part in &path {
        if !at.is_object() {
            *at = json!({});
        }
        at = &mut at[part.as_str()];
    }
    *at = value.into();
    true
}

/// Where an alias lies: in the properties, but for a few that are members of the envelope.
fn path_of(alias: &str) -> Vec<String> {
    let parts: Vec<String> = alias.split('.').map(str::to_owned).collect();
    let is_outside = parts
        .first()
        .is_some_and(|first| matches!(first.as_str(), "sku" | "kind" | "identity" | "plan" | "zones"));
    match is_outside {
        true => parts,
        false => std::iter::once(String::from("properties")).chain(parts).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::set;

    #[test]
    fn a_field_is_set_where_the_resource_has_it() {
        for (field, expected) in [
            ("location", json!({"type": "A/b", "location": "v"})),
            ("tags['env']", json!({"type": "A/b", "tags": {"env": "v"}})),
            ("tags.env", json!({"type": "A/b", "tags": {"env": "v"}})),
            ("a/B/x.y", json!({"type": "A/b", "properties": {"x": {"y": "v"}}})),
            ("A/b/sku.name", json!({"type": "A/b", "sku": {"name": "v"}})),
        ] {
            let mut content = json!({ "type": "A/b" });
            assert!(set(&mut content, field, "v"), "{field}");
            assert_eq!(content, expected, "{field}");
        }
        for field in ["A/b/list[*].x", "C/d/x", ""] {
            assert!(!set(&mut json!({ "type": "A/b" }), field, "v"), "{field}");
        }
    }
}
