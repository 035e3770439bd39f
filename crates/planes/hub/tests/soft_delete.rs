//! Hubs and projects that were deleted: kept for a while, blocked names, and whole when they come back.

mod common;

use std::sync::Arc;

use common::*;
use http::Method;
use jiff::SignedDuration;
use nave_engine::Caller;
use serde_json::{Value, json};

const PROVIDER: &str = "providers/Microsoft.MachineLearningServices";

fn deleted(name: &str) -> String {
    format!("{S}/{PROVIDER}/locations/eastus/resourceGroups/rg/deletedWorkspaces/{name}")
}

fn recover() -> Value {
    json!({ "location": "eastus", "properties": { "allowRecoverSoftDeletedWorkspace": true } })
}

fn hub_body() -> Value {
    json!({ "location": "eastus", "kind": "Hub", "properties": { "softDeleteEnabled": "false", "description": "ours" } })
}

fn connection(workspace: &str, name: &str) -> String {
    format!("{workspace}/connections/{name}")
}

fn key_connection(key: &str) -> Value {
    json!({ "properties": {
        "authType": "ApiKey", "category": "AzureOpenAI", "target": "https://a.test/", "credentials": { "key": key },
    } })
}

async fn secret(nave: &Nave, caller: &Caller, connection: &str) -> Answer {
    nave.post(caller, &format!("{connection}/listsecrets"), Value::Null)
        .await
}

async fn all_deleted(nave: &Nave, caller: &Caller) -> Answer {
    nave.get(caller, &format!("{S}/{PROVIDER}/deletedWorkspaces"))
        .await
}

/// A hub with a connection, and a project in it with a connection and a member.
struct Scene {
    nave: Nave,
    owner: Caller,
    member: Caller,
    hub: String,
    project: String,
}

async fn scene() -> Scene {
    let nave = Nave::start().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, RG).await;
    let (hub, project) = (workspace(RG, "hub"), workspace(RG, "alpha"));
    let made = nave.put_as(&owner, &hub, hub_body()).await;
    assert_eq!(made.0, 200, "{}", made.1);
    let made = nave.put_as(&owner, &project, project_of(&hub)).await;
    assert_eq!(made.0, 200, "{}", made.1);
    for (at, key) in [(&hub, "H-canary"), (&project, "P-canary")] {
        let made = nave
            .put_as(&owner, &connection(at, "model"), key_connection(key))
            .await;
        assert_eq!(made.0, 200, "{}", made.1);
    }
    let member = nave.user("member@contoso.com").await;
    nave.give(member.object_id, AI_DEVELOPER, &project).await;
    Scene {
        nave,
        owner,
        member,
        hub,
        project,
    }
}

/// Everything of the scene that is stored, but for what changes with each write.
fn all(nave: &Nave) -> Vec<(String, Value, Value, Vec<String>)> {
    let snapshot = nave.engine.snapshot();
    let rows = snapshot.below(&id("/"));
    rows.map(|row| {
        let mut claims = row.claims.clone();
        claims.sort_unstable();
        (row.id.to_string(), row.sent.clone(), row.own.clone(), claims)
    })
    .collect()
}

#[tokio::test]
async fn a_hub_comes_back_with_its_projects_and_all_that_was_theirs() {
    let Scene {
        nave,
        owner,
        member,
        hub,
        project,
    } = scene().await;
    let before = all(&nave);
    let identity = principal(&nave.get(&owner, &hub).await.1);
    assert!(nave.assigned(identity, AI_ADMINISTRATOR, RG));
    assert!(nave.assigned(member.object_id, READER, &hub));

    assert_eq!(nave.delete(&owner, &hub).await.0, 200);
    let snapshot = nave.engine.snapshot();
    for gone in [
        &hub,
        &project,
        &connection(&hub, "model"),
        &connection(&project, "model"),
    ] {
        assert!(snapshot.get(&id(gone)).is_none(), "{gone}");
    }
    assert!(
        snapshot.principal(identity).is_none(),
        "its identity signs nobody in"
    );
    assert!(!nave.assigned(identity, AI_ADMINISTRATOR, RG));
    let listed = all_deleted(&nave, &owner).await;
    assert_eq!(names(&listed), ["hub"], "the project is kept with its hub");
    let shown = nave.get(&owner, &deleted("hub")).await;
    assert_eq!(shown.1["properties"]["provisioningState"], "SoftDeleted");
    assert_eq!(shown.1["properties"]["softDeletedAt"], "2026-11-24T12:00:00Z");
    assert_eq!(
        shown.1["properties"]["scheduledPurgeDate"],
        "2026-12-08T12:00:00Z"
    );
    assert_eq!(shown.1["kind"], "Hub");
    for canary in ["H-canary", "P-canary"] {
        assert!(!listed.1.to_string().contains(canary) && !shown.1.to_string().contains(canary));
        assert!(!nave.holds(canary), "{canary} is in the data directory");
    }

    let nave = nave.restart().await;
    let back = nave.put_as(&owner, &hub, recover()).await;
    assert_eq!(back.0, 200, "{}", back.1);
    assert_eq!(back.1["properties"]["description"], "ours");
    assert_eq!(all(&nave), before);
    for (at, key) in [(&hub, "H-canary"), (&project, "P-canary")] {
        let (status, told) = secret(&nave, &owner, &connection(at, "model")).await;
        assert_eq!(
            (status, &told["properties"]["credentials"]["key"]),
            (200, &json!(key))
        );
    }
    assert!(names(&all_deleted(&nave, &owner).await).is_empty());
}

#[tokio::test]
async fn the_name_stays_taken_and_the_refusal_says_what_helps() {
    let Scene {
        nave,
        owner,
        hub,
        project,
        ..
    } = scene().await;
    nave.delete(&owner, &hub).await;
    for (path, body) in [(&hub, hub_body()), (&project, hub_body())] {
        let refused = nave.put_as(&owner, path, body).await;
        assert_eq!((refused.0, code(&refused)), (409, "Conflict"), "{}", refused.1);
        let message = refused.1["error"]["message"].as_str().expect("a message");
        assert!(message.starts_with("Soft-deleted workspace exists"), "{message}");
        assert!(
            message.contains(&format!("DELETE {hub}?forceToPurge=true")),
            "{message}"
        );
    }
    let alone = nave.put_as(&owner, &project, recover()).await;
    assert_eq!(
        (alone.0, code(&alone)),
        (409, "Conflict"),
        "a project comes back with its hub"
    );
    assert_eq!(nave.delete(&owner, &hub).await.0, 204, "it is deleted already");
    assert_eq!(
        nave.delete(&owner, &format!("{hub}?forceToPurge=true")).await.0,
        200
    );
    assert_eq!(
        nave.put_as(&owner, &hub, hub_body()).await.0,
        200,
        "the name is free at once"
    );
    assert_eq!(nave.put_as(&owner, &project, project_of(&hub)).await.0, 200);
    assert_eq!(secret(&nave, &owner, &connection(&hub, "model")).await.0, 404);
}

#[tokio::test]
async fn to_delete_for_good_leaves_nothing() {
    let Scene { nave, owner, hub, .. } = scene().await;
    assert_eq!(
        nave.delete(&owner, &format!("{hub}?forceToPurge=true")).await.0,
        200
    );
    assert!(names(&all_deleted(&nave, &owner).await).is_empty());
    assert_eq!(nave.put_as(&owner, &hub, hub_body()).await.0, 200);
}

#[tokio::test]
async fn retention_is_the_hubs_and_none_keeps_nothing() {
    let Scene {
        nave,
        owner,
        hub,
        project,
        ..
    } = scene().await;
    let keep = |days: Value| json!({ "properties": { "softDeleteRetentionInDays": days } });
    for wrong in [json!(91), json!(-1), json!("long")] {
        assert_eq!(
            nave.patch(&owner, &hub, keep(wrong.clone())).await.0,
            400,
            "{wrong}"
        );
    }
    assert_eq!(nave.patch(&owner, &hub, keep(json!("3"))).await.0, 200);
    nave.delete(&owner, &project).await;
    let shown = nave.get(&owner, &deleted("alpha")).await;
    assert_eq!(
        shown.1["properties"]["scheduledPurgeDate"],
        "2026-11-27T12:00:00Z"
    );
    nave.world.advance(SignedDuration::from_hours(72));
    let nave = nave.restart().await;
    nave.engine.purge_what_is_over().await.expect("a look");
    assert!(nave.engine.snapshot().get(&id(&deleted("alpha"))).is_none());
    assert_eq!(nave.put_as(&owner, &project, project_of(&hub)).await.0, 200);
    assert_eq!(nave.patch(&owner, &hub, keep(json!(0))).await.0, 200);
    nave.delete(&owner, &hub).await;
    assert!(names(&all_deleted(&nave, &owner).await).is_empty());
}

#[tokio::test]
async fn a_project_that_was_deleted_by_itself_needs_its_hub() {
    let Scene {
        nave,
        owner,
        member,
        hub,
        project,
    } = scene().await;
    nave.delete(&owner, &project).await;
    assert!(
        !nave.assigned(member.object_id, READER, &hub),
        "who was a member is none"
    );
    nave.delete(&owner, &hub).await;
    assert_eq!(names(&all_deleted(&nave, &owner).await), ["alpha", "hub"]);
    let early = nave.put_as(&owner, &project, recover()).await;
    assert_eq!(
        (early.0, code(&early)),
        (400, "InvalidResourceReference"),
        "{}",
        early.1
    );
    assert_eq!(nave.put_as(&owner, &hub, recover()).await.0, 200);
    assert_eq!(nave.get(&owner, &project).await.0, 404);
    assert_eq!(nave.put_as(&owner, &project, recover()).await.0, 200);
    assert!(nave.assigned(member.object_id, READER, &hub));
}

#[tokio::test]
async fn what_follows_from_a_role_follows_again() {
    let Scene {
        nave,
        owner,
        member,
        hub,
        project,
    } = scene().await;
    // the member's reading of the hub followed from both projects, and ended with the second
    let other = workspace(RG, "beta");
    nave.put_as(&owner, &other, project_of(&hub)).await;
    nave.give(member.object_id, AI_DEVELOPER, &other).await;
    nave.delete(&owner, &project).await;
    assert!(nave.assigned(member.object_id, READER, &hub));
    nave.delete(&owner, &other).await;
    assert!(!nave.assigned(member.object_id, READER, &hub));
    assert_eq!(nave.put_as(&owner, &project, recover()).await.0, 200);
    assert!(nave.assigned(member.object_id, READER, &hub));
    assert!(nave.assigned(member.object_id, DEPLOYMENT_OPERATOR, RG));
}

#[tokio::test]
async fn who_may_recover_a_hub_is_who_may_create_it() {
    let Scene { nave, owner, hub, .. } = scene().await;
    let writer = nave.user_with("writer@contoso.com", CUSTOM_ALL, RG).await;
    let contributor = nave.user_with("contributor@contoso.com", CONTRIBUTOR, RG).await;
    nave.delete(&owner, &hub).await;
    let refused = nave.put_as(&writer, &hub, recover()).await;
    assert_eq!(
        refused.0, 403,
        "no custom role stands in for Owner or Contributor: {}",
        refused.1
    );
    assert_eq!(nave.put_as(&contributor, &hub, recover()).await.0, 200);
    assert!(
        nave.assigned(owner.object_id, OWNER, &hub),
        "the owner is whoever it was"
    );
}

#[tokio::test]
async fn with_a_group_goes_what_is_in_it_and_comes_back_when_the_group_does() {
    let Scene {
        nave, hub, project, ..
    } = scene().await;
    let system = Caller::system();
    assert_eq!(nave.delete(&system, RG).await.0, 200);
    assert_eq!(
        names(&all_deleted(&nave, &system).await),
        ["hub"],
        "projects go with their hub"
    );
    let early = nave.put_as(&system, &hub, recover()).await;
    assert_eq!((early.0, code(&early)), (404, "ResourceGroupNotFound"));
    nave.make(RG, json!({ "location": "eastus" })).await;
    let back = nave.put_as(&system, &hub, recover()).await;
    assert_eq!(back.0, 200, "{}", back.1);
    assert_eq!(nave.get(&system, &project).await.0, 200);
    assert!(nave.assigned(principal(&back.1), AI_ADMINISTRATOR, RG));
    assert!(
        nave.engine.snapshot().get(&id(&project)).is_some(),
        "what the storage account held is another matter"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_is_recovered_once() {
    let Scene {
        nave,
        owner,
        hub,
        project,
        ..
    } = scene().await;
    let nave = Arc::new(nave);
    for round in 0..10 {
        nave.delete(&owner, &hub).await;
        let tries: Vec<_> = (0..4)
            .map(|_| {
                let (nave, owner, hub) = (nave.clone(), owner.clone(), hub.clone());
                tokio::spawn(async move { nave.ask(&owner, Method::PUT, &hub, recover()).await })
            })
            .collect();
        for one in tries {
            let answer = one.await.expect("an answer");
            // who comes later finds it there, and writes a plain workspace over a hub
            assert!(matches!(answer.0, 200 | 400), "round {round}: {answer:?}");
        }
        assert_eq!(nave.get(&owner, &project).await.0, 200, "round {round}");
    }
}
