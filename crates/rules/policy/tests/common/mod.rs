//! Policies out of a few lines, resources of the types that people govern, and what lies in the shared folder.

#![allow(dead_code, clippy::expect_used, reason = "each test file uses a part of it")]

pub(crate) mod violator;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use nave_policy::{Assignment, Catalogue, Definition, Policy, PolicyError, Subject};
use serde_json::{Value, json};

pub(crate) const NOW: &str = "2026-11-24T16:12:42Z";
pub(crate) const DEFINITION: &str = "/providers/Microsoft.Authorization/policyDefinitions/p1";
pub(crate) const ASSIGNMENT: &str =
    "/subscriptions/s1/resourceGroups/g1/providers/Microsoft.Authorization/policyAssignments/a1";

/// The folder of captured inputs: where the environment says, else beside the checkout.
pub(crate) fn shared() -> Option<PathBuf> {
    let named = env::var_os("NAVE_SHARED").map(PathBuf::from);
    let beside = || Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared"));
    let folder = named.or_else(beside).filter(|folder| folder.is_dir());
    if folder.is_none() {
        let mut out = std::io::stderr();
        let _ = std::io::Write::write_all(
            &mut out,
            b"skipped: there is no folder of captured inputs (NAVE_SHARED)\n",
        );
    }
    folder
}

pub(crate) fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("a file");
    nave_template::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A definition of the mode All with the condition, and the effect deny.
pub(crate) fn denying(condition: Value) -> Value {
    json!({"policyRule": {"if": condition, "then": {"effect": "deny"}}})
}

/// The one policy of an assignment of a definition; `properties` are what the assignment says besides.
pub(crate) fn assigned(definition: &Value, mut properties: Value) -> Result<Policy, PolicyError> {
    let mut catalogue = Catalogue::default();
    catalogue.add_definition(DEFINITION, Definition::parse(definition)?);
    properties["policyDefinitionId"] = json!(DEFINITION);
    let assignment = Assignment::bind(ASSIGNMENT, &properties, &catalogue)?;
    Ok(assignment.policies.into_iter().next().expect("one policy"))
}

/// The one policy of a definition without parameters.
pub(crate) fn policy(definition: &Value) -> Policy {
    assigned(definition, json!({}))
        .unwrap_or_else(|error| panic!("{} at {}: {definition}", error.message, error.path))
}

/// A group for subjects.
pub(crate) fn group() -> Value {
    json!({"id": "/subscriptions/s1/resourceGroups/g1", "name": "g1", "type": "Microsoft.Resources/subscriptions/resourceGroups",
           "location": "westeurope", "tags": {"team": "blue", "a-value": "inherited"}})
}

/// A subscription for subjects.
pub(crate) fn subscription() -> Value {
    json!({"id": "/subscriptions/s1", "subscriptionId": "s1", "tenantId": "t1", "displayName": "One", "tags": {}})
}

/// Gives a resource what every resource has.
pub(crate) fn resource(resource_type: &str, mut rest: Value) -> Value {
    let mut whole = json!({
        "id": format!("/subscriptions/s1/resourceGroups/g1/providers/{resource_type}/r1"),
        "name": "r1", "type": resource_type, "location": "eastus",
    });
    for (name, value) in rest.as_object_mut().into_iter().flatten() {
        whole[name] = value.take();
    }
    whole
}

/// Whether the condition holds for the resource, in a group and a subscription.
pub(crate) fn holds(condition: &Value, resource: &Value) -> Result<bool, String> {
    let policy = policy(&denying(condition.clone()));
    let (group, subscription) = (group(), subscription());
    let subject = Subject {
        group: Some(&group),
        subscription: Some(&subscription),
        ..Subject::of(resource, NOW)
    };
    let judgement = policy.judge(&subject);
    judgement
        .fault
        .map_or(Ok(judgement.holds), |fault| Err(fault.to_string()))
}
