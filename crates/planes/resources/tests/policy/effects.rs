//! What each effect does to a request.

use http::Method;
use serde_json::{Value, json};

use crate::{common::*, kit::*};

#[tokio::test]
async fn deny_refuses_and_says_which_policy_of_which_assignment() {
    let (nave, owner) = scene().await;
    let assignment = nave.impose(&owner, RG, "no-public", deny_public()).await;
    let refused = nave.workspace(&owner, HUB, json!({})).await;
    assert_denied(&refused);
    let error = &refused.1["error"];
    assert_eq!(error["target"], "hub");
    let violation = error["additionalInfo"]
        .as_array()
        .expect("additions")
        .iter()
        .find(|addition| addition["type"] == "PolicyViolation")
        .expect("the violation");
    assert_eq!(violation["info"]["policyAssignmentId"], assignment.as_str());
    assert_eq!(
        violation["info"]["policyDefinitionId"],
        definition_id(S, "no-public")
    );
    assert_eq!(violation["info"]["policyDefinitionEffect"], "deny");
    let evaluated = &violation["info"]["evaluationDetails"]["evaluatedExpressions"];
    assert!(
        evaluated.as_array().is_some_and(|all| !all.is_empty()),
        "{violation}"
    );
    assert_eq!(nave.get(&owner, HUB).await.0, 404, "nothing was made");
    assert_done(
        &nave
            .workspace(&owner, HUB, json!({ "publicNetworkAccess": "Disabled" }))
            .await,
    );
    assert_denied(
        &nave
            .patch(
                &owner,
                HUB,
                json!({ "properties": { "publicNetworkAccess": "Enabled" } }),
            )
            .await,
    );
}

#[tokio::test]
async fn a_denial_is_recorded_and_explained() {
    let (nave, owner) = scene().await;
    nave.impose(&owner, RG, "no-public", deny_public()).await;
    let refused = nave.workspace(&owner, HUB, json!({})).await;
    let addition = refused.1["error"]["additionalInfo"]
        .as_array()
        .expect("additions")
        .iter()
        .find(|addition| addition["type"] == "Decision")
        .expect("the decision");
    let id = addition["info"]["id"].as_str().expect("id");
    let (status, explained) = nave
        .get(&owner, &format!("/providers/Nave.Access/decisions/{id}"))
        .await;
    assert_eq!(status, 200, "{explained}");
    let afterwards = &explained["properties"]["afterwards"];
    assert_eq!(afterwards["code"], "RequestDisallowedByPolicy", "{explained}");
    assert_eq!(
        afterwards["policies"][0]["policyDefinitionId"],
        definition_id(S, "no-public")
    );
    assert!(afterwards["policies"][0]["evaluationDetails"]["evaluatedExpressions"].is_array());
}

#[tokio::test]
async fn audit_lets_pass_and_notes() {
    let (nave, owner) = scene().await;
    let assignment = nave
        .impose(
            &owner,
            RG,
            "audited",
            rule(public_workspaces(), json!({ "effect": "audit" })),
        )
        .await;
    assert_done(&nave.workspace(&owner, HUB, json!({})).await);
    let noted = nave.noted(HUB).await;
    assert_eq!(noted[0]["policyAssignmentId"], assignment.as_str(), "{noted}");
    assert_eq!(noted[0]["policyDefinitionAction"], "audit");
    assert_done(
        &nave
            .workspace(&owner, HUB, json!({ "publicNetworkAccess": "Disabled" }))
            .await,
    );
    assert_eq!(nave.noted(HUB).await, Value::Null);
}

#[tokio::test]
async fn disabled_and_not_enforced_do_nothing() {
    let (nave, owner) = scene().await;
    nave.impose(
        &owner,
        RG,
        "off",
        rule(public_workspaces(), json!({ "effect": "disabled" })),
    )
    .await;
    let definition = nave.define(&owner, "quiet", deny_public()).await;
    nave.assign(
        &owner,
        RG,
        &definition,
        json!({ "enforcementMode": "DoNotEnforce" }),
    )
    .await;
    assert_done(&nave.workspace(&owner, HUB, json!({})).await);
    assert_eq!(nave.noted(HUB).await, Value::Null);
    nave.assign(&owner, RG, &definition, json!({ "enforcementMode": "Default" }))
        .await;
    assert_denied(&nave.workspace(&owner, HUB, json!({})).await);
}

fn tag(operation: &str, value: &str) -> Value {
    let role = format!("/{AUTHORIZATION}/roleDefinitions/{CONTRIBUTOR}");
    json!({ "effect": "modify", "details": { "roleDefinitionIds": [role],
            "operations": [{ "operation": operation, "field": "tags['team']", "value": value }] } })
}

fn with_identity() -> Value {
    json!({ "identity": { "type": "SystemAssigned" }, "location": "eastus" })
}

#[tokio::test]
async fn modify_adds_a_tag_to_whatever_is_written() {
    let (nave, owner) = scene().await;
    let body = rule(
        json!({ "field": "tags['team']", "notEquals": "red" }),
        tag("addOrReplace", "red"),
    );
    let definition = nave.define(&owner, "team", body).await;
    nave.assign(&owner, RG, &definition, with_identity()).await;
    assert_done(&nave.workspace(&owner, HUB, json!({})).await);
    let shown = nave.get(&owner, HUB).await.1;
    assert_eq!(shown["tags"]["team"], "red", "{shown}");
    let noted = nave.noted(HUB).await;
    assert_eq!(noted[0]["changed"]["value"], "red", "{noted}");
    let tags = format!("{HUB}/providers/Microsoft.Resources/tags/default");
    let body = json!({ "operation": "Replace", "properties": { "tags": { "a": "b" } } });
    let (status, kept) = nave.send(&owner, Method::PATCH, &tags, body).await;
    assert_eq!(
        (status, &kept["properties"]["tags"]),
        (200, &json!({ "a": "b", "team": "red" }))
    );
    let patched = nave
        .patch(&owner, HUB, json!({ "tags": { "team": "blue" } }))
        .await;
    assert_eq!(patched.1["tags"]["team"], "red", "{}", patched.1);
}

#[tokio::test]
async fn two_that_disagree_refuse() {
    let (nave, owner) = scene().await;
    for colour in ["red", "blue"] {
        let body = rule(
            json!({ "field": "tags['team']", "notEquals": colour }),
            tag("addOrReplace", colour),
        );
        let definition = nave.define(&owner, colour, body).await;
        nave.assign(&owner, RG, &definition, with_identity()).await;
    }
    assert_denied(&nave.workspace(&owner, HUB, json!({})).await);
}

#[tokio::test]
async fn append_adds_what_is_missing_and_refuses_what_differs() {
    let (nave, owner) = scene().await;
    let details = json!([{ "field": "tags['cost']", "value": "42" }]);
    let body = rule(
        json!({ "field": "type", "equals": WORKSPACE }),
        json!({ "effect": "append", "details": details }),
    );
    nave.impose(&owner, RG, "cost", body).await;
    assert_done(&nave.workspace(&owner, HUB, json!({})).await);
    assert_eq!(nave.get(&owner, HUB).await.1["tags"]["cost"], "42");
    let other = json!({ "location": "eastus", "tags": { "cost": "7" } });
    assert_denied(&nave.put_as(&owner, HUB, other).await);
}

#[tokio::test]
async fn deny_looks_at_the_body_as_modify_left_it() {
    let (nave, owner) = scene().await;
    let body = rule(
        json!({ "field": "tags['team']", "exists": false }),
        json!({ "effect": "deny" }),
    );
    nave.impose(&owner, RG, "needs-team", body).await;
    assert_denied(&nave.workspace(&owner, HUB, json!({})).await);
    let body = rule(
        json!({ "field": "tags['team']", "exists": false }),
        tag("add", "red"),
    );
    let definition = nave.define(&owner, "gives-team", body).await;
    nave.assign(&owner, S, &definition, with_identity()).await;
    assert_done(&nave.workspace(&owner, HUB, json!({})).await);
}

#[tokio::test]
async fn a_patch_of_tags_is_judged_by_policies_about_tags_alone() {
    let (nave, owner) = scene().await;
    assert_done(&nave.workspace(&owner, HUB, json!({})).await);
    nave.impose(&owner, RG, "no-public", deny_public()).await;
    assert_done(&nave.patch(&owner, HUB, json!({ "tags": { "a": "b" } })).await);
    assert_denied(
        &nave
            .patch(&owner, HUB, json!({ "properties": { "friendlyName": "x" } }))
            .await,
    );
    let body = rule(
        json!({ "field": "tags['a']", "equals": "c" }),
        json!({ "effect": "deny" }),
    );
    nave.impose(&owner, RG, "no-c", body).await;
    assert_denied(&nave.patch(&owner, HUB, json!({ "tags": { "a": "c" } })).await);
    let tags = format!("{HUB}/providers/Microsoft.Resources/tags/default");
    let body = json!({ "operation": "Merge", "properties": { "tags": { "a": "c" } } });
    assert_denied(&nave.send(&owner, Method::PATCH, &tags, body).await);
}

#[tokio::test]
async fn deny_action_keeps_from_deletion() {
    let (nave, owner) = scene().await;
    assert_done(&nave.workspace(&owner, HUB, json!({})).await);
    let keep = |cascade: &str| {
        let details = json!({ "actionNames": ["delete"], "cascadeBehaviors": { "resourceGroup": cascade } });
        let mut body = rule(
            json!({ "field": "type", "equals": WORKSPACE }),
            json!({ "effect": "denyAction", "details": details }),
        );
        body["properties"]["mode"] = "Indexed".into();
        body
    };
    let assignment = nave.impose(&owner, S, "keep", keep("deny")).await;
    assert_done(
        &nave
            .workspace(&owner, HUB, json!({ "friendlyName": "still written" }))
            .await,
    );
    assert_denied(&nave.delete(&owner, HUB).await);
    assert_denied(&nave.delete(&owner, RG).await);
    nave.define(&owner, "keep", keep("allow")).await;
    assert_denied(&nave.delete(&owner, HUB).await);
    assert_eq!(
        nave.delete(&owner, RG).await.0,
        200,
        "the policy lets the group go"
    );
    assert_eq!(nave.delete(&owner, &assignment).await.0, 200);
}

#[tokio::test]
async fn rights_come_first_and_never_help() {
    let (nave, owner) = scene().await;
    nave.impose(&owner, RG, "no-public", deny_public()).await;
    let reader = nave.user_with("reader@contoso.com", READER, RG).await;
    let refused = nave.workspace(&reader, HUB, json!({})).await;
    assert_eq!((refused.0, code(&refused)), (403, "AuthorizationFailed"));
    assert!(
        !refused.1.to_string().contains("no-public"),
        "who may not write is not told of policies"
    );
}

#[tokio::test]
async fn a_rule_that_cannot_be_evaluated_refuses() {
    let (nave, owner) = scene().await;
    let condition = json!({ "allOf": [
        { "field": "type", "equals": WORKSPACE },
        { "value": "[first(split(field('tags[\"team\"]'), '-'))[3]]", "equals": "x" },
    ] });
    nave.impose(
        &owner,
        RG,
        "faulty",
        rule(condition, json!({ "effect": "audit" })),
    )
    .await;
    assert_denied(&nave.workspace(&owner, HUB, json!({})).await);
}

#[tokio::test]
async fn a_denial_inside_a_deployment_is_told_with_its_policy() {
    let (nave, owner) = scene().await;
    let assignment = nave.impose(&owner, RG, "no-public", deny_public()).await;
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [{ "type": WORKSPACE, "apiVersion": "2024-04-01", "name": "hub", "location": "eastus", "properties": {} }],
    });
    let id = format!("{RG}/providers/Microsoft.Resources/deployments/d");
    let body = json!({ "properties": { "mode": "Incremental", "template": template } });
    let validated = nave
        .send(&owner, Method::POST, &format!("{id}/validate"), body.clone())
        .await;
    assert!(
        validated.1.to_string().contains("RequestDisallowedByPolicy"),
        "{}",
        validated.1
    );
    assert!(validated.1.to_string().contains(&assignment), "{}", validated.1);
    let put = nave.put_as(&owner, &id, body).await;
    let told = match put.0 {
        200 | 201 => nave.get(&owner, &id).await.1,
        _ => put.1,
    };
    assert!(told.to_string().contains("RequestDisallowedByPolicy"), "{told}");
    assert_eq!(nave.get(&owner, HUB).await.0, 404);
}

#[tokio::test]
async fn policies_see_no_secrets() {
    let (nave, owner) = scene().await;
    let seen = |member: &str| {
        let condition = json!({ "allOf": [
            { "field": "type", "equals": WORKSPACE },
            { "field": format!("{WORKSPACE}/{member}"), "exists": true },
        ] });
        rule(condition, json!({ "effect": "audit" }))
    };
    nave.impose(&owner, RG, "secret", seen("key")).await;
    nave.impose(&owner, RG, "open", seen("friendlyName")).await;
    let properties = json!({ "key": "canary-0451", "friendlyName": "hub" });
    assert_done(&nave.workspace(&owner, HUB, properties).await);
    let noted = nave.noted(HUB).await;
    assert_eq!(noted.as_array().map(Vec::len), Some(1), "{noted}");
    assert_eq!(noted[0]["policyDefinitionId"], definition_id(S, "open"));
    assert!(!noted.to_string().contains("canary-0451"));
}
