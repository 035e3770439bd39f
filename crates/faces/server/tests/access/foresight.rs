//! What is foretold to whom: a question about a change is no way to look elsewhere, and none keeps the server busy.

use http::Method;
use nave_arm::ResourceId;
use nave_engine::{Act, Change, Put, directory, principal_claim, rbac::built_in};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::World;

async fn asked(world: &World, who: usize, scope: &str, changes: Value) -> (u16, Value) {
    let path = format!("{scope}/providers/Nave.Access/whatIf");
    let body = json!({ "changes": changes });
    world.ask(world.people[who], Method::POST, &path, &body).await
}

#[tokio::test]
async fn what_follows_elsewhere_is_not_told() {
    let world = World::build().await;
    let [here, elsewhere] = [2, 3].map(|at| world.places[at].as_str().to_owned());
    world.nave.assign(world.people[3], built_in::READER, &here).await;
    for scope in [&here, &elsewhere] {
        world.nave.assign(world.groups[1], built_in::READER, scope).await;
    }
    let group = directory::object_id(directory::GROUPS, world.groups[1]);
    let (status, answer) = asked(&world, 3, &here, json!([{ "id": group, "delete": true }])).await;
    assert_eq!(status, 200, "{answer}");
    let told = answer["rows"].to_string();
    assert!(told.contains(&world.groups[1].to_string()), "{told}");
    assert!(!told.contains("resourceGroups/b"), "{told}");
}

#[tokio::test]
async fn why_a_role_of_others_cannot_change_is_not_told() {
    let world = World::build().await;
    let [here, elsewhere] = [2, 3].map(|at| world.places[at].as_str().to_owned());
    world.nave.assign(world.people[3], built_in::READER, &here).await;
    let role = Uuid::from_u128(0xcccc);
    let id = ResourceId::tenant().extension("Microsoft.Authorization/roleDefinitions", &role.to_string());
    let definition = json!({ "properties": {
        "roleName": "theirs", "type": "CustomRole", "assignableScopes": [elsewhere],
        "permissions": [{ "actions": ["*/read"] }],
    } });
    let path = format!("{elsewhere}{id}");
    world.nave.make(Method::PUT, &path, &definition).await;
    world.nave.assign(world.people[4], role, &elsewhere).await;
    let (status, answer) = asked(&world, 3, &here, json!([{ "id": id, "delete": true }])).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (403, &json!("AuthorizationFailed")),
        "{answer}"
    );
}

#[tokio::test]
async fn a_change_of_a_thousand_members_is_refused() {
    let world = World::build().await;
    let people: Vec<Uuid> = (0..1_001).map(|at| Uuid::from_u128(0xffff_0000 + at)).collect();
    let puts = people.iter().map(|id| {
        let sent = json!({ "id": id, "displayName": "one of many", "accountEnabled": true });
        let mut put = Put::new(directory::object_id(directory::USERS, *id), sent);
        put.claims = vec![principal_claim(*id)];
        put
    });
    let crowd = directory::object_id(directory::GROUPS, Uuid::from_u128(0xbbbb_ffff));
    let mut group = Put::new(
        crowd.clone(),
        json!({ "id": crowd.name(), "displayName": "crowd", "members": people }),
    );
    group.claims = vec![principal_claim(crowd.name().parse().unwrap())];
    let engine = &world.nave.engine;
    let grant = engine.on_own_account::<Act>("crowd", &ResourceId::tenant());
    let change = Change {
        puts: puts.chain([group]).collect(),
        ..Change::default()
    };
    engine.commit(&grant, change).await.unwrap();
    world.nave.assign(world.people[3], built_in::OWNER, "/").await;
    let emptied = json!([{ "id": crowd, "properties": { "members": [] } }]);
    let (status, answer) = asked(&world, 3, "", emptied).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (400, &json!("InvalidParameter")),
        "{answer}"
    );
}
