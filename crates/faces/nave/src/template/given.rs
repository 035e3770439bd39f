//! The parameters in a file.

use nave_arm::{ArmError, ErrorCode};
use nave_template::parse;
use serde_json::{Map, Value, json};

use crate::say;

/// `{name: {"value": …}}` out of a parameter file with `$schema`, out of the same without, or out of plain values.
pub(crate) fn parameters(text: Option<&str>) -> Result<Map<String, Value>, ArmError> {
    let Some(text) = text else {
        return Ok(Map::new());
    };
    let Value::Object(file) = parse(text)? else {
        let message = "The parameters must be a JSON object.";
        return Err(ArmError::new(ErrorCode::InvalidRequestContent, message));
    };
    let own = ["$schema", "contentVersion", "parameters"];
    let is_wrapped = file.get("parameters").is_some_and(Value::is_object)
        && file
            .keys()
            .all(|key| own.contains(&key.as_str()) || key == "metadata");
    let inner = match file.get("parameters") {
        Some(Value::Object(inner)) if is_wrapped => inner.clone(),
        _ => file
            .into_iter()
            .filter(|(key, _)| key != "$schema" && key != "contentVersion")
            .collect(),
    };
    Ok(inner
        .into_iter()
        .map(|(name, value)| (name.clone(), one(&name, value)))
        .collect())
}

/// A value as a request has it. A secret in a vault cannot be read here: a text stands for it.
fn one(name: &str, value: Value) -> Value {
    let Some(members) = value.as_object() else {
        return json!({ "value": value });
    };
    let only = |known: &[&str]| members.keys().all(|key| known.contains(&key.as_str()));
    if let Some(reference) = members
        .get("reference")
        .filter(|_| only(&["reference", "metadata"]))
    {
        let secret = reference["secretName"].as_str().unwrap_or_default();
        say::remark(format!(
            "the parameter `{name}` is a secret in a vault, which is not read: `{secret}` stands for it"
        ));
        return json!({ "value": format!("{{secret {secret}}}") });
    }
    if members.contains_key("value") && only(&["value", "type", "metadata"]) {
        return json!({ "value": members["value"] });
    }
    json!({ "value": value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_giving_parameters_is_read() {
        let wanted = json!({"a": {"value": 1}, "b": {"value": {"x": [true]}}});
        for text in [
            r#"{"$schema": "https://x", "contentVersion": "1.0.0.0", "parameters": {"a": {"value": 1}, "b": {"value": {"x": [true]}}}}"#,
            r#"{"parameters": {"a": {"value": 1}, "b": {"value": {"x": [true]}}}}"#,
            r#"{"a": {"value": 1}, "b": {"value": {"x": [true]}}}"#,
            r#"{"a": 1, /* plain */ "b": {"x": [true]}}"#,
        ] {
            assert_eq!(Value::Object(parameters(Some(text)).unwrap()), wanted, "{text}");
        }
        assert_eq!(parameters(None), Ok(Map::new()));
        assert!(parameters(Some("[]")).is_err());
    }

    #[test]
    fn a_text_stands_for_a_secret() {
        let text = r#"{"p": {"reference": {"keyVault": {"id": "/x"}, "secretName": "s"}}}"#;
        assert_eq!(
            parameters(Some(text)).unwrap()["p"],
            json!({"value": "{secret s}"})
        );
    }
}
