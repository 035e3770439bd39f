//! 500 random changes: what is predicted of each is what happens when it is made for real.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use jiff::SignedDuration;
use nave_arm::ResourceId;
use nave_engine::{
    Act, EventQuery, Snapshot,
    access::{Asked, operations, since},
    directory,
    rbac::{Attributes, Plane, Source, built_in},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Dice, World};

const CHANGES: usize = 500;
const ASSIGN: &str = "Microsoft.Authorization/roleAssignments/write";
const SAMPLE: &[&str] = &[
    "Microsoft.Storage/storageAccounts/read",
    "Microsoft.Storage/storageAccounts/write",
    "Microsoft.Storage/storageAccounts/listKeys/action",
    "Microsoft.MachineLearningServices/workspaces/read",
    "Microsoft.MachineLearningServices/workspaces/delete",
    "Microsoft.MachineLearningServices/workspaces/connections/write",
    "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.KeyVault/vaults/read",
    "Microsoft.Graph/users/write",
    "Nave.Access/whatIf/action",
    ASSIGN,
    "Microsoft.Authorization/roleAssignments/delete",
];
const PRINCIPAL_TYPE: &str = "Microsoft.Authorization/roleAssignments:PrincipalType";

/// A cell of the matrix: who, what, where.
type Cell = (Uuid, String, String);

/// The matrix: for each cell the answer without attributes, and with each of two that conditions ask for.
type Matrix = BTreeMap<Cell, [bool; 3]>;

#[tokio::test]
async fn what_is_predicted_is_what_happens() {
    let world = World::build().await;
    let mut dice = Dice::new(0x5eed_1234_abcd_0001);
    let sample = sample(&world);
    somebody_asks(&world).await;
    let mut before = matrix(&world, &sample);
    let (mut made, mut moved, mut flipped, mut conditional) = (0, 0, 0, 0);
    for round in 0..CHANGES {
        let changes = proposal(&world, &mut dice);
        let state = world.nave.engine.snapshot();
        let body = json!({ "changes": changes, "days": 1, "top": 5000 });
        let (status, answer) = world
            .nave
            .try_make(Method::POST, "/providers/Nave.Access/whatIf", &body)
            .await;
        assert_eq!(
            rows(&state),
            rows(&world.nave.engine.snapshot()),
            "asking changed something"
        );
        let real = apply(&world, &changes).await;
        let after = matrix(&world, &sample);
        match real {
            Err((real_status, code)) => {
                assert_eq!(
                    (status, answer["error"]["code"].as_str().unwrap()),
                    (real_status, code.as_str()),
                    "{round}"
                );
            }
            Ok(()) => {
                assert_eq!(status, 200, "{round}: {answer} {changes:?}");
                made += 1;
                let told = format!("{round} {changes:?}");
                let (cells, may_be) = compare(&answer, &before, &after, &told);
                moved += cells;
                conditional += may_be;
                flipped += compare_calls(&world, &answer, &state, &told).await;
            }
        }
        before = after;
        if restore_groups(&world).await {
            before = matrix(&world, &sample);
        }
        // the log that is looked at goes on: what is older than a day is forgotten
        world.nave.world.advance(SignedDuration::from_hours(1));
        if round % 8 == 0 {
            somebody_asks(&world).await;
        }
    }
    assert!(
        made > CHANGES / 2 && moved > 1000 && flipped > 100 && conditional > 10,
        "the world is too quiet: {made} changes, {moved} rights, {flipped} calls, {conditional} conditional"
    );
}

/// The versions of all rows.
fn rows(state: &Snapshot) -> Vec<String> {
    state
        .below(&ResourceId::tenant())
        .map(|row| row.etag.clone())
        .collect()
}

/// The operations of the sample, as the registry has them.
fn sample(world: &World) -> Vec<Asked> {
    let all = operations(world.nave.engine.registry());
    let found: Vec<Asked> = all
        .into_iter()
        .filter(|asked| SAMPLE.contains(&asked.name.as_str()))
        .collect();
    assert_eq!(found.len(), SAMPLE.len(), "{found:?}");
    found
}

fn matrix(world: &World, sample: &[Asked]) -> Matrix {
    let state = world.nave.engine.snapshot();
    let with = |kind: &str| Attributes::new().with(Source::Request, PRINCIPAL_TYPE, kind);
    let (none, user, group) = (Attributes::new(), with("User"), with("Group"));
    let mut matrix = Matrix::new();
    for place in &world.places {
        let kind = place.resource_type().to_lowercase();
        for asked in sample.iter().filter(|asked| asked.makes_sense_at(&kind)) {
            for who in &world.people {
                let may = |attributes| world.may(&state, *who, (&asked.name, asked.plane), place, attributes);
                let plain = may(&none);
                // conditions of this world ask for attributes of this operation alone
                let answers = match asked.name == ASSIGN {
                    true => [plain, may(&user), may(&group)],
                    false => [plain; 3],
                };
                matrix.insert((*who, asked.name.clone(), place.as_str().to_owned()), answers);
            }
        }
    }
    matrix
}

/// Compares what is predicted with what happened; how many rights moved, and how many are conditional.
fn compare(answer: &Value, before: &Matrix, after: &Matrix, told: &str) -> (usize, usize) {
    assert_eq!(answer["totals"]["more"], 0);
    let mut predicted: BTreeMap<Cell, &str> = BTreeMap::new();
    for entry in answer["entries"].as_array().unwrap() {
        let who: Uuid = entry["principal"]["id"].as_str().unwrap().parse().unwrap();
        let named = ["actions", "dataActions"]
            .into_iter()
            .flat_map(|list| entry[list].as_array().unwrap());
        for operation in named {
            let cell = (
                who,
                operation.as_str().unwrap().to_owned(),
                entry["resourceId"].as_str().unwrap().to_owned(),
            );
            if !before.contains_key(&cell) {
                continue;
            }
            if entry["kind"] == "Gained" {
                assert!(entry["by"]["assignment"].is_string(), "{told}: {entry}");
            }
            let twice = predicted.insert(cell, entry["kind"].as_str().unwrap());
            assert!(twice.is_none(), "{told}: told twice: {entry}");
        }
    }
    let mut moved = 0;
    for (cell, was) in before {
        let is = &after[cell];
        match predicted.get(cell) {
            Some(&"Gained") => assert_eq!((was, is), (&[false; 3], &[true; 3]), "{told}: {cell:?}"),
            Some(&"Lost") => assert_eq!((was, is), (&[true; 3], &[false; 3]), "{told}: {cell:?}"),
            Some(_) => {}
            None => assert_eq!(was, is, "{told}: {cell:?} was not predicted"),
        }
        moved += usize::from(was != is);
    }
    (
        moved,
        predicted.values().filter(|kind| **kind == "Conditional").count(),
    )
}

/// Compares the calls that are said to flip with those that do; how many.
async fn compare_calls(world: &World, answer: &Value, before: &Snapshot, told: &str) -> usize {
    let engine = &world.nave.engine;
    let after = engine.snapshot();
    let grant = engine.on_own_account::<Act>("test", &ResourceId::tenant());
    let query = EventQuery {
        from: Some(since(engine.world().now(), 1)),
        ..EventQuery::default()
    };
    let events = engine.events(&grant, query).await.unwrap();
    let mut flips = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for event in events.iter().filter(|event| seen.insert(event.decision)) {
        let who = event.caller.parse().ok().filter(|who| world.people.contains(who));
        let (Some(who), finding) = (who, &event.detail["decision"]["findings"][0]) else {
            continue;
        };
        let place = ResourceId::parse(finding["scope"].as_str().unwrap()).unwrap();
        let asked = (finding["operation"].as_str().unwrap(), Plane::Control);
        let [was, is] =
            [before, &*after].map(|state| world.may(state, who, asked, &place, &Attributes::new()));
        if was != is {
            flips.insert(event.decision.to_string());
        }
    }
    let predicted: BTreeSet<String> = answer["calls"]["flips"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flip| flip["decisionId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(predicted, flips, "{told}");
    flips.len()
}

/// Everybody asks for what the log keeps: refusals, and actions.
async fn somebody_asks(world: &World) {
    for who in &world.people {
        for (method, path) in [
            (Method::GET, world.places[4].as_str().to_owned()),
            (Method::GET, world.places[6].as_str().to_owned()),
            (Method::POST, format!("{}/listKeys", world.places[5])),
        ] {
            world.ask(*who, method, &path, &Value::Null).await;
        }
    }
}

/// A group that was deleted comes back, so that there is always one to change.
async fn restore_groups(world: &World) -> bool {
    let mut restored = false;
    for (at, group) in world.groups.iter().enumerate() {
        let row = directory::object_id(directory::GROUPS, *group);
        if world.nave.engine.snapshot().get(&row).is_none() {
            world.group(at, &world.people[at..at + 2]).await;
            restored = true;
        }
    }
    restored
}

/// One to three changes.
fn proposal(world: &World, dice: &mut Dice) -> Vec<Value> {
    let count = 1 + dice.below(3) / 2;
    (0..count).map(|_| change(world, dice)).collect()
}

fn change(world: &World, dice: &mut Dice) -> Value {
    let state = world.nave.engine.snapshot();
    let assignments: Vec<String> = state
        .roles()
        .assignments()
        .map(|one| one.id().as_str().to_owned())
        .collect();
    let denies: Vec<String> = state
        .roles()
        .denies()
        .map(|one| one.id.as_str().to_owned())
        .collect();
    let role = format!(
        "/providers/Microsoft.Authorization/roleDefinitions/{}",
        custom_roles()[dice.below(3)]
    );
    match dice.below(16) {
        0..=5 => assignment(world, dice),
        6 | 7 => json!({ "id": dice.one(&assignments), "delete": true }),
        8 | 9 => json!({ "id": role, "properties": definition(world, dice, &role) }),
        10 => json!({ "id": role, "delete": true }),
        11 | 12 => members(world, dice),
        13 if dice.below(4) == 0 => json!({ "id": group_id(*dice.one(&world.groups)), "delete": true }),
        14 if !denies.is_empty() => json!({ "id": dice.one(&denies), "delete": true }),
        _ => deny(world, dice),
    }
}

fn custom_roles() -> [Uuid; 3] {
    [1, 2, 3].map(|number| Uuid::from_u128(0xcccc_0000 + number))
}

fn group_id(group: Uuid) -> String {
    format!("/providers/Microsoft.Graph/groups/{group}")
}

fn assignment(world: &World, dice: &mut Dice) -> Value {
    let everybody: Vec<Uuid> = world.people.iter().chain(&world.groups).copied().collect();
    let [one, two, three] = custom_roles();
    let roles = [
        built_in::READER,
        built_in::CONTRIBUTOR,
        built_in::OWNER,
        built_in::USER_ACCESS_ADMINISTRATOR,
        built_in::AI_DEVELOPER,
        one,
        two,
        three,
    ];
    let conditions = [
        String::new(),
        String::new(),
        String::new(),
        format!("!(ActionMatches{{'{ASSIGN}'}}) OR @Request[{PRINCIPAL_TYPE}] StringEquals 'User'"),
        format!("!(ActionMatches{{'{ASSIGN}'}}) OR NOT Exists @Request[{PRINCIPAL_TYPE}]"),
        String::from("@Environment[UtcNow] DateTimeGreaterThan '2020-01-01T00:00:00Z'"),
        String::from("@Environment[UtcNow] DateTimeGreaterThan '2040-01-01T00:00:00Z'"),
        String::from("@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:a_b] StringEquals 'c'"),
    ];
    let scope = dice.one(&world.places).clone();
    let name = Uuid::from_u128(0xdddd_0000_0000 + u128::try_from(dice.below(1 << 30)).unwrap());
    let role = dice.one(&roles);
    let mut properties = json!({
        "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{role}"),
        "principalId": dice.one(&everybody),
    });
    let condition = dice.one(&conditions);
    if !condition.is_empty() {
        properties["condition"] = condition.as_str().into();
        properties["conditionVersion"] = "2.0".into();
    }
    json!({ "id": scope.extension("Microsoft.Authorization/roleAssignments", &name.to_string()), "properties": properties })
}

fn definition(world: &World, dice: &mut Dice, id: &str) -> Value {
    let actions = [
        "*",
        "*/read",
        "Microsoft.Storage/*",
        "Microsoft.Storage/storageAccounts/listKeys/action",
        "Microsoft.MachineLearningServices/workspaces/*",
        ASSIGN,
        "Microsoft.Authorization/*/read",
    ];
    let not_actions = [
        "*/delete",
        "Microsoft.Storage/storageAccounts/listKeys/action",
        "*/write",
    ];
    let data = [
        "Microsoft.CognitiveServices/*",
        "Microsoft.CognitiveServices/accounts/OpenAI/*",
    ];
    let some = |dice: &mut Dice, of: &[&str], most: usize| -> Vec<String> {
        let count = dice.below(most + 1);
        (0..count).map(|_| (*dice.one(of)).to_owned()).collect()
    };
    json!({
        "roleName": format!("custom {id}"), "type": "CustomRole", "description": "",
        "assignableScopes": [world.nave.subscription()],
        "permissions": [{
            "actions": some(dice, &actions, 3), "notActions": some(dice, &not_actions, 2),
            "dataActions": some(dice, &data, 1), "notDataActions": [],
        }],
    })
}

fn members(world: &World, dice: &mut Dice) -> Value {
    let at = dice.below(2);
    let mut members: Vec<Uuid> = world
        .people
        .iter()
        .copied()
        .filter(|_| dice.below(3) == 0)
        .collect();
    if dice.below(2) == 0 {
        // circles, too
        members.push(world.groups[1 - at]);
    }
    json!({ "id": group_id(world.groups[at]), "properties": { "members": members } })
}

fn deny(world: &World, dice: &mut Dice) -> Value {
    let name = Uuid::from_u128(0xeeee_0000 + u128::try_from(dice.below(4)).unwrap());
    let scope = dice.one(&world.places[1..]).clone();
    let everybody = json!([{ "id": Uuid::nil(), "type": "SystemDefined" }]);
    let excluded = json!([{ "id": dice.one(&world.people), "type": "User" },
                          { "id": dice.one(&world.groups), "type": "Group" }]);
    let one = json!([{ "id": dice.one(&world.people[..5]), "type": "User" }]);
    let (principals, excluded) = if dice.below(2) == 0 {
        (everybody, excluded)
    } else {
        (one, json!([]))
    };
    let actions = [
        "*/write",
        "Microsoft.Storage/*",
        "Microsoft.MachineLearningServices/workspaces/read",
    ];
    json!({
        "id": scope.extension("Microsoft.Authorization/denyAssignments", &name.to_string()),
        "properties": {
            "denyAssignmentName": "no", "principals": principals, "excludePrincipals": excluded,
            "permissions": [{ "actions": [dice.one(&actions)], "notActions": [], "dataActions": [], "notDataActions": [] }],
        },
    })
}

/// Makes changes for real, as clients do; the status and code of the first that is refused.
async fn apply(world: &World, changes: &[Value]) -> Result<(), (u16, String)> {
    for change in changes {
        let id = change["id"].as_str().unwrap();
        let properties = &change["properties"];
        let requests = match id.strip_prefix("/providers/Microsoft.Graph/groups/") {
            Some(group) => group_requests(world, group, properties),
            None if properties.is_null() => vec![(Method::DELETE, id.to_owned(), Value::Null)],
            None => vec![(Method::PUT, id.to_owned(), json!({ "properties": properties }))],
        };
        for (method, path, body) in requests {
            let (status, answer) = world.nave.try_make(method, &path, &body).await;
            if status >= 300 {
                return Err((
                    status,
                    answer["error"]["code"].as_str().unwrap_or_default().to_owned(),
                ));
            }
        }
    }
    Ok(())
}

fn group_requests(world: &World, group: &str, properties: &Value) -> Vec<(Method, String, Value)> {
    let path = format!("/graph/v1.0/groups/{group}");
    if properties.is_null() {
        return vec![(Method::DELETE, path, Value::Null)];
    }
    let row = directory::object_id(directory::GROUPS, group.parse().unwrap());
    let state = world.nave.engine.snapshot();
    let present: BTreeSet<Uuid> = state
        .get(&row)
        .map(|row| directory::members(row))
        .into_iter()
        .flatten()
        .collect();
    let wanted = properties["members"].as_array().unwrap().iter();
    let wanted: BTreeSet<Uuid> = wanted
        .map(|member| member.as_str().unwrap().parse().unwrap())
        .collect();
    let added = wanted.difference(&present).map(|member| {
        let address = format!("{}/graph/v1.0/directoryObjects/{member}", world.nave.origin());
        (
            Method::POST,
            format!("{path}/members/$ref"),
            json!({ "@odata.id": address }),
        )
    });
    let gone = present.difference(&wanted).map(|member| {
        (
            Method::DELETE,
            format!("{path}/members/{member}/$ref"),
            Value::Null,
        )
    });
    added.chain(gone).collect()
}
