//! A role made from what somebody did allows it again to somebody else, and nothing else.

use http::Method;
use nave_arm::ResourceId;
use nave_engine::{Act, access::operations, rbac::built_in};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

use crate::world::World;

/// Cognitive Services OpenAI User.
const OPENAI_USER: Uuid = uuid!("5e0bd9bd-7b93-4f28-af87-19fc36ad61bd");
const SUGGEST: &str = "/providers/Nave.Access/suggestRole";

/// What a developer does: reads, changes, an action; and what is refused to him.
fn day(world: &World) -> Vec<(Method, String, Value, bool)> {
    let [storage, other, project] = [4, 5, 7].map(|at| world.places[at].as_str().to_owned());
    let connection = json!({ "properties": {
        "category": "AzureOpenAI", "authType": "ApiKey", "target": "https://models.test/",
        "credentials": { "key": "abc" },
    } });
    vec![
        (Method::GET, storage.clone(), Value::Null, true),
        (Method::POST, format!("{storage}/listKeys"), Value::Null, true),
        (Method::GET, project.clone(), Value::Null, true),
        (
            Method::PUT,
            format!("{project}/connections/mine"),
            connection,
            true,
        ),
        (
            Method::GET,
            format!("{project}/connections/mine"),
            Value::Null,
            true,
        ),
        (Method::GET, other.clone(), Value::Null, false),
        (Method::DELETE, other, Value::Null, false),
    ]
}

async fn play(world: &World, who: usize) {
    for (method, path, body, allowed) in day(world) {
        let (status, answer) = world.ask(world.people[who], method.clone(), &path, &body).await;
        assert_eq!(status < 300, allowed, "{method} {path}: {status} {answer}");
    }
}

async fn suggested(world: &World, more: &Value) -> Value {
    let mut body = json!({ "principal": world.people[0], "days": 2 });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    world.nave.make(Method::POST, SUGGEST, &body).await
}

async fn give(world: &World, role: &Value, who: usize) {
    let id = Uuid::new_v4();
    let properties = &role["properties"];
    for scope in properties["assignableScopes"].as_array().unwrap() {
        let definition = format!(
            "{}/providers/Microsoft.Authorization/roleDefinitions/{id}",
            scope.as_str().unwrap()
        );
        world
            .nave
            .make(Method::PUT, &definition, &json!({ "properties": properties }))
            .await;
        world
            .nave
            .assign(world.people[who], id, scope.as_str().unwrap())
            .await;
    }
}

#[tokio::test]
async fn the_role_allows_the_same_again_and_nothing_else() {
    let world = World::build().await;
    let group = world.places[2].as_str();
    world
        .nave
        .assign(world.people[0], built_in::CONTRIBUTOR, group)
        .await;
    play(&world, 0).await;
    let answer = suggested(&world, &json!({})).await;
    let role = &answer["roles"][0];
    assert_eq!(answer["roles"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(
        role["definition"]["Actions"],
        json!([
            "Microsoft.MachineLearningServices/workspaces/connections/read",
            "Microsoft.MachineLearningServices/workspaces/connections/write",
            "Microsoft.MachineLearningServices/workspaces/read",
            "Microsoft.Storage/storageAccounts/listKeys/action",
            "Microsoft.Storage/storageAccounts/read",
        ]),
        "{answer}"
    );
    assert_eq!(
        role["definition"]["AssignableScopes"],
        json!([world.places[7], world.places[4]])
    );
    assert_eq!(answer["proof"]["holds"], true, "{answer}");
    assert!(answer["proof"]["otherOperationsAsked"].as_u64().unwrap() > 1000);
    assert_eq!(answer["notInRole"], json!([]));
    give(&world, role, 1).await;
    play(&world, 1).await;
    let (status, _) = world
        .ask(
            world.people[1],
            Method::DELETE,
            world.places[4].as_str(),
            &Value::Null,
        )
        .await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn a_role_for_each_scope_allows_nothing_elsewhere() {
    let world = World::build().await;
    world
        .nave
        .assign(world.people[0], built_in::OWNER, world.places[2].as_str())
        .await;
    play(&world, 0).await;
    let answer = suggested(&world, &json!({ "byScope": true })).await;
    let roles = answer["roles"].as_array().unwrap();
    assert!(roles.len() > 1, "{answer}");
    assert_eq!(answer["proof"]["holds"], true);
    let mut wider = answer["proof"]["alsoAllowedElsewhere"].as_array().unwrap().iter();
    assert!(
        wider.all(|one| one["scope"]
            .as_str()
            .unwrap()
            .ends_with("/project/connections/mine")),
        "{answer}"
    );
    for role in roles {
        give(&world, role, 1).await;
    }
    play(&world, 1).await;
}

#[tokio::test]
async fn what_a_custom_role_cannot_give_is_said() {
    let world = World::build().await;
    let who = world.people[0];
    world.nave.assign(who, built_in::OWNER, "/").await;
    let hub = format!("{}/{}/mine", world.places[2], crate::world::WORKSPACES);
    let body = json!({ "location": "eastus", "kind": "Hub", "identity": { "type": "SystemAssigned" }, "properties": {} });
    let (status, answer) = world.ask(who, Method::PUT, &hub, &body).await;
    assert!(status < 300, "{answer}");
    let caller = nave_engine::Caller {
        audience: format!("{}/graph", world.nave.origin()),
        ..nave_engine::directory::caller(&world.nave.engine.snapshot(), world.nave.engine.site(), who)
    };
    let team = json!({ "displayName": "team", "mailEnabled": false, "mailNickname": "team", "securityEnabled": true });
    let change = world.request(caller, Method::POST, "/graph/v1.0/groups", &team);
    assert_eq!(world.nave.engine.serve(change).await.status, 201);
    let answer = suggested(&world, &json!({})).await;
    let said: Vec<&str> = answer["notInRole"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["why"].as_str().unwrap())
        .collect();
    assert!(
        said.iter().any(|why| why.contains("asks for a built-in role")),
        "{said:?}"
    );
    assert!(said.iter().any(|why| why.contains("directory")), "{said:?}");
    assert_eq!(answer["proof"]["holds"], true);
}

#[tokio::test]
async fn uses_are_kept_for_so_many_days_and_make_sense() {
    let world = World::build().await;
    world
        .nave
        .assign(world.people[0], built_in::CONTRIBUTOR, world.places[2].as_str())
        .await;
    play(&world, 0).await;
    let engine = &world.nave.engine;
    engine.write_uses().await.unwrap();
    let grant = engine.on_own_account::<Act>("test", &ResourceId::tenant());
    let uses = engine.uses_of(&grant, world.people[0], 1).await.unwrap();
    let all = operations(engine.registry());
    for one in &uses {
        let kind = one.scope.resource_type().to_lowercase();
        let known = all
            .iter()
            .any(|asked| asked.name == one.operation && asked.makes_sense_at(&kind));
        assert!(known, "{one:?} was done and is told of nowhere");
    }
    world.nave.world.advance(jiff::SignedDuration::from_hours(24 * 3));
    assert_eq!(engine.uses_of(&grant, world.people[0], 1).await.unwrap(), []);
    engine.forget_uses(4).await.unwrap();
    assert_eq!(engine.uses_of(&grant, world.people[0], 4).await.unwrap(), uses);
    engine.forget_uses(3).await.unwrap();
    assert_eq!(engine.uses_of(&grant, world.people[0], 4).await.unwrap(), []);
}

#[tokio::test]
async fn who_may_ask() {
    let world = World::build().await;
    let group = world.places[2].as_str();
    let change = json!({ "changes": [{ "id": format!("{group}/providers/Microsoft.Authorization/roleAssignments/{}", world.people[4]),
                                       "delete": true }] });
    let people = [
        (built_in::READER, true, false),
        (built_in::USER_ACCESS_ADMINISTRATOR, true, true),
        (built_in::CONTRIBUTOR, true, true),
        (built_in::AI_DEVELOPER, true, false),
        (OPENAI_USER, false, false),
    ];
    for (at, (role, foresees, suggests)) in people.into_iter().enumerate() {
        let who = world.people[at];
        let (status, _) = world
            .ask(
                who,
                Method::POST,
                &format!("{group}/providers/Nave.Access/whatIf"),
                &change,
            )
            .await;
        assert_eq!(status, 403, "nobody yet");
        world.nave.assign(who, role, group).await;
        let (status, answer) = world
            .ask(
                who,
                Method::POST,
                &format!("{group}/providers/Nave.Access/whatIf"),
                &change,
            )
            .await;
        assert_eq!(status == 200, foresees, "{role}: {status} {answer}");
        let (status, answer) = world
            .ask(
                who,
                Method::POST,
                &format!("{group}{SUGGEST}"),
                &json!({ "principal": who }),
            )
            .await;
        assert_eq!(status == 200, suggests, "{role}: {status} {answer}");
        let above = world.places[1].as_str();
        let (status, _) = world
            .ask(
                who,
                Method::POST,
                &format!("{above}/providers/Nave.Access/whatIf"),
                &change,
            )
            .await;
        assert_eq!(status, 403, "{role} above the group");
    }
}
