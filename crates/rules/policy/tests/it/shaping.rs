//! `append` and `modify` (policy-language 5).

use nave_policy::{Policy, Subject, shape};
use serde_json::{Value, json};

use crate::common::{NOW, group, policy, resource};

const T: &str = "A.B/t";

fn appending(condition: Value, details: Value) -> Policy {
    policy(&json!({"policyRule": {"if": condition, "then": {"effect": "append", "details": details}}}))
}

fn modifying(operations: Value, on_conflict: &str) -> Policy {
    let details =
        json!({"roleDefinitionIds": ["/r"], "conflictEffect": on_conflict, "operations": operations});
    policy(
        &json!({"policyRule": {"if": {"field": "type", "equals": T}, "then": {"effect": "modify", "details": details}}}),
    )
}

fn set(field: &str, value: Value) -> Value {
    json!([{"operation": "addOrReplace", "field": field, "value": value}])
}

/// The resource after the policies, or the field that they disagree about.
fn shaped(policies: &[Policy], resource: &Value) -> Result<(Value, usize), String> {
    let group = group();
    let subject = Subject {
        group: Some(&group),
        ..Subject::of(resource, NOW)
    };
    let policies: Vec<_> = policies.iter().collect();
    let mut body = resource.clone();
    let changed = shape(&mut body, &policies, &subject)
        .map_err(|conflict| conflict.field.clone())?
        .len();
    Ok((body, changed))
}

#[test]
fn a_missing_tag_is_appended_and_another_value_is_refused() {
    let details = json!([{"field": "tags['env']", "value": "prod"}]);
    let missing = appending(json!({"field": "tags['env']", "exists": false}), details.clone());
    let always = appending(json!({"field": "name", "exists": true}), details);
    let (body, changed) = shaped(&[missing], &resource(T, json!({}))).expect("shaped");
    assert_eq!((&body["tags"], changed), (&json!({"env": "prod"}), 1));
    let same = resource(T, json!({"tags": {"ENV": "Prod"}}));
    assert_eq!(
        shaped(std::slice::from_ref(&always), &same),
        Ok((same.clone(), 0))
    );
    let other = resource(T, json!({"tags": {"env": "dev"}}));
    assert_eq!(shaped(&[always], &other), Err(String::from("tags['env']")));
}

#[test]
fn members_and_elements_are_appended() {
    let policy = appending(
        json!({"field": "type", "equals": T}),
        json!([{"field": "A.B/t/acl.rules[*]", "value": {"ip": "1"}}, {"field": "A.B/t/acl.list", "value": ["x"]}, {"field": "A.B/t/on", "value": true}]),
    );
    let body = resource(T, json!({"properties": {"acl": {"rules": [{"ip": "0"}]}}}));
    let (body, changed) = shaped(std::slice::from_ref(&policy), &body).expect("shaped");
    assert_eq!(
        body["properties"],
        json!({"acl": {"rules": [{"ip": "0"}, {"ip": "1"}], "list": ["x"]}, "on": true})
    );
    assert_eq!(changed, 3);
    assert_eq!(shaped(&[policy], &body).expect("shaped again").1, 0);
}

#[test]
fn operations_of_modify() {
    let operations = json!([
        {"operation": "addOrReplace", "field": "tags.team", "value": "[resourceGroup().tags.team]"},
        {"operation": "Add", "field": "tags.kept", "value": "new"},
        {"operation": "Remove", "field": "tags['old']"},
        {"operation": "addOrReplace", "field": "A.B/t/access", "value": "Disabled"},
        {"operation": "addOrReplace", "field": "A.B/t/skipped", "value": 1, "condition": "[greater(requestContext().apiVersion, '9999-01-01')]"},
        {"operation": "addOrReplace", "field": "identity.type", "value": "SystemAssigned"},
        {"operation": "addOrReplace", "field": "A.B/t/objs[*].p", "value": 2},
    ]);
    let policy = modifying(operations, "deny");
    let before = resource(
        T,
        json!({"tags": {"kept": "as it was", "old": "x"}, "properties": {"access": "Enabled", "objs": [{"p": 1}, {}]}}),
    );
    let (body, changed) = shaped(std::slice::from_ref(&policy), &before).expect("shaped");
    assert_eq!(body["tags"], json!({"kept": "as it was", "team": "blue"}));
    assert_eq!(
        body["properties"],
        json!({"access": "Disabled", "objs": [{"p": 2}, {"p": 2}]})
    );
    assert_eq!(body["identity"], json!({"type": "SystemAssigned"}));
    assert_eq!(changed, 5);
    assert_eq!(shaped(&[policy], &body).expect("shaped again"), (body, 0));
}

#[test]
fn contradictions_are_settled_by_their_conflict_effect() {
    let write = |value: &str, on_conflict: &str| modifying(set("tags.x", json!(value)), on_conflict);
    let body = resource(T, json!({}));
    let outcome = |policies: &[Policy]| shaped(policies, &body).map(|(body, _)| body["tags"]["x"].clone());
    assert_eq!(outcome(&[write("a", "deny"), write("a", "deny")]), Ok(json!("a")));
    assert_eq!(
        outcome(&[write("a", "deny"), write("b", "deny")]),
        Err(String::from("tags.x"))
    );
    assert_eq!(
        outcome(&[write("a", "audit"), write("b", "deny")]),
        Ok(json!("b"))
    );
    assert_eq!(
        outcome(&[write("a", "deny"), write("b", "disabled")]),
        Ok(json!("a"))
    );
    assert_eq!(
        outcome(&[write("a", "audit"), write("b", "audit")]),
        Ok(Value::Null)
    );
    let append = appending(
        json!({"field": "type", "equals": T}),
        json!([{"field": "tags.x", "value": "c"}]),
    );
    assert_eq!(
        outcome(&[append, write("a", "deny")]),
        Err(String::from("tags.x"))
    );
    let element = |value: u8| {
        modifying(
            json!([{"operation": "Add", "field": "A.B/t/list[*]", "value": value}]),
            "deny",
        )
    };
    let (both, _) = shaped(&[element(1), element(2)], &body).expect("no conflict");
    assert_eq!(both["properties"]["list"], json!([1, 2]));
}

#[test]
fn a_refusal_names_those_that_contradict() {
    let first = modifying(set("tags.x", json!("a")), "deny");
    let second = modifying(set("tags['x']", json!("b")), "deny");
    let before = resource(T, json!({}));
    let mut body = before.clone();
    let conflict = shape(&mut body, &[&first, &second], &Subject::of(&before, NOW)).expect_err("a conflict");
    let error = conflict.denial("r1");
    assert_eq!((error.status(), error.additional_info.len()), (403, 2));
    assert!(
        error.message.contains("different values to the field"),
        "{}",
        error.message
    );
    assert_eq!(body, before);
}

#[test]
fn a_rule_that_cannot_be_evaluated_changes_nothing() {
    let policy = modifying(set("tags.x", json!("[substring(field('name'), 5, 9)]")), "deny");
    let before = resource(T, json!({}));
    let mut body = before.clone();
    let conflict = shape(&mut body, &[&policy], &Subject::of(&before, NOW)).expect_err("a fault");
    assert!(conflict.policies[0].1.fault.is_some());
    assert!(
        conflict
            .denial("r1")
            .message
            .contains("then.details.operations[0]")
    );
    assert_eq!(body, before);
}

#[test]
fn operations_on_one_field_come_to_the_same_each_time() {
    for operations in [
        json!([{"operation": "addOrReplace", "field": "A.B/t/list[*]", "value": "a"}, {"operation": "add", "field": "A.B/t/list[*]", "value": 0}]),
        json!([{"operation": "add", "field": "tags.x", "value": "a"}, {"operation": "remove", "field": "tags.x"}]),
        json!([{"operation": "remove", "field": "tags.x"}, {"operation": "add", "field": "tags.x", "value": "a"}]),
    ] {
        let policy = modifying(operations.clone(), "deny");
        for tags in [json!({}), json!({"x": "b"})] {
            let (once, _) =
                shaped(std::slice::from_ref(&policy), &resource(T, json!({"tags": tags}))).expect("shaped");
            let again = shaped(std::slice::from_ref(&policy), &once).expect("shaped again");
            assert_eq!(again, (once, 0), "{operations}");
        }
    }
    let write = modifying(set("tags.x", json!("a")), "deny");
    let remove = modifying(json!([{"operation": "remove", "field": "tags.x"}]), "deny");
    for tags in [json!({}), json!({"x": "a"})] {
        let outcome = shaped(
            &[write.clone(), remove.clone()],
            &resource(T, json!({"tags": tags})),
        );
        assert!(outcome.is_err(), "{outcome:?}");
    }
}
