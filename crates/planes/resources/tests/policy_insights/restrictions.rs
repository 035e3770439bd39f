//! What policies would say of a resource that is about to be written.

use serde_json::{Value, json};

use crate::{
    common::{Nave, RG, S, code},
    kit::{INSIGHTS, elsewhere, tagging, untagged},
};

#[tokio::test]
async fn a_form_is_told_what_policies_take() {
    let nave = Nave::start().await;
    nave.policy("place", S, elsewhere(), "deny").await;
    nave.policy("watch", S, untagged(), "audit").await;
    let definition = nave.define("tagging", untagged(), tagging()).await;
    nave.assign_with("tagging", S, &definition, None, json!({})).await;
    let path = format!("{RG}/{INSIGHTS}/checkPolicyRestrictions?api-version=2023-03-01");
    let body = json!({
        "resourceDetails": {
            "resourceContent": { "type": "Microsoft.MachineLearningServices/workspaces", "location": "westus" },
            "apiVersion": "2024-10-01",
        },
        "pendingFields": [
            { "field": "location", "values": ["eastus", "westus2"] },
            { "field": "tags['team']" },
            { "field": "name", "values": ["any"] },
        ],
        "includeAuditEffect": true,
    });
    let (status, answer) = nave.post(&path, body).await;
    assert_eq!(status, 200, "{answer}");
    let effects: Vec<&Value> = answer["contentEvaluationResult"]["policyEvaluations"]
        .as_array()
        .expect("evaluations")
        .iter()
        .map(|one| &one["effectDetails"]["policyEffect"])
        .collect();
    assert_eq!(effects, ["deny", "audit"]);
    let restrictions = answer["fieldRestrictions"].as_array().expect("restrictions");
    let of = |field: &str| {
        restrictions
            .iter()
            .find(|one| one["field"] == field)
            .map(|one| one["restrictions"].clone())
    };
    let place = of("location").expect("of the location");
    assert_eq!(
        (&place[0]["result"], &place[0]["values"]),
        (&json!("Deny"), &json!(["westus2"]))
    );
    assert_eq!(place.as_array().map(Vec::len), Some(1));
    let tag = of("tags['team']").expect("of the tag");
    assert_eq!(
        (&tag[0]["result"], &tag[0]["defaultValue"]),
        (&json!("Required"), &json!("town"))
    );

    let nothing = nave.post(&path, json!({ "resourceDetails": {} })).await;
    assert_eq!(code(&nothing), "InvalidRequestContent");
}
