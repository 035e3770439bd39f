//! An assignment at a hub judges its projects, wherever they are (features POL-01).

use serde_json::{Value, json};

use crate::{common::*, kit::*};

fn project_in(group: &str, name: &str) -> String {
    format!("{group}/providers/{WORKSPACE}/{name}")
}

fn project_of(hub: &str, properties: Value) -> Value {
    let mut body = json!({ "location": "eastus", "kind": "Project", "properties": properties });
    body["properties"]["hubResourceId"] = hub.into();
    body
}

async fn with_hub() -> (Nave, nave_engine::Caller, [String; 3]) {
    let (nave, owner) = scene().await;
    let groups = [
        RG.to_owned(),
        format!("{S}/resourceGroups/other"),
        format!("{OTHER}/resourceGroups/far"),
    ];
    for group in &groups[1..] {
        nave.make(group, json!({ "location": "eastus" })).await;
    }
    assert_done(
        &nave
            .put_as(&owner, HUB, json!({ "location": "eastus", "kind": "Hub" }))
            .await,
    );
    (nave, owner, groups)
}

#[tokio::test]
async fn projects_in_any_group_and_subscription_are_judged_by_what_is_assigned_at_their_hub() {
    let (nave, owner, groups) = with_hub().await;
    nave.impose(&owner, HUB, "no-public", deny_public()).await;
    for (at, group) in groups.iter().enumerate() {
        let id = project_in(group, &format!("project{at}"));
        assert_denied(&nave.put_as(&owner, &id, project_of(HUB, json!({}))).await);
        let closed = project_of(HUB, json!({ "publicNetworkAccess": "Disabled" }));
        assert_done(&nave.put_as(&owner, &id, closed).await);
        assert_denied(
            &nave
                .patch(
                    &owner,
                    &id,
                    json!({ "properties": { "publicNetworkAccess": "Enabled" } }),
                )
                .await,
        );
    }
    let stranger = project_in(&groups[1], "plain");
    assert_done(&nave.workspace(&owner, &stranger, json!({})).await);
}

#[tokio::test]
async fn members_of_a_body_are_found_in_any_case() {
    let (nave, owner, groups) = with_hub().await;
    nave.impose(&owner, HUB, "no-public", deny_public()).await;
    let odd = json!({ "location": "eastus", "Kind": "project", "Properties": { "HUBRESOURCEID": HUB } });
    assert_denied(&nave.put_as(&owner, &project_in(&groups[2], "odd"), odd).await);
}

#[tokio::test]
async fn what_stands_above_the_hub_does_not_come_with_it() {
    let (nave, owner, groups) = with_hub().await;
    nave.impose(&owner, RG, "no-public", deny_public()).await;
    let far = project_in(&groups[2], "far");
    assert_done(&nave.put_as(&owner, &far, project_of(HUB, json!({}))).await);
}

#[tokio::test]
async fn a_project_can_be_left_out_or_exempt() {
    let (nave, owner, groups) = with_hub().await;
    let (left_out, exempt) = (
        project_in(&groups[1], "left-out"),
        project_in(&groups[2], "exempt"),
    );
    for project in [&left_out, &exempt] {
        assert_done(&nave.put_as(&owner, project, project_of(HUB, json!({}))).await);
    }
    let definition = nave.define(&owner, "no-public", deny_public()).await;
    let assignment = nave
        .assign(&owner, HUB, &definition, json!({ "notScopes": [left_out] }))
        .await;
    assert_done(&nave.put_as(&owner, &left_out, project_of(HUB, json!({}))).await);
    assert_denied(&nave.put_as(&owner, &exempt, project_of(HUB, json!({}))).await);
    let exemption =
        json!({ "properties": { "policyAssignmentId": assignment, "exemptionCategory": "Waiver" } });
    assert_done(
        &nave
            .put_as(&owner, &exemption_at(&exempt, "later"), exemption)
            .await,
    );
    assert_done(&nave.put_as(&owner, &exempt, project_of(HUB, json!({}))).await);
    let listed = nave
        .get(
            &owner,
            &format!("{exempt}/{AUTHORIZATION}/policyAssignments?$filter=atScope()"),
        )
        .await;
    assert_eq!(
        each(&listed, "/id"),
        [assignment.as_str()],
        "a project shows what it has from its hub"
    );
}
