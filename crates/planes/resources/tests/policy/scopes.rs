//! Where an assignment counts.

use serde_json::json;

use crate::{common::*, kit::*};

const GROUPS: &str = "/providers/Microsoft.Management/managementGroups";

fn workspace_in(group: &str, name: &str) -> String {
    format!("{group}/providers/{WORKSPACE}/{name}")
}

#[tokio::test]
async fn at_a_scope_and_below_and_nowhere_else() {
    let (nave, owner) = scene().await;
    let other = format!("{S}/resourceGroups/other");
    nave.make(&other, json!({ "location": "eastus" })).await;
    nave.impose(&owner, RG, "no-public", deny_public()).await;
    assert_denied(&nave.workspace(&owner, HUB, json!({})).await);
    assert_done(
        &nave
            .workspace(&owner, &workspace_in(&other, "a"), json!({}))
            .await,
    );
    let definition = definition_id(S, "no-public");
    nave.assign(&owner, S, &definition, json!({ "notScopes": [other] }))
        .await;
    assert_done(
        &nave
            .workspace(&owner, &workspace_in(&other, "a"), json!({}))
            .await,
    );
    nave.assign(&owner, S, &definition, json!({ "notScopes": [] }))
        .await;
    assert_denied(
        &nave
            .workspace(&owner, &workspace_in(&other, "a"), json!({}))
            .await,
    );
}

#[tokio::test]
async fn at_a_management_group_it_reaches_the_subscriptions_in_it() {
    let (nave, owner) = scene().await;
    let corp = format!("{GROUPS}/corp");
    assert_eq!(nave.put_as(&owner, &corp, json!({})).await.0, 200);
    let definition = definition_id(&corp, "no-public");
    assert_eq!(nave.put_as(&owner, &definition, deny_public()).await.0, 201);
    nave.assign(&owner, &corp, &definition, json!({})).await;
    assert_done(&nave.workspace(&owner, HUB, json!({})).await);
    let moved = nave
        .put_as(&owner, &format!("{corp}{S}"), serde_json::Value::Null)
        .await;
    assert_eq!(moved.0, 200, "{}", moved.1);
    assert_denied(&nave.workspace(&owner, HUB, json!({})).await);
    let listed = nave
        .get(&owner, &format!("{RG}/{AUTHORIZATION}/policyAssignments"))
        .await;
    assert_eq!(
        each(&listed, "/name"),
        ["no-public"],
        "what is inherited is listed"
    );
    let known = nave
        .get(
            &owner,
            &format!("{S}/{AUTHORIZATION}/policyDefinitions?$filter=policyType eq 'Custom'"),
        )
        .await;
    assert_eq!(each(&known, "/id"), [definition.as_str()]);
    let exactly = nave
        .get(
            &owner,
            &format!("{S}/{AUTHORIZATION}/policyAssignments?$filter=atExactScope()"),
        )
        .await;
    assert!(each(&exactly, "/name").is_empty());
}

#[tokio::test]
async fn selectors_and_overrides() {
    let (nave, owner) = scene().await;
    let definition = nave.define(&owner, "no-public", deny_public()).await;
    let west = json!([{ "name": "west", "selectors": [{ "kind": "resourceLocation", "in": ["westus"] }] }]);
    nave.assign(&owner, RG, &definition, json!({ "resourceSelectors": west }))
        .await;
    assert_done(&nave.workspace(&owner, HUB, json!({})).await);
    let in_the_west = json!({ "location": "West US", "properties": {} });
    assert_denied(
        &nave
            .put_as(&owner, &workspace_in(RG, "west"), in_the_west.clone())
            .await,
    );
    let audit = json!([{ "kind": "policyEffect", "value": "audit",
                         "selectors": [{ "kind": "resourceLocation", "in": ["westus"] }] }]);
    nave.assign(&owner, RG, &definition, json!({ "overrides": audit }))
        .await;
    assert_done(&nave.put_as(&owner, &workspace_in(RG, "west"), in_the_west).await);
    assert_denied(&nave.workspace(&owner, HUB, json!({})).await);
}

#[tokio::test]
async fn a_set_is_several_policies_and_its_groups_are_judged_too() {
    let (nave, owner) = scene().await;
    let no_public = nave.define(&owner, "no-public", deny_public()).await;
    let mut tagged = rule(
        json!({ "field": "[concat('tags[', parameters('tag'), ']')]", "exists": false }),
        json!({ "effect": "[parameters('effect')]" }),
    );
    tagged["properties"]["parameters"] = json!({ "tag": { "type": "String" },
        "effect": { "type": "String", "defaultValue": "Deny", "allowedValues": ["Deny", "Audit"] } });
    let tagged = nave.define(&owner, "tagged", tagged).await;
    let set = json!({ "properties": {
        "parameters": { "which": { "type": "String" } },
        "policyDefinitions": [
            { "policyDefinitionId": no_public, "policyDefinitionReferenceId": "network" },
            { "policyDefinitionId": tagged, "parameters": { "tag": { "value": "[parameters('which')]" } } },
        ] } });
    let id = set_id(S, "guardrails");
    let (status, made) = nave.put_as(&owner, &id, set).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(
        made["properties"]["policyDefinitions"][1]["policyDefinitionReferenceId"],
        "tagged_2"
    );
    nave.assign(
        &owner,
        S,
        &id,
        json!({ "parameters": { "which": { "value": "team" } } }),
    )
    .await;
    let refused = nave.workspace(&owner, HUB, json!({})).await;
    assert_denied(&refused);
    let additions = refused.1["error"]["additionalInfo"]
        .as_array()
        .expect("additions")
        .clone();
    let violations = additions
        .iter()
        .filter(|one| one["type"] == "PolicyViolation")
        .count();
    assert_eq!(violations, 2, "each definition is named: {}", refused.1);
    let group = format!("{S}/resourceGroups/untagged");
    assert_denied(&nave.put_as(&owner, &group, json!({ "location": "eastus" })).await);
    assert_done(
        &nave
            .put_as(
                &owner,
                &group,
                json!({ "location": "eastus", "tags": { "team": "red" } }),
            )
            .await,
    );
    assert_denied(&nave.patch(&owner, &group, json!({ "tags": {} })).await);
    let used = nave.delete(&owner, &definition_id(S, "no-public")).await;
    assert_eq!(
        (used.0, code(&used)),
        (400, "InvalidDeletePolicyDefinitionRequest")
    );
    let used = nave.delete(&owner, &id).await;
    assert_eq!(
        (used.0, code(&used)),
        (400, "InvalidDeletePolicySetDefinitionRequest")
    );
}
