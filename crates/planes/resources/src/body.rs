//! Bodies of this plane's routes. Those of resource types are checked by the engine.

use nave_arm::{ArmError, ErrorCode};
use serde_json::Value;

/// The `properties` of a body; null when it names none.
pub(crate) fn properties(body: &Value) -> Result<Value, ArmError> {
    let Some(members) = body.as_object() else {
        return Err(wrong("the request body", "an object"));
    };
    match members.get("properties") {
        None | Some(Value::Null) => Ok(Value::Null),
        Some(properties @ Value::Object(_)) => Ok(properties.clone()),
        Some(_) => Err(wrong("properties", "an object").on("properties")),
    }
}

/// The refusal of a value of the wrong type.
pub(crate) fn wrong(what: &str, expected: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidRequestFormat,
        format!("The value of {what} must be {expected}."),
    )
}
