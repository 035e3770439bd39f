//! `nave policy test`, from files to exit code.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::nave;

fn write(folder: &Path, name: &str, content: &Value) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Tries a policy on a resource; `more` are further arguments.
fn test(policy: &Value, resource: &Value, parameters: Option<&Value>, more: &[&str]) -> (i32, Value) {
    let folder = TempDir::new().unwrap();
    let policy = write(folder.path(), "policy.json", policy);
    let resource = write(folder.path(), "resource.json", resource);
    let mut arguments = vec!["policy", "test", "--policy", &policy, "--resource", &resource];
    let parameters = parameters.map(|parameters| write(folder.path(), "parameters.json", parameters));
    if let Some(file) = &parameters {
        arguments.extend(["--parameters", file]);
    }
    arguments.extend(more);
    let output = nave(&arguments, "");
    let text = String::from_utf8(output.stdout).unwrap();
    (
        output.status.code().unwrap(),
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}")),
    )
}

fn account() -> Value {
    json!({"id": "/subscriptions/s1/resourceGroups/g1/providers/Microsoft.Storage/storageAccounts/sa1", "location": "westus",
           "properties": {"supportsHttpsTrafficOnly": false}})
}

fn rule() -> Value {
    json!({"if": {"allOf": [
        {"field": "type", "equals": "Microsoft.Storage/storageAccounts"},
        {"anyOf": [{"field": "name", "like": "x*"}, {"field": "location", "notIn": "[parameters('allowed')]"}]}]},
        "then": {"effect": "deny"}})
}

#[test]
fn a_rule_a_definition_and_its_properties_are_tried() {
    let properties =
        json!({"displayName": "Places", "parameters": {"allowed": {"type": "Array"}}, "policyRule": rule()});
    let whole = json!({"name": "places", "type": "Microsoft.Authorization/policyDefinitions", "properties": properties});
    for policy in [rule(), properties, whole] {
        for parameters in [
            json!({"allowed": ["eastus"]}),
            json!({"allowed": {"value": ["East US"]}}),
        ] {
            let (code, said) = test(&policy, &account(), Some(&parameters), &[]);
            assert_eq!(code, 0, "{said}");
            assert_eq!(
                (&said["effect"], &said["applicable"], &said["matched"]),
                (&json!("deny"), &json!(true), &json!(true))
            );
            assert_eq!(said["decidedBy"], json!(["if.allOf[0]", "if.allOf[1].anyOf[1]"]));
            assert_eq!(said["decision"], "denied");
            assert_eq!(said["error"]["code"], "RequestDisallowedByPolicy");
            let last = said["evaluatedExpressions"].as_array().unwrap().last().unwrap();
            assert_eq!(
                (&last["rulePath"], &last["operator"]),
                (&json!("if.allOf[1].anyOf[1]"), &json!("NotIn"))
            );
        }
        let (code, said) = test(&policy, &account(), Some(&json!({"allowed": ["westus"]})), &[]);
        assert_eq!(
            (code, &said["matched"], &said["decision"]),
            (0, &json!(false), &json!("allowed"))
        );
        assert_eq!(said["complianceState"], "Compliant");
    }
}

#[test]
fn the_changed_resource_is_printed() {
    let policy = json!({"if": {"field": "tags['env']", "exists": false}, "then": {"effect": "modify", "details": {
        "roleDefinitionIds": ["/r"], "operations": [
            {"operation": "addOrReplace", "field": "tags['env']", "value": "[resourceGroup().name]"},
            {"operation": "addOrReplace", "field": "Microsoft.Storage/storageAccounts/supportsHttpsTrafficOnly", "value": true}]}}});
    let (code, said) = test(&policy, &account(), None, &[]);
    assert_eq!(
        (code, &said["effect"], &said["decision"]),
        (0, &json!("modify"), &json!("allowed"))
    );
    assert_eq!(said["resource"]["tags"], json!({"env": "g1"}));
    assert_eq!(said["resource"]["properties"]["supportsHttpsTrafficOnly"], true);
    assert_eq!(said["changes"].as_array().unwrap().len(), 2);
    let append = json!({"if": {"field": "type", "exists": true}, "then": {"effect": "append", "details": [{"field": "tags.env", "value": "a"}]}});
    let mut tagged = account();
    tagged["tags"] = json!({"env": "b"});
    let (code, said) = test(&append, &tagged, None, &[]);
    assert_eq!((code, &said["decision"]), (0, &json!("denied")));
    assert!(said.get("resource").is_none());
}

#[test]
fn a_set_and_an_assignment_find_their_definitions() {
    let folder = TempDir::new().unwrap();
    let definition = json!({"name": "places", "properties": {"parameters": {"allowed": {"type": "Array"}}, "policyRule": rule()}});
    write(folder.path(), "places.json", &definition);
    let https = json!({"name": "https", "properties": {"policyRule": {
        "if": {"field": "Microsoft.Storage/storageAccounts/supportsHttpsTrafficOnly", "equals": false}, "then": {"effect": "audit"}}}});
    write(folder.path(), "https.json", &https);
    let id = |name: &str| {
        format!(
            "/providers/Microsoft.Management/managementGroups/m/providers/Microsoft.Authorization/policyDefinitions/{name}"
        )
    };
    let set = json!({"name": "rails", "properties": {"parameters": {"where": {"type": "Array"}}, "policyDefinitions": [
        {"policyDefinitionId": id("https"), "policyDefinitionReferenceId": "one"},
        {"policyDefinitionId": id("places"), "policyDefinitionReferenceId": "two", "parameters": {"allowed": {"value": "[parameters('where')]"}}}]}});
    let definitions = ["--definitions", folder.path().to_str().unwrap()];
    let (code, said) = test(
        &set,
        &account(),
        Some(&json!({"where": ["eastus"]})),
        &definitions,
    );
    assert_eq!(
        (code, &said["effect"], &said["policyDefinitionReferenceId"]),
        (0, &json!("deny"), &json!("two")),
        "{said}"
    );
    let effects: Vec<_> = said["policies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["effect"].clone())
        .collect();
    assert_eq!(effects, ["audit", "deny"]);
    let assignment = json!({"properties": {"policyDefinitionId": id("places"), "parameters": {"allowed": {"value": ["westus"]}}}});
    let (code, said) = test(&assignment, &account(), None, &definitions);
    assert_eq!((code, &said["matched"]), (0, &json!(false)), "{said}");
    let (code, said) = test(&set, &account(), Some(&json!({"where": []})), &[]);
    assert_eq!(
        (code, &said["error"]["code"]),
        (1, &json!("PolicyDefinitionNotFound"))
    );
}

#[test]
fn a_related_resource_is_looked_for() {
    let policy = json!({"if": {"field": "type", "equals": "Microsoft.Storage/storageAccounts"}, "then": {"effect": "auditIfNotExists", "details": {
        "type": "Microsoft.Insights/diagnosticSettings", "existenceCondition": {"field": "Microsoft.Insights/diagnosticSettings/workspaceId", "exists": true}}}});
    let (code, said) = test(&policy, &account(), None, &[]);
    assert_eq!(
        (code, &said["complianceState"], &said["ifNotExists"]["found"]),
        (0, &json!("NonCompliant"), &json!(false))
    );
    let folder = TempDir::new().unwrap();
    let setting = json!({"type": "Microsoft.Insights/diagnosticSettings", "name": "d", "properties": {"workspaceId": "/w"}});
    let setting = write(folder.path(), "setting.json", &setting);
    let (_, said) = test(&policy, &account(), None, &["--related", &setting]);
    assert_eq!(said["complianceState"], "Compliant");
}

#[test]
fn what_is_wrong_is_answered_with_an_error() {
    let broken = json!({"if": {"field": "no", "equals": 1}, "then": {"effect": "deny"}});
    for (policy, resource, parameters, error) in [
        (broken, account(), None, "InvalidPolicyAlias"),
        (json!({"a": 1}), account(), None, "InvalidPolicyRule"),
        (rule(), account(), None, "InvalidPolicyParameters"),
        (
            rule(),
            json!([]),
            Some(json!({"allowed": []})),
            "InvalidRequestContent",
        ),
        (
            rule(),
            json!({}),
            Some(json!({"allowed": []})),
            "InvalidRequestContent",
        ),
    ] {
        let (code, said) = test(&policy, &resource, parameters.as_ref(), &[]);
        assert_eq!(
            (code, &said["error"]["code"]),
            (1, &json!(error)),
            "{policy} {said}"
        );
    }
    assert_eq!(
        nave(
            &["policy", "test", "--policy", "/nowhere", "--resource", "/nowhere"],
            ""
        )
        .status
        .code(),
        Some(1)
    );
    assert_eq!(nave(&["policy", "test"], "").status.code(), Some(2));
}
