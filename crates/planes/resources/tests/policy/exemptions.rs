//! Exemptions: until they end, and by who may make them.

use serde_json::{Value, json};
use uuid::{Uuid, uuid};

use crate::{common::*, kit::*};

const POLICY_CONTRIBUTOR: Uuid = uuid!("36243c78-bf99-498c-9df9-86d9f8d28608");

fn exempts(assignment: &str, more: Value) -> Value {
    let mut body =
        json!({ "properties": { "policyAssignmentId": assignment, "exemptionCategory": "Waiver" } });
    for (member, value) in more.as_object().into_iter().flatten() {
        body["properties"][member] = value.clone();
    }
    body
}

#[tokio::test]
async fn an_exemption_counts_until_it_ends() {
    let (nave, owner) = scene().await;
    let assignment = nave.impose(&owner, S, "no-public", deny_public()).await;
    let id = exemption_at(RG, "for-now");
    let (status, made) = nave.put_as(&owner, &id, exempts(&assignment, json!({}))).await;
    assert_eq!(
        (status, &made["properties"]["exemptionCategory"]),
        (201, &json!("Waiver")),
        "{made}"
    );
    assert_done(&nave.workspace(&owner, HUB, json!({})).await);
    let over = exempts(&assignment, json!({ "expiresOn": "2026-11-24T11:59:00Z" }));
    assert_eq!(nave.put_as(&owner, &id, over).await.0, 200);
    assert_denied(&nave.workspace(&owner, HUB, json!({})).await);
    let listed = nave
        .get(
            &owner,
            &format!("{S}/{AUTHORIZATION}/policyExemptions?$filter=excludeExpired()"),
        )
        .await;
    assert!(each(&listed, "/name").is_empty());
    let running = exempts(&assignment, json!({ "expiresOn": "2026-11-24T12:01:00Z" }));
    assert_eq!(nave.put_as(&owner, &id, running).await.0, 200);
    assert_done(&nave.workspace(&owner, HUB, json!({})).await);
    assert_eq!(nave.delete(&owner, &id).await.0, 200);
    assert_denied(&nave.workspace(&owner, HUB, json!({})).await);
}

#[tokio::test]
async fn an_exemption_from_a_set_may_name_what_it_is_from() {
    let (nave, owner) = scene().await;
    let network = nave.define(&owner, "network", deny_public()).await;
    let mut tagged = rule(
        json!({ "field": "tags['team']", "exists": false }),
        json!({ "effect": "deny" }),
    );
    tagged["properties"]["mode"] = "Indexed".into();
    let tagged = nave.define(&owner, "tagged", tagged).await;
    let members = json!([
        { "policyDefinitionId": network, "policyDefinitionReferenceId": "network" },
        { "policyDefinitionId": tagged, "policyDefinitionReferenceId": "tagged" },
    ]);
    let set = set_id(S, "both");
    assert_eq!(
        nave.put_as(
            &owner,
            &set,
            json!({ "properties": { "policyDefinitions": members } })
        )
        .await
        .0,
        201
    );
    let assignment = nave.assign(&owner, RG, &set, json!({})).await;
    let id = exemption_at(RG, "network");
    let body = exempts(
        &assignment,
        json!({ "policyDefinitionReferenceIds": ["network"] }),
    );
    assert_eq!(nave.put_as(&owner, &id, body).await.0, 201);
    let tagged = json!({ "location": "eastus", "tags": { "team": "red" } });
    assert_denied(&nave.workspace(&owner, HUB, json!({})).await);
    assert_done(&nave.put_as(&owner, HUB, tagged).await);
    let wrong = exempts(
        &assignment,
        json!({ "policyDefinitionReferenceIds": ["nothing"] }),
    );
    let refused = nave.put_as(&owner, &id, wrong).await;
    assert_eq!(
        (refused.0, code(&refused)),
        (400, "InvalidCreatePolicyExemptionRequest")
    );
}

#[tokio::test]
async fn what_an_exemption_must_be() {
    let (nave, owner) = scene().await;
    let assignment = nave.impose(&owner, RG, "no-public", deny_public()).await;
    let nothing = assignment_at(RG, "nothing");
    for (what, scope, body, expected) in [
        (
            "no such assignment",
            RG,
            exempts(&nothing, json!({})),
            (404, "PolicyAssignmentNotFound"),
        ),
        (
            "a scope that is not reached",
            S,
            exempts(&assignment, json!({})),
            (400, "InvalidCreatePolicyExemptionRequest"),
        ),
        (
            "no category",
            RG,
            exempts(&assignment, json!({ "exemptionCategory": "Mood" })),
            (400, "InvalidCreatePolicyExemptionRequest"),
        ),
        (
            "no date",
            RG,
            exempts(&assignment, json!({ "expiresOn": "tomorrow" })),
            (400, "InvalidCreatePolicyExemptionRequest"),
        ),
    ] {
        let refused = nave.put_as(&owner, &exemption_at(scope, "e"), body).await;
        assert_eq!((refused.0, code(&refused)), expected, "{what}: {}", refused.1);
    }
    let unchecked = exempts(
        &assignment,
        json!({ "assignmentScopeValidation": "DoNotValidate" }),
    );
    assert_done(&nave.put_as(&owner, &exemption_at(S, "e"), unchecked).await);
}

#[tokio::test]
async fn who_exempts_needs_the_right_to_where_the_assignment_is() {
    let (nave, owner) = scene().await;
    let assignment = nave.impose(&owner, S, "no-public", deny_public()).await;
    let body = exempts(&assignment, json!({}));
    let below = nave.user_with("below@contoso.com", POLICY_CONTRIBUTOR, RG).await;
    let refused = nave.put_as(&below, &exemption_at(RG, "e"), body.clone()).await;
    assert_eq!(
        (refused.0, code(&refused)),
        (403, "LinkedAuthorizationFailed"),
        "{}",
        refused.1
    );
    let above = nave.user_with("above@contoso.com", POLICY_CONTRIBUTOR, S).await;
    assert_done(&nave.put_as(&above, &exemption_at(RG, "e"), body.clone()).await);
    let contributor = nave.user_with("contributor@contoso.com", CONTRIBUTOR, S).await;
    assert_eq!(
        nave.put_as(&contributor, &exemption_at(RG, "f"), body).await.0,
        403
    );
}
