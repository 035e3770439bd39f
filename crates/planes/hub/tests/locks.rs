//! Locks, where hubs and projects change more than what was asked for.

mod common;

use common::{
    AI_DEVELOPER, Answer, BLOB_CONTRIBUTOR, Nave, OTHER_RG, OWNER, READER, S, code, id, principal,
    project_of, workspace,
};
use nave_engine::{Put, locks::LOCKS};
use serde_json::json;

async fn lock(nave: &Nave, scope: &str, level: &str) {
    let lock = id(scope).extension(LOCKS, "keep");
    nave.put(Put::new(lock, json!({ "properties": { "level": level } })))
        .await;
}

#[track_caller]
fn assert_locked(answer: &Answer, scope: &str) {
    assert_eq!((answer.0, code(answer)), (409, "ScopeLocked"), "{}", answer.1);
    let message = answer.1["error"]["message"].as_str().expect("message");
    assert!(message.contains(&format!("are locked: '{scope}'")), "{message}");
}

#[tokio::test]
async fn a_hub_stays_while_a_project_of_it_is_locked_wherever_that_is() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let here = nave.project("here", &hub).await;
    let there = workspace(OTHER_RG, "there");
    nave.make(&there, project_of(&hub)).await;
    let owner = nave.user_with("owner", OWNER, S).await;
    lock(&nave, OTHER_RG, "CanNotDelete").await;
    assert_locked(&nave.delete(&owner, &hub).await, OTHER_RG);
    for path in [&hub, &here, &there] {
        assert_eq!(nave.get(&owner, path).await.0, 200, "{path}");
    }
    assert_eq!(nave.delete(&owner, &here).await.0, 200);
}

#[tokio::test]
async fn nobody_becomes_a_member_while_the_hub_is_read_only() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let project = nave.project("project", &hub).await;
    let owner = nave.user_with("owner", OWNER, S).await;
    let developer = nave.user("developer").await.object_id;
    lock(&nave, &hub, "ReadOnly").await;
    let path = format!(
        "{project}/providers/Microsoft.Authorization/roleAssignments/{}",
        uuid::Uuid::new_v4()
    );
    let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{AI_DEVELOPER}");
    let body = json!({ "properties": { "roleDefinitionId": role, "principalId": developer, "principalType": "User" } });
    assert_locked(&nave.put_as(&owner, &path, body.clone()).await, &hub);
    assert!(
        !nave.assigned(developer, AI_DEVELOPER, &project),
        "all or nothing"
    );
    nave.give(developer, READER, &hub).await;
    let given = nave.put_as(&owner, &path, body).await;
    assert_eq!(
        given.0, 201,
        "who sees the hub already changes nothing there: {}",
        given.1
    );
}

#[tokio::test]
async fn what_an_identity_had_goes_with_it_though_it_is_locked() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let project = nave.project("project", &hub).await;
    let owner = nave.user_with("owner", OWNER, S).await;
    let identity = principal(&nave.get(&owner, &project).await.1);
    let storage = nave.get(&owner, &hub).await.1["properties"]["storageAccount"].clone();
    let storage = storage.as_str().expect("storage");
    assert!(nave.assigned(identity, BLOB_CONTRIBUTOR, storage));
    lock(&nave, storage, "CanNotDelete").await;
    assert_eq!(nave.delete(&owner, &project).await.0, 200);
    assert!(!nave.assigned(identity, BLOB_CONTRIBUTOR, storage));
}
