//! What a hub stands on: storage, vaults, logs, registries, search services and identities.

mod common;

use common::*;
use http::Method;
use nave_engine::principal_claim;
use serde_json::{Value, json};

/// A type and a body that makes one of it.
struct Case {
    path: &'static str,
    name: &'static str,
    body: Value,
    /// The statuses of PUT on nothing and on what is there.
    put: (u16, u16),
}

fn cases() -> Vec<Case> {
    let storage = json!({ "location": "eastus", "kind": "StorageV2", "sku": { "name": "Standard_RAGRS" } });
    let sku = |name: &str| json!({ "location": "eastus", "sku": { "name": name } });
    let plain = json!({ "location": "eastus" });
    let case = |path, name, body, put| Case {
        path,
        name,
        body,
        put,
    };
    vec![
        case("Microsoft.Storage/storageAccounts", "sa1", storage, (200, 200)),
        case("Microsoft.KeyVault/vaults", "kv-1", plain.clone(), (200, 200)),
        case(
            "Microsoft.Insights/components",
            "insights",
            json!({ "location": "eastus", "kind": "web" }),
            (200, 200),
        ),
        case(
            "Microsoft.OperationalInsights/workspaces",
            "logs",
            plain.clone(),
            (201, 200),
        ),
        case(
            "Microsoft.ManagedIdentity/userAssignedIdentities",
            "id1",
            plain,
            (201, 200),
        ),
        case(
            "Microsoft.ContainerRegistry/registries",
            "registry1",
            sku("Basic"),
            (201, 200),
        ),
        case(
            "Microsoft.Search/searchServices",
            "search-1",
            sku("basic"),
            (201, 200),
        ),
    ]
}

fn at(case: &Case) -> String {
    format!("{RG}/providers/{}/{}", case.path, case.name)
}

/// The path of one case's resource.
fn resource(path: &str) -> String {
    cases()
        .iter()
        .find(|case| case.path == path)
        .map(at)
        .expect("a case")
}

/// Creates the resource of one case.
async fn created(nave: &Nave, caller: &nave_engine::Caller, path: &str) -> Value {
    let case = cases()
        .into_iter()
        .find(|case| case.path == path)
        .expect("a case");
    nave.put_as(caller, &at(&case), case.body.clone()).await.1
}

#[tokio::test]
async fn each_lives_its_life_with_the_statuses_its_clients_accept() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    for case in cases() {
        let (path, (first, second)) = (at(&case), case.put);
        let (status, created) = nave.put_as(&ada, &path, case.body.clone()).await;
        assert_eq!((status, &created["id"]), (first, &json!(path)), "{created}");
        let state = created["properties"]["provisioningState"]
            .as_str()
            .unwrap_or("Succeeded");
        assert!(state.eq_ignore_ascii_case("Succeeded"), "{created}");
        let (status, again) = nave.put_as(&ada, &path, case.body.clone()).await;
        assert_eq!(status, second, "{again}");
        assert_eq!(
            again["properties"], created["properties"],
            "what was made once stays"
        );
        let (status, tagged) = nave.patch(&ada, &path, json!({ "tags": { "a": "b" } })).await;
        assert_eq!((status, &tagged["tags"]), (200, &json!({ "a": "b" })));
        for scope in [S, RG] {
            let (_, listed) = nave.get(&ada, &format!("{scope}/providers/{}", case.path)).await;
            assert_eq!(listed["value"][0]["id"], json!(path), "{listed}");
        }
        let reader = nave.user_with("reader@contoso.com", READER, RG).await;
        assert_eq!(
            (
                nave.get(&reader, &path).await.0,
                nave.delete(&reader, &path).await.0
            ),
            (200, 403)
        );
        assert_eq!(
            (nave.delete(&ada, &path).await.0, nave.delete(&ada, &path).await.0),
            (200, 204),
            "{path}"
        );
        assert_eq!(nave.get(&ada, &path).await.0, 404);
    }
}

#[tokio::test]
async fn names_that_become_hosts_are_unique_in_the_tenant() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let provider = |path: &str| path.split('/').next().expect("a provider").to_owned();
    for (path, taken) in [
        ("Microsoft.Storage/storageAccounts", "StorageAccountAlreadyTaken"),
        ("Microsoft.KeyVault/vaults", "VaultAlreadyExists"),
        ("Microsoft.ContainerRegistry/registries", "Conflict"),
        ("Microsoft.Search/searchServices", "Conflict"),
    ] {
        created(&nave, &ada, path).await;
        let case = cases()
            .into_iter()
            .find(|case| case.path == path)
            .expect("a case");
        let second = format!("{OTHER_RG}/providers/{path}/{}", case.name);
        let refused = nave.put_as(&ada, &second, case.body.clone()).await;
        assert_eq!((refused.0, code(&refused)), (409, taken), "{}", refused.1);
        let check = format!("{S}/providers/{}/checkNameAvailability", provider(path));
        for (name, free, reason) in [
            (case.name, false, "AlreadyExists"),
            ("unheardof", true, ""),
            ("!", false, "Invalid"),
        ] {
            let (status, answer) = nave
                .post(&ada, &check, json!({ "name": name, "type": path }))
                .await;
            assert_eq!(
                (status, &answer["nameAvailable"]),
                (200, &json!(free)),
                "{answer}"
            );
            assert!(
                answer["reason"].as_str().unwrap_or_default().ends_with(reason),
                "{answer}"
            );
        }
        assert_eq!(nave.post(&ada, &check, json!({})).await.0, 400);
    }
}

#[tokio::test]
async fn bad_input_is_refused_where_it_is_wrong() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let table: &[(&str, &str, Value, &str)] = &[
        (
            "Microsoft.Storage/storageAccounts",
            "/sku",
            json!(null),
            "sku.name",
        ),
        (
            "Microsoft.Storage/storageAccounts",
            "/sku/name",
            json!("Cheap"),
            "sku.name",
        ),
        (
            "Microsoft.Storage/storageAccounts",
            "/kind",
            json!("StorageV9"),
            "kind",
        ),
        (
            "Microsoft.Storage/storageAccounts",
            "/properties",
            json!({ "accessTier": "Warm" }),
            "properties.accessTier",
        ),
        (
            "Microsoft.KeyVault/vaults",
            "/properties",
            json!({ "tenantId": "other" }),
            "properties.tenantId",
        ),
        (
            "Microsoft.KeyVault/vaults",
            "/properties",
            json!({ "sku": { "name": "x" } }),
            "properties.sku.name",
        ),
        (
            "Microsoft.KeyVault/vaults",
            "/properties",
            json!({ "accessPolicies": {} }),
            "properties.accessPolicies",
        ),
        (
            "Microsoft.KeyVault/vaults",
            "/properties",
            json!({ "softDeleteRetentionInDays": 91 }),
            "properties.softDeleteRetentionInDays",
        ),
        (
            "Microsoft.KeyVault/vaults",
            "/properties",
            json!({ "enablePurgeProtection": false }),
            "properties.enablePurgeProtection",
        ),
        (
            "Microsoft.Insights/components",
            "/properties",
            json!({ "WorkspaceResourceId": "logs" }),
            "properties.WorkspaceResourceId",
        ),
        (
            "Microsoft.OperationalInsights/workspaces",
            "/properties",
            json!({ "retentionInDays": "long" }),
            "properties.retentionInDays",
        ),
        (
            "Microsoft.ContainerRegistry/registries",
            "/sku",
            json!({ "name": "Huge" }),
            "sku.name",
        ),
        ("Microsoft.Search/searchServices", "/sku", json!(null), "sku.name"),
        (
            "Microsoft.Search/searchServices",
            "/properties",
            json!({ "replicaCount": 0 }),
            "properties.replicaCount",
        ),
        (
            "Microsoft.ManagedIdentity/userAssignedIdentities",
            "/location",
            json!("atlantis"),
            "location",
        ),
    ];
    for (path, pointer, value, target) in table {
        let case = cases()
            .into_iter()
            .find(|case| case.path == *path)
            .expect("a case");
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
        let mut body = case.body.clone();
        body.pointer_mut(parent).expect("a parent")[member] = value.clone();
        let (status, answer) = nave.put_as(&ada, &at(&case), body).await;
        assert_eq!(
            (status, &answer["error"]["target"]),
            (400, &json!(target)),
            "{path} {value}: {answer}"
        );
    }
    for (path, name) in [
        ("Microsoft.Storage/storageAccounts", "Upper"),
        ("Microsoft.Storage/storageAccounts", "sa"),
        ("Microsoft.Storage/storageAccounts", "sa-1"),
        ("Microsoft.KeyVault/vaults", "1kv"),
        ("Microsoft.KeyVault/vaults", "kv--1"),
        ("Microsoft.KeyVault/vaults", "kv-"),
        ("Microsoft.ContainerRegistry/registries", "my-registry"),
        ("Microsoft.Search/searchServices", "-search"),
        ("Microsoft.Search/searchServices", "search-"),
        ("Microsoft.ManagedIdentity/userAssignedIdentities", "id"),
        ("Microsoft.OperationalInsights/workspaces", "log"),
    ] {
        let case = cases()
            .into_iter()
            .find(|case| case.path == path)
            .expect("a case");
        let refused = nave
            .put_as(&ada, &format!("{RG}/providers/{path}/{name}"), case.body)
            .await;
        assert_eq!(
            (refused.0, code(&refused)),
            (400, "InvalidResourceName"),
            "{name}: {}",
            refused.1
        );
    }
}

#[tokio::test]
async fn keys_are_listed_replaced_one_at_a_time_and_seen_nowhere_else() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let admin = json!({ "location": "eastus", "sku": { "name": "Basic" }, "properties": { "adminUserEnabled": true } });
    let storage = json!({ "keyName": "key1" });
    let table = [
        (
            "Microsoft.Storage/storageAccounts",
            "listKeys",
            "regenerateKey",
            storage,
            ["/keys/0/value", "/keys/1/value"],
        ),
        (
            "Microsoft.Search/searchServices",
            "listAdminKeys",
            "regenerateAdminKey/primary",
            Value::Null,
            ["/primaryKey", "/secondaryKey"],
        ),
        (
            "Microsoft.ContainerRegistry/registries",
            "listCredentials",
            "regenerateCredential",
            json!({ "name": "password" }),
            ["/passwords/0/value", "/passwords/1/value"],
        ),
    ];
    for (path, list, regenerate, which, [first, second]) in table {
        created(&nave, &ada, path).await;
        if path.contains("registries") {
            let off = nave
                .post(&ada, &format!("{}/{list}", resource(path)), Value::Null)
                .await;
            assert_eq!(off.0, 400, "the administrator is off");
            nave.put_as(&ada, &resource(path), admin.clone()).await;
        }
        let (status, before) = nave
            .post(&ada, &format!("{}/{list}", resource(path)), Value::Null)
            .await;
        assert_eq!(status, 200, "{before}");
        let (status, after) = nave
            .post(&ada, &format!("{}/{regenerate}", resource(path)), which)
            .await;
        assert_eq!(status, 200, "{after}");
        assert_ne!(before.pointer(first), after.pointer(first));
        assert_eq!(before.pointer(second), after.pointer(second));
        let (_, listed) = nave
            .post(&ada, &format!("{}/{list}", resource(path)), Value::Null)
            .await;
        assert_eq!(listed.pointer(first), after.pointer(first));
        let (_, shown) = nave.get(&ada, &resource(path)).await;
        for key in [&before, &after]
            .iter()
            .flat_map(|keys| [first, second].map(|at| keys.pointer(at)))
        {
            let key = key.and_then(Value::as_str).expect("a key");
            assert!(key.len() >= 32 && !shown.to_string().contains(key) && !nave.holds(key));
        }
        let reader = nave.user_with("reader@contoso.com", READER, RG).await;
        assert_eq!(
            nave.post(&reader, &format!("{}/{list}", resource(path)), Value::Null)
                .await
                .0,
            403
        );
    }
    let bad = format!(
        "{}/regenerateAdminKey/third",
        resource("Microsoft.Search/searchServices")
    );
    assert_eq!(nave.post(&ada, &bad, Value::Null).await.0, 400);
    let query = format!("{}/listQueryKeys", resource("Microsoft.Search/searchServices"));
    assert!(nave.post(&ada, &query, Value::Null).await.1["value"][0]["key"].is_string());
}

#[tokio::test]
async fn the_shared_keys_of_a_log_workspace_have_two_names_and_one_fate() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let path = "Microsoft.OperationalInsights/workspaces";
    created(&nave, &ada, path).await;
    let (_, shared) = nave
        .post(&ada, &format!("{}/sharedKeys", resource(path)), Value::Null)
        .await;
    let (_, listed) = nave
        .post(&ada, &format!("{}/listKeys", resource(path)), Value::Null)
        .await;
    assert_eq!(shared, listed);
    let (_, new) = nave
        .post(
            &ada,
            &format!("{}/regenerateSharedKey", resource(path)),
            Value::Null,
        )
        .await;
    for key in ["primarySharedKey", "secondarySharedKey"] {
        assert_ne!(shared[key], new[key]);
    }
}

#[tokio::test]
async fn a_storage_account_has_the_endpoints_its_clients_derive() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let path = "Microsoft.Storage/storageAccounts";
    let account = created(&nave, &ada, path).await;
    assert_eq!(
        account["properties"]["primaryEndpoints"]["blob"],
        "https://sa1.blob.core.nave.test/"
    );
    assert_eq!(
        account["sku"],
        json!({ "name": "Standard_RAGRS", "tier": "Standard" })
    );
    let service = format!("{}/blobServices/default", resource(path));
    assert_eq!(nave.get(&ada, &service).await.0, 200);
    let settings = json!({ "properties": { "deleteRetentionPolicy": { "enabled": true, "days": 7 } } });
    assert_eq!(nave.put_as(&ada, &service, settings).await.0, 200);
    assert_eq!(
        nave.put_as(
            &ada,
            &format!("{}/blobServices/second", resource(path)),
            json!({})
        )
        .await
        .0,
        400
    );
    let container = format!("{service}/containers/data");
    assert_eq!(nave.put_as(&ada, &container, json!({})).await.0, 201);
    let public = json!({ "properties": { "publicAccess": "Anybody" } });
    assert_eq!(nave.put_as(&ada, &container, public).await.0, 400);
    assert_eq!(
        nave.put_as(&ada, &format!("{service}/containers/Other"), json!({}))
            .await
            .0,
        400
    );
    let (_, listed) = nave.get(&ada, &format!("{service}/containers")).await;
    assert_eq!(listed["value"][0]["name"], "data", "{listed}");
    nave.delete(&ada, &resource(path)).await;
    assert_eq!(nave.get(&ada, &container).await.0, 404);
}

#[tokio::test]
async fn a_vault_and_the_others_say_where_they_are() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let vault = created(&nave, &ada, "Microsoft.KeyVault/vaults").await;
    assert_eq!(vault["properties"]["vaultUri"], "https://kv-1.vault.nave.test/");
    assert_eq!(vault["properties"]["enableRbacAuthorization"], true);
    assert_eq!(vault["properties"]["tenantId"], TENANT.to_string());
    let registry = created(&nave, &ada, "Microsoft.ContainerRegistry/registries").await;
    assert_eq!(
        registry["properties"]["loginServer"],
        "registry1.azurecr.nave.test"
    );
    let search = created(&nave, &ada, "Microsoft.Search/searchServices").await;
    assert_eq!(
        search["properties"]["endpoint"],
        "https://search-1.search.nave.test"
    );
    let insights = created(&nave, &ada, "Microsoft.Insights/components").await;
    let key = insights["properties"]["InstrumentationKey"]
        .as_str()
        .expect("a key");
    let connection = insights["properties"]["ConnectionString"]
        .as_str()
        .expect("a connection string");
    assert!(connection.starts_with(&format!(
        "InstrumentationKey={key};IngestionEndpoint=https://nave.test/"
    )));
    let provider = format!("{S}/providers/Microsoft.KeyVault");
    for list in ["deletedVaults", "managedHSMs", "deletedManagedHSMs"] {
        assert_eq!(
            nave.get(&ada, &format!("{provider}/{list}")).await,
            (200, json!({ "value": [] })),
            "{list}"
        );
    }
    let deleted = format!("{provider}/locations/eastus/deletedVaults/gone");
    assert_eq!(nave.get(&ada, &deleted).await.0, 404);
    assert_eq!(
        nave.post(&ada, &format!("{deleted}/purge"), Value::Null).await.0,
        404
    );
    let missing = format!(
        "/subscriptions/{}/providers/Microsoft.KeyVault/deletedVaults",
        uuid::Uuid::nil()
    );
    assert_eq!(nave.get(&nave_engine::Caller::system(), &missing).await.0, 404);
}

#[tokio::test]
async fn an_identity_is_a_principal_that_goes_with_its_resource_and_is_given_by_those_who_may() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let path = "Microsoft.ManagedIdentity/userAssignedIdentities";
    let identity = created(&nave, &ada, path).await;
    let principal = identity["properties"]["principalId"]
        .as_str()
        .expect("a principal");
    let claim = principal_claim(principal.parse().expect("a guid"));
    let row = nave
        .engine
        .snapshot()
        .claimed(&claim)
        .cloned()
        .expect("a service principal");
    assert_eq!(row.text("/appId"), identity["properties"]["clientId"].as_str());
    let body = json!({
        "location": "eastus", "sku": { "name": "basic" },
        "identity": { "type": "UserAssigned", "userAssignedIdentities": { resource(path): {} } },
    });
    let search = resource("Microsoft.Search/searchServices");
    let (status, with) = nave.put_as(&ada, &search, body.clone()).await;
    assert_eq!(status, 201, "{with}");
    assert_eq!(
        with["identity"]["userAssignedIdentities"][resource(path)]["principalId"],
        principal
    );
    let away = format!("{RG}/providers/Microsoft.Search/searchServices/away");
    let narrow = nave.user_with("bob@contoso.com", CONTRIBUTOR, &away).await;
    let refused = nave.put_as(&narrow, &away, body.clone()).await;
    assert_eq!(
        (refused.0, code(&refused)),
        (403, "LinkedAuthorizationFailed"),
        "{}",
        refused.1
    );
    nave.delete(&ada, &resource(path)).await;
    assert!(nave.engine.snapshot().claimed(&claim).is_none());
    assert_eq!(
        nave.put_as(&ada, &away, body).await.0,
        400,
        "an identity that is not there"
    );
}

#[tokio::test]
async fn data_planes_that_come_later_say_so() {
    let nave = Nave::start().await;
    for (method, path) in [
        (Method::GET, "/kv/kv-1/secrets/s/"),
        (Method::PUT, "/kv/kv-1/secrets/s"),
        (Method::PUT, "/blob/sa1/container/file"),
        (Method::GET, "/blob/sa1"),
    ] {
        let reply = nave.reply(None, method, path, Value::Null).await;
        assert_eq!(reply.status, 501, "{path}");
        assert!(
            text(&reply).contains("NotImplemented"),
            "{path}: {}",
            text(&reply)
        );
    }
}
