//! Reading bodies: members by JSON pointer, with the refusals a caller can act on.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::Value;

/// A body being read. Null members and empty texts count as absent, as clients mean them.
#[derive(Clone, Copy)]
pub struct Fields<'a>(pub &'a Value);

impl<'a> Fields<'a> {
    /// A member of any type.
    #[must_use]
    pub fn value(&self, pointer: &str) -> Option<&'a Value> {
        self.0.pointer(pointer).filter(|value| !value.is_null())
    }

    /// A text.
    pub fn text(&self, pointer: &str) -> Result<Option<&'a str>, ArmError> {
        match self.value(pointer) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(wrong(pointer, "a string")),
        }
    }

    /// A text that must be there.
    pub fn required(&self, pointer: &str) -> Result<&'a str, ArmError> {
        self.text(pointer)?.ok_or_else(|| {
            let name = dotted(pointer);
            ArmError::new(
                ErrorCode::InvalidRequestFormat,
                format!("The property '{name}' is required."),
            )
            .on(name)
        })
    }

    /// A truth value; clients also send it as text.
    pub fn flag(&self, pointer: &str) -> Result<Option<bool>, ArmError> {
        match self.value(pointer) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(wrong(pointer, "true or false")),
        }
    }

    /// A whole number; clients also send it as text.
    pub fn integer(&self, pointer: &str) -> Result<Option<i64>, ArmError> {
        match self.value(pointer) {
            None => Ok(None),
            Some(value) => value
                .as_i64()
                .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
                .map(Some)
                .ok_or_else(|| wrong(pointer, "an integer")),
        }
    }

    /// A resource id.
    pub fn link(&self, pointer: &str) -> Result<Option<ResourceId>, ArmError> {
        let Some(text) = self.text(pointer)? else {
            return Ok(None);
        };
        let name = dotted(pointer);
        ResourceId::parse(text).map(Some).map_err(|error| {
            ArmError::new(
                ErrorCode::LinkedInvalidPropertyId,
                format!("Property id '{text}' at path '{name}' is invalid: {error}."),
            )
            .on(name)
        })
    }

    /// One of a few words, compared without case, given back in the documented casing.
    pub fn choice(&self, pointer: &str, words: &[&'static str]) -> Result<Option<&'static str>, ArmError> {
        let Some(text) = self.text(pointer)? else {
            return Ok(None);
        };
        let found = words.iter().find(|word| word.eq_ignore_ascii_case(text));
        found.map(|word| Some(*word)).ok_or_else(|| {
            let name = dotted(pointer);
            ArmError::new(
                ErrorCode::InvalidParameter,
                format!(
                    "The value '{text}' of '{name}' is not one of '{}'.",
                    words.join("', '")
                ),
            )
            .on(name)
        })
    }
}

fn wrong(pointer: &str, expected: &str) -> ArmError {
    let name = dotted(pointer);
    ArmError::new(
        ErrorCode::InvalidRequestFormat,
        format!("The value of '{name}' must be {expected}."),
    )
    .on(name)
}

fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}
