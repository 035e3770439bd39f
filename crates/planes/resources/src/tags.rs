//! `{scope}/providers/Microsoft.Resources/tags/default`: the tags of a resource as a resource of their own, so that
//! a role can hold the right to tags and to nothing else. They stay in the row they belong to.

use std::sync::Arc;

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Body, Fields, Reply, Resource,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Map, Value, json};

use crate::{body, resources, scope};

type Tags = Map<String, Value>;

pub(crate) fn routes() -> Vec<Route> {
    let path = "/{scope}/providers/Microsoft.Resources/tags/default";
    let access = |verb| Access::action(format!("Microsoft.Resources/tags/{verb}"));
    vec![
        Route::new(Method::GET, path, Surface::Arm, access("read"), get),
        Route::new(Method::PUT, path, Surface::Arm, access("write"), replace),
        Route::new(Method::PATCH, path, Surface::Arm, access("write"), patch),
        Route::new(Method::DELETE, path, Surface::Arm, access("delete"), delete),
    ]
}

async fn get(call: Call) -> Result<Reply, ArmError> {
    let resource = target(&call).await?;
    Ok(Reply::ok(view(&resource.id, &tags_of(&resource))))
}

async fn replace(call: Call) -> Result<Reply, ArmError> {
    let wanted = read(&call.request.json()?)?;
    write(&call, |_| wanted.clone()).await
}

async fn delete(call: Call) -> Result<Reply, ArmError> {
    let shown = write(&call, |_| Tags::new()).await?;
    Ok(Reply {
        body: Body::Empty,
        ..shown
    })
}

async fn patch(call: Call) -> Result<Reply, ArmError> {
    let body = call.request.json()?;
    let operation = Fields(&body).choice("/operation", &["Merge", "Replace", "Delete"])?;
    let given = read(&body)?;
    match operation {
        Some("Merge") => write(&call, |before| merged(before, &given)).await,
        Some("Replace") => write(&call, |_| given.clone()).await,
        Some("Delete") => write(&call, |before| without(before, &given)).await,
        _ => Err(body::wrong("operation", "'Merge', 'Replace' or 'Delete'").on("operation")),
    }
}

/// The row the tags are in: a subscription, a group or a tracked resource.
async fn target(call: &Call) -> Result<Arc<Resource>, ArmError> {
    let id = call.grant.id();
    scope::check(&call.engine.snapshot(), id)?;
    let found = call.engine.read(&call.grant).await?;
    let tagged = |resource: &Resource| {
        id.is_subscription()
            || id.is_resource_group()
            || resources::tracked(call.engine.registry(), resource).is_some()
    };
    found.filter(|resource| tagged(resource)).ok_or_else(|| {
        ArmError::new(
            ErrorCode::ResourceNotFound,
            format!("There is no resource at '{id}' that has tags."),
        )
    })
}

async fn write(call: &Call, change: impl Fn(Tags) -> Tags) -> Result<Reply, ArmError> {
    target(call).await?;
    let resource = call.engine.retag(&call.grant, &call.request, change).await?;
    Ok(Reply::ok(view(&resource.id, &tags_of(&resource))).decided(call.grant.decision()))
}

fn tags_of(resource: &Resource) -> Tags {
    resource
        .value("/tags")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

/// The tags of a body. It must name them: an empty body is a mistake and not a wish to have none.
fn read(body: &Value) -> Result<Tags, ArmError> {
    let properties = body::properties(body)?;
    let tags = properties.get("tags").and_then(Value::as_object);
    tags.cloned()
        .ok_or_else(|| body::wrong("properties.tags", "an object").on("properties.tags"))
}

/// Names compare without case; the spelling that was there first stays.
fn merged(mut tags: Tags, given: &Tags) -> Tags {
    for (name, value) in given {
        let known = tags
            .keys()
            .find(|known| known.eq_ignore_ascii_case(name))
            .cloned();
        tags.insert(known.unwrap_or_else(|| name.clone()), value.clone());
    }
    tags
}

/// A tag goes when it is named with its value, or with none.
fn without(mut tags: Tags, given: &Tags) -> Tags {
    let is_given = |name: &str, own: &Value| {
        given.iter().any(|(wanted, value)| {
            wanted.eq_ignore_ascii_case(name)
                && (value.is_null() || value.as_str() == Some("") || value == own)
        })
    };
    tags.retain(|name, own| !is_given(name, own));
    tags
}

fn view(id: &ResourceId, tags: &Tags) -> Value {
    json!({
        "id": id.extension("Microsoft.Resources/tags", "default"),
        "name": "default",
        "type": "Microsoft.Resources/tags",
        "properties": { "tags": tags },
    })
}
