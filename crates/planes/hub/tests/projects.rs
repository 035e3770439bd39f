//! Projects: who makes them and where, what they have from their hub, what they bring.

mod common;

use std::sync::Arc;

use common::{
    AI_DEVELOPER, BLOB_CONTRIBUTOR, CONTRIBUTOR, CUSTOM_JOIN, CUSTOM_JOIN_SHORT, CUSTOM_WRITE,
    DEPLOYMENT_OPERATOR, Nave, OTHER_RG, OWNER, READER, RG, S, code, id, principal, project_of, workspace,
};
use http::Method;
use nave_engine::{Caller, EventQuery, Guard, Read, declaration::Draft};
use serde_json::{Value, json};

fn join_path(hub: &str, project: &str) -> String {
    format!("/rp/workspaces{hub}/join/{project}")
}

#[tokio::test]
async fn to_create_a_project_one_joins_its_hub() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    // a role at the hub, a role at the target group; refusals in the hub's default group and in another
    for (name, at_hub, at_group, in_default, in_other) in [
        ("none", None, None, "AuthorizationFailed", "AuthorizationFailed"),
        (
            "reader",
            Some(READER),
            Some(READER),
            "AuthorizationFailed",
            "AuthorizationFailed",
        ),
        ("lead", Some(AI_DEVELOPER), None, "", "AuthorizationFailed"),
        ("joiner", Some(CUSTOM_JOIN), None, "", "AuthorizationFailed"),
        (
            "joiner-short",
            Some(CUSTOM_JOIN_SHORT),
            None,
            "",
            "AuthorizationFailed",
        ),
        ("manager", Some(CONTRIBUTOR), None, "", "AuthorizationFailed"),
        (
            "writer",
            None,
            Some(CUSTOM_WRITE),
            "LinkedAuthorizationFailed",
            "LinkedAuthorizationFailed",
        ),
        ("both", Some(CUSTOM_JOIN), Some(CUSTOM_WRITE), "", ""),
    ] {
        let caller = nave.user(name).await;
        for (role, scopes) in [(at_hub, vec![hub.as_str()]), (at_group, vec![RG, OTHER_RG])] {
            for scope in scopes {
                if let Some(role) = role {
                    nave.give(caller.object_id, role, scope).await;
                }
            }
        }
        for (group, expected) in [(OTHER_RG, in_other), (RG, in_default)] {
            let path = workspace(group, &format!("project-{name}"));
            let answer = nave.put_as(&caller, &path, project_of(&hub)).await;
            assert_eq!(code(&answer), expected, "{name} in {group}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn who_may_only_join_creates_through_the_data_plane_too() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let mut lead = nave.user_with("lead", AI_DEVELOPER, &hub).await;
    lead.audience = String::from("https://ml.azure.com");
    for (method, name) in [(Method::PUT, "one"), (Method::POST, "two")] {
        let body = json!({ "location": "eastus", "kind": "project", "properties": { "friendlyName": name } });
        let (status, project) = nave.ask(&lead, method, &join_path(&hub, name), body).await;
        assert_eq!(
            (status, &project["id"]),
            (200, &json!(workspace(RG, name))),
            "{project}"
        );
        assert!(
            nave.assigned(lead.object_id, OWNER, &workspace(RG, name)),
            "the creator owns it"
        );
    }
    let stranger = nave.user("stranger").await;
    let refused = nave
        .ask(&stranger, Method::PUT, &join_path(&hub, "three"), json!({}))
        .await;
    assert_eq!(code(&refused), "AuthorizationFailed");
    let taken = nave.user_with("another", AI_DEVELOPER, &hub).await;
    let refused = nave
        .ask(&taken, Method::PUT, &join_path(&hub, "one"), json!({}))
        .await;
    assert_eq!(
        code(&refused),
        "AuthorizationFailed",
        "joining changes no project of somebody else's"
    );
    let nothing = nave
        .ask(
            &Caller::system(),
            Method::PUT,
            &join_path(&workspace(RG, "none"), "four"),
            json!({}),
        )
        .await;
    assert_eq!(code(&nothing), "ResourceNotFound");
}

#[tokio::test]
async fn the_hubs_log_says_who_made_which_project() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let lead = nave.user_with("lead", AI_DEVELOPER, &hub).await;
    let project = workspace(RG, "project");
    nave.put_as(&lead, &project, project_of(&hub)).await;
    let grant = nave.engine.on_own_account::<Read>("test", &id(&hub));
    let events = nave
        .engine
        .events(&grant, EventQuery::default())
        .await
        .expect("events");
    let newest = &events[0];
    assert_eq!(
        (
            newest.operation.as_str(),
            newest.resource.as_str(),
            newest.caller_name.as_str()
        ),
        (
            "Microsoft.MachineLearningServices/workspaces/write",
            project.as_str(),
            "lead"
        )
    );
}

#[tokio::test]
async fn a_hub_may_name_another_group_for_its_projects() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let lead = nave.user_with("lead", AI_DEVELOPER, &hub).await;
    let config =
        json!({ "properties": { "workspaceHubConfig": { "defaultWorkspaceResourceGroup": "other" } } });
    let answer = nave.patch(&Caller::system(), &hub, config).await;
    assert_eq!(
        answer.1["properties"]["workspaceHubConfig"]["defaultWorkspaceResourceGroup"],
        json!(OTHER_RG)
    );
    assert_eq!(
        code(&nave.put_as(&lead, &workspace(RG, "here"), project_of(&hub)).await),
        "AuthorizationFailed"
    );
    assert_eq!(
        nave.put_as(&lead, &workspace(OTHER_RG, "there"), project_of(&hub))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn a_project_shows_what_its_hub_says_now() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let project = nave.project("project", &hub).await;
    let system = Caller::system();
    let etag = nave.get(&system, &project).await.1["etag"].clone();
    let change = json!({ "properties": {
        "publicNetworkAccess": "Disabled", "managedNetwork": { "isolationMode": "AllowInternetOutbound" },
    } });
    assert_eq!(nave.patch(&system, &hub, change).await.0, 200);
    let (of_hub, of_project) = (
        nave.get(&system, &hub).await.1,
        nave.get(&system, &project).await.1,
    );
    assert_eq!(of_project["properties"]["publicNetworkAccess"], json!("Disabled"));
    for name in [
        "storageAccount",
        "keyVault",
        "managedNetwork",
        "encryption",
        "publicNetworkAccess",
    ] {
        assert_eq!(
            of_project["properties"][name], of_hub["properties"][name],
            "{name}"
        );
    }
    assert_eq!(of_project["etag"], etag, "the project itself did not change");
    assert_ne!(
        of_project["properties"]["workspaceId"],
        of_hub["properties"]["workspaceId"]
    );
    assert_eq!(of_project["location"], json!("eastus"), "filled in from the hub");
    assert_eq!(of_project["kind"], json!("Project"));
}

#[tokio::test]
async fn a_project_may_repeat_its_hub_and_not_contradict_it() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let system = Caller::system();
    let path = workspace(RG, "project");
    let with = |name: &str, value: Value| {
        let mut body = project_of(&hub);
        body["properties"][name] = value;
        body
    };
    let storage = nave.get(&system, &hub).await.1["properties"]["storageAccount"].clone();
    for (name, value, expected) in [
        (
            "publicNetworkAccess",
            json!("PublicNetworkAccessType.ENABLED"),
            "",
        ),
        ("storageAccount", storage, ""),
        (
            "managedNetwork",
            json!({ "isolationMode": "Disabled", "outboundRules": {} }),
            "",
        ),
        ("encryption", json!({ "status": "Disabled" }), ""),
        ("publicNetworkAccess", json!("Disabled"), "InheritedFromHub"),
        (
            "managedNetwork",
            json!({ "isolationMode": "AllowInternetOutbound" }),
            "InheritedFromHub",
        ),
        ("hbiWorkspace", json!(true), "InheritedFromHub"),
    ] {
        let answer = nave.put_as(&system, &path, with(name, value.clone())).await;
        assert_eq!(code(&answer), expected, "{name} {value}: {answer:?}");
    }
    let isolated =
        json!({ "properties": { "managedNetwork": { "isolationMode": "AllowOnlyApprovedOutbound" } } });
    assert_eq!(nave.patch(&system, &hub, isolated).await.0, 200);
    let again = nave.put_as(&system, &path, project_of(&hub)).await;
    assert_eq!(
        again.1["properties"]["managedNetwork"]["isolationMode"],
        json!("AllowOnlyApprovedOutbound")
    );
}

#[tokio::test]
async fn a_project_needs_a_hub_where_it_is() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let project = nave.project("first", &hub).await;
    let plain = workspace(RG, "plain");
    nave.make(&plain, json!({ "location": "eastus" })).await;
    let other = nave.hub("other").await;
    let with = |hub: Value, location: &str| json!({ "kind": "project", "location": location, "properties": { "hubResourceId": hub } });
    for (body, expected) in [
        (
            json!({ "kind": "Project", "location": "eastus" }),
            "InvalidRequestFormat",
        ),
        (with(json!(""), "eastus"), "InvalidRequestFormat"),
        (with(json!("hub"), "eastus"), "LinkedInvalidPropertyId"),
        (
            with(json!(workspace(RG, "none")), "eastus"),
            "InvalidResourceReference",
        ),
        (with(json!(plain), "eastus"), "InvalidResourceReference"),
        (with(json!(project), "eastus"), "InvalidResourceReference"),
        (with(json!(hub), "westus"), "LocationMismatch"),
        (with(json!(hub), "East US"), ""),
    ] {
        let answer = nave
            .put_as(&Caller::system(), &workspace(RG, "project"), body.clone())
            .await;
        assert_eq!(code(&answer), expected, "{body}: {answer:?}");
    }
    let moved = nave
        .put_as(
            &Caller::system(),
            &workspace(RG, "project"),
            with(json!(other), "eastus"),
        )
        .await;
    assert_eq!(
        (moved.0, &moved.1["error"]["target"]),
        (400, &json!("properties.hubResourceId"))
    );
}

#[tokio::test]
async fn a_projects_identity_reaches_its_own_containers() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let project = nave.project("project", &hub).await;
    let system = Caller::system();
    let shown = nave.get(&system, &project).await.1;
    let storage = shown["properties"]["storageAccount"]
        .as_str()
        .expect("an id")
        .to_owned();
    let guid = shown["properties"]["workspaceId"]
        .as_str()
        .expect("a guid")
        .to_owned();
    assert!(nave.assigned(principal(&shown), BLOB_CONTRIBUTOR, &storage));
    let snapshot = nave.engine.snapshot();
    let assignment = snapshot
        .roles()
        .assignment_of(principal(&shown), BLOB_CONTRIBUTOR, &id(&storage))
        .expect("one");
    let row = snapshot.get(&assignment.id()).expect("its row");
    let condition = row.text("/properties/condition").expect("a condition");
    assert!(condition.contains(&guid), "{condition}");

    let blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
    let container = "Microsoft.Storage/storageAccounts/blobServices/containers:name";
    for action in [
        "read",
        "write",
        "delete",
        "add/action",
        "move/action",
        "tags/read",
    ] {
        for (name, expected) in [
            (format!("{guid}-azureml-blobstore"), true),
            (String::from("other-azureml"), false),
        ] {
            let attributes = nave_engine::rbac::Attributes::new().with(
                nave_engine::rbac::Source::Resource,
                container,
                name.as_str(),
            );
            let request = nave_engine::rbac::AccessRequest {
                principal: principal(&shown),
                operation: &format!("{blobs}/{action}"),
                plane: nave_engine::rbac::Plane::Data,
                scope: &id(&storage),
                sub_operation: None,
                attributes: &attributes,
                surroundings: &(),
            };
            let allowed = snapshot.roles().evaluate(&request).is_allowed();
            let granted = action != "tags/read";
            assert_eq!(allowed, expected && granted, "{action} in {name}");
        }
    }
}

#[tokio::test]
async fn what_a_project_brought_goes_with_it() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let lead = nave.user_with("lead", AI_DEVELOPER, &hub).await;
    let path = workspace(RG, "project");
    let (_, project) = nave.put_as(&lead, &path, project_of(&hub)).await;
    for (role, scope) in [
        (OWNER, path.as_str()),
        (READER, hub.as_str()),
        (DEPLOYMENT_OPERATOR, RG),
    ] {
        assert!(
            nave.assigned(lead.object_id, role, scope),
            "the creator is a member: {scope}"
        );
    }
    assert_eq!(nave.delete(&lead, &path).await.0, 200);
    assert!(nave.engine.snapshot().principal(principal(&project)).is_none());
    assert_eq!(
        nave.engine
            .snapshot()
            .roles()
            .assignments_of(principal(&project))
            .count(),
        0
    );
    for (role, scope) in [
        (OWNER, path.as_str()),
        (READER, hub.as_str()),
        (DEPLOYMENT_OPERATOR, RG),
    ] {
        assert!(!nave.assigned(lead.object_id, role, scope), "{scope}");
    }
    assert!(
        nave.assigned(lead.object_id, AI_DEVELOPER, &hub),
        "what somebody gave by hand stays"
    );
}

#[tokio::test]
async fn roles_do_not_pass_from_the_hub_to_its_projects() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let project = nave.project("project", &hub).await;
    let owner = nave.user_with("owner", OWNER, &hub).await;
    assert_eq!(nave.get(&owner, &hub).await.0, 200);
    let advice = "A role on a hub does not reach the hub's projects";
    for path in [
        &project,
        &workspace(RG, "nothing"),
        &format!("{project}/connections/c"),
    ] {
        let refused = nave.get(&owner, path).await;
        let message = refused.1["error"]["message"].to_string();
        assert_eq!(code(&refused), "AuthorizationFailed");
        assert!(message.contains(advice), "{path}: {message}");
    }
    let member = nave.user_with("member", READER, &project).await;
    let elsewhere = format!("{RG}/providers/Microsoft.Storage/storageAccounts/elsewhere");
    for (caller, path) in [(&member, &project), (&owner, &elsewhere), (&member, &hub)] {
        let refused = nave.delete(caller, path).await;
        assert_eq!(code(&refused), "AuthorizationFailed");
        assert!(!refused.1.to_string().contains(advice), "{path}: {}", refused.1);
    }
    let above = nave.user_with("above", READER, S).await;
    assert_eq!(nave.get(&above, &project).await.0, 200);
}

#[tokio::test]
async fn what_was_read_can_be_sent_back() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let insights = format!("{RG}/providers/Microsoft.Insights/components/insights");
    nave.make(&insights, json!({ "location": "eastus" })).await;
    let system = Caller::system();
    let linked = json!({ "properties": { "applicationInsights": insights } });
    assert_eq!(nave.patch(&system, &hub, linked.clone()).await.0, 200);
    let lead = nave.user_with("lead", AI_DEVELOPER, &hub).await;
    let path = workspace(RG, "project");
    nave.put_as(&lead, &path, project_of(&hub)).await;
    let read = nave.get(&lead, &path).await.1;
    assert_eq!(
        read["properties"]["applicationInsights"],
        json!(insights),
        "the hub's, unless it has its own"
    );
    let again = nave.put_as(&lead, &path, read.clone()).await;
    assert_eq!(
        (again.0, &again.1["properties"]),
        (200, &read["properties"]),
        "{}",
        again.1
    );
    let foreign = nave
        .patch(
            &lead,
            &path,
            json!({ "properties": { "applicationInsights": format!("{insights}2") } }),
        )
        .await;
    assert_eq!(code(&foreign), "LinkedAuthorizationFailed");

    let manager = nave.user_with("manager", CONTRIBUTOR, &hub).await;
    let read = nave.get(&manager, &hub).await.1;
    let again = nave.put_as(&manager, &hub, read.clone()).await;
    assert_eq!(
        (again.0, &again.1["properties"]),
        (200, &read["properties"]),
        "{}",
        again.1
    );
    nave.delete(&system, &insights).await;
    let tagged = nave.patch(&manager, &hub, json!({ "tags": { "a": "b" } })).await;
    assert_eq!(
        tagged.0, 200,
        "a lost resource keeps nothing else from changing: {}",
        tagged.1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_project_outlives_its_hub() {
    let nave = Arc::new(Nave::start().await);
    for round in 0..40 {
        let hub = nave.hub("hub").await;
        let project = workspace(RG, &format!("project{round}"));
        let (deleter, creator) = (nave.clone(), nave.clone());
        let (gone, made, body) = (hub.clone(), project.clone(), project_of(&hub));
        let deleted = tokio::spawn(async move { deleter.delete(&Caller::system(), &gone).await });
        let created = tokio::spawn(async move { creator.put_as(&Caller::system(), &made, body).await });
        let (deleted, created) = (
            deleted.await.expect("an answer"),
            created.await.expect("an answer"),
        );
        assert_eq!(deleted.0, 200, "{}", deleted.1);
        assert!(matches!(created.0, 200 | 400), "{}", created.1);
        assert!(
            nave.engine.snapshot().get(&id(&project)).is_none(),
            "round {round}"
        );
        let purged = nave
            .delete(&Caller::system(), &format!("{hub}?forceToPurge=true"))
            .await;
        assert_eq!(purged.0, 200, "{}", purged.1);
    }
}

#[tokio::test]
async fn a_new_project_is_committed_only_while_its_hub_is_there() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let snapshot = nave.engine.snapshot();
    let system = Caller::system();
    let workspaces = nave
        .engine
        .registry()
        .resource_type(nave_hub::WORKSPACES)
        .expect("the type");
    let draft = Draft {
        id: id(&workspace(RG, "project")),
        body: project_of(&hub),
        existing: None,
    };
    let written = workspaces
        .write(&nave.engine.cx(&snapshot, &system), draft)
        .expect("a project");
    let held = |guard: &Guard| matches!(guard, Guard::Present { key } if key == id(&hub).key());
    assert!(written.guards.iter().any(held), "{:?}", written.guards);
}
