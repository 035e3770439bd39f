//! Vaults, accounts and log workspaces that were deleted: what is kept of them, who brings them back, and what ends
//! them for good.

mod common;

use std::sync::Arc;

use common::*;
use http::{HeaderValue, Method};
use jiff::SignedDuration;
use nave_engine::{Act, Caller, EventQuery, accounts, directory, principal_claim};
use serde_json::{Value, json};
use uuid::Uuid;

const ACCOUNTS: &str = "Microsoft.CognitiveServices";
const VAULTS: &str = "Microsoft.KeyVault";
const LOGS: &str = "Microsoft.OperationalInsights";

fn account(group: &str, name: &str) -> String {
    format!("{group}/providers/{ACCOUNTS}/accounts/{name}")
}

fn deleted_account(name: &str) -> String {
    format!("{S}/providers/{ACCOUNTS}/locations/eastus/resourceGroups/rg/deletedAccounts/{name}")
}

fn vault(group: &str, name: &str) -> String {
    format!("{group}/providers/{VAULTS}/vaults/{name}")
}

fn deleted_vault(name: &str) -> String {
    format!("{S}/providers/{VAULTS}/locations/eastus/deletedVaults/{name}")
}

fn logs(name: &str) -> String {
    format!("{RG}/providers/{LOGS}/workspaces/{name}")
}

fn account_body(secret: &str) -> Value {
    json!({
        "kind": "OpenAI", "location": "eastus", "sku": { "name": "S0" }, "tags": { "team": "a" },
        "identity": { "type": "SystemAssigned" },
        "properties": { "nave": { "upstream": { "kind": "openAI", "endpoint": "https://up.test/v1", "apiKey": secret } } },
    })
}

fn vault_body(properties: Value) -> Value {
    let mut body =
        json!({ "location": "eastus", "properties": { "sku": { "family": "A", "name": "standard" } } });
    for (name, value) in properties.as_object().into_iter().flatten() {
        body["properties"][name] = value.clone();
    }
    body
}

fn restore() -> Value {
    json!({ "location": "eastus", "properties": { "restore": true } })
}

fn recover() -> Value {
    json!({ "location": "eastus", "properties": { "createMode": "recover" } })
}

async fn keys(nave: &Nave, caller: &Caller, account: &str) -> Vec<String> {
    let (status, body) = nave
        .post(caller, &format!("{account}/listKeys"), Value::Null)
        .await;
    assert_eq!(status, 200, "{body}");
    ["key1", "key2"]
        .iter()
        .map(|key| body[key].as_str().expect("a key").to_owned())
        .collect()
}

/// Whether a key is taken at an account's endpoint.
async fn opens(nave: &Nave, key: &str) -> bool {
    let mut request = request(
        None,
        Method::POST,
        "/ai/ai1/openai/v1/chat/completions",
        Value::Null,
    );
    request
        .headers
        .insert("api-key", HeaderValue::from_str(key).expect("a header"));
    nave.engine
        .authenticate(&request)
        .await
        .is_ok_and(|found| found.is_some())
}

fn names(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.0, 200, "{}", answer.1);
    let items = answer.1["value"].as_array().expect("a list");
    items.iter().filter_map(|item| item["name"].as_str()).collect()
}

async fn deleted(nave: &Nave, caller: &Caller, kind: &str) -> Answer {
    nave.get(caller, &format!("{S}/providers/{kind}")).await
}

#[tokio::test]
async fn an_account_comes_back_as_it_was() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let id_of = account(RG, "ai1");
    let (status, made) = nave.put_as(&ada, &id_of, account_body("U-canary")).await;
    assert_eq!(status, 201, "{made}");
    let model = json!({ "sku": { "name": "Standard", "capacity": 3 }, "properties": { "model": { "name": "gpt-4o", "format": "OpenAI" } } });
    assert_eq!(
        nave.put_as(&ada, &format!("{id_of}/deployments/chat"), model)
            .await
            .0,
        201
    );
    let user = nave.user_with("bo@contoso.com", OPENAI_USER, &id_of).await;
    let before = nave.get(&ada, &id_of).await.1;
    let had = keys(&nave, &ada, &id_of).await;
    let principal: Uuid = made["identity"]["principalId"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("a guid");
    assert!(opens(&nave, &had[0]).await);

    assert_eq!(nave.delete(&ada, &id_of).await.0, 200);
    let snapshot = nave.engine.snapshot();
    assert!(!opens(&nave, &had[0]).await, "its keys are of nobody");
    assert!(
        snapshot.principal(principal).is_none(),
        "its identity signs nobody in"
    );
    assert_eq!(accounts::at_subdomain(&snapshot, "ai1"), None);
    assert_eq!(nave.get(&ada, &id_of).await.0, 404);
    let usages = nave
        .get(&ada, &format!("{S}/providers/{ACCOUNTS}/locations/eastus/usages"))
        .await;
    assert_eq!(
        usages.1["value"][0]["currentValue"], 0,
        "what is deleted is not in use"
    );

    let nave = nave.restart().await;
    let (status, back) = nave.put_as(&ada, &id_of, restore()).await;
    assert_eq!(status, 201, "{back}");
    assert_eq!(back["tags"], json!({ "team": "a" }));
    let after = nave.get(&ada, &id_of).await.1;
    for member in ["id", "kind", "sku", "tags", "identity", "location", "properties"] {
        assert_eq!(after[member], before[member], "{member}");
    }
    assert_eq!(keys(&nave, &ada, &id_of).await, had);
    assert!(opens(&nave, &had[0]).await);
    let snapshot = nave.engine.snapshot();
    assert!(snapshot.principal(principal).is_some());
    assert!(snapshot.roles().assignments_of(user.object_id).next().is_some());
    let chat = nave.get(&ada, &format!("{id_of}/deployments/chat")).await;
    assert_eq!((chat.0, &chat.1["sku"]["capacity"]), (200, &json!(3)));
    assert!(names(&deleted(&nave, &ada, &format!("{ACCOUNTS}/deletedAccounts")).await).is_empty());
}

#[tokio::test]
async fn a_deleted_account_is_listed_shown_and_purged() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let id_of = account(RG, "ai1");
    nave.put_as(&ada, &id_of, account_body("U-canary")).await;
    let had = keys(&nave, &ada, &id_of).await;
    nave.delete(&ada, &id_of).await;

    let listed = deleted(&nave, &ada, &format!("{ACCOUNTS}/deletedAccounts")).await;
    assert_eq!(names(&listed), ["ai1"]);
    let shown = nave.get(&ada, &deleted_account("ai1")).await;
    assert_eq!(shown.0, 200, "{}", shown.1);
    assert_eq!(shown.1["id"], deleted_account("ai1"));
    assert_eq!(shown.1["type"], "Microsoft.CognitiveServices/accounts");
    assert_eq!(shown.1["properties"]["deletionDate"], "2026-11-24T12:00:00Z");
    assert_eq!(
        shown.1["properties"]["scheduledPurgeDate"],
        "2026-11-26T12:00:00Z"
    );
    for secret in [&had[0], &had[1], "U-canary"] {
        for answer in [&listed, &shown] {
            assert!(!answer.1.to_string().contains(secret), "{secret}");
        }
        assert!(!nave.holds(secret), "{secret} is in the data directory");
    }

    let again = nave.put_as(&ada, &id_of, account_body("V")).await;
    assert_eq!((again.0, code(&again)), (409, "FlagMustBeSetForRestore"));
    let message = again.1["error"]["message"].as_str().expect("a message");
    assert!(message.contains("account purge --name ai1"), "{message}");
    let mut elsewhere = account_body("V");
    elsewhere["properties"]["customSubDomainName"] = "ai1".into();
    let taken = nave.put_as(&ada, &account(OTHER_RG, "ai2"), elsewhere).await;
    assert_eq!((taken.0, code(&taken)), (409, "CustomDomainInUse"), "{}", taken.1);

    assert_eq!(nave.delete(&ada, &deleted_account("ai1")).await.0, 200);
    assert_eq!(nave.delete(&ada, &deleted_account("ai1")).await.0, 204);
    assert_eq!(nave.get(&ada, &deleted_account("ai1")).await.0, 404);
    let nothing = nave.put_as(&ada, &id_of, restore()).await;
    assert_eq!(
        (nothing.0, code(&nothing)),
        (404, "CanNotRestoreANonExistingResource")
    );
    assert_eq!(nave.put_as(&ada, &id_of, account_body("V")).await.0, 201);
    assert_ne!(
        keys(&nave, &ada, &id_of).await,
        had,
        "another account of the same name"
    );
}

#[tokio::test]
async fn who_may_see_recover_and_purge() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let in_group = nave.user_with("group@contoso.com", CONTRIBUTOR, RG).await;
    let reader = nave.user_with("reader@contoso.com", READER, RG).await;
    let elsewhere = nave.user_with("other@contoso.com", CONTRIBUTOR, OTHER_RG).await;
    nave.put_as(&ada, &account(RG, "ai1"), account_body("U")).await;
    nave.delete(&ada, &account(RG, "ai1")).await;
    let list = format!("{ACCOUNTS}/deletedAccounts");
    for (who, sees) in [(&ada, 1), (&in_group, 1), (&reader, 1), (&elsewhere, 0)] {
        assert_eq!(
            names(&deleted(&nave, who, &list).await).len(),
            sees,
            "{}",
            who.name
        );
        let shown = nave.get(who, &deleted_account("ai1")).await.0;
        assert_eq!(shown, if sees == 1 { 200 } else { 403 }, "{}", who.name);
    }
    for who in [&reader, &elsewhere] {
        assert_eq!(
            nave.delete(who, &deleted_account("ai1")).await.0,
            403,
            "{}",
            who.name
        );
        let refused = nave.put_as(who, &account(RG, "ai1"), restore()).await;
        assert_eq!(
            (refused.0, code(&refused)),
            (403, "AuthorizationFailed"),
            "{}",
            who.name
        );
        let told = nave.put_as(who, &account(RG, "ai1"), account_body("U")).await;
        assert_eq!(told.0, 403, "nothing is told of what is kept");
    }
    assert_eq!(
        nave.put_as(&in_group, &account(RG, "ai1"), restore()).await.0,
        201
    );
    nave.delete(&ada, &account(RG, "ai1")).await;
    assert_eq!(nave.delete(&in_group, &deleted_account("ai1")).await.0, 200);
}

#[tokio::test]
async fn a_vault_is_kept_as_long_as_it_says() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let body = vault_body(json!({ "softDeleteRetentionInDays": 7, "tenantId": TENANT }));
    nave.put_as(&ada, &vault(RG, "kv-one"), body).await;
    let before = nave.get(&ada, &vault(RG, "kv-one")).await.1;
    nave.user_with("bo@contoso.com", READER, &vault(RG, "kv-one"))
        .await;
    assert_eq!(nave.delete(&ada, &vault(RG, "kv-one")).await.0, 200);
    let listed = deleted(&nave, &ada, &format!("{VAULTS}/deletedVaults")).await;
    assert_eq!(
        listed.1["value"][0]["properties"],
        json!({
            "vaultId": vault(RG, "kv-one"), "location": "eastus", "tags": {}, "purgeProtectionEnabled": false,
            "deletionDate": "2026-11-24T12:00:00Z", "scheduledPurgeDate": "2026-12-01T12:00:00Z",
        })
    );
    let taken = nave
        .put_as(&ada, &vault(RG, "kv-one"), vault_body(json!({})))
        .await;
    assert_eq!((taken.0, code(&taken)), (409, "ConflictError"), "{}", taken.1);
    let elsewhere = nave
        .put_as(&ada, &vault(OTHER_RG, "KV-one"), vault_body(json!({})))
        .await;
    assert_eq!(
        (elsewhere.0, code(&elsewhere)),
        (409, "ConflictError"),
        "{}",
        elsewhere.1
    );
    let availability = nave
        .post(
            &ada,
            &format!("{S}/providers/{VAULTS}/checkNameAvailability"),
            json!({ "name": "kv-one", "type": "Microsoft.KeyVault/vaults" }),
        )
        .await;
    assert_eq!(availability.1["nameAvailable"], false);

    let mut wrong = recover();
    wrong["location"] = "westeurope".into();
    let wrong = nave.put_as(&ada, &vault(RG, "kv-one"), wrong).await;
    assert_eq!(
        (wrong.0, code(&wrong)),
        (409, "InvalidResourceLocation"),
        "{}",
        wrong.1
    );
    let (status, back) = nave.put_as(&ada, &vault(RG, "kv-one"), recover()).await;
    assert_eq!(status, 200, "{back}");
    assert_eq!(back["properties"], before["properties"]);
    let at_vault = nave.engine.snapshot().below(&id(&vault(RG, "kv-one"))).count();
    assert_eq!(at_vault, 0, "the roles at a vault do not come back");
    let nothing = nave.put_as(&ada, &vault(RG, "kv-two"), recover()).await;
    assert_eq!((nothing.0, code(&nothing)), (404, "SoftDeletedVaultDoesNotExist"));
    assert_eq!(
        nave.put_as(&ada, &vault(RG, "kv-one"), recover()).await.0,
        200,
        "a vault that is there stays"
    );

    nave.delete(&ada, &vault(RG, "kv-one")).await;
    let purge = format!("{}/purge", deleted_vault("kv-one"));
    assert_eq!(nave.post(&ada, &purge, Value::Null).await.0, 200);
    assert_eq!(nave.post(&ada, &purge, Value::Null).await.0, 404);
    assert_eq!(
        nave.put_as(&ada, &vault(OTHER_RG, "kv-one"), vault_body(json!({})))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn a_protected_vault_is_purged_by_time_alone() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let body = vault_body(
        json!({ "softDeleteRetentionInDays": 7, "enablePurgeProtection": true, "enableSoftDelete": false }),
    );
    nave.put_as(&ada, &vault(RG, "kv-one"), body).await;
    nave.delete(&ada, &vault(RG, "kv-one")).await;
    let purge = format!("{}/purge", deleted_vault("kv-one"));
    let refused = nave.post(&ada, &purge, Value::Null).await;
    assert_eq!(
        (refused.0, code(&refused)),
        (405, "MethodNotAllowed"),
        "{}",
        refused.1
    );
    nave.world.advance(SignedDuration::from_hours(24 * 7 - 1));
    nave.engine.purge_what_is_over().await.expect("a look");
    assert_eq!(nave.get(&ada, &deleted_vault("kv-one")).await.0, 200);

    nave.world.advance(SignedDuration::from_hours(1));
    assert_eq!(
        nave.get(&ada, &deleted_vault("kv-one")).await.0,
        404,
        "its time is over"
    );
    assert!(names(&deleted(&nave, &ada, &format!("{VAULTS}/deletedVaults")).await).is_empty());
    let nave = nave.restart().await;
    for _ in 0..2 {
        nave.engine
            .purge_what_is_over()
            .await
            .expect("a look, and another");
    }
    assert!(
        nave.engine
            .snapshot()
            .holder("microsoft.keyvault/vaults:kv-one")
            .is_none()
    );
    let query = EventQuery {
        limit: Some(1),
        ..EventQuery::default()
    };
    let all = nave.engine.on_own_account::<Act>("test", &id("/"));
    let events = nave.engine.events(&all, query).await.expect("the log");
    assert_eq!(
        (events[0].operation.as_str(), events[0].caller.as_str()),
        (
            "Microsoft.KeyVault/locations/deletedVaults/purge/action",
            "system"
        )
    );
}

#[tokio::test]
async fn a_name_is_free_when_its_time_is_over_though_nobody_looked() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    nave.put_as(&ada, &account(RG, "ai1"), account_body("U")).await;
    nave.delete(&ada, &account(RG, "ai1")).await;
    nave.world.advance(SignedDuration::from_hours(48));
    let late = nave.put_as(&ada, &account(RG, "ai1"), restore()).await;
    assert_eq!((late.0, code(&late)), (404, "CanNotRestoreANonExistingResource"));
    assert_eq!(
        nave.put_as(&ada, &account(RG, "ai1"), account_body("U")).await.0,
        201
    );
}

#[tokio::test]
async fn a_vault_that_is_not_kept_is_gone_at_once() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    nave.put_as(
        &ada,
        &vault(RG, "kv-one"),
        vault_body(json!({ "enableSoftDelete": false })),
    )
    .await;
    nave.delete(&ada, &vault(RG, "kv-one")).await;
    assert!(names(&deleted(&nave, &ada, &format!("{VAULTS}/deletedVaults")).await).is_empty());
    assert_eq!(
        nave.put_as(&ada, &vault(OTHER_RG, "kv-one"), vault_body(json!({})))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn log_workspaces_come_back_when_they_are_created_again() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let body = json!({ "location": "eastus", "properties": { "retentionInDays": 60 } });
    let made = nave.put_as(&ada, &logs("town-logs"), body.clone()).await;
    let shared = |answer: &Answer| answer.1["primarySharedKey"].as_str().expect("a key").to_owned();
    let list_keys = format!("{}/sharedKeys", logs("town-logs"));
    let had = shared(&nave.post(&ada, &list_keys, Value::Null).await);
    nave.delete(&ada, &logs("town-logs")).await;
    for list in [
        format!("{S}/providers/{LOGS}/deletedWorkspaces"),
        format!("{RG}/providers/{LOGS}/deletedWorkspaces"),
    ] {
        let listed = nave.get(&ada, &list).await;
        assert_eq!(names(&listed), ["town-logs"], "{list}");
        assert!(!listed.1.to_string().contains(&had));
    }
    let plain = json!({ "location": "eastus", "properties": {} });
    let back = nave.put_as(&ada, &logs("town-logs"), plain.clone()).await;
    assert_eq!(
        back.1["properties"]["customerId"], made.1["properties"]["customerId"],
        "{}",
        back.1
    );
    assert_eq!(back.1["properties"]["retentionInDays"], 60);
    assert_eq!(shared(&nave.post(&ada, &list_keys, Value::Null).await), had);
    let wrong = nave
        .delete(&ada, &format!("{}?force=perhaps", logs("town-logs")))
        .await;
    assert_eq!((wrong.0, code(&wrong)), (400, "InvalidParameter"));
    assert_eq!(
        nave.delete(&ada, &format!("{}?force=true", logs("town-logs")))
            .await
            .0,
        200
    );
    let fresh = nave.put_as(&ada, &logs("town-logs"), plain).await;
    assert_ne!(
        fresh.1["properties"]["customerId"],
        made.1["properties"]["customerId"]
    );
}

#[tokio::test]
async fn roles_come_back_of_those_who_are_still_there() {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let id_of = account(RG, "ai1");
    nave.put_as(&ada, &id_of, account_body("U")).await;
    let stays = nave.user_with("stays@contoso.com", OPENAI_USER, &id_of).await;
    let leaves = nave.user_with("leaves@contoso.com", OPENAI_USER, &id_of).await;
    nave.delete(&ada, &id_of).await;
    let row = directory::object_id(directory::USERS, leaves.object_id);
    let erase = nave_engine::Erase::of(nave.engine.snapshot().get(&row).expect("a user"));
    let change = nave_engine::Change {
        erases: vec![erase],
        ..nave_engine::Change::default()
    };
    let grant = nave.engine.on_own_account::<Act>("test", &row);
    nave.engine.commit(&grant, change).await.expect("a commit");
    assert!(
        nave.engine
            .snapshot()
            .claimed(&principal_claim(leaves.object_id))
            .is_none()
    );
    assert_eq!(nave.put_as(&ada, &id_of, restore()).await.0, 201);
    let snapshot = nave.engine.snapshot();
    let has = |who: &Caller| snapshot.roles().assignments_of(who.object_id).next().is_some();
    assert!(has(&stays) && !has(&leaves));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_recovery_and_a_purge_at_once_one_wins() {
    let nave = Arc::new(Nave::start().await);
    let ada = nave.contributor().await;
    let id_of = account(RG, "ai1");
    for round in 0..30 {
        assert_eq!(
            nave.put_as(&ada, &id_of, account_body("U")).await.0,
            201,
            "round {round}"
        );
        let had = keys(&nave, &ada, &id_of).await;
        assert_eq!(nave.delete(&ada, &id_of).await.0, 200);
        let (one, other) = (nave.clone(), nave.clone());
        let (his, her, back) = (ada.clone(), ada.clone(), id_of.clone());
        let recovered = tokio::spawn(async move { one.put_as(&his, &back, restore()).await });
        let purged = tokio::spawn(async move { other.delete(&her, &deleted_account("ai1")).await });
        let (recovered, purged) = (
            recovered.await.expect("an answer"),
            purged.await.expect("an answer"),
        );
        let is_there = nave.get(&ada, &id_of).await.0 == 200;
        assert_eq!(is_there, recovered.0 == 201, "round {round}: {recovered:?}");
        if is_there {
            assert!(matches!(purged.0, 204 | 409), "round {round}: {purged:?}");
            assert_eq!(keys(&nave, &ada, &id_of).await, had, "whole");
            nave.delete(&ada, &id_of).await;
            assert_eq!(nave.delete(&ada, &deleted_account("ai1")).await.0, 200);
        } else {
            assert_eq!(
                (recovered.0, purged.0),
                (404, 200),
                "round {round}: {recovered:?}"
            );
        }
        assert!(
            nave.engine
                .snapshot()
                .holder(&accounts::subdomain_claim("ai1"))
                .is_none()
        );
    }
}
