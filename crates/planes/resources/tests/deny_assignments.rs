//! Deny assignments that users write: their narrow form, that they block whoever they say, and that somebody can always
//! take them away.

mod common;

use common::*;
use http::Method;
use nave_arm::ResourceId;
use nave_engine::{Caller, Put};
use serde_json::{Value, json};
use uuid::Uuid;

const EVERYBODY: Uuid = Uuid::nil();

fn deny_id(scope: &str) -> String {
    format!("{scope}/{AUTHORIZATION}/denyAssignments/{}", Uuid::new_v4())
}

fn principal(id: Uuid, kind: &str) -> Value {
    json!({ "id": id, "type": kind })
}

fn freeze(principals: Value, spared: Value) -> Value {
    json!({ "properties": {
        "denyAssignmentName": "Freeze", "principals": principals, "excludePrincipals": spared,
        "permissions": [{ "actions": ["Microsoft.MachineLearningServices/*/write"], "notActions": [], "dataActions": [] }],
    } })
}

async fn scene() -> (Nave, Caller, Caller) {
    let nave = Nave::with_hub().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let admin = nave.user_with("admin@contoso.com", OWNER, "/").await;
    (nave, owner, admin)
}

#[tokio::test]
async fn a_frozen_hub_is_not_written_by_its_owner_until_it_is_thawed() {
    let (nave, owner, admin) = scene().await;
    let id = deny_id(HUB);
    let everybody = json!([principal(EVERYBODY, "SystemDefined")]);
    let body = freeze(everybody, json!([principal(admin.object_id, "User")]));
    let (status, made) = nave.put_as(&owner, &id, body).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["properties"]["isSystemProtected"], false);
    assert_eq!(made["properties"]["createdBy"], json!(owner.object_id));

    let hub = json!({ "location": "eastus", "properties": { "friendlyName": "new" } });
    let blocked = nave.put_as(&owner, HUB, hub.clone()).await;
    assert_eq!(
        (blocked.0, code(&blocked)),
        (403, "DenyAssignmentAuthorizationFailed")
    );
    assert!(
        blocked.1["error"]["message"]
            .as_str()
            .is_some_and(|text| text.contains(&id))
    );
    assert_eq!(nave.get(&owner, HUB).await.0, 200, "reading is not denied");
    assert_eq!(
        nave.put_as(&admin, HUB, hub.clone()).await.0,
        200,
        "who is spared goes on"
    );

    assert_eq!(nave.delete(&owner, &id).await.0, 200);
    assert_eq!(nave.put_as(&owner, HUB, hub).await.0, 200);
}

#[tokio::test]
async fn one_person_is_blocked_and_nobody_else() {
    let (nave, owner, _) = scene().await;
    let other = nave.user_with("other@contoso.com", CONTRIBUTOR, S).await;
    let body = freeze(json!([principal(other.object_id, "User")]), json!([]));
    assert_eq!(nave.put_as(&owner, &deny_id(RG), body).await.0, 201);
    let hub = json!({ "location": "eastus" });
    assert_eq!(nave.put_as(&other, HUB, hub.clone()).await.0, 403);
    assert_eq!(nave.put_as(&owner, HUB, hub).await.0, 200);
}

#[tokio::test]
async fn what_users_may_not_write() {
    let (nave, owner, admin) = scene().await;
    let everybody = json!([principal(EVERYBODY, "SystemDefined")]);
    let spared = json!([principal(admin.object_id, "User")]);
    let with = |pointer: &str, value: Value| {
        let mut body = freeze(everybody.clone(), spared.clone());
        *body.pointer_mut(pointer).expect("a member of the body") = value;
        body
    };
    let with_member = |name: &str, value: Value| {
        let mut body = freeze(everybody.clone(), spared.clone());
        body["properties"][name] = value;
        body
    };
    let gone = principal(Uuid::new_v4(), "User");
    let cases = [
        (
            "a data action",
            with(
                "/properties/permissions/0/dataActions",
                json!(["Microsoft.Storage/*/read"]),
            ),
            "InvalidParameter",
        ),
        (
            "all reads",
            with("/properties/permissions/0/actions", json!(["*/read"])),
            "InvalidParameter",
        ),
        (
            "nobody spared",
            with("/properties/excludePrincipals", json!([])),
            "InvalidParameter",
        ),
        (
            "only somebody spared who is gone",
            with("/properties/excludePrincipals", json!([gone])),
            "PrincipalNotFound",
        ),
        (
            "a group",
            with(
                "/properties/principals",
                json!([principal(admin.object_id, "Group")]),
            ),
            "InvalidParameter",
        ),
        (
            "no name",
            with("/properties/denyAssignmentName", json!("")),
            "InvalidParameter",
        ),
        (
            "its own scope only",
            with_member("doNotApplyToChildScopes", json!(true)),
            "InvalidParameter",
        ),
        (
            "the system's protection",
            with_member("isSystemProtected", json!(true)),
            "InvalidParameter",
        ),
    ];
    for (what, body, expected) in cases {
        let refused = nave.put_as(&owner, &deny_id(HUB), body).await;
        assert_eq!(
            (refused.0, code(&refused)),
            (400, expected),
            "{what}: {}",
            refused.1
        );
    }
}

#[tokio::test]
async fn who_may_write_them() {
    let (nave, _, admin) = scene().await;
    let body = freeze(json!([principal(admin.object_id, "User")]), json!([]));
    for (role, expected) in [
        (CONTRIBUTOR, 403),
        (RBAC_ADMINISTRATOR, 403),
        (READER, 403),
        (USER_ACCESS_ADMINISTRATOR, 201),
        (OWNER, 201),
    ] {
        let somebody = nave.user_with(&format!("{role}@contoso.com"), role, RG).await;
        let answer = nave.put_as(&somebody, &deny_id(RG), body.clone()).await;
        assert_eq!(answer.0, expected, "{role}: {}", answer.1);
    }
}

#[tokio::test]
async fn what_the_system_protects_stays() {
    let (nave, owner, admin) = scene().await;
    let id = deny_id(RG);
    let mut body = freeze(json!([principal(admin.object_id, "User")]), json!([]));
    body["properties"]["isSystemProtected"] = true.into();
    nave.put(Put::new(ResourceId::parse(&id).expect("id"), body.clone()))
        .await;
    body["properties"]["isSystemProtected"] = false.into();
    let refused = nave.put_as(&owner, &id, body).await;
    assert_eq!((refused.0, code(&refused)), (409, "OperationNotAllowed"));
    assert_eq!(nave.delete(&owner, &id).await.0, 409);
}

#[tokio::test]
async fn they_are_shown_and_found() {
    let nave = Nave::with_hub().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let joe = nave.user_with("joe@contoso.com", OWNER, S).await;
    let deny = format!("{RG}/{AUTHORIZATION}/denyAssignments/frozen");
    let properties = json!({ "denyAssignmentName": "Frozen", "permissions": [{ "actions": ["*/write"] }],
        "principals": [{ "id": joe.object_id, "type": "User" }], "isSystemProtected": true });
    nave.put(Put::new(
        ResourceId::parse(&deny).expect("id"),
        json!({ "properties": properties }),
    ))
    .await;
    let (status, shown) = nave.get(&owner, &deny).await;
    assert_eq!((status, &shown["properties"]["scope"]), (200, &json!(RG)));
    assert_eq!(shown["properties"]["denyAssignmentName"], "Frozen");
    let other = format!("{S}/resourceGroups/other");
    nave.make(&other, json!({ "location": "eastus" })).await;
    let (joes, owners) = (
        format!("principalId eq '{}'", joe.object_id),
        format!("principalId eq '{}'", owner.object_id),
    );
    for (scope, filter, count) in [
        (S, "", 1),
        (RG, "atScope()", 1),
        (S, "atScope()", 0),
        (HUB, "atScope()", 1),
        (&other, "", 0),
        (S, &joes, 1),
        (S, &owners, 0),
        (S, "denyAssignmentName eq 'frozen'", 1),
    ] {
        let list = nave
            .get(
                &owner,
                &format!("{scope}/{AUTHORIZATION}/denyAssignments?$filter={filter}"),
            )
            .await;
        assert_eq!(each(&list, "/id").len(), count, "{scope} {filter}");
    }
    let blocked = nave.send(&joe, Method::PATCH, RG, json!({ "tags": {} })).await;
    assert_eq!(blocked.0, 403);
}
