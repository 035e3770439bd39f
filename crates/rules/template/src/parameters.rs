//! Parameters: what was given, else the default, checked; and the echo in the answer.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::{
    evaluator::{Allowed, Environment, Evaluator},
    fault::{Halt, Outcome},
    table::{member, same_name},
    template::Parts,
    types,
};

/// The final value of every parameter, by lower-case name.
pub(crate) fn resolve(
    evaluator: &Evaluator<'_>,
    given: &Map<String, Value>,
) -> Outcome<HashMap<String, Value>> {
    let parts = evaluator.parts;
    let unknown: Vec<_> = given
        .keys()
        .filter(|name| parts.parameters.get(name).is_none())
        .cloned()
        .collect();
    if !unknown.is_empty() {
        return Err(Halt::failed(format!(
            "The following parameters were supplied, but do not correspond to any parameters defined in the template: \
             '{}'. The parameters defined in the template are: '{}'",
            unknown.join(", "),
            parts.parameters.names()
        ))
        .in_member("parameters"));
    }
    let environment = Environment::outermost(Allowed::DEFAULT_VALUE);
    let mut values = HashMap::new();
    for (name, _) in parts.parameters.iter() {
        match evaluator.parameter(name, &environment) {
            Ok(value) => drop(values.insert(name.to_lowercase(), value)),
            Err(Halt::Unknown) => {}
            Err(halt) => return Err(halt.elsewhere().in_member(name).in_member("parameters")),
        }
    }
    Ok(values)
}

/// One parameter: null and absence mean the default.
pub(crate) fn work_out(
    evaluator: &Evaluator<'_>,
    name: &str,
    declaration: &Map<String, Value>,
    given: &Map<String, Value>,
) -> Outcome<Value> {
    if evaluator
        .unknown_parameters
        .iter()
        .any(|unknown| same_name(unknown, name))
    {
        return Err(Halt::Unknown);
    }
    let schema = types::resolve(declaration, evaluator.parts).map_err(Halt::failed)?;
    let value = match given_value(name, given)? {
        Some(value) => absorb_stringified_enum(value, schema),
        None => match member(declaration, "defaultValue") {
            Some(default) => evaluator.value(default, &Environment::outermost(Allowed::DEFAULT_VALUE))?,
            None if is_nullable(declaration) || is_nullable(schema) => return Ok(Value::Null),
            None => {
                return Err(Halt::failed(format!(
                    "The value for the template parameter '{name}' is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details."
                )));
            }
        },
    };
    types::check(declaration, &value, evaluator.parts).map_err(|why| {
        Halt::failed(format!(
            "The provided value for the template parameter '{name}' is not valid. {why}"
        ))
    })?;
    Ok(value)
}

/// The request's `{"value": …}`; `None` for null and for absence.
fn given_value(name: &str, given: &Map<String, Value>) -> Outcome<Option<Value>> {
    let Some(entry) = member(given, name) else {
        return Ok(None);
    };
    let Some(entry) = entry.as_object() else {
        return Err(Halt::failed(format!(
            "The template parameter '{name}' must be given as an object with 'value'"
        )));
    };
    if member(entry, "reference").is_some() {
        return Err(Halt::failed(format!(
            "The template parameter '{name}' refers to a secret that has not been read"
        )));
    }
    Ok(member(entry, "value").filter(|value| !value.is_null()).cloned())
}

fn is_nullable(declaration: &Map<String, Value>) -> bool {
    member(declaration, "nullable") == Some(&Value::Bool(true))
}

/// Absorbs a fault of the Azure ML client: on Python 3.11 and later it sends an enum's name, such as
/// `PublicNetworkAccessType.ENABLED`, where the template allows `Enabled`. A value of the form `Type.MEMBER` that
/// is not allowed itself becomes the one allowed value its member names, without case and underscores.
fn absorb_stringified_enum(value: Value, schema: &Map<String, Value>) -> Value {
    let Some(Value::Array(allowed)) = member(schema, "allowedValues") else {
        return value;
    };
    let Some((class, wanted)) = value.as_str().and_then(|text| text.split_once('.')) else {
        return value;
    };
    let is_identifier =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if allowed.contains(&value) || !is_identifier(class) || !is_identifier(wanted) {
        return value;
    }
    let plain = |text: &str| text.replace('_', "").to_lowercase();
    let mut named = allowed
        .iter()
        .filter(|allowed| allowed.as_str().is_some_and(|text| plain(text) == plain(wanted)));
    match (named.next(), named.next()) {
        (Some(only), None) => only.clone(),
        _ => value,
    }
}

/// `{name: {type, value}}` as the deployment shows them; secure values are left out.
pub(crate) fn echo(parts: &Parts, values: &HashMap<String, Value>) -> Value {
    let shown = parts.parameters.iter().map(|(name, declaration)| {
        let kind = types::shown_kind(declaration, parts);
        let value = values.get(&name.to_lowercase()).cloned().unwrap_or_default();
        let entry = match types::in_public(declaration, &value, parts) {
            Some(value) => json!({"type": kind, "value": value}),
            None => json!({"type": kind}),
        };
        (name.to_owned(), entry)
    });
    Value::Object(shown.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::absorb_stringified_enum;

    #[test]
    fn a_stringified_enum_becomes_the_value_it_names() {
        let check = |given: &str, expected: &str| {
            let schema = json!({"allowedValues": ["Enabled", "Disabled", "AllowOutbound", "a.b"]});
            let schema = schema.as_object().expect("an object");
            assert_eq!(
                absorb_stringified_enum(json!(given), schema),
                json!(expected),
                "{given}"
            );
        };
        check("PublicNetworkAccessType.ENABLED", "Enabled");
        check("IsolationMode.ALLOW_OUTBOUND", "AllowOutbound");
        check("Disabled", "Disabled");
        check("a.b", "a.b");
        check("X.OTHER", "X.OTHER");
        check("X Y.ENABLED", "X Y.ENABLED");
        check("ENABLED", "ENABLED");
    }
}
