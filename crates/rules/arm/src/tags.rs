//! The rules of tags, the same wherever a body carries them.

use serde_json::{Map, Value};

use crate::{ArmError, ErrorCode};

/// The most tags a resource may have.
const MOST: usize = 50;
/// The longest name, in characters.
const LONGEST_NAME: usize = 512;
/// The longest value, in characters.
const LONGEST_VALUE: usize = 256;

/// Checks tags; `target` is where they stand in the body. A null value is a tag that goes.
pub fn check_tags(tags: &Map<String, Value>, target: &str) -> Result<(), ArmError> {
    if tags.len() > MOST {
        let message = format!(
            "A resource can have {MOST} tags at most; {} were given.",
            tags.len()
        );
        return Err(ArmError::new(ErrorCode::InvalidParameter, message).on(target));
    }
    tags.iter().try_for_each(|(name, value)| {
        check_one(name, value).map_err(|error| error.on(format!("{target}.{}", shown(name))))
    })
}

fn check_one(name: &str, value: &Value) -> Result<(), ArmError> {
    let refuse = |code, message: &str| Err(ArmError::new(code, message));
    let well_named = (1..=LONGEST_NAME).contains(&name.chars().count())
        && !name.contains(['<', '>', '%', '&', '\\', '?', '/']);
    if !well_named {
        let message = "A tag's name has 1 to 512 characters, none of them one of < > % & \\ ? /.";
        return refuse(ErrorCode::InvalidParameter, message);
    }
    match value {
        Value::String(text) if text.chars().count() > LONGEST_VALUE => refuse(
            ErrorCode::InvalidParameter,
            "A tag's value has 256 characters at most.",
        ),
        Value::String(_) | Value::Null => Ok(()),
        _ => refuse(ErrorCode::InvalidRequestFormat, "A tag's value must be a string."),
    }
}

fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check_tags;
    use crate::ErrorCode;

    fn code(tags: &Value) -> Option<ErrorCode> {
        let tags = tags.as_object().expect("an object");
        check_tags(tags, "tags").err().map(|error| error.code)
    }

    #[test]
    fn names_and_values_have_limits() {
        let many: serde_json::Map<String, Value> = (0..51).map(|n| (n.to_string(), "x".into())).collect();
        for (tags, expected) in [
            (json!({}), None),
            (
                json!({ "é".repeat(512): "x".repeat(256), "gone": null, "a b.c": "" }),
                None,
            ),
            (json!({ "x".repeat(513): "a" }), Some(ErrorCode::InvalidParameter)),
            (json!({ "": "a" }), Some(ErrorCode::InvalidParameter)),
            (json!({ "a/b": "c" }), Some(ErrorCode::InvalidParameter)),
            (json!({ "a": "x".repeat(257) }), Some(ErrorCode::InvalidParameter)),
            (Value::Object(many), Some(ErrorCode::InvalidParameter)),
            (json!({ "a": 1 }), Some(ErrorCode::InvalidRequestFormat)),
            (json!({ "a": {} }), Some(ErrorCode::InvalidRequestFormat)),
        ] {
            assert_eq!(code(&tags), expected, "{tags}");
        }
    }
}
