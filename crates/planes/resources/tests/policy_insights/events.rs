//! What policies did to writes is in the log.

use nave_engine::Caller;
use serde_json::{Value, json};

use crate::{
    common::{Nave, RG, S, code},
    kit::{INSIGHTS, elsewhere, tagging, untagged},
};

fn text<'a>(record: &'a Value, name: &str) -> &'a str {
    record[name].as_str().unwrap_or_default()
}

#[tokio::test]
async fn what_was_denied_audited_and_changed_is_told() {
    let nave = Nave::start().await;
    nave.policy("place", S, elsewhere(), "deny").await;
    nave.policy("watch", S, untagged(), "audit").await;
    let tagging = nave.define("tagging", untagged(), tagging()).await;
    let west = format!("{RG}/providers/Microsoft.MachineLearningServices/workspaces/west");
    let refused = nave
        .put_as(&Caller::system(), &west, json!({ "location": "westus" }))
        .await;
    assert_eq!(
        (refused.0, code(&refused)),
        (403, "RequestDisallowedByPolicy"),
        "{}",
        refused.1
    );
    nave.workspace("plain", "eastus", json!({})).await;
    nave.assign_with("tagging", S, &tagging, None, json!({})).await;
    nave.workspace("tagged", "eastus", json!({})).await;
    nave.later(1);

    let path = format!(
        "{S}/{INSIGHTS}/policyEvents/default/queryResults?api-version=2019-10-01&$orderby=Timestamp asc"
    );
    let found = nave.records(&path).await;
    let mut told: Vec<String> = found
        .iter()
        .map(|one| {
            let resource = text(one, "resourceId").rsplit('/').next().unwrap_or_default();
            format!(
                "{} {resource} {}",
                text(one, "policyDefinitionAction"),
                text(one, "complianceState")
            )
        })
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "audit plain NonCompliant",
            "deny west NonCompliant",
            "modify tagged Compliant"
        ]
    );
    assert_eq!(found[0]["principalOid"], "system");

    let narrower = format!(
        "{west}/{INSIGHTS}/policyEvents/default/queryResults?$filter=PolicyDefinitionAction eq 'deny'"
    );
    assert_eq!(nave.records(&narrower).await.len(), 1);
    let earlier = format!("{S}/{INSIGHTS}/policyEvents/default/queryResults?$to=2026-11-23T00:00:00Z");
    assert_eq!(nave.records(&earlier).await.len(), 0);
}
