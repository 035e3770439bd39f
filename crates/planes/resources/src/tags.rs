//! `{scope}/providers/Microsoft.Resources/tags/default`: the tags of a resource as a resource of their own, so that
//! a role can hold the right to tags and to nothing else. They stay in the row they belong to.

use std::sync::Arc;

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId, check_tags};
use nave_engine::{
    Change, CommitError, Expect, Fields, Put, PutSecrets, Reply, Resource,
    declaration::Draft,
    operation::{Access, Surface},
    policy::{AsAsked, govern},
    route::{Call, Route},
};
use serde_json::{Map, Value, json};

use crate::{body, resources, scope};

/// How often a change is made again on newer state before the caller is told.
const TRIES: usize = 5;

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
    write(&call, |_| Tags::new()).await
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
    for _ in 0..TRIES {
        match attempt(call, &change).await {
            Err(CommitError::Raced) => {}
            other => return other.map_err(ArmError::from),
        }
    }
    Err(CommitError::Raced.into())
}

async fn attempt(call: &Call, change: impl Fn(Tags) -> Tags) -> Result<Reply, CommitError> {
    let resource = target(call).await?;
    let mut tags = change(tags_of(&resource));
    check_tags(&tags, "properties.tags")?;
    tags.retain(|_, value| !value.is_null());
    let mut sent = resource.sent.clone();
    sent["tags"] = Value::Object(tags);
    let (sent, policies) = governed(call, &resource, sent)?;
    let tags = sent["tags"].as_object().cloned().unwrap_or_default();
    let put = Put {
        id: resource.id.clone(),
        sent,
        own: resource.own.clone(),
        secrets: PutSecrets::Sealed(resource.sealed.as_deref().map(<[u8]>::to_vec)),
        claims: resource.claims.clone(),
        expect: Expect::Etag(resource.etag.clone()),
    };
    let change = Change {
        puts: vec![put],
        policies,
        ..Change::default()
    };
    call.engine
        .commit_for(&call.grant, change, call.request.correlation_id)
        .await?;
    Ok(Reply::ok(view(&resource.id, &tags)))
}

/// The body as policies about tags want it, and what the event keeps of them.
fn governed(call: &Call, resource: &Arc<Resource>, body: Value) -> Result<(Value, Vec<Value>), ArmError> {
    let snapshot = call.engine.snapshot();
    let cx = call.engine.cx(&snapshot, call.grant.caller());
    let Some(kind) = call.engine.registry().resource_type(&resource.id.resource_type()) else {
        return Ok((body, Vec::new()));
    };
    let mut draft = Draft {
        id: resource.id.clone(),
        body,
        existing: Some(resource.clone()),
    };
    let as_asked = AsAsked {
        tags_only: true,
        ..AsAsked::default()
    };
    let notes = govern(&call.engine, &cx, &**kind, &mut draft, &as_asked)?;
    Ok((draft.body, notes))
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
