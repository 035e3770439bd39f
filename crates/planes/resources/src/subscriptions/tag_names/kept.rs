//! Tag names and values that are written down before they are used: `tagNames/{tag}` and `tagNames/{tag}/tagValues/{value}`.

use std::sync::Arc;

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId, check_tags};
use nave_engine::{
    Change, CommitError, Erase, Expect, Put, Reply, Resource, Snapshot,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Value, json};

/// The type of their rows.
const KEPT: &str = "Nave.Resources/tagNames";

pub(super) fn routes() -> Vec<Route> {
    let name = "/subscriptions/{subscription}/tagNames/{tag}";
    let value = "/subscriptions/{subscription}/tagNames/{tag}/tagValues/{value}";
    let access = |rest: &str| Access::action(format!("Microsoft.Resources/subscriptions/tagNames/{rest}"));
    vec![
        Route::new(Method::PUT, name, Surface::Arm, access("write"), put),
        Route::new(Method::DELETE, name, Surface::Arm, access("delete"), delete),
        Route::new(
            Method::PUT,
            value,
            Surface::Arm,
            access("tagValues/write"),
            put_value,
        ),
        Route::new(
            Method::DELETE,
            value,
            Surface::Arm,
            access("tagValues/delete"),
            delete_value,
        ),
    ]
}

/// The rows of a subscription.
pub(super) fn all<'s>(
    snapshot: &'s Snapshot,
    subscription: &'s ResourceId,
) -> impl Iterator<Item = &'s Arc<Resource>> {
    snapshot
        .of_type(KEPT)
        .filter(|row| subscription.contains(&row.id))
}

/// The tag's name.
pub(super) fn name(row: &Resource) -> &str {
    row.text("/tagName").unwrap_or_default()
}

/// Its values.
pub(super) fn values(row: &Resource) -> impl Iterator<Item = &str> {
    let values = row.value("/values").and_then(Value::as_array);
    values.into_iter().flatten().filter_map(Value::as_str)
}

async fn put(call: Call) -> Result<Reply, ArmError> {
    let tag = call.params.get("tag").to_owned();
    let before = find(&call, &tag)?;
    let kept = before
        .as_ref()
        .map_or_else(Vec::new, |row| values(row).map(str::to_owned).collect());
    write(&call, before.as_deref(), &tag, &kept).await?;
    let status = if before.is_some() { 200 } else { 201 };
    Ok(Reply::json(status, shown(&call, &tag, &kept)))
}

async fn put_value(call: Call) -> Result<Reply, ArmError> {
    let (tag, value) = (
        call.params.get("tag").to_owned(),
        call.params.get("value").to_owned(),
    );
    let before = find(&call, &tag)?.ok_or_else(|| no_such_name(&tag))?;
    let mut kept: Vec<String> = values(&before).map(str::to_owned).collect();
    let is_new = !kept.contains(&value);
    if is_new {
        kept.push(value.clone());
        write(&call, Some(&before), &tag, &kept).await?;
    }
    let status = if is_new { 201 } else { 200 };
    Ok(Reply::json(status, shown_value(&call, &tag, &value)))
}

async fn delete(call: Call) -> Result<Reply, ArmError> {
    let tag = call.params.get("tag").to_owned();
    let Some(row) = find(&call, &tag)? else {
        return Ok(Reply::empty(204));
    };
    let change = Change {
        erases: vec![Erase::of(&row)],
        ..Change::default()
    };
    call.engine
        .commit_for(&call.grant, change, call.request.correlation_id)
        .await?;
    Ok(Reply::empty(200))
}

async fn delete_value(call: Call) -> Result<Reply, ArmError> {
    let (tag, value) = (
        call.params.get("tag").to_owned(),
        call.params.get("value").to_owned(),
    );
    let row = find(&call, &tag)?;
    let kept = row
        .as_ref()
        .map_or_else(Vec::new, |row| values(row).map(str::to_owned).collect());
    let (gone, kept): (Vec<String>, Vec<String>) = kept.into_iter().partition(|known| *known == value);
    if gone.is_empty() {
        return Ok(Reply::empty(204));
    }
    write(&call, row.as_deref(), &tag, &kept).await?;
    Ok(Reply::empty(200))
}

fn find(call: &Call, tag: &str) -> Result<Option<Arc<Resource>>, ArmError> {
    let snapshot = call.engine.snapshot();
    crate::scope::check(&snapshot, call.grant.id())?;
    let tags = [(tag.to_owned(), Value::from(call.params.get("value")))];
    check_tags(&tags.into_iter().collect(), "tagName")?;
    Ok(snapshot.get(&call.grant.id().extension(KEPT, tag)).cloned())
}

async fn write(
    call: &Call,
    before: Option<&Resource>,
    tag: &str,
    values: &[String],
) -> Result<(), CommitError> {
    let mut put = Put::new(
        call.grant.id().extension(KEPT, tag),
        json!({ "tagName": tag, "values": values }),
    );
    put.expect = before.map_or(Expect::Absent, |row| Expect::Etag(row.etag.clone()));
    let change = Change {
        puts: vec![put],
        ..Change::default()
    };
    call.engine
        .commit_for(&call.grant, change, call.request.correlation_id)
        .await
        .map(drop)
}

fn shown(call: &Call, tag: &str, values: &[String]) -> Value {
    json!({
        "id": format!("{}/tagNames/{tag}", call.grant.id()),
        "tagName": tag,
        "count": { "type": "Total", "value": 0 },
        "values": values.iter().map(|value| shown_value(call, tag, value)).collect::<Vec<_>>(),
    })
}

fn shown_value(call: &Call, tag: &str, value: &str) -> Value {
    json!({
        "id": format!("{}/tagNames/{tag}/tagValues/{value}", call.grant.id()),
        "tagValue": value,
        "count": { "type": "Total", "value": 0 },
    })
}

fn no_such_name(tag: &str) -> ArmError {
    ArmError::new(
        ErrorCode::NotFound,
        format!("There is no tag name '{tag}'; create it before its values."),
    )
}
