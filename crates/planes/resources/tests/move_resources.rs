//! Moving resources between groups: what goes along, what follows, and what stands in the way.

mod common;

use async_trait::async_trait;
use common::*;
use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Caller, Registry, Reply, Resource,
    declaration::{ActCall, Action, Cx, Declaration, Draft, Movable, Placement, ResourceType, Verb, Written},
    long_running,
};
use nave_vault::Purpose;
use serde_json::{Value, json};

const ALL: &[Verb] = &[Verb::Get, Verb::List, Verb::Put(201, 200), Verb::Delete(200)];
const OTHER_RG: &str = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/there";

/// Things with a secret and a unique name. One that is fixed stays.
struct Things;

static THINGS: Declaration = Declaration {
    resource_type: "Test.Move/things",
    api_versions: &["2024-01-01"],
    verbs: ALL,
    actions: &[Action::named("reveal")],
    secret: &["/properties/secret"],
    ..Declaration::COMMON
};

#[async_trait]
impl ResourceType for Things {
    fn declaration(&self) -> &'static Declaration {
        &THINGS
    }

    fn write(&self, _: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        let name = format!("thing:{}", draft.id.name().to_lowercase());
        let mut written = Written::plain(draft);
        written.claims = vec![name];
        Ok(written)
    }

    fn stays(&self, _: &Cx<'_>, resource: &Resource) -> Option<String> {
        resource
            .value("/properties/fixed")
            .map(|_| String::from("it is fixed to the ground"))
    }

    async fn act(&self, _: &'static Action, call: ActCall) -> Result<Reply, ArmError> {
        let secrets = call.engine.open_secrets(&call.grant, &call.resource);
        Ok(Reply::ok(secrets.map_or(Value::Null, |secrets| {
            secrets.expose(&Purpose::Check).clone()
        })))
    }
}

struct Plain(&'static Declaration);

impl ResourceType for Plain {
    fn declaration(&self) -> &'static Declaration {
        self.0
    }
}

static PARTS: Declaration = Declaration {
    resource_type: "Test.Move/things/parts",
    api_versions: &["2024-01-01"],
    placement: Placement::Parent,
    tracked: false,
    verbs: ALL,
    ..Declaration::COMMON
};

static NOTES: Declaration = Declaration {
    resource_type: "Test.Move/things/notes",
    resident: false,
    ..PARTS_COMMON
};

const PARTS_COMMON: Declaration = Declaration {
    api_versions: &["2024-01-01"],
    placement: Placement::Parent,
    tracked: false,
    verbs: ALL,
    ..Declaration::COMMON
};

static ROCKS: Declaration = Declaration {
    resource_type: "Test.Move/rocks",
    api_versions: &["2024-01-01"],
    verbs: ALL,
    movable: Movable::No("rocks lie where they lie"),
    ..Declaration::COMMON
};

fn add(registry: &mut Registry) {
    registry.add_type(Things);
    registry.add_type(Plain(&PARTS));
    registry.add_type(Plain(&NOTES));
    registry.add_type(Plain(&ROCKS));
    registry.add_routes(long_running::routes());
}

async fn town() -> Nave {
    let nave = Nave::start_with(add).await;
    nave.make(OTHER_RG, json!({ "location": "eastus" })).await;
    nave
}

fn thing(group: &str, name: &str) -> String {
    format!("{group}/providers/Test.Move/things/{name}")
}

fn wish(ids: &[&str], to: &str) -> Value {
    json!({ "resources": ids, "targetResourceGroup": to })
}

async fn go(nave: &Nave, caller: &Caller, wish: Value) -> Answer {
    nave.send(caller, Method::POST, &format!("{RG}/moveResources"), wish)
        .await
}

/// The details of a refusal, as code and message.
fn reasons(answer: &Answer) -> Vec<(String, String)> {
    let details = answer.1["error"]["details"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let text = |detail: &Value, name: &str| detail[name].as_str().unwrap_or_default().to_owned();
    details
        .iter()
        .map(|detail| (text(detail, "code"), text(detail, "message")))
        .collect()
}

#[tokio::test]
async fn a_resource_goes_with_all_it_has_and_what_names_it_follows() {
    let nave = town().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, "/").await;
    let member = nave.user("joe@contoso.com").await;
    let (old, new) = (thing(RG, "One"), thing(OTHER_RG, "One"));
    let body =
        json!({ "location": "eastus", "tags": { "a": "b" }, "properties": { "secret": "S", "self": old } });
    nave.make(&old, body).await;
    nave.make(&format!("{old}/parts/p"), json!({ "properties": { "of": old } }))
        .await;
    nave.make(
        &format!("{old}/notes/n"),
        json!({ "properties": { "text": "kept in the store" } }),
    )
    .await;
    let role = nave.give(member.object_id, READER, &old).await;
    let neighbour = thing(RG, "One2");
    let link = json!({ "location": "eastus", "properties": { "uses": format!("{old}/parts/p"), "beside": neighbour } });
    nave.make(&neighbour, link).await;
    let before = nave.get(&owner, &old).await.1;
    let (status, answer) = go(
        &nave,
        &owner,
        wish(
            &[&old.to_uppercase().replace("/SUBSCRIPTIONS", "/subscriptions")],
            OTHER_RG,
        ),
    )
    .await;
    assert_eq!(status, 202, "{answer}");
    assert_eq!(nave.get(&owner, &old).await.0, 404);
    let after = nave.get(&owner, &new).await.1;
    assert_eq!(
        (&after["tags"], &after["properties"]),
        (&before["tags"], &json!({ "self": new }))
    );
    assert_eq!(
        after["systemData"]["createdAt"],
        before["systemData"]["createdAt"]
    );
    assert_eq!(
        after["systemData"]["createdBy"],
        before["systemData"]["createdBy"]
    );
    let revealed = nave
        .send(&owner, Method::POST, &format!("{new}/reveal"), Value::Null)
        .await;
    assert_eq!(revealed, (200, json!({ "/properties/secret": "S" })));
    let part = nave.get(&owner, &format!("{new}/parts/p")).await;
    assert_eq!(part.1["properties"], json!({ "of": new }));
    assert_eq!(nave.get(&owner, &format!("{new}/notes/n")).await.0, 200);
    assert_eq!(nave.get(&owner, &format!("{old}/notes/n")).await.0, 404);
    assert_eq!(nave.get(&member, &new).await.0, 200, "roles at it go along");
    assert_eq!(nave.get(&owner, &role).await.0, 404);
    let again = nave
        .put_as(
            &owner,
            &assignment_id(&new, uuid::Uuid::new_v4()),
            assigns(READER, member.object_id),
        )
        .await;
    assert_eq!(
        code(&again),
        "RoleAssignmentExists",
        "what a role is of is known at the new place"
    );
    let named = nave.get(&owner, &neighbour).await.1;
    assert_eq!(
        named["properties"],
        json!({ "uses": format!("{new}/parts/p"), "beside": neighbour })
    );
    let taken = nave.put_as(&owner, &old, json!({ "location": "eastus" })).await;
    assert_eq!(
        code(&taken),
        "Conflict",
        "its unique name is still its own: {}",
        taken.1
    );
    let history = nave
        .get(&owner, &format!("{new}/providers/Nave.Access/history"))
        .await
        .1;
    assert_eq!(
        history["value"][0]["operation"],
        "Microsoft.Resources/subscriptions/resourceGroups/moveResources/action"
    );
    assert_eq!(history["value"][0]["movedFrom"], json!(old));
}

#[tokio::test]
async fn what_cannot_move_says_why_and_nothing_moves() {
    let nave = town().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, "/").await;
    let place = json!({ "location": "eastus" });
    let (fine, fixed, rock) = (
        thing(RG, "fine"),
        thing(RG, "fixed"),
        format!("{RG}/providers/Test.Move/rocks/r"),
    );
    nave.make(&fine, place.clone()).await;
    nave.make(
        &fixed,
        json!({ "location": "eastus", "properties": { "fixed": true } }),
    )
    .await;
    nave.make(&rock, place.clone()).await;
    let gone = thing(RG, "gone");
    let refused = go(&nave, &owner, wish(&[&fine, &fixed, &rock, &gone], OTHER_RG)).await;
    assert_eq!(
        (refused.0, code(&refused)),
        (409, "ResourceMoveProviderValidationFailed"),
        "{}",
        refused.1
    );
    let reasons = reasons(&refused);
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    for (code, words) in [
        ("ResourceMoveNotSupported", "it is fixed to the ground"),
        ("ResourceMoveNotSupported", "rocks lie where they lie"),
        ("ResourceNotFound", "gone"),
    ] {
        assert!(
            reasons
                .iter()
                .any(|(found, message)| found == code && message.contains(words)),
            "{reasons:?}"
        );
    }
    assert_eq!(nave.get(&owner, &fine).await.0, 200);
    let to_validate = format!("{RG}/validateMoveResources");
    let validated = nave
        .send(&owner, Method::POST, &to_validate, wish(&[&rock], OTHER_RG))
        .await;
    assert_eq!(validated.0, 409);
    let validated = nave
        .send(&owner, Method::POST, &to_validate, wish(&[&fine], OTHER_RG))
        .await;
    assert_eq!(validated.0, 202, "{}", validated.1);
    assert_eq!(nave.get(&owner, &fine).await.0, 200, "and stays");
    for odd in [
        json!({}),
        wish(&[], OTHER_RG),
        wish(&[&fine], S),
        wish(&[&fine], "there"),
        wish(&[&fine], RG),
        wish(&[&thing(OTHER_RG, "x")], OTHER_RG),
        wish(&[RG], OTHER_RG),
        wish(&[&format!("{fine}/parts/p")], OTHER_RG),
        json!({ "resources": [1], "targetResourceGroup": OTHER_RG }),
    ] {
        let refused = go(&nave, &owner, odd.clone()).await;
        assert_eq!(
            (refused.0, code(&refused)),
            (400, "InvalidRequestContent"),
            "{odd}: {}",
            refused.1
        );
    }
    let nowhere = go(&nave, &owner, wish(&[&fine], &format!("{S}/resourceGroups/none"))).await;
    assert_eq!((nowhere.0, code(&nowhere)), (404, "ResourceGroupNotFound"));
}

#[tokio::test]
async fn a_move_takes_a_right_at_both_ends() {
    let nave = town().await;
    let one = thing(RG, "one");
    nave.make(&one, json!({ "location": "eastus" })).await;
    let mover = nave.user_with("mover@contoso.com", CONTRIBUTOR, RG).await;
    let refused = go(&nave, &mover, wish(&[&one], OTHER_RG)).await;
    assert_eq!(
        (refused.0, code(&refused)),
        (403, "LinkedAuthorizationFailed"),
        "{}",
        refused.1
    );
    nave.give(mover.object_id, READER, OTHER_RG).await;
    assert_eq!(go(&nave, &mover, wish(&[&one], OTHER_RG)).await.0, 403);
    let receiver = nave
        .user_with("receiver@contoso.com", CONTRIBUTOR, OTHER_RG)
        .await;
    let refused = go(&nave, &receiver, wish(&[&one], OTHER_RG)).await;
    assert_eq!((refused.0, code(&refused)), (403, "AuthorizationFailed"));
    nave.give(mover.object_id, CONTRIBUTOR, OTHER_RG).await;
    assert_eq!(go(&nave, &mover, wish(&[&one], OTHER_RG)).await.0, 202);
}

#[tokio::test]
async fn locks_hold_at_both_ends() {
    let nave = town().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, "/").await;
    let (one, uses) = (thing(RG, "one"), thing(RG, "uses"));
    nave.make(&one, json!({ "location": "eastus" })).await;
    nave.make(&format!("{one}/parts/p"), json!({})).await;
    let other = format!("{S}/resourceGroups/other");
    nave.make(&other, json!({ "location": "eastus" })).await;
    let user = thing(&other, "user");
    nave.make(
        &user,
        json!({ "location": "eastus", "properties": { "uses": one } }),
    )
    .await;
    let locked = async |scope: &str, level: &str| {
        let id = format!("{scope}/{AUTHORIZATION}/locks/keep");
        nave.make(&id, json!({ "properties": { "level": level } })).await;
        let answer = go(&nave, &owner, wish(&[&one], OTHER_RG)).await;
        assert_eq!(nave.delete(&owner, &id).await.0, 200);
        (
            answer.0,
            answer.1["error"]["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    for (scope, level) in [
        (RG, "ReadOnly"),
        (RG, "CanNotDelete"),
        (&*one, "CanNotDelete"),
        (&*format!("{one}/parts/p"), "CanNotDelete"),
        (OTHER_RG, "ReadOnly"),
        (OTHER, "ReadOnly"),
        (&*user, "ReadOnly"),
    ] {
        let (status, message) = locked(scope, level).await;
        assert_eq!(status, 409, "{scope} {level}: {message}");
        assert!(message.contains(&format!("are locked: '{scope}'")), "{message}");
        assert_eq!(nave.get(&owner, &one).await.0, 200, "{uses}");
    }
    assert_eq!(
        locked(OTHER_RG, "CanNotDelete").await.0,
        202,
        "nothing is deleted there"
    );
}
