//! Definitions, sets and assignments that are in use: all of them are read and bound, and for each a resource is made that
//! violates it, and meets its effect.

use std::path::{Path, PathBuf};

use nave_policy::{
    Assignment, Catalogue, Definition, Effect, Initiative, Kind, Parameters, Policy, Request, Subject, shape,
};
use serde_json::{Map, Value, json};

use crate::common::{self, DEFINITION, group, subscription, violator::violating};

/// One item of the collection.
struct Item {
    kind: String,
    path: PathBuf,
    document: Value,
}

fn items() -> Option<Vec<Item>> {
    let folder = common::shared()?.join("real-inputs/policies");
    let index = common::read(&folder.join("index.json"));
    let listed = index["items"].as_array().expect("items");
    let read = listed.iter().map(|item| {
        let path = folder.join(item["file"].as_str().expect("a file"));
        Item {
            kind: item["kind"].as_str().expect("a kind").to_owned(),
            document: common::read(&path),
            path,
        }
    });
    Some(read.collect())
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Values for the parameters that have no default, and an effect that does something.
fn values(parameters: &Parameters) -> Value {
    let given = parameters.iter().filter_map(|parameter| {
        let is_idle = parameter.name.eq_ignore_ascii_case("effect")
            && parameter
                .default
                .as_ref()
                .and_then(Value::as_str)
                .and_then(Effect::read)
                == Some(Effect::Disabled);
        if parameter.default.is_some() && !is_idle {
            return None;
        }
        let allowed = parameter.allowed.iter().find(|value| {
            value
                .as_str()
                .is_none_or(|word| Effect::read(word) != Some(Effect::Disabled))
        });
        let value = match (allowed, parameter.kind) {
            (Some(allowed), Kind::Array) => json!([allowed]),
            (Some(allowed), _) => allowed.clone(),
            (None, Kind::String) if parameter.name.to_lowercase().contains("location") => json!("eastus"),
            (None, Kind::String) => json!("a-value"),
            (None, Kind::Array) => json!(["a-value"]),
            (None, Kind::Object) => json!({}),
            (None, Kind::Boolean) => json!(true),
            (None, Kind::Integer | Kind::Float) => json!(30),
            (None, Kind::DateTime) => json!("2027-01-01T00:00:00Z"),
        };
        Some((parameter.name.clone(), json!({"value": value})))
    });
    Value::Object(given.collect())
}

#[test]
fn every_definition_is_read_bound_and_violated() {
    let Some(items) = items() else { return };
    let mut failures = Vec::new();
    let mut unviolated = Vec::new();
    let definitions: Vec<_> = items.iter().filter(|item| item.kind == "definition").collect();
    for item in &definitions {
        match violate(&item.document["properties"], by_hand(&name(&item.path))) {
            Ok(true) => {}
            Ok(false) => unviolated.push(item.path.display().to_string()),
            Err(why) => failures.push(format!("{}: {why}", name(&item.path))),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(
        unviolated.is_empty(),
        "{} of {}:\n{}",
        unviolated.len(),
        definitions.len(),
        unviolated.join("\n")
    );
}

/// Resources that violate definitions whose expressions are not to be turned round: the file, the type, and what is in it.
fn by_hand(file: &str) -> Option<Value> {
    let (resource_type, properties) = match file {
        "Deny-Storage-ResourceAccessRulesResourceId.alz_policy_definition.json" => (
            "Microsoft.Storage/storageAccounts",
            json!({"networkAcls": {"resourceAccessRules": [{"resourceId": "/subscriptions/*/resourceGroups/g"}]}}),
        ),
        "Keys_ActivePeriod.json" => (
            "Microsoft.KeyVault.Data/vaults/keys",
            json!({"attributes": {"createdOn": "2020-01-01T00:00:00Z", "notBefore": "2025-01-01T00:00:00Z"}}),
        ),
        "FIC_LimitToAzureKubernetesIssuer.json" => (
            "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
            json!({"issuer": "https://eastus.oic.prod-aks.azure.com/another-tenant/cluster"}),
        ),
        _ => return None,
    };
    Some(common::resource(resource_type, json!({"properties": properties})))
}

/// Makes a resource that violates the definition, and looks whether it meets the effect. `false` when none is found.
fn violate(properties: &Value, by_hand: Option<Value>) -> Result<bool, String> {
    let definition =
        Definition::parse(properties).map_err(|error| format!("{} at {}", error.message, error.path))?;
    let given = values(&definition.parameters);
    let policy = common::assigned(properties, json!({"parameters": given}))
        .map_err(|error| format!("{} at {}", error.message, error.path))?;
    let condition = &definition.policy_rule()["if"];
    let (group, subscription) = (group(), subscription());
    for api_version in ["2026-01-01", "2015-01-01"] {
        let identity = json!({"idtyp": "user", "acrs": "c1", "http://schemas.microsoft.com/claims/authnmethodsreferences": "pwd"});
        let around = |resource: &Value| {
            let subject = Subject {
                group: Some(&group),
                subscription: Some(&subscription),
                request: Some(Request {
                    api_version,
                    identity: &identity,
                }),
                indexed: true,
                ..Subject::of(resource, common::NOW)
            };
            let judgement = policy.judge(&subject);
            (judgement.holds, judgement.effect)
        };
        let made = || violating(&policy, condition, &|resource| around(resource).0);
        if let Some(resource) = by_hand
            .clone()
            .filter(|resource| around(resource).0)
            .or_else(made)
        {
            return meets(&policy, &resource, around(&resource).1, api_version).map(|()| true);
        }
    }
    Ok(false)
}

/// Whether the effect on a violating resource is what the effect is for.
fn meets(policy: &Policy, resource: &Value, effect: Effect, api_version: &str) -> Result<(), String> {
    let (group, subscription, identity) = (group(), subscription(), json!({}));
    let subject = Subject {
        group: Some(&group),
        subscription: Some(&subscription),
        request: Some(Request {
            api_version,
            identity: &identity,
        }),
        indexed: true,
        ..Subject::of(resource, common::NOW)
    };
    if effect.shapes() {
        let mut body = resource.clone();
        let changed = match shape(&mut body, &[policy], &subject) {
            Ok(changed) => changed.len(),
            // where another value stands, append refuses
            Err(conflict) if effect == Effect::Append && !conflict.field.is_empty() => return Ok(()),
            Err(conflict) => return Err(conflict.denial("r1").message),
        };
        let again = policy.judge(&Subject {
            resource: &body,
            ..subject
        });
        let may_skip = policy.definition.policy_rule()["then"]["details"]["operations"][0]
            .get("condition")
            .is_some();
        if (changed == 0 && !may_skip) || (changed > 0 && again.holds) {
            return Err(format!(
                "{effect} changed {changed}, and then holds: {}: {resource}",
                again.holds
            ));
        }
    }
    if effect.looks_for_related() {
        let existence = policy.existence(&subject).map_err(|fault| fault.to_string())?;
        let existence = existence.ok_or("it looks for nothing")?;
        if existence.resource_type.is_empty()
            || (effect == Effect::DeployIfNotExists && existence.deployment.is_none())
        {
            return Err(format!("{existence:?}"));
        }
    }
    Ok(())
}

#[test]
fn every_set_and_assignment_is_bound() {
    let Some(items) = items() else { return };
    let mut catalogue = Catalogue::default();
    let (mut known, mut sets) = (Vec::new(), Vec::new());
    for item in &items {
        let document = &item.document;
        let id = document["id"]
            .as_str()
            .map_or_else(|| placed(document), str::to_owned);
        match item.kind.as_str() {
            "definition" => {
                let definition = Definition::parse(&document["properties"]).expect("a definition");
                catalogue.add_definition(&id, definition);
                known.push(id.to_lowercase());
            }
            "initiative" => sets.push((id, name(&item.path), &document["properties"])),
            _ => {}
        }
    }
    // what a set names and the collection lacks is stood in for by a definition that takes what the set gives
    let mut failures = Vec::new();
    for (id, file, properties) in &sets {
        for member in properties["policyDefinitions"].as_array().expect("members") {
            let wanted = member["policyDefinitionId"].as_str().expect("an id");
            if !known.contains(&wanted.to_lowercase()) {
                known.push(wanted.to_lowercase());
                catalogue.add_definition(wanted, stand_in(wanted, &sets));
            }
        }
        let set = match Initiative::parse(properties) {
            Ok(set) => set,
            Err(error) => {
                failures.push(format!("{file}: {} at {}", error.message, error.path));
                continue;
            }
        };
        let given = values(&set.parameters);
        let members = set.members.len();
        catalogue.add_initiative(id, set);
        match Assignment::bind(
            common::ASSIGNMENT,
            &json!({"policyDefinitionId": id, "parameters": given}),
            &catalogue,
        ) {
            Ok(bound) => assert_eq!(bound.policies.len(), members, "{file}"),
            Err(error) => failures.push(format!("{file}: {} at {}", error.message, error.path)),
        }
    }
    for item in items.iter().filter(|item| item.kind == "assignment") {
        let properties = &item.document["properties"];
        let target = properties["policyDefinitionId"].as_str().expect("a target");
        let in_collection = known.contains(&target.to_lowercase())
            || sets.iter().any(|(id, ..)| id.eq_ignore_ascii_case(target));
        match Assignment::bind(
            "/providers/Microsoft.Authorization/policyAssignments/a",
            properties,
            &catalogue,
        ) {
            Ok(_) => {}
            Err(error) if !in_collection || error.path.contains("Version") => {}
            // versions of the collection are not always those that its assignments ask for
            Err(error) if error.message.contains("in the version") => {}
            Err(error) => failures.push(format!(
                "{}: {} at {}",
                name(&item.path),
                error.message,
                error.path
            )),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A value of a type.
fn some(kind: &Value) -> Value {
    match kind.as_str().unwrap_or_default().to_lowercase().as_str() {
        "array" => json!([]),
        "object" => json!({}),
        "boolean" => json!(true),
        "integer" | "float" => json!(1),
        _ => json!(""),
    }
}

/// The id of a document that says only its name.
fn placed(document: &Value) -> String {
    let is_set = document["properties"]["policyDefinitions"].is_array();
    let kind = if is_set {
        "policySetDefinitions"
    } else {
        "policyDefinitions"
    };
    let name = document["name"].as_str().unwrap_or("unnamed");
    format!(
        "/providers/Microsoft.Management/managementGroups/placeholder/providers/Microsoft.Authorization/{kind}/{name}"
    )
}

/// A definition with every parameter that some set gives it, each of a type that takes what is given.
fn stand_in(id: &str, sets: &[(String, String, &Value)]) -> Definition {
    let mut parameters = Map::new();
    for (_, _, set) in sets {
        let members = set["policyDefinitions"].as_array().into_iter().flatten();
        for member in members.filter(|member| {
            member["policyDefinitionId"]
                .as_str()
                .is_some_and(|other| other.eq_ignore_ascii_case(id))
        }) {
            for (name, given) in member["parameters"].as_object().into_iter().flatten() {
                let given = &given["value"];
                let passed = given
                    .as_str()
                    .and_then(|text| text.strip_prefix("[parameters('"))
                    .and_then(|text| text.strip_suffix("')]"));
                let declared = passed.and_then(|passed| {
                    let declarations = set["parameters"].as_object()?;
                    declarations
                        .iter()
                        .find(|(name, _)| name.eq_ignore_ascii_case(passed))
                        .map(|(_, declared)| declared["type"].clone())
                });
                let kind = declared.unwrap_or_else(|| match given {
                    Value::Array(_) => json!("Array"),
                    Value::Object(_) => json!("Object"),
                    Value::Bool(_) => json!("Boolean"),
                    Value::Number(_) => json!("Float"),
                    _ => json!("String"),
                });
                parameters.insert(name.clone(), json!({"type": kind, "defaultValue": some(&kind)}));
            }
        }
    }
    let definition = json!({"parameters": parameters, "policyRule": {"if": {"field": "name", "exists": true}, "then": {"effect": "audit"}}});
    Definition::parse(&definition).unwrap_or_else(|error| panic!("{id}: {} {}", error.message, DEFINITION))
}
