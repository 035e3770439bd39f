//! States are those of the moment: after an assignment, a write, an exemption, an attestation, and the passing of time.

use std::sync::Arc;

use nave_engine::{Caller, policy::Within};
use serde_json::json;

use crate::{
    common::{Nave, RG, S, id},
    kit::{INSIGHTS, POLICY, elsewhere, untagged, workspaces},
};

#[tokio::test]
async fn a_state_follows_at_once_from_what_is_written() {
    let nave = Nave::start().await;
    let west = nave.workspace("west", "westus", json!({})).await;
    nave.workspace("east", "eastus", json!({})).await;
    assert_eq!(nave.compliance(S).await, Vec::<String>::new());
    let assignment = nave.policy("place", S, elsewhere(), "deny").await;
    assert_eq!(
        nave.compliance(S).await,
        ["place east Compliant", "place west NonCompliant"]
    );

    let exemption = format!("{RG}/{POLICY}/policyExemptions/for-now");
    let body = json!({ "properties": {
        "policyAssignmentId": assignment, "exemptionCategory": "Waiver", "expiresOn": "2026-11-24T13:00:00Z",
    }});
    nave.make(&exemption, body).await;
    assert_eq!(
        nave.compliance(S).await,
        ["place east Exempt", "place west Exempt"]
    );
    nave.later(3600);
    assert_eq!(
        nave.compliance(S).await,
        ["place east Compliant", "place west NonCompliant"]
    );

    nave.delete(&Caller::system(), &west).await;
    assert_eq!(nave.compliance(S).await, ["place east Compliant"]);
    nave.delete(&Caller::system(), &assignment).await;
    assert_eq!(nave.compliance(S).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_change_of_the_definition_changes_what_was_said() {
    let nave = Nave::start().await;
    nave.workspace("east", "eastus", json!({})).await;
    nave.policy("place", RG, elsewhere(), "audit").await;
    assert_eq!(nave.compliance(RG).await, ["place east Compliant"]);
    nave.define(
        "place",
        workspaces(json!({ "field": "location", "equals": "eastus" })),
        json!({ "effect": "audit" }),
    )
    .await;
    assert_eq!(nave.compliance(RG).await, ["place east NonCompliant"]);
}

#[tokio::test]
async fn only_what_changed_is_judged_again() {
    let nave = Nave::start().await;
    nave.workspace("one", "westus", json!({})).await;
    nave.workspace("two", "westus", json!({})).await;
    nave.policy("place", RG, elsewhere(), "audit").await;
    nave.policy("tag", RG, untagged(), "audit").await;
    let look = || {
        nave.engine
            .policy_states(&nave.engine.snapshot(), &Within::Below(vec![id(RG)]))
    };
    let before = look();
    let same = |after: &[nave_engine::policy::PolicyState]| -> Vec<String> {
        let kept = after.iter().filter(|now| {
            before
                .iter()
                .any(|then| Arc::ptr_eq(&then.judgement, &now.judgement))
        });
        kept.map(|state| format!("{} {}", state.assignment.id.name(), state.resource.id.name()))
            .collect()
    };
    assert_eq!(same(&look()), ["place one", "tag one", "place two", "tag two"]);
    nave.workspace("one", "westus", json!({ "team": "town" })).await;
    assert_eq!(same(&look()), ["place two", "tag two"]);
    nave.define("tag", untagged(), json!({ "effect": "disabled" }))
        .await;
    assert_eq!(same(&look()), ["place two"]);
}

#[tokio::test]
async fn a_group_that_changes_changes_what_is_said_of_what_is_in_it() {
    let nave = Nave::start().await;
    nave.workspace("one", "westus", json!({})).await;
    let of_group = json!({ "value": "[tryGet(resourceGroup(), 'tags', 'kind')]", "equals": "shared" });
    nave.policy("group", RG, workspaces(of_group), "audit").await;
    assert_eq!(nave.compliance(RG).await, ["group one Compliant"]);
    nave.make(RG, json!({ "location": "eastus", "tags": { "kind": "shared" } }))
        .await;
    assert_eq!(nave.compliance(RG).await, ["group one NonCompliant"]);
}

#[tokio::test]
async fn what_is_missing_beside_a_resource_makes_it_non_compliant() {
    let nave = Nave::start().await;
    let one = nave.workspace("one", "eastus", json!({})).await;
    nave.workspace("two", "eastus", json!({})).await;
    let then = json!({ "effect": "auditIfNotExists", "details": {
        "type": "Microsoft.Authorization/locks",
        "existenceCondition": { "field": "Microsoft.Authorization/locks/level", "equals": "CanNotDelete" },
    }});
    let definition = nave
        .define(
            "locked",
            workspaces(json!({ "field": "name", "notEquals": "x" })),
            then,
        )
        .await;
    nave.assign("locked", S, &definition, json!({})).await;
    assert_eq!(
        nave.compliance(S).await,
        ["locked one NonCompliant", "locked two NonCompliant"]
    );
    nave.make(
        &format!("{one}/{POLICY}/locks/l"),
        json!({ "properties": { "level": "ReadOnly" } }),
    )
    .await;
    assert_eq!(
        nave.compliance(S).await,
        ["locked one NonCompliant", "locked two NonCompliant"]
    );
    nave.make(
        &format!("{one}/{POLICY}/locks/l"),
        json!({ "properties": { "level": "CanNotDelete" } }),
    )
    .await;
    assert_eq!(
        nave.compliance(S).await,
        ["locked one Compliant", "locked two NonCompliant"]
    );
    let shown = nave.states(&one, "$expand=PolicyEvaluationDetails").await;
    assert_eq!(
        shown[0]["policyEvaluationDetails"]["ifNotExistsDetails"],
        json!({ "resourceId": format!("{one}/{POLICY}/locks/l"), "totalResources": 1 })
    );
}

#[tokio::test]
async fn a_person_vouches_until_the_attestation_expires() {
    let nave = Nave::start().await;
    let one = nave.workspace("one", "eastus", json!({})).await;
    let assignment = nave
        .policy(
            "trained",
            S,
            workspaces(json!({ "field": "name", "exists": true })),
            "manual",
        )
        .await;
    assert_eq!(nave.compliance(S).await, ["trained one Unknown"]);
    let attestation = format!("{one}/{INSIGHTS}/attestations/by-hand");
    let body = json!({ "properties": {
        "policyAssignmentId": assignment, "complianceState": "Compliant", "expiresOn": "2026-11-24T13:00:00Z",
        "evidence": [{ "description": "seen", "sourceUri": "https://example.com/seen" }],
    }});
    let made = nave.make(&attestation, body).await;
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
    assert_eq!(nave.compliance(S).await, ["trained one Compliant"]);
    let listed = nave
        .get(
            &Caller::system(),
            &format!("{RG}/{INSIGHTS}/attestations?$filter=policyAssignmentId eq '{assignment}'"),
        )
        .await;
    assert_eq!(
        listed.1["value"].as_array().map(Vec::len),
        Some(1),
        "{}",
        listed.1
    );
    nave.later(3600);
    assert_eq!(nave.compliance(S).await, ["trained one Unknown"]);
    let unknown =
        json!({ "properties": { "policyAssignmentId": format!("{S}/{POLICY}/policyAssignments/none") } });
    assert_eq!(nave.put_as(&Caller::system(), &attestation, unknown).await.0, 400);
}

#[tokio::test]
async fn policies_that_contradict_each_other_are_in_conflict() {
    let nave = Nave::start().await;
    nave.workspace("one", "eastus", json!({ "team": "other" })).await;
    for value in ["a", "b"] {
        let then = json!({ "effect": "modify", "details": {
            "roleDefinitionIds": ["/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"],
            "operations": [{ "operation": "addOrReplace", "field": "tags['team']", "value": value }],
        }});
        let condition = workspaces(json!({ "field": "tags['team']", "notEquals": value }));
        let definition = nave.define(value, condition, then).await;
        nave.assign_with(value, S, &definition, None, json!({})).await;
    }
    assert_eq!(nave.compliance(S).await, ["a one Conflict", "b one Conflict"]);
}
