//! Reading Azure's JSON: member names compare without case, `null` is the same as absent.

use nave_arm::{ArmError, ErrorCode};
use serde_json::Value;
use uuid::Uuid;

/// The member `name` of an object.
pub(crate) fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let members = object.as_object()?;
    let found = members.get(name).or_else(|| {
        members
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })?;
    (!found.is_null()).then_some(found)
}

/// A text member; of another type than text is an error.
pub(crate) fn text<'a>(object: &'a Value, name: &str) -> Result<Option<&'a str>, ArmError> {
    member(object, name)
        .map(|value| value.as_str().ok_or_else(|| wrong(name, "a string")))
        .transpose()
}

/// A boolean member, `false` when absent.
pub(crate) fn flag(object: &Value, name: &str) -> Result<bool, ArmError> {
    member(object, name).map_or(Ok(false), |value| {
        value.as_bool().ok_or_else(|| wrong(name, "true or false"))
    })
}

/// A list member, empty when absent.
pub(crate) fn list<'a>(object: &'a Value, name: &str) -> Result<&'a [Value], ArmError> {
    member(object, name).map_or(Ok(&[]), |value| {
        value
            .as_array()
            .map(Vec::as_slice)
            .ok_or_else(|| wrong(name, "an array"))
    })
}

/// A list of texts, empty when absent.
pub(crate) fn texts<'a>(object: &'a Value, name: &str) -> Result<Vec<&'a str>, ArmError> {
    list(object, name)?
        .iter()
        .map(|value| value.as_str().ok_or_else(|| wrong(name, "an array of strings")))
        .collect()
}

/// A required guid.
pub(crate) fn guid(object: &Value, name: &str) -> Result<Uuid, ArmError> {
    text(object, name)?
        .and_then(|text| Uuid::try_parse(text.trim()).ok())
        .ok_or_else(|| wrong(name, "a guid"))
}

/// The guid in the last segment of an id, whatever scope precedes it.
pub(crate) fn guid_at_end(object: &Value, name: &str) -> Result<Uuid, ArmError> {
    text(object, name)?
        .and_then(|id| id.trim_end_matches('/').rsplit('/').next())
        .and_then(|last| Uuid::try_parse(last).ok())
        .ok_or_else(|| wrong(name, "an id that ends in a guid"))
}

/// What a member of the wrong shape is answered with.
pub(crate) fn wrong(name: &str, expected: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidRequestFormat,
        format!("`properties.{name}` must be {expected}."),
    )
    .on(format!("properties.{name}"))
}
