//! Bodies of directory objects: read once, with what only nave sets kept out.

use nave_arm::{ArmError, ErrorCode, merge_patch};
use nave_engine::{Fields, Resource, route::Call};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{bad_request, kind::Kind, view::view};

/// The longest display name and password.
const LONGEST_NAME: usize = 256;

/// The request's body, which must be an object.
pub(super) fn of(call: &Call) -> Result<Value, ArmError> {
    let body = call.request.json().map_err(bad)?;
    if body.is_object() {
        Ok(body)
    } else {
        Err(bad_request("The request body must be a JSON object."))
    }
}

/// A refusal of a body's shape, with Graph's code.
pub(super) fn bad(error: ArmError) -> ArmError {
    ArmError {
        code: ErrorCode::Request_BadRequest,
        ..error
    }
}

/// A text that must be there.
pub(super) fn required<'a>(body: &'a Value, pointer: &str) -> Result<&'a str, ArmError> {
    Fields(body).required(pointer).map_err(bad)
}

/// A text.
pub(super) fn text<'a>(body: &'a Value, pointer: &str) -> Result<Option<&'a str>, ArmError> {
    Fields(body).text(pointer).map_err(bad)
}

/// The body of a new object: what the client sent, its id, and what else nave sets.
pub(super) fn created(kind: &Kind, body: Value, set: Value) -> Result<Value, ArmError> {
    let sent = writable(kind, body, &(kind.defaults)())?;
    let mut object = set;
    merge_patch(&mut object, &sent);
    check(&object)?;
    Ok(object)
}

/// The body of an object after a PATCH.
pub(super) fn patched(kind: &Kind, object: &Resource, body: Value) -> Result<Value, ArmError> {
    let patch = writable(kind, body, &view(object))?;
    let mut patched = object.sent.clone();
    merge_patch(&mut patched, &patch);
    check(&patched)?;
    Ok(patched)
}

/// What a client may set. Annotations are dropped, and so is what is as it was already: clients send whole objects.
fn writable(kind: &Kind, body: Value, present: &Value) -> Result<Value, ArmError> {
    let Value::Object(members) = body else {
        return Ok(Value::Object(Map::new()));
    };
    let mut kept = Map::new();
    for (name, value) in members {
        let read_only = kind
            .read_only
            .iter()
            .find(|only| only.eq_ignore_ascii_case(&name));
        match read_only {
            _ if name.contains('@') => {}
            Some(only) if present.get(*only).unwrap_or(&Value::Null) == &value => {}
            Some(only) => {
                return Err(bad_request(format!(
                    "Property '{only}' is read-only and cannot be set."
                )));
            }
            None => drop(kept.insert(name, value)),
        }
    }
    Ok(Value::Object(kept))
}

fn check(object: &Value) -> Result<(), ArmError> {
    let name = required(object, "/displayName")?;
    if name.chars().count() > LONGEST_NAME {
        return Err(bad_request(format!(
            "The displayName must have at most {LONGEST_NAME} characters."
        )));
    }
    match object.get("accountEnabled") {
        None | Some(Value::Bool(_)) => Ok(()),
        Some(_) => Err(bad_request(
            "The value of 'accountEnabled' must be true or false.",
        )),
    }
}

/// Object ids in a list that the body must have.
pub(super) fn ids(body: &Value, name: &str) -> Result<Vec<Uuid>, ArmError> {
    let list = body.get(name).and_then(Value::as_array);
    let list =
        list.ok_or_else(|| bad_request(format!("The property '{name}' must be a list of object ids.")))?;
    list.iter()
        .map(|id| parse_id(id.as_str().unwrap_or_default()))
        .collect()
}

/// An object id.
pub(super) fn parse_id(text: &str) -> Result<Uuid, ArmError> {
    Uuid::parse_str(text).map_err(|_| bad_request(format!("Invalid object identifier '{text}'.")))
}
