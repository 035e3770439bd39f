//! Subscriptions: made by an alias, in their place and with their owner; renamed, cancelled and enabled again; and what a
//! cancelled one permits.

mod common;

use common::*;
use http::Method;
use nave_engine::{Caller, decision::Need, operation::Surface, subscriptions::State};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

const ALIASES: &str = "/providers/Microsoft.Subscription/aliases";
const GROUPS: &str = "/providers/Microsoft.Management/managementGroups";
const ROOT: &str = "/providers/Microsoft.Management/managementGroups/99999999-9999-9999-9999-999999999999";
const COGNITIVE_USER: Uuid = uuid!("a97b65f3-24c7-4388-baec-2e87135dc908");

fn alias(name: &str) -> String {
    format!("{ALIASES}/{name}")
}

fn wants(name: &str, more: Value) -> Value {
    json!({ "properties": { "displayName": name, "workload": "Production", "billingScope": "/any", "additionalProperties": more } })
}

fn own(subscription: &str, action: &str) -> String {
    format!("{subscription}/providers/Microsoft.Subscription/{action}")
}

async fn post(nave: &Nave, caller: &Caller, path: &str, body: Value) -> Answer {
    nave.send(caller, Method::POST, path, body).await
}

/// The id of the subscription an alias answers with.
fn made(answer: &Answer) -> String {
    assert!(matches!(answer.0, 200 | 201), "{}", answer.1);
    let guid = answer.1["properties"]["subscriptionId"].as_str().expect("a guid");
    format!("/subscriptions/{guid}")
}

#[tokio::test]
async fn an_alias_makes_a_subscription_with_its_owner() {
    let nave = Nave::start().await;
    let admin = nave.user_with("admin@contoso.com", OWNER, "/").await;
    let lead = nave.user("lead@contoso.com").await;
    let body = wants(
        "Team A",
        json!({ "subscriptionOwnerId": lead.object_id, "tags": { "cost": "a" } }),
    );
    let first = nave.put_as(&admin, &alias("team-a"), body.clone()).await;
    assert_eq!(first.0, 201, "{}", first.1);
    assert_eq!(first.1["properties"]["provisioningState"], "Succeeded");
    let subscription = made(&first);
    let shown = nave.get(&lead, &subscription).await;
    assert_eq!(
        (&shown.1["displayName"], &shown.1["state"], &shown.1["tags"]),
        (&json!("Team A"), &json!("Enabled"), &json!({ "cost": "a" })),
        "its owner sees it: {}",
        shown.1
    );
    assert!(each(&nave.get(&lead, "/subscriptions").await, "/id").contains(&subscription.as_str()));
    let group = format!("{subscription}/resourceGroups/first");
    assert_eq!(
        nave.put_as(&lead, &group, json!({ "location": "eastus" }))
            .await
            .0,
        201
    );

    let again = nave.put_as(&admin, &alias("team-a"), body).await;
    assert_eq!(
        (again.0, made(&again)),
        (200, subscription.clone()),
        "one alias, one subscription"
    );
    assert_eq!(made(&nave.get(&admin, &alias("TEAM-A")).await), subscription);
    assert_eq!(each(&nave.get(&admin, ALIASES).await, "/name"), ["team-a"]);
    assert_eq!(nave.delete(&admin, &alias("team-a")).await.0, 200);
    assert_eq!(
        nave.get(&lead, &subscription).await.0,
        200,
        "it goes on without its alias"
    );
}

#[tokio::test]
async fn who_makes_one_owns_it_and_it_may_have_more_names() {
    let nave = Nave::start().await;
    let admin = nave.user_with("admin@contoso.com", OWNER, "/").await;
    let subscription = made(&nave.put_as(&admin, &alias("one"), json!({})).await);
    let owned = nave
        .engine
        .snapshot()
        .roles()
        .assignment_of(admin.object_id, OWNER, &id(&subscription))
        .is_some();
    assert!(owned);
    let guid = subscription.rsplit('/').next().expect("a guid");
    let named = json!({ "properties": { "subscriptionId": guid } });
    assert_eq!(
        made(&nave.put_as(&admin, &alias("two"), named.clone()).await),
        subscription
    );
    let moved = nave
        .put_as(
            &admin,
            &alias("one"),
            json!({ "properties": { "subscriptionId": S.rsplit('/').next() } }),
        )
        .await;
    assert_eq!((moved.0, code(&moved)), (400, "PropertyChangeNotAllowed"));
    let gone = json!({ "properties": { "subscriptionId": Uuid::nil() } });
    assert_eq!(nave.put_as(&admin, &alias("three"), gone).await.0, 404);
}

#[tokio::test]
async fn bad_wishes_are_refused_by_name_and_make_nothing() {
    let nave = Nave::start().await;
    let admin = nave.user_with("admin@contoso.com", OWNER, "/").await;
    for (body, status, target) in [
        (
            json!({ "properties": { "workload": "Play" } }),
            400,
            "properties.workload",
        ),
        (
            json!({ "properties": { "displayName": "a;b" } }),
            400,
            "properties.displayName",
        ),
        (
            json!({ "properties": { "displayName": "x".repeat(65) } }),
            400,
            "properties.displayName",
        ),
        (
            json!({ "properties": { "displayName": 5 } }),
            400,
            "properties.displayName",
        ),
        (
            json!({ "properties": { "subscriptionId": "mine" } }),
            400,
            "properties.subscriptionId",
        ),
        (
            wants("a", json!({ "subscriptionOwnerId": Uuid::nil() })),
            400,
            "properties.additionalProperties.subscriptionOwnerId",
        ),
        (
            wants("a", json!({ "subscriptionTenantId": Uuid::nil() })),
            400,
            "properties.additionalProperties.subscriptionTenantId",
        ),
        (
            wants("a", json!({ "managementGroupId": S })),
            400,
            "properties.additionalProperties.managementGroupId",
        ),
        (
            wants("a", json!({ "tags": [] })),
            400,
            "properties.additionalProperties.tags",
        ),
        (wants("a", json!({ "managementGroupId": "nowhere" })), 404, ""),
    ] {
        let refused = nave.put_as(&admin, &alias("bad"), body.clone()).await;
        assert_eq!(refused.0, status, "{body}: {}", refused.1);
        assert_eq!(
            refused.1["error"]["target"].as_str().unwrap_or_default(),
            target,
            "{body}"
        );
    }
    assert_eq!(nave.get(&admin, "/subscriptions").await.1["count"]["value"], 2);
}

#[tokio::test]
async fn it_goes_to_its_management_group() {
    let nave = Nave::start().await;
    let admin = nave.user_with("admin@contoso.com", OWNER, "/").await;
    for (name, parent) in [("corp", None), ("landing", Some("corp"))] {
        let parent = parent.map(|parent| json!({ "id": format!("{GROUPS}/{parent}") }));
        let body = json!({ "properties": { "details": { "parent": parent } } });
        assert_eq!(
            nave.put_as(&admin, &format!("{GROUPS}/{name}"), body).await.0,
            200
        );
    }
    let team = nave
        .user_with("platform@contoso.com", OWNER, &format!("{GROUPS}/corp"))
        .await;
    let outside = nave
        .put_as(&team, &alias("outside"), wants("Outside", json!({})))
        .await;
    assert_eq!(outside.0, 403, "the tenant is not theirs: {}", outside.1);
    let within = wants("Within", json!({ "managementGroupId": format!("{GROUPS}/corp") }));
    let within = nave.put_as(&team, &alias("within"), within).await;
    assert_eq!(
        within.1["properties"]["managementGroupId"],
        format!("{GROUPS}/corp"),
        "{}",
        within.1
    );
    let reader = nave
        .user_with("reader@contoso.com", READER, &format!("{GROUPS}/corp"))
        .await;
    assert_eq!(
        nave.get(&reader, &made(&within)).await.0,
        200,
        "a role at the group reaches it"
    );

    let settings = format!("{ROOT}/settings/default");
    let default = json!({ "properties": { "defaultManagementGroup": format!("{GROUPS}/landing") } });
    assert_eq!(nave.get(&admin, &settings).await.0, 404);
    assert_eq!(nave.put_as(&admin, &settings, default.clone()).await.0, 200);
    let landed = nave.put_as(&admin, &alias("landed"), json!({})).await;
    assert_eq!(
        landed.1["properties"]["managementGroupId"],
        format!("{GROUPS}/landing")
    );
    assert_eq!(nave.delete(&admin, &settings).await.0, 200);
    let rooted = nave.put_as(&admin, &alias("rooted"), json!({})).await;
    assert_eq!(rooted.1["properties"]["managementGroupId"], ROOT);

    assert_eq!(nave.put_as(&team, &settings, default.clone()).await.0, 403);
    let elsewhere = nave
        .put_as(&admin, &format!("{GROUPS}/corp/settings/default"), default)
        .await;
    assert_eq!(
        (elsewhere.0, code(&elsewhere)),
        (400, "InvalidResourceProperties")
    );
    for wrong in [
        json!({ "requireAuthorizationForGroupCreation": false }),
        json!({ "defaultManagementGroup": 5 }),
    ] {
        let refused = nave
            .put_as(&admin, &settings, json!({ "properties": wrong }))
            .await;
        assert_eq!(refused.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn it_is_renamed() {
    let nave = Nave::start().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let renamed = post(
        &nave,
        &owner,
        &own(S, "rename"),
        json!({ "subscriptionName": "New name" }),
    )
    .await;
    assert_eq!(renamed, (200, json!({ "subscriptionId": S.rsplit('/').next() })));
    assert_eq!(nave.get(&owner, S).await.1["displayName"], "New name");
    for wrong in [
        json!({}),
        json!({ "subscriptionName": "" }),
        json!({ "subscriptionName": "<" }),
    ] {
        assert_eq!(post(&nave, &owner, &own(S, "rename"), wrong).await.0, 400);
    }
    let reader = nave.user_with("reader@contoso.com", READER, S).await;
    for action in ["rename", "cancel", "enable"] {
        let refused = post(
            &nave,
            &reader,
            &own(S, action),
            json!({ "subscriptionName": "Mine" }),
        )
        .await;
        assert_eq!(
            (refused.0, code(&refused)),
            (403, "AuthorizationFailed"),
            "{action}"
        );
    }
    let gone = format!("/subscriptions/{}", Uuid::nil());
    assert_eq!(
        post(&nave, &Caller::system(), &own(&gone, "cancel"), Value::Null)
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn in_a_cancelled_one_things_are_read_and_deleted() {
    let nave = Nave::start().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, "/").await;
    let reader = nave.user_with("reader@contoso.com", READER, S).await;
    nave.put_as(
        &owner,
        HUB,
        json!({ "location": "eastus", "properties": { "key": "K" } }),
    )
    .await;
    for _ in 0..2 {
        assert_eq!(post(&nave, &owner, &own(S, "cancel"), Value::Null).await.0, 200);
    }
    assert_eq!(nave.get(&owner, S).await.1["state"], "Disabled");
    assert_eq!(nave.get(&owner, HUB).await.0, 200);
    let role = assignment_id(RG, Uuid::new_v4());
    let deployment = format!("{RG}/providers/Microsoft.Resources/deployments/d");
    for (method, path, body) in [
        (Method::PUT, HUB.to_owned(), json!({ "location": "eastus" })),
        (Method::PATCH, HUB.to_owned(), json!({ "tags": {} })),
        (Method::POST, format!("{HUB}/listKeys"), Value::Null),
        (Method::PUT, role, assigns(READER, reader.object_id)),
        (
            Method::PUT,
            format!("{S}/resourceGroups/new"),
            json!({ "location": "eastus" }),
        ),
        (
            Method::PUT,
            deployment,
            json!({ "properties": { "mode": "Incremental", "template": { "resources": [] } } }),
        ),
    ] {
        let refused = nave.send(&owner, method.clone(), &path, body).await;
        assert_eq!(
            (refused.0, code(&refused)),
            (409, "ReadOnlyDisabledSubscription"),
            "{method} {path}"
        );
        let message = refused.1["error"]["message"].as_str().expect("a message");
        assert!(message.contains("Microsoft.Subscription/enable"), "{message}");
    }
    let stranger = nave.put_as(&reader, HUB, json!({ "location": "eastus" })).await;
    assert_eq!(
        code(&stranger),
        "AuthorizationFailed",
        "who has no right is told that"
    );
    let call = Need::data(
        "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action",
        id(RG),
    );
    nave.give(owner.object_id, COGNITIVE_USER, OTHER).await;
    let user = nave.user_with("user@contoso.com", READER, OTHER).await;
    drop(user);
    let asked = nave.engine.decide(&owner, Surface::Inference, vec![vec![call]]);
    assert!(!asked.allowed);
    assert_eq!(
        nave.put_as(
            &owner,
            &format!("{OTHER}/resourceGroups/new"),
            json!({ "location": "eastus" })
        )
        .await
        .0,
        201
    );

    assert_eq!(nave.delete(&owner, HUB).await.0, 200, "deleting goes on");
    assert_eq!(
        post(
            &nave,
            &owner,
            &own(S, "rename"),
            json!({ "subscriptionName": "Old" })
        )
        .await
        .0,
        200
    );
    assert_eq!(post(&nave, &owner, &own(S, "enable"), Value::Null).await.0, 200);
    assert_eq!(nave.get(&owner, S).await.1["displayName"], "Old");
    assert_eq!(nave.engine.snapshot().subscription_state(&id(RG)), State::Enabled);
    assert_eq!(
        nave.put_as(&owner, HUB, json!({ "location": "eastus" })).await.0,
        201
    );
}

#[tokio::test]
async fn backfill_has_nothing_to_do() {
    let nave = Nave::start().await;
    let admin = nave.user_with("admin@contoso.com", OWNER, "/").await;
    let nobody = nave.user("nobody@contoso.com").await;
    for path in ["startTenantBackfill", "tenantBackfillStatus"] {
        let path = format!("/providers/Microsoft.Management/{path}");
        assert_eq!(
            post(&nave, &admin, &path, Value::Null).await.1["status"],
            "Completed"
        );
        assert_eq!(post(&nave, &nobody, &path, Value::Null).await.0, 403);
    }
}
