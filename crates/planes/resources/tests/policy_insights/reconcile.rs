//! What `deployIfNotExists` wants beside a resource is deployed after the resource was written.

use nave_engine::Caller;
use nave_resources::policy_insights::settle;
use serde_json::{Value, json};

use crate::{
    common::{CONTRIBUTOR, Nave, OWNER, RG, S},
    kit::{INSIGHTS, locking, workspaces},
};

fn is_any() -> Value {
    workspaces(json!({ "field": "name", "exists": true }))
}

async fn is_locked(nave: &Nave, workspace: &str) -> bool {
    let lock = format!("{workspace}/providers/Microsoft.Authorization/locks/by-policy");
    nave.get(&Caller::system(), &lock).await.0 == 200
}

async fn deployments(nave: &Nave) -> Vec<Value> {
    let path = format!("{RG}/providers/Microsoft.Resources/deployments/");
    nave.get(&Caller::system(), &path).await.1["value"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

#[tokio::test]
async fn what_is_written_after_the_assignment_gets_what_it_lacks_once() {
    let nave = Nave::start().await;
    let before = nave.workspace("before", "eastus", json!({})).await;
    nave.later(1);
    let definition = nave
        .define("locking", is_any(), locking("AfterProvisioning"))
        .await;
    nave.assign_with("locking", S, &definition, Some(OWNER), json!({}))
        .await;
    let after = nave.workspace("after", "eastus", json!({})).await;
    settle(&nave.engine).await;
    assert!(is_locked(&nave, &after).await);
    assert!(
        !is_locked(&nave, &before).await,
        "what was there waits for a remediation"
    );
    assert_eq!(
        nave.compliance(S).await,
        ["locking after Compliant", "locking before NonCompliant"]
    );
    assert_eq!(deployments(&nave).await.len(), 1);

    // whoever takes it away has taken it away, until the resource is written again
    let lock = format!("{after}/providers/Microsoft.Authorization/locks/by-policy");
    nave.delete(&Caller::system(), &lock).await;
    settle(&nave.engine).await;
    settle(&nave.engine).await;
    assert!(!is_locked(&nave, &after).await);
    nave.later(1);
    nave.workspace("after", "eastus", json!({ "again": "yes" })).await;
    settle(&nave.engine).await;
    assert!(is_locked(&nave, &after).await);
    assert_eq!(deployments(&nave).await.len(), 2);
}

#[tokio::test]
async fn a_delay_is_waited_for_and_what_comes_meanwhile_counts() {
    let nave = Nave::start().await;
    let definition = nave.define("locking", is_any(), locking("PT10M")).await;
    nave.assign_with("locking", S, &definition, Some(OWNER), json!({}))
        .await;
    let slow = nave.workspace("slow", "eastus", json!({})).await;
    let own = nave.workspace("own", "eastus", json!({})).await;
    let lock = format!("{own}/providers/Microsoft.Authorization/locks/mine");
    nave.later(599);
    settle(&nave.engine).await;
    assert!(!is_locked(&nave, &slow).await);
    nave.make(&lock, json!({ "properties": { "level": "CanNotDelete" } }))
        .await;
    nave.later(1);
    settle(&nave.engine).await;
    assert!(is_locked(&nave, &slow).await);
    assert!(!is_locked(&nave, &own).await);
}

#[tokio::test]
async fn what_is_not_enforced_or_not_allowed_is_not_done_and_told() {
    let nave = Nave::start().await;
    let definition = nave
        .define("locking", is_any(), locking("AfterProvisioning"))
        .await;
    nave.assign_with(
        "quiet",
        S,
        &definition,
        Some(OWNER),
        json!({ "enforcementMode": "DoNotEnforce" }),
    )
    .await;
    let one = nave.workspace("one", "eastus", json!({})).await;
    settle(&nave.engine).await;
    assert_eq!(deployments(&nave).await.len(), 0);
    nave.assign_with("weak", S, &definition, Some(CONTRIBUTOR), json!({}))
        .await;
    nave.workspace("one", "eastus", json!({ "again": "yes" })).await;
    settle(&nave.engine).await;
    assert!(!is_locked(&nave, &one).await);
    nave.later(1);
    let path = format!(
        "{S}/{INSIGHTS}/policyEvents/default/queryResults?$filter=PolicyDefinitionAction eq 'deployIfNotExists'"
    );
    let told = nave.records(&path).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["policyAssignmentName"], "weak");
}
