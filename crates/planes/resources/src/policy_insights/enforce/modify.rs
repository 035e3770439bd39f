//! `modify` on a resource that is there: it is written again, as the policy wants it.

use std::sync::Arc;

use http::Method;
use nave_engine::{Caller, Engine, inner_request, policy::PolicyState};
use serde_json::{Value, json};

use super::{Cause, Failure, deploy::answer, outer};

/// The version of the tags API.
const TAGS_VERSION: &str = "2021-04-01";

pub(super) async fn modify(
    engine: &Arc<Engine>,
    caller: &Caller,
    state: &PolicyState,
    cause: &Cause,
) -> Result<(), Failure> {
    let snapshot = engine.snapshot();
    let (body, _) = engine.reshaped(&snapshot, state)?;
    let before = &state.resource.sent;
    if body == *before {
        return Ok(());
    }
    let id = &state.resource.id;
    let (path, version, body) = match only_tags(before, &body) {
        Some(tags) => (
            format!("{id}/providers/Microsoft.Resources/tags/default"),
            TAGS_VERSION,
            json!({ "properties": { "tags": tags } }),
        ),
        None => (id.as_str().to_owned(), version(engine, state), body),
    };
    let outer = outer(engine, caller, cause);
    let request = inner_request(caller, Method::PUT, &path, version, &body, &outer);
    Ok(answer(engine.serve(request).await).map(drop)?)
}

/// The tags, if nothing else is different: who may write tags need not be allowed anything else.
fn only_tags(before: &Value, after: &Value) -> Option<Value> {
    let rest = |body: &Value| {
        let mut rest = body.clone();
        if let Some(members) = rest.as_object_mut() {
            members.shift_remove("tags");
        }
        rest
    };
    (rest(before) == rest(after)).then(|| after.get("tags").cloned().unwrap_or_else(|| json!({})))
}

/// The newest version of the resource's type.
fn version(engine: &Engine, state: &PolicyState) -> &'static str {
    let kind = engine
        .registry()
        .resource_type(&state.resource.id.resource_type());
    let newest = kind.and_then(|kind| kind.declaration().api_versions.first().copied());
    newest.unwrap_or(TAGS_VERSION)
}
