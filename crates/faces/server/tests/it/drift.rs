//! Nothing drifts: what GET shows may be PUT back, with or without what only the server says, and nothing changes.

use http::Method;
use nave_engine::{Request, inner_request};
use nave_testkit::{Ask, Audience};
use serde_json::{Value, json};

use crate::town::Town;

/// What every write may change, and what no client sends.
const SERVERS: [&str; 5] = ["id", "name", "type", "etag", "systemData"];

#[tokio::test]
async fn what_is_read_may_be_written_back_and_changes_nothing() {
    let mut town = Town::build().await;
    let mut drifted = Vec::new();
    let mut seen = 0;
    for id in written(&town) {
        let before = get(&town, &id).await;
        for body in [before.clone(), stripped(&before)] {
            for what in again(&town, &id, &body).await {
                drifted.push(format!("{id}: {what}"));
            }
            town.restore().await;
        }
        seen += 1;
    }
    assert!(seen > 20, "only {seen} resources were looked at");
    assert!(drifted.is_empty(), "{}", drifted.join("\n"));
}

/// The ids of everything in the town that PUT makes.
fn written(town: &Town) -> Vec<String> {
    let snapshot = town.nave.engine.snapshot();
    let registry = town.nave.engine.registry();
    let all = snapshot.below(&nave_arm::ResourceId::tenant());
    let ids = all.filter(|row| {
        let kind = registry.resource_type(&row.id.resource_type());
        kind.is_some_and(|kind| kind.declaration().put().is_some())
    });
    ids.map(|row| row.id.as_str().to_owned()).collect()
}

pub(crate) async fn get(town: &Town, id: &str) -> Value {
    let ask = Ask::get(format!("{id}?api-version=2024-10-01"));
    let answer = town
        .nave
        .send(ask.bearer(town.people.owner.token(Audience::Arm)))
        .await;
    assert_eq!(answer.status, 200, "{id}: {}", answer.text());
    answer.json()
}

/// The body as a client would keep it in a file.
fn stripped(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, _| !SERVERS.contains(&name.as_str()));
    }
    if let Some(properties) = body["properties"].as_object_mut() {
        properties.shift_remove("provisioningState");
    }
    body
}

/// What changes when a body is written where it came from: foreseen in a rehearsal, and done.
pub(crate) async fn again(town: &Town, id: &str, body: &Value) -> Vec<String> {
    let before = shown(get(town, id).await);
    let mut changed = foreseen(town, id, body, &before).await;
    let ask = Ask::put(format!("{id}?api-version=2024-10-01"), body);
    let answer = town
        .nave
        .send(ask.bearer(town.people.owner.token(Audience::Arm)))
        .await;
    if !matches!(answer.status, 200 | 201) {
        changed.push(format!("PUT answers {} {}", answer.status, answer.text()));
        return changed;
    }
    changed.extend(
        differences("", &before, &shown(answer.json()))
            .into_iter()
            .map(|what| format!("PUT shows {what}")),
    );
    changed.extend(differences("", &before, &shown(get(town, id).await)));
    changed
}

async fn foreseen(town: &Town, id: &str, body: &Value, before: &Value) -> Vec<String> {
    let rehearsal = town.nave.engine.rehearsal();
    let caller = nave_engine::Caller::system();
    let outer = Request {
        method: Method::PUT,
        path: String::new(),
        query: Vec::new(),
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
        caller: None,
        host: String::new(),
        correlation_id: uuid::Uuid::nil(),
        peer: None,
    };
    let ask = |method, body: &Value| inner_request(&caller, method, id, "2024-10-01", body, &outer);
    rehearsal.serve(ask(Method::PUT, body)).await;
    let after = rehearsal.serve(ask(Method::GET, &Value::Null)).await;
    let after = after.as_json().cloned().unwrap_or_default();
    let changed = differences("", before, &shown(after));
    changed
        .into_iter()
        .map(|what| format!("rehearsed: {what}"))
        .collect()
}

/// A body without what every write changes.
fn shown(mut body: Value) -> Value {
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, _| !["etag", "systemData"].contains(&name.as_str()));
        if let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) {
            properties.retain(|name, _| !["updatedOn", "updatedBy"].contains(&name.as_str()));
            // a management group says there what others say in `systemData`
            if let Some(details) = properties.get_mut("details").and_then(Value::as_object_mut) {
                details.retain(|name, _| !["updatedBy", "updatedTime", "version"].contains(&name.as_str()));
            }
        }
    }
    body
}

/// Where two bodies differ.
fn differences(place: &str, before: &Value, after: &Value) -> Vec<String> {
    match (before, after) {
        (Value::Object(left), Value::Object(right)) => {
            let names = left
                .keys()
                .chain(right.keys().filter(|name| !left.contains_key(*name)));
            let none = json!(null);
            names
                .flat_map(|name| {
                    let (left, right) = (left.get(name).unwrap_or(&none), right.get(name).unwrap_or(&none));
                    differences(&format!("{place}/{name}"), left, right)
                })
                .collect()
        }
        _ if before == after => Vec::new(),
        _ => vec![format!("{place} was {before} and is {after}")],
    }
}
