//! Hubs: who makes them, what they bring, what is read back, what goes with them.

mod common;

use common::{
    AI_ADMINISTRATOR, AI_DEVELOPER, Answer, CONTRIBUTOR, CUSTOM_ALL, CUSTOM_WRITE, Nave, ORIGIN, OTHER_RG,
    OWNER, READER, RG, S, code, names, principal, project_of, workspace,
};
use nave_engine::Caller;
use serde_json::{Value, json};

/// What a resource of ARM has, and clients know.
const ENVELOPE: [&str; 10] = [
    "id",
    "name",
    "type",
    "etag",
    "systemData",
    "location",
    "tags",
    "kind",
    "sku",
    "properties",
];

fn hub_body() -> Value {
    json!({ "location": "eastus", "kind": "Hub" })
}

fn rows(nave: &Nave, resource_type: &str) -> usize {
    nave.engine.snapshot().of_type(resource_type).count()
}

#[tokio::test]
async fn only_owners_and_contributors_make_hubs() {
    let nave = Nave::start().await;
    for (name, role, scope, expected) in [
        ("owner", OWNER, RG, ""),
        ("contributor", CONTRIBUTOR, S, ""),
        ("all", CUSTOM_ALL, S, "AuthorizationFailed"),
        ("administrator", AI_ADMINISTRATOR, S, "AuthorizationFailed"),
        ("developer", AI_DEVELOPER, S, "AuthorizationFailed"),
        ("reader", READER, S, "AuthorizationFailed"),
        ("elsewhere", OWNER, OTHER_RG, "AuthorizationFailed"),
    ] {
        let caller = nave.user_with(name, role, scope).await;
        let answer = nave
            .put_as(&caller, &workspace(RG, &format!("hub-{name}")), hub_body())
            .await;
        assert_eq!(code(&answer), expected, "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn a_role_that_does_not_count_is_told_which_do() {
    let nave = Nave::start().await;
    let all = nave.user_with("all", CUSTOM_ALL, S).await;
    let answer = nave.put_as(&all, &workspace(RG, "hub"), hub_body()).await;
    let message = answer.1["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("HubCreationRole") && message.contains("Owner or Contributor"),
        "{message}"
    );
    let hub = nave.hub("hub").await;
    assert_eq!(
        nave.patch(&all, &hub, json!({ "tags": { "a": "b" } })).await.0,
        200,
        "changing one is no creation"
    );
    assert_eq!(
        nave.put_as(&all, &workspace(RG, "project"), project_of(&hub))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn a_hub_reads_back_as_the_client_needs_it() {
    let nave = Nave::start().await;
    let manager = nave.user_with("manager@contoso.com", CONTRIBUTOR, RG).await;
    let path = workspace(RG, "hub");
    let (status, hub) = nave.put_as(&manager, &path, hub_body()).await;
    assert_eq!(status, 200, "{hub}");
    assert_eq!(nave.get(&manager, &path).await, (200, hub.clone()));
    for (pointer, expected) in [
        ("/id", json!(path)),
        ("/name", json!("hub")),
        ("/type", json!("Microsoft.MachineLearningServices/workspaces")),
        ("/location", json!("eastus")),
        ("/kind", json!("Hub")),
        ("/tags", json!({})),
        ("/sku", json!({ "name": "Basic", "tier": "Basic" })),
        ("/identity/type", json!("SystemAssigned")),
        ("/properties/provisioningState", json!("Succeeded")),
        ("/properties/friendlyName", json!("hub")),
        ("/properties/publicNetworkAccess", json!("Enabled")),
        ("/properties/hbiWorkspace", json!(false)),
        (
            "/properties/managedNetwork",
            json!({ "isolationMode": "Disabled", "outboundRules": {} }),
        ),
        ("/properties/discoveryUrl", json!(format!("{ORIGIN}/discovery"))),
        (
            "/properties/workspaceHubConfig/defaultWorkspaceResourceGroup",
            json!(RG),
        ),
        ("/properties/associatedWorkspaces", json!([])),
        ("/systemData/createdBy", json!("manager@contoso.com")),
    ] {
        assert_eq!(hub.pointer(pointer), Some(&expected), "{pointer} of {hub}");
    }
    for pointer in [
        "/properties/workspaceId",
        "/properties/mlFlowTrackingUri",
        "/properties/storageAccount",
        "/etag",
    ] {
        assert!(
            hub.pointer(pointer)
                .and_then(Value::as_str)
                .is_some_and(|text| !text.is_empty()),
            "{pointer} of {hub}"
        );
    }
}

#[tokio::test]
async fn a_hub_brings_an_owner_an_identity_and_what_it_needs() {
    let nave = Nave::start().await;
    let manager = nave.user_with("manager", CONTRIBUTOR, RG).await;
    let path = workspace(RG, "hub");
    let (_, hub) = nave.put_as(&manager, &path, hub_body()).await;
    assert!(
        nave.assigned(manager.object_id, OWNER, &path),
        "the creator owns it"
    );
    assert!(
        nave.engine.snapshot().principal(principal(&hub)).is_some(),
        "its identity is in the directory"
    );
    assert!(
        nave.assigned(principal(&hub), AI_ADMINISTRATOR, RG),
        "which manages the group"
    );
    for pointer in ["/properties/storageAccount", "/properties/keyVault"] {
        let made = hub.pointer(pointer).and_then(Value::as_str).expect("an id");
        let (status, shown) = nave.get(&Caller::system(), made).await;
        let members: Vec<&String> = shown.as_object().expect("an object").keys().collect();
        assert_eq!(status, 200, "{made}");
        assert!(
            members.iter().all(|name| ENVELOPE.contains(&name.as_str())),
            "{members:?}"
        );
    }
    let (status, _) = nave.put_as(&manager, &path, hub_body()).await;
    assert_eq!(status, 200);
    assert_eq!(
        (
            rows(&nave, "Microsoft.Storage/storageAccounts"),
            rows(&nave, "Microsoft.KeyVault/vaults")
        ),
        (1, 1)
    );
    assert_eq!(
        nave.get(&manager, &path).await.1["properties"]["storageAccount"],
        hub["properties"]["storageAccount"]
    );
}

#[tokio::test]
async fn the_hubs_identity_stays_out_of_the_group_when_told() {
    let nave = Nave::start().await;
    let mut body = hub_body();
    body["properties"] = json!({ "allowRoleAssignmentOnRG": "false" });
    let path = workspace(RG, "hub");
    let hub = nave.make(&path, body).await;
    assert!(!nave.assigned(principal(&hub), AI_ADMINISTRATOR, RG));
    let system = Caller::system();
    for (flag, expected) in [(true, true), (false, false)] {
        let answer = nave
            .patch(
                &system,
                &path,
                json!({ "properties": { "allowRoleAssignmentOnRG": flag } }),
            )
            .await;
        assert_eq!(answer.0, 200, "{answer:?}");
        assert_eq!(
            nave.assigned(principal(&hub), AI_ADMINISTRATOR, RG),
            expected,
            "{flag}"
        );
    }
}

#[tokio::test]
async fn what_a_template_names_is_linked_and_nothing_else_is_made() {
    let nave = Nave::start().await;
    let storage = format!("{RG}/providers/Microsoft.Storage/storageAccounts/hub2storage");
    let vault = format!("{RG}/providers/Microsoft.KeyVault/vaults/hub2keyvault");
    nave.make(&storage, json!({ "location": "eastus" })).await;
    nave.make(&vault, json!({ "location": "eastus" })).await;
    let manager = nave.user_with("manager", CONTRIBUTOR, RG).await;
    let body = json!({
        "kind": "hub", "location": "eastus", "identity": { "type": "SystemAssigned" },
        "tags": { "createdByToolkit": "sdk-v2-1.35.2" },
        "properties": {
            "friendlyName": "Hub Two", "description": "d", "storageAccount": storage, "keyVault": vault,
            "containerRegistry": null, "applicationInsights": null, "hbiWorkspace": "false", "imageBuildCompute": "",
            "publicNetworkAccess": "Enabled", "softDeleteEnabled": "false", "allowRecoverSoftDeletedWorkspace": "false",
            "encryption": {
                "status": "Disabled", "keyVaultProperties": { "keyVaultArmId": "", "keyIdentifier": "" },
                "cosmosDbArmId": "", "storageAccountArmId": "", "SearchAccountArmId": "",
            },
            "primaryUserAssignedIdentity": "", "systemDatastoresAuthMode": "", "allowRoleAssignmentOnRG": "true",
            "managedNetwork": { "isolationMode": "Disabled", "outboundRules": {} }, "provisionNetworkNow": "false",
            "featureStoreSettings": { "computeruntime": { "SparkRuntimeVersion": null } },
            "enableDataIsolation": "true", "workspaceHubConfig": {}, "existingWorkspaces": [],
            "serverlessComputeSettings": {},
        },
    });
    let path = workspace(RG, "hub2");
    for _ in 0..2 {
        let (status, hub) = nave.put_as(&manager, &path, body.clone()).await;
        assert_eq!(status, 200, "{hub}");
        assert_eq!(hub["properties"]["storageAccount"], json!(storage));
        assert_eq!(hub["properties"]["enableDataIsolation"], json!(true));
        assert_eq!(hub["kind"], json!("hub"), "as it was sent");
    }
    assert_eq!(
        (
            rows(&nave, "Microsoft.Storage/storageAccounts"),
            rows(&nave, "Microsoft.KeyVault/vaults")
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn links_lead_to_what_is_there_and_the_caller_may_give_away() {
    let nave = Nave::start().await;
    let foreign = format!("{OTHER_RG}/providers/Microsoft.Storage/storageAccounts/foreign");
    nave.make(&foreign, json!({ "location": "eastus" })).await;
    let manager = nave.user_with("manager", CONTRIBUTOR, RG).await;
    let with = |properties: Value| json!({ "kind": "Hub", "location": "eastus", "properties": properties });
    for (properties, expected) in [
        (json!({ "storageAccount": foreign }), "LinkedAuthorizationFailed"),
        (
            json!({ "storageAccount": format!("{RG}/providers/Microsoft.Storage/storageAccounts/none") }),
            "InvalidResourceReference",
        ),
        (json!({ "storageAccount": RG }), "LinkedInvalidPropertyId"),
        (json!({ "keyVault": "not an id" }), "LinkedInvalidPropertyId"),
        (
            json!({ "workspaceHubConfig": { "defaultWorkspaceResourceGroup": OTHER_RG } }),
            "LinkedAuthorizationFailed",
        ),
        (
            json!({ "workspaceHubConfig": { "defaultWorkspaceResourceGroup": S } }),
            "LinkedInvalidPropertyId",
        ),
        (
            json!({ "hubResourceId": workspace(RG, "other") }),
            "WorkspaceKindNotSupported",
        ),
        (json!({ "publicNetworkAccess": "Perhaps" }), "InvalidParameter"),
    ] {
        let answer = nave
            .put_as(&manager, &workspace(RG, "hub"), with(properties.clone()))
            .await;
        assert_eq!(code(&answer), expected, "{properties}: {answer:?}");
    }
    assert_eq!(rows(&nave, "Microsoft.MachineLearningServices/workspaces"), 0);
}

#[tokio::test]
async fn what_was_settled_at_creation_stays() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let storage = format!("{RG}/providers/Microsoft.Storage/storageAccounts/another");
    nave.make(&storage, json!({ "location": "eastus" })).await;
    for (patch, target) in [
        (json!({ "kind": "Default" }), "kind"),
        (json!({ "Kind": "Project" }), "kind"),
        (
            json!({ "properties": { "storageAccount": storage } }),
            "properties.storageAccount",
        ),
        (
            json!({ "properties": { "StorageAccount": storage } }),
            "properties.storageAccount",
        ),
        (
            json!({ "properties": { "hbiWorkspace": "true" } }),
            "properties.hbiWorkspace",
        ),
        (
            json!({ "properties": { "encryption": { "status": "Enabled" } } }),
            "properties.encryption.status",
        ),
        (json!({ "location": "westus" }), "location"),
    ] {
        let answer = nave.patch(&Caller::system(), &hub, patch.clone()).await;
        assert_eq!(answer.1["error"]["target"], json!(target), "{patch}: {answer:?}");
    }
    let answer = nave
        .patch(&Caller::system(), &hub, json!({ "kind": "Default" }))
        .await;
    let message = answer.1["error"]["message"].to_string();
    assert!(
        message.contains("Create another workspace of kind 'Default'"),
        "{message}"
    );
    let same = json!({ "kind": "HUB", "properties": { "hbiWorkspace": "false", "publicNetworkAccess": "Disabled" } });
    let answer = nave.patch(&Caller::system(), &hub, same).await;
    assert_eq!(
        (answer.0, &answer.1["properties"]["publicNetworkAccess"]),
        (200, &json!("Disabled"))
    );
}

#[tokio::test]
async fn a_hub_lists_the_projects_the_caller_may_read() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let (one, two) = (nave.project("one", &hub).await, nave.project("two", &hub).await);
    let developer = nave.user_with("developer", AI_DEVELOPER, &one).await;
    let shown = |answer: &Answer| answer.1["properties"]["associatedWorkspaces"].clone();
    assert_eq!(shown(&nave.get(&Caller::system(), &hub).await), json!([one, two]));
    assert_eq!(
        shown(&nave.get(&developer, &hub).await),
        json!([one]),
        "a member sees the hub, and only his project"
    );
    let list = format!("{RG}/providers/Microsoft.MachineLearningServices/workspaces");
    assert_eq!(names(&nave.get(&developer, &list).await), ["hub", "one"]);
    assert_eq!(
        names(&nave.get(&Caller::system(), &format!("{list}?kind=hub")).await),
        ["hub"]
    );
    assert_eq!(
        names(
            &nave
                .get(&Caller::system(), &format!("{list}?kind=Project, default"))
                .await
        ),
        ["one", "two"]
    );
    assert_eq!(
        names(&nave.get(&developer, &format!("{list}?kind=project")).await),
        ["one"]
    );
    assert_eq!(code(&nave.get(&developer, &two).await), "AuthorizationFailed");
}

#[tokio::test]
async fn a_hub_takes_its_projects_with_it_and_leaves_the_storage() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let elsewhere = workspace(OTHER_RG, "project");
    nave.make(&elsewhere, project_of(&hub)).await;
    let other = nave.hub("other").await;
    let system = Caller::system();
    let shown = [
        nave.get(&system, &hub).await.1,
        nave.get(&system, &elsewhere).await.1,
    ];
    assert_eq!(
        nave.delete(&system, &format!("{hub}?forceToPurge=true")).await.0,
        200
    );
    for gone in [&hub, &elsewhere] {
        assert_eq!(code(&nave.get(&system, gone).await), "ResourceNotFound");
    }
    for identity in shown.iter().map(principal) {
        assert!(
            nave.engine.snapshot().principal(identity).is_none(),
            "an identity outlived its workspace"
        );
        assert_eq!(nave.engine.snapshot().roles().assignments_of(identity).count(), 0);
    }
    assert_eq!(nave.get(&system, &other).await.0, 200);
    assert_eq!(rows(&nave, "Microsoft.Storage/storageAccounts"), 2);
    assert_eq!(nave.delete(&system, &hub).await.0, 204);
}

#[tokio::test]
async fn a_plain_workspace_takes_the_right_to_write_and_makes_nothing() {
    let nave = Nave::start().await;
    let writer = nave.user_with("writer", CUSTOM_WRITE, S).await;
    let (status, body) = nave
        .put_as(&writer, &workspace(RG, "plain"), json!({ "location": "eastus" }))
        .await;
    assert_eq!((status, &body["kind"]), (200, &json!("Default")));
    assert_eq!(rows(&nave, "Microsoft.Storage/storageAccounts"), 0);
    assert!(!nave.assigned(writer.object_id, OWNER, &workspace(RG, "plain")));
}

#[tokio::test]
async fn odd_bodies_and_names_change_nothing() {
    let nave = Nave::start().await;
    let system = Caller::system();
    for (name, body) in [
        ("hub", json!([])),
        ("hub", json!({ "kind": 5 })),
        ("hub", json!({ "kind": "featurestore", "location": "eastus" })),
        (
            "hub",
            json!({ "kind": "Hub", "Properties": "x", "location": "eastus" }),
        ),
        ("hub", json!({ "kind": "Hub", "location": "nowhere" })),
        ("x", hub_body()),
        ("-hub", hub_body()),
        ("hub.one", hub_body()),
        (&"h".repeat(34), hub_body()),
    ] {
        let answer = nave.put_as(&system, &workspace(RG, name), body.clone()).await;
        assert_eq!(answer.0, 400, "{name} {body}: {answer:?}");
    }
    assert_eq!(rows(&nave, "Microsoft.MachineLearningServices/workspaces"), 0);
}

#[tokio::test]
async fn actions_say_what_there_is() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let project = nave.project("project", &hub).await;
    let developer = nave.user_with("developer", AI_DEVELOPER, &project).await;
    let owner = nave.user_with("owner", OWNER, RG).await;
    assert_eq!(
        code(
            &nave
                .post(&developer, &format!("{project}/listKeys"), json!(null))
                .await
        ),
        "AuthorizationFailed"
    );
    let keys = nave
        .post(&owner, &format!("{project}/listKeys"), json!(null))
        .await;
    assert_eq!(
        keys.1["userStorageArmId"],
        nave.get(&owner, &hub).await.1["properties"]["storageAccount"]
    );
    assert_eq!(
        nave.post(&owner, &format!("{hub}/resyncKeys"), json!(null))
            .await
            .0,
        200
    );
    let provisioned = nave
        .post(
            &owner,
            &format!("{hub}/provisionManagedNetwork"),
            json!({ "includeSpark": false }),
        )
        .await;
    assert_eq!(
        (provisioned.0, &provisioned.1["status"]),
        (200, &json!("Inactive"))
    );
    let refused = nave
        .post(&owner, &format!("{project}/provisionManagedNetwork"), json!(null))
        .await;
    assert_eq!(code(&refused), "WorkspaceKindNotSupported");
    let storage = keys.1["userStorageArmId"].as_str().expect("an id").to_owned();
    nave.delete(&owner, &storage).await;
    let diagnosis = nave
        .post(&owner, &format!("{project}/diagnose"), json!({ "value": {} }))
        .await;
    assert_eq!(
        diagnosis.1["value"]["storageAccountResults"][0]["code"],
        json!("StorageAccountNotFound")
    );
    assert_eq!(diagnosis.1["value"]["keyVaultResults"], json!([]));
}

#[tokio::test]
async fn clients_find_the_data_planes_and_the_regions() {
    let nave = Nave::start().await;
    let owner = nave.user_with("owner", OWNER, S).await;
    let (status, services) = nave.get(&owner, "/discovery").await;
    assert_eq!(
        (status, &services["api"], &services["history"]),
        (200, &json!(ORIGIN), &json!(ORIGIN))
    );
    for list in ["usages", "vmSizes", "quotas"] {
        let path = format!("{S}/providers/Microsoft.MachineLearningServices/locations/eastus/{list}");
        assert_eq!(nave.get(&owner, &path).await, (200, json!({ "value": [] })));
    }
}
