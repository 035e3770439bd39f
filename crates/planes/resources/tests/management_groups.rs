//! Management groups: the tree, what may stand where in it, who may move what, and that roles at its groups reach what is
//! in them.

mod common;

use common::*;
use http::Method;
use nave_engine::Caller;
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

const GROUPS: &str = "/providers/Microsoft.Management/managementGroups";
const ROOT: &str = "99999999-9999-9999-9999-999999999999";
const CONTRIBUTOR_OF_GROUPS: Uuid = uuid!("5d58bcaf-24a5-4b20-bdb6-eed9f69fbe4c");

fn at(name: &str) -> String {
    format!("{GROUPS}/{name}")
}

fn below(parent: &str) -> Value {
    json!({ "properties": { "details": { "parent": { "id": at(parent) } } } })
}

fn subscription_in(group: &str, subscription: &str) -> String {
    format!("{}{subscription}", at(group))
}

/// `ROOT > corp > team`, the first subscription in `team`, the second in the root.
async fn scene() -> (Nave, Caller) {
    let nave = Nave::start().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, "/").await;
    for (name, body) in [("corp", json!({})), ("team", below("corp"))] {
        let (status, made) = nave.put_as(&owner, &at(name), body).await;
        assert_eq!(status, 200, "{made}");
    }
    let moved = nave
        .put_as(&owner, &subscription_in("team", S), Value::Null)
        .await;
    assert_eq!(moved.0, 200, "{}", moved.1);
    (nave, owner)
}

#[tokio::test]
async fn the_first_group_brings_the_root_with_every_subscription() {
    let nave = Nave::start().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, "/").await;
    let body = json!({ "properties": { "displayName": "Corporation" } });
    let (status, corp) = nave.put_as(&owner, &at("corp"), body).await;
    assert_eq!(status, 200);
    assert_eq!(corp["id"], at("corp"));
    assert_eq!(corp["properties"]["displayName"], "Corporation");
    assert_eq!(corp["properties"]["details"]["parent"]["id"], at(ROOT));
    let root = nave.get(&owner, &format!("{}?$expand=children", at(ROOT))).await;
    let children = root.1["properties"]["children"].as_array().expect("children");
    let names: Vec<&str> = children
        .iter()
        .filter_map(|child| child["name"].as_str())
        .collect();
    assert_eq!(names.len(), 3, "corp and two subscriptions: {names:?}");
    assert_eq!(root.1["properties"]["details"]["parent"], Value::Null);
}

#[tokio::test]
async fn a_role_at_a_group_reaches_what_is_in_it_and_nothing_else() {
    let (nave, owner) = scene().await;
    let reader = nave.user_with("reader@contoso.com", READER, &at("corp")).await;
    assert_eq!(nave.get(&reader, RG).await.0, 200, "in team, which is in corp");
    assert_eq!(nave.get(&reader, OTHER).await.0, 403, "in the root");
    assert_eq!(nave.get(&reader, &at("team")).await.0, 200);
    assert_eq!(nave.get(&reader, &at(ROOT)).await.0, 403);
    let seen = nave.get(&reader, GROUPS).await;
    assert_eq!(each(&seen, "/name"), ["corp", "team"]);

    let left = nave.delete(&owner, &subscription_in("team", S)).await;
    assert_eq!(left.0, 200);
    assert_eq!(
        nave.get(&reader, RG).await.0,
        403,
        "the subscription is in the root again"
    );
    assert_eq!(
        nave.put_as(&owner, &subscription_in("corp", S), Value::Null)
            .await
            .0,
        200
    );
    assert_eq!(nave.get(&reader, RG).await.0, 200);
}

#[tokio::test]
async fn a_role_at_the_root_reaches_every_subscription() {
    let (nave, _) = scene().await;
    let reader = nave.user_with("reader@contoso.com", READER, &at(ROOT)).await;
    for place in [S, OTHER] {
        assert_eq!(nave.get(&reader, place).await.0, 200, "{place}");
    }
}

#[tokio::test]
async fn a_group_moves_with_all_that_is_in_it() {
    let (nave, owner) = scene().await;
    assert_eq!(nave.put_as(&owner, &at("elsewhere"), json!({})).await.0, 200);
    let reader = nave
        .user_with("reader@contoso.com", READER, &at("elsewhere"))
        .await;
    assert_eq!(nave.get(&reader, RG).await.0, 403);
    let patch = json!({ "parentGroupId": at("elsewhere"), "displayName": "The team" });
    let (status, moved) = nave.send(&owner, Method::PATCH, &at("team"), patch).await;
    assert_eq!(
        (status, &moved["properties"]["displayName"]),
        (200, &json!("The team"))
    );
    assert_eq!(nave.get(&reader, RG).await.0, 200);
    let patch = json!({ "displayName": "Still the team" });
    let (_, renamed) = nave.send(&owner, Method::PATCH, &at("team"), patch).await;
    assert_eq!(
        renamed["properties"]["details"]["parent"]["id"],
        at("elsewhere"),
        "a new name moves nothing"
    );
}

#[tokio::test]
async fn the_tree_stays_a_tree_of_six_levels() {
    let (nave, owner) = scene().await;
    let circle = nave.put_as(&owner, &at("corp"), below("team")).await;
    assert_eq!(
        (circle.0, code(&circle)),
        (400, "InvalidResourceProperties"),
        "{}",
        circle.1
    );
    let itself = nave.put_as(&owner, &at("corp"), below("corp")).await;
    assert_eq!(itself.0, 400);
    let nowhere = nave.put_as(&owner, &at("lost"), below("nowhere")).await;
    assert_eq!((nowhere.0, code(&nowhere)), (404, "ResourceNotFound"));
    let no_group = nave
        .put_as(
            &owner,
            &at("lost"),
            json!({ "properties": { "details": { "parent": { "id": S } } } }),
        )
        .await;
    assert_eq!((no_group.0, code(&no_group)), (400, "LinkedInvalidPropertyId"));

    let mut parent = String::from("team");
    for level in 3..=6 {
        let name = format!("level{level}");
        let made = nave.put_as(&owner, &at(&name), below(&parent)).await;
        assert_eq!(made.0, 200, "{}", made.1);
        parent = name;
    }
    let seventh = nave.put_as(&owner, &at("level7"), below(&parent)).await;
    assert_eq!((seventh.0, code(&seventh)), (400, "InvalidResourceProperties"));
    // what moves takes what is below it along
    assert_eq!(nave.put_as(&owner, &at("high"), json!({})).await.0, 200);
    let pushed_down = nave.put_as(&owner, &at("corp"), below("high")).await;
    assert_eq!(pushed_down.0, 400, "corp has five levels below it");
}

#[tokio::test]
async fn only_an_empty_group_is_deleted_and_never_the_root() {
    let (nave, owner) = scene().await;
    for full in ["corp", "team", ROOT] {
        let refused = nave.delete(&owner, &at(full)).await;
        assert_eq!(
            (refused.0, code(&refused)),
            (409, "CannotDeleteResource"),
            "{full}"
        );
    }
    assert_eq!(nave.delete(&owner, &subscription_in("team", S)).await.0, 200);
    assert_eq!(nave.delete(&owner, &at("team")).await.0, 204);
    assert_eq!(nave.get(&owner, &at("team")).await.0, 404);
}

#[tokio::test]
async fn who_may_make_and_move() {
    let (nave, owner) = scene().await;
    let nobody = nave.user("nobody@contoso.com").await;
    assert_eq!(
        nave.put_as(&nobody, &at("mine"), json!({})).await.0,
        403,
        "not even below the root"
    );
    let lead = nave
        .user_with("lead@contoso.com", CONTRIBUTOR_OF_GROUPS, &at("corp"))
        .await;
    assert_eq!(nave.put_as(&lead, &at("mine"), below("corp")).await.0, 200);
    assert_eq!(
        nave.put_as(&lead, &at("outside"), json!({})).await.0,
        403,
        "the root is not his"
    );
    assert_eq!(nave.delete(&lead, &at("mine")).await.0, 204);

    // he may write both groups but not give roles on what would move
    let taken = nave.put_as(&lead, &subscription_in("corp", S), Value::Null).await;
    assert_eq!((taken.0, code(&taken)), (403, "LinkedAuthorizationFailed"));
    let moved = nave
        .put_as(&lead, &at("team"), json!({ "parentGroupId": at(ROOT) }))
        .await;
    assert_eq!((moved.0, code(&moved)), (403, "LinkedAuthorizationFailed"));
    nave.give(lead.object_id, USER_ACCESS_ADMINISTRATOR, &at("corp"))
        .await;
    assert_eq!(
        nave.put_as(&lead, &subscription_in("corp", S), Value::Null)
            .await
            .0,
        200
    );
    let from_outside = nave
        .put_as(&lead, &subscription_in("corp", OTHER), Value::Null)
        .await;
    assert_eq!(
        from_outside.0, 403,
        "he may give no roles at a subscription in the root"
    );
    assert_eq!(
        nave.put_as(&owner, &subscription_in("corp", OTHER), Value::Null)
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn a_move_takes_the_right_where_it_begins_and_where_it_ends() {
    let (nave, owner) = scene().await;
    assert_eq!(nave.put_as(&owner, &at("elsewhere"), json!({})).await.0, 200);
    let group = (at("team"), json!({ "parentGroupId": at("elsewhere") }));
    let subscription = (subscription_in("elsewhere", S), Value::Null);
    let writes = |name: &str| (CONTRIBUTOR_OF_GROUPS, at(name));
    let gives = |scope: &str| (USER_ACCESS_ADMINISTRATOR, scope.to_owned());
    // each may write what moves and give roles at it
    for (lacking, roles, (path, body)) in [
        ("the end", vec![writes("corp"), gives(&at("corp"))], &group),
        ("the end", vec![writes("corp"), gives(S)], &subscription),
        (
            "the beginning",
            vec![writes("team"), gives(&at("team")), writes("elsewhere")],
            &group,
        ),
        (
            "the beginning",
            vec![writes("elsewhere"), gives(S)],
            &subscription,
        ),
    ] {
        let mover = nave.user(&format!("{}@contoso.com", Uuid::new_v4())).await;
        for (role, scope) in roles {
            nave.give(mover.object_id, role, &scope).await;
        }
        let refused = nave.put_as(&mover, path, body.clone()).await;
        assert_eq!(refused.0, 403, "{path} without {lacking}: {}", refused.1);
    }
    let mover = nave
        .user_with("mover@contoso.com", CONTRIBUTOR_OF_GROUPS, &at("corp"))
        .await;
    nave.give(mover.object_id, USER_ACCESS_ADMINISTRATOR, &at("corp"))
        .await;
    nave.give(mover.object_id, CONTRIBUTOR_OF_GROUPS, &at("elsewhere"))
        .await;
    for (path, body) in [subscription, group] {
        let moved = nave.put_as(&mover, &path, body).await;
        assert_eq!(moved.0, 200, "{path}: {}", moved.1);
    }
}

#[tokio::test]
async fn what_is_below_and_what_one_sees() {
    let (nave, owner) = scene().await;
    let below_corp = nave.get(&owner, &format!("{}/descendants", at("corp"))).await;
    let subscription = S.rsplit('/').next().expect("a guid");
    assert_eq!(each(&below_corp, "/name"), [subscription, "team"]);
    let whole = nave
        .get(&owner, &format!("{}?$expand=children&$recurse=true", at("corp")))
        .await;
    let inner = whole.1.pointer("/properties/children/0/children/0/name");
    assert_eq!(inner, Some(&json!(subscription)));

    let reader = nave.user_with("reader@contoso.com", READER, RG).await;
    let entities = |who: Caller| {
        let nave = &nave;
        async move {
            nave.send(
                &who,
                Method::POST,
                "/providers/Microsoft.Management/getEntities",
                Value::Null,
            )
            .await
        }
    };
    let his = entities(reader.clone()).await;
    assert_eq!(
        each(&his, "/name"),
        [subscription, ROOT, "corp", "team"],
        "all that lies above his group"
    );
    let nobody = nave.user("nobody@contoso.com").await;
    assert!(each(&entities(nobody).await, "/name").is_empty());
}

#[tokio::test]
async fn a_name_is_free_taken_or_wrong() {
    let (nave, owner) = scene().await;
    let path = "/providers/Microsoft.Management/checkNameAvailability";
    for (name, free, why) in [
        ("new", true, Value::Null),
        ("CORP", false, json!("AlreadyExists")),
        ("a/b", false, json!("Invalid")),
        ("", false, json!("Invalid")),
    ] {
        let (_, answer) = nave
            .send(&owner, Method::POST, path, json!({ "name": name }))
            .await;
        assert_eq!(
            (&answer["nameAvailable"], &answer["reason"]),
            (&json!(free), &why),
            "{name}"
        );
    }
}

#[tokio::test]
async fn nothing_is_assigned_at_a_group_that_is_not_there() {
    let (nave, owner) = scene().await;
    let id = assignment_id(&at("nowhere"), Uuid::new_v4());
    assert_eq!(
        nave.put_as(&owner, &id, assigns(READER, owner.object_id)).await.0,
        404
    );
}
