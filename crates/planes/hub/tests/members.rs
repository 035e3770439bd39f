//! Whoever gets a role on a project can see the hub and deploy into the group, for as long as that lasts.

mod common;

use common::{
    AI_DEVELOPER, CONTRIBUTOR, DEPLOYMENT_OPERATOR, Nave, OTHER_RG, READER, RG, S, code, project_of,
    workspace,
};
use nave_engine::Caller;
use serde_json::json;

#[tokio::test]
async fn a_member_sees_the_hub_until_he_is_none_any_more() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let project = nave.project("project", &hub).await;
    let developer = nave.user("developer").await;
    assert_eq!(code(&nave.get(&developer, &hub).await), "AuthorizationFailed");
    let membership = nave.give(developer.object_id, AI_DEVELOPER, &project).await;
    assert_eq!(nave.get(&developer, &hub).await.0, 200);
    assert!(nave.assigned(developer.object_id, DEPLOYMENT_OPERATOR, RG));
    assert_eq!(nave.delete(&Caller::system(), &membership).await.0, 200);
    assert_eq!(code(&nave.get(&developer, &hub).await), "AuthorizationFailed");
    assert!(!nave.assigned(developer.object_id, DEPLOYMENT_OPERATOR, RG));
}

#[tokio::test]
async fn the_last_cause_ends_it() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let here = nave.project("here", &hub).await;
    let there = workspace(OTHER_RG, "there");
    nave.make(&there, project_of(&hub)).await;
    let developer = nave.user("developer").await.object_id;
    let first = nave.give(developer, AI_DEVELOPER, &here).await;
    let second = nave.give(developer, CONTRIBUTOR, &here).await;
    let third = nave.give(developer, AI_DEVELOPER, &there).await;
    let held = |role, scope: &str| nave.assigned(developer, role, scope);
    nave.delete(&Caller::system(), &first).await;
    assert!(
        held(READER, &hub) && held(DEPLOYMENT_OPERATOR, RG),
        "he is still a Contributor here"
    );
    nave.delete(&Caller::system(), &second).await;
    assert!(held(READER, &hub), "he is still a member there");
    assert!(!held(DEPLOYMENT_OPERATOR, RG) && held(DEPLOYMENT_OPERATOR, OTHER_RG));
    nave.delete(&Caller::system(), &third).await;
    assert!(!held(READER, &hub) && !held(DEPLOYMENT_OPERATOR, OTHER_RG));
}

#[tokio::test]
async fn what_was_held_before_stays() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let project = nave.project("project", &hub).await;
    let auditor = nave.user_with("auditor", READER, &hub).await.object_id;
    let membership = nave.give(auditor, AI_DEVELOPER, &project).await;
    nave.delete(&Caller::system(), &membership).await;
    assert!(
        nave.assigned(auditor, READER, &hub),
        "somebody gave it on purpose"
    );
    assert!(!nave.assigned(auditor, DEPLOYMENT_OPERATOR, RG));
}

#[tokio::test]
async fn a_role_elsewhere_brings_nothing() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let project = nave.project("project", &hub).await;
    let connection = format!("{project}/connections/own");
    nave.make(
        &connection,
        json!({ "properties": { "category": "Git", "authType": "None" } }),
    )
    .await;
    for scope in [hub.as_str(), RG, &connection] {
        let somebody = nave.user_with("somebody", AI_DEVELOPER, scope).await.object_id;
        assert!(!nave.assigned(somebody, DEPLOYMENT_OPERATOR, RG), "{scope}");
    }
}

/// Whoever owns a hub writes its connections and gives roles on them; a connection that names a hub is no project.
#[tokio::test]
async fn only_a_project_makes_members() {
    let nave = Nave::start().await;
    let (own, foreign) = (nave.hub("own").await, nave.hub("foreign").await);
    for (name, target) in [("to-hub", foreign.as_str()), ("to-subscription", S)] {
        let connection = format!("{own}/connections/{name}");
        let properties = json!({ "category": "Git", "authType": "None", "hubResourceId": target });
        nave.make(&connection, json!({ "properties": properties })).await;
        let somebody = nave.user_with(name, AI_DEVELOPER, &connection).await.object_id;
        assert!(!nave.assigned(somebody, READER, target), "{target}");
        assert!(!nave.assigned(somebody, DEPLOYMENT_OPERATOR, RG), "{target}");
    }
}

#[tokio::test]
async fn a_deleted_project_leaves_no_membership() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let project = nave.project("project", &hub).await;
    let developer = nave.user("developer").await.object_id;
    nave.give(developer, AI_DEVELOPER, &project).await;
    nave.give(developer, READER, &project).await;
    assert_eq!(nave.delete(&Caller::system(), &project).await.0, 200);
    assert_eq!(
        nave.engine.snapshot().roles().assignments_of(developer).count(),
        0
    );
}
