//! What is checked of every body, whatever the type.

use nave_arm::{ArmError, ErrorCode, check_tags};
use serde_json::Value;

use crate::{
    declaration::Declaration,
    resource::Resource,
    site::{Site, short_location},
};

/// Checks and normalises the members of the envelope.
pub(super) fn check(
    declaration: &Declaration,
    site: &Site,
    body: &mut Value,
    existing: Option<&Resource>,
    implied: Option<&str>,
) -> Result<(), ArmError> {
    let Some(members) = body.as_object_mut() else {
        return Err(wrong("the request body", "a JSON object", ""));
    };
    for (name, expected) in [
        ("properties", "an object"),
        ("tags", "an object"),
        ("sku", "an object"),
        ("identity", "an object"),
    ] {
        if members
            .get(name)
            .is_some_and(|value| !value.is_object() && !value.is_null())
        {
            return Err(wrong(name, expected, name));
        }
    }
    for name in ["location", "kind"] {
        if members
            .get(name)
            .is_some_and(|value| !value.is_string() && !value.is_null())
        {
            return Err(wrong(name, "a string", name));
        }
    }
    if let Some(tags) = members.get("tags").and_then(Value::as_object) {
        check_tags(tags, "tags")?;
    }
    if !declaration.tracked {
        return Ok(());
    }
    let before = existing.and_then(|existing| existing.text("/location"));
    let given = members
        .get("location")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    let location = given.or(before).or(implied);
    let Some(location) = location else {
        return Err(ArmError::new(
            ErrorCode::LocationRequired,
            "The location property is required for this definition.",
        )
        .on("location"));
    };
    if let Some(before) = before
        && short_location(before) != short_location(location)
    {
        return Err(ArmError::new(
            ErrorCode::InvalidResourceLocation,
            format!(
                "The resource already exists in location '{before}'; it cannot be created in '{location}'."
            ),
        )
        .on("location"));
    }
    let Some(short) = site.location(location) else {
        let offered: Vec<&str> = site.locations.iter().map(|location| location.name).collect();
        return Err(ArmError::new(
            ErrorCode::LocationNotAvailableForResourceType,
            format!(
                "The provided location '{location}' is not available. The locations of this server are '{}'.",
                offered.join(", ")
            ),
        )
        .on("location"));
    };
    members.insert(String::from("location"), short.into());
    Ok(())
}

/// What cannot change after creation must be absent or equal.
pub(super) fn check_immutable(
    declaration: &Declaration,
    body: &mut Value,
    existing: &Resource,
) -> Result<(), ArmError> {
    for pointer in declaration.immutable {
        let Some(before) = existing.value(pointer) else {
            continue;
        };
        match body.pointer(pointer) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.is_empty() => {}
            Some(value) if same(before, value) => {}
            Some(_) => {
                let name = pointer.trim_start_matches('/').replace('/', ".");
                return Err(ArmError::new(
                    ErrorCode::PropertyChangeNotAllowed,
                    format!(
                        "The property '{name}' of '{}' cannot be changed after creation.",
                        existing.id
                    ),
                )
                .on(name));
            }
        }
    }
    Ok(())
}

fn same(left: &Value, right: &Value) -> bool {
    match (left.as_str(), right.as_str()) {
        (Some(left), Some(right)) => left.eq_ignore_ascii_case(right),
        _ => left == right,
    }
}

fn wrong(what: &str, expected: &str, target: &str) -> ArmError {
    let error = ArmError::new(
        ErrorCode::InvalidRequestFormat,
        format!("The value of {what} must be {expected}."),
    );
    if target.is_empty() {
        error
    } else {
        error.on(target)
    }
}
