//! The tag names of a subscription: those in use, and those that somebody wrote down for others to use.

mod kept;

use std::collections::BTreeMap;

use http::Method;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Reply, Resource, Snapshot,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Value, json};

/// How often each value of each tag is used.
type Usage<'a> = BTreeMap<&'a str, BTreeMap<&'a str, usize>>;

pub(crate) fn routes() -> Vec<Route> {
    let access = Access::action("Microsoft.Resources/subscriptions/tagNames/read");
    let path = "/subscriptions/{subscription}/tagNames";
    let mut routes = vec![Route::new(Method::GET, path, Surface::Arm, access, list)];
    routes.extend(kept::routes());
    routes
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let subscription = call.grant.id();
    crate::scope::check(&snapshot, subscription)?;
    let mut usage = usage(&snapshot, subscription);
    for row in kept::all(&snapshot, subscription) {
        let values = usage.entry(kept::name(row)).or_default();
        for value in kept::values(row) {
            values.entry(value).or_default();
        }
    }
    let value: Vec<Value> = usage
        .iter()
        .map(|(name, values)| view(subscription, name, values))
        .collect();
    Ok(Reply::ok(json!({ "value": value })))
}

fn usage<'a>(snapshot: &'a Snapshot, subscription: &ResourceId) -> Usage<'a> {
    let mut usage = Usage::new();
    for (name, value) in snapshot.below(subscription).flat_map(|resource| tags(resource)) {
        *usage.entry(name).or_default().entry(value).or_default() += 1;
    }
    usage
}

fn tags(resource: &Resource) -> impl Iterator<Item = (&str, &str)> {
    let tags = resource.value("/tags").and_then(Value::as_object);
    tags.into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}

fn view(subscription: &ResourceId, name: &str, values: &BTreeMap<&str, usize>) -> Value {
    let id = format!("{subscription}/tagNames/{name}");
    let count = |count: usize| json!({ "type": "Total", "value": count });
    json!({
        "id": id,
        "tagName": name,
        "count": count(values.values().sum()),
        "values": values.iter().map(|(value, used)| {
            json!({ "id": format!("{id}/tagValues/{value}"), "tagValue": value, "count": count(*used) })
        }).collect::<Vec<_>>(),
    })
}
