//! Types of parameters and outputs: the basic kinds, constraints, and the schemas of language version 2.0.

use serde_json::{Map, Value};

use crate::{
    fault::{Halt, Outcome},
    table::{member, same_name},
    template::Parts,
    values::{equal, kind_of},
};

/// The type names with the form the service shows them in.
const KINDS: &[(&str, &str)] = &[
    ("string", "String"),
    ("securestring", "SecureString"),
    ("int", "Int"),
    ("bool", "Bool"),
    ("object", "Object"),
    ("secureobject", "SecureObject"),
    ("array", "Array"),
];

/// How long a chain of `$ref` may be.
const MAX_REFERENCES: usize = 50;

type Schema = Map<String, Value>;

/// Checks that a parameter or output says a type there is, and so does every schema in it.
pub(crate) fn check_declaration(declaration: &Schema, parts: &Parts) -> Outcome<()> {
    if member(declaration, "$ref").is_some() {
        resolve(declaration, parts).map_err(|why| Halt::failed(why).in_member("$ref"))?;
    } else {
        match member(declaration, "type").and_then(Value::as_str) {
            Some(name) if shown_name(name).is_some() => {}
            Some(name) => {
                let message = format!("The template parameter type '{name}' is not valid");
                return Err(Halt::failed(message).in_member("type"));
            }
            None => return Err(Halt::failed("Required property 'type' not found in JSON")),
        }
    }
    check_bounds(declaration)?;
    check_inner(declaration, parts)
}

/// Bounds are integers, and allowed values a list.
fn check_bounds(declaration: &Schema) -> Outcome<()> {
    for name in ["minValue", "maxValue", "minLength", "maxLength"] {
        let bound = member(declaration, name).filter(|bound| !bound.is_null());
        if bound.is_some_and(|bound| bound.as_i64().is_none()) {
            return Err(Halt::failed(format!("The value of '{name}' must be an integer")).in_member(name));
        }
    }
    match member(declaration, "allowedValues") {
        Some(Value::Array(_) | Value::Null) | None => Ok(()),
        Some(_) => Err(Halt::failed("The allowed values must be an array").in_member("allowedValues")),
    }
}

fn check_inner(declaration: &Schema, parts: &Parts) -> Outcome<()> {
    let schema_of = |value: &Value| -> Outcome<()> {
        match value {
            Value::Object(schema) => check_declaration(schema, parts),
            _ => Ok(()),
        }
    };
    for name in ["items", "additionalProperties"] {
        let schema = member(declaration, name).unwrap_or(&Value::Null);
        schema_of(schema).map_err(|halt| halt.in_member(name))?;
    }
    if let Some(Value::Array(tuple)) = member(declaration, "prefixItems") {
        for (at, schema) in tuple.iter().enumerate() {
            schema_of(schema).map_err(|halt| halt.in_element(at).in_member("prefixItems"))?;
        }
    }
    let mapping = member(declaration, "discriminator")
        .and_then(Value::as_object)
        .and_then(|discriminator| member(discriminator, "mapping"));
    for named in [member(declaration, "properties"), mapping] {
        for (name, schema) in named.and_then(Value::as_object).into_iter().flatten() {
            schema_of(schema).map_err(|halt| halt.in_member(name))?;
        }
    }
    Ok(())
}

/// What everybody may see of a value: what its declaration calls secure is left out.
pub(crate) fn in_public(declaration: &Schema, value: &Value, parts: &Parts) -> Option<Value> {
    let schema = resolve(declaration, parts).unwrap_or(declaration);
    if shown_kind(schema, parts).starts_with("Secure") {
        return None;
    }
    Some(match value {
        Value::Object(members) => {
            let tag = member(schema, "discriminator")
                .and_then(Value::as_object)
                .and_then(|discriminator| chosen(discriminator, members));
            let schema = tag.unwrap_or(schema);
            let shown = members.iter().filter_map(|(name, value)| {
                let inner = member(schema, "properties")
                    .and_then(Value::as_object)
                    .and_then(|properties| member(properties, name))
                    .or_else(|| member(schema, "additionalProperties"));
                let shown = match inner {
                    Some(Value::Object(inner)) => in_public(inner, value, parts)?,
                    _ => value.clone(),
                };
                Some((name.clone(), shown))
            });
            Value::Object(shown.collect())
        }
        Value::Array(elements) => {
            let tuple = member(schema, "prefixItems").and_then(Value::as_array);
            let shown = elements.iter().enumerate().filter_map(|(at, element)| {
                let inner = tuple
                    .and_then(|tuple| tuple.get(at))
                    .or_else(|| member(schema, "items"));
                match inner {
                    Some(Value::Object(inner)) => in_public(inner, element, parts),
                    _ => Some(element.clone()),
                }
            });
            shown.collect()
        }
        plain => plain.clone(),
    })
}

/// The schema that a tagged union's tag chooses.
fn chosen<'s>(discriminator: &'s Schema, members: &Map<String, Value>) -> Option<&'s Schema> {
    let tag = member(discriminator, "propertyName").and_then(Value::as_str)?;
    let found = member(members, tag).and_then(Value::as_str)?;
    member(discriminator, "mapping")?
        .as_object()?
        .get(found)?
        .as_object()
}

/// The schema a chain of `$ref` ends at.
pub(crate) fn resolve<'s>(schema: &'s Schema, parts: &'s Parts) -> Result<&'s Schema, String> {
    let mut found = schema;
    for _ in 0..MAX_REFERENCES {
        let Some(reference) = member(found, "$ref").and_then(Value::as_str) else {
            return Ok(found);
        };
        let name = reference.strip_prefix("#/definitions/").unwrap_or(reference);
        found = member(&parts.definitions, name)
            .and_then(Value::as_object)
            .ok_or_else(|| format!("The type definition '{reference}' does not exist"))?;
    }
    Err(String::from(
        "The type definitions refer to each other in a circle",
    ))
}

/// The type as an answer shows it, such as `SecureString`.
pub(crate) fn shown_kind(declaration: &Schema, parts: &Parts) -> &'static str {
    let schema = resolve(declaration, parts).unwrap_or(declaration);
    member(schema, "type")
        .and_then(Value::as_str)
        .and_then(shown_name)
        .unwrap_or("Object")
}

/// Checks a value against a declaration; the error is a sentence.
pub(crate) fn check(schema: &Schema, value: &Value, parts: &Parts) -> Result<(), String> {
    let mut nullable = is_nullable(schema);
    if value.is_null() && nullable {
        return Ok(());
    }
    check_constraints(schema, value)?;
    let resolved = resolve(schema, parts)?;
    nullable |= is_nullable(resolved);
    if value.is_null() && nullable {
        return Ok(());
    }
    check_kind(resolved, value)?;
    check_constraints(resolved, value)?;
    match value {
        Value::Array(elements) => check_elements(resolved, elements, parts),
        Value::Object(members) => check_members(resolved, members, parts),
        _ => Ok(()),
    }
}

fn is_nullable(schema: &Schema) -> bool {
    member(schema, "nullable") == Some(&Value::Bool(true))
}

fn check_kind(schema: &Schema, value: &Value) -> Result<(), String> {
    let Some(name) = member(schema, "type").and_then(Value::as_str) else {
        return Ok(());
    };
    let fits = match shown_name(name) {
        Some("String" | "SecureString") => value.is_string(),
        Some("Int") => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|float| float.fract() == 0.0)
        }
        Some("Bool") => value.is_boolean(),
        Some("Array") => value.is_array(),
        Some(_) => value.is_object(),
        None => true,
    };
    let message = || {
        format!(
            "Expected a value of type '{name}', but received a value of type '{}'",
            kind_of(value)
        )
    };
    if fits { Ok(()) } else { Err(message()) }
}

fn check_constraints(schema: &Schema, value: &Value) -> Result<(), String> {
    if let Some(Value::Array(allowed)) = member(schema, "allowedValues")
        && !is_allowed(allowed, value)
    {
        let list: Vec<_> = allowed
            .iter()
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .collect();
        let list = list.join(",");
        return Err(format!(
            "The parameter value is not part of the allowed value(s): '{list}'."
        ));
    }
    let bound = |name: &str| member(schema, name).and_then(Value::as_i64);
    if let Some(number) = value.as_i64() {
        within(number, bound("minValue"), bound("maxValue"), "value")?;
    }
    let length = match value {
        Value::String(text) => text.encode_utf16().count(),
        Value::Array(elements) => elements.len(),
        _ => return Ok(()),
    };
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    within(length, bound("minLength"), bound("maxLength"), "length")
}

fn is_allowed(allowed: &[Value], value: &Value) -> bool {
    let listed = |value: &Value| allowed.iter().any(|allowed| equal(allowed, value));
    match value {
        Value::Array(elements) if !allowed.iter().any(Value::is_array) => elements.iter().all(listed),
        other => listed(other),
    }
}

fn within(found: i64, least: Option<i64>, most: Option<i64>, what: &str) -> Result<(), String> {
    match (least, most) {
        (Some(least), _) if found < least => Err(format!(
            "The {what} '{found}' is less than the minimum '{least}'."
        )),
        (_, Some(most)) if found > most => Err(format!(
            "The {what} '{found}' is greater than the maximum '{most}'."
        )),
        _ => Ok(()),
    }
}

fn check_elements(schema: &Schema, elements: &[Value], parts: &Parts) -> Result<(), String> {
    let tuple = member(schema, "prefixItems")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let items = member(schema, "items");
    if items == Some(&Value::Bool(false)) && elements.len() > tuple.len() {
        return Err(format!(
            "The array has {} elements; at most {} are allowed.",
            elements.len(),
            tuple.len()
        ));
    }
    for (at, element) in elements.iter().enumerate() {
        if let Some(Value::Object(schema)) = tuple.get(at).or(items) {
            check(schema, element, parts).map_err(|why| at_place(&format!("[{at}]"), &why))?;
        }
    }
    Ok(())
}

fn check_members(schema: &Schema, members: &Map<String, Value>, parts: &Parts) -> Result<(), String> {
    let none = Map::new();
    let known = member(schema, "properties")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    for (name, schema) in known {
        let Some(schema) = schema.as_object() else {
            continue;
        };
        let checked = match member(members, name) {
            Some(value) => check(schema, value, parts),
            None if is_nullable(schema) || resolve(schema, parts).is_ok_and(is_nullable) => Ok(()),
            None => Err(String::from("The property is required.")),
        };
        checked.map_err(|why| at_place(&format!(".{name}"), &why))?;
    }
    let discriminator = member(schema, "discriminator").and_then(Value::as_object);
    if let Some(discriminator) = discriminator {
        return check_variant(discriminator, members, parts);
    }
    let others = members.iter().filter(|(name, _)| member(known, name).is_none());
    for (name, value) in others {
        let checked = match member(schema, "additionalProperties") {
            Some(Value::Bool(false)) => Err(String::from("The property is not allowed.")),
            Some(Value::Object(schema)) => check(schema, value, parts),
            _ => Ok(()),
        };
        checked.map_err(|why| at_place(&format!(".{name}"), &why))?;
    }
    Ok(())
}

/// A tagged union: the tag chooses the schema.
fn check_variant(discriminator: &Schema, members: &Map<String, Value>, parts: &Parts) -> Result<(), String> {
    let tag = member(discriminator, "propertyName")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if member(members, tag).and_then(Value::as_str).is_none() {
        return Err(format!("The property '{tag}' is required."));
    }
    match chosen(discriminator, members) {
        Some(schema) => check(schema, &Value::Object(members.clone()), parts),
        None => {
            let mapping = member(discriminator, "mapping").and_then(Value::as_object);
            let known =
                mapping.map(|mapping| mapping.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
            Err(format!(
                "The property '{tag}' must be one of '{}'.",
                known.unwrap_or_default()
            ))
        }
    }
}

fn at_place(step: &str, why: &str) -> String {
    match why.strip_prefix("At '") {
        Some(rest) => format!("At '{step}{rest}"),
        None => format!("At '{step}': {why}"),
    }
}

fn shown_name(name: &str) -> Option<&'static str> {
    KINDS
        .iter()
        .find(|(known, _)| same_name(known, name))
        .map(|(_, shown)| *shown)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{Template, types};

    fn check(schema: Value, value: Value) -> Result<(), String> {
        let template = Template::parse(&json!({
            "languageVersion": "2.0", "resources": {},
            "definitions": {
                "tree": {"type": "object", "properties": {"next": {"$ref": "#/definitions/tree", "nullable": true}},
                         "additionalProperties": false},
            },
        }));
        let template = template.expect("a template");
        types::check(schema.as_object().expect("a schema"), &value, &template.parts)
    }

    #[test]
    fn checks_kinds_and_constraints() {
        for (schema, good, bad) in [
            (json!({"type": "String"}), json!("x"), json!(1)),
            (
                json!({"type": "int", "minValue": 1, "maxValue": 3}),
                json!(3),
                json!(4),
            ),
            (json!({"type": "int", "minValue": 1}), json!(1), json!(0)),
            (json!({"type": "bool"}), json!(true), json!("true")),
            (json!({"type": "secureObject"}), json!({}), json!([])),
            (
                json!({"type": "string", "minLength": 2, "maxLength": 3}),
                json!("ab"),
                json!("a"),
            ),
            (
                json!({"type": "array", "maxLength": 1}),
                json!([1]),
                json!([1, 2]),
            ),
            (
                json!({"type": "string", "allowedValues": ["a"]}),
                json!("a"),
                json!("A"),
            ),
            (
                json!({"type": "array", "allowedValues": ["a", "b"]}),
                json!(["b", "a"]),
                json!(["c"]),
            ),
            (
                json!({"type": "array", "allowedValues": [["a"]]}),
                json!(["a"]),
                json!(["a", "a"]),
            ),
            (json!({"type": "string", "nullable": true}), Value::Null, json!(1)),
            (
                json!({"type": "array", "items": {"type": "int"}}),
                json!([1]),
                json!(["x"]),
            ),
            (
                json!({"type": "array", "prefixItems": [{"type": "int"}], "items": false}),
                json!([1]),
                json!([1, 2]),
            ),
            (
                json!({"type": "object", "properties": {"a": {"type": "int"}}}),
                json!({"a": 1, "b": 2}),
                json!({}),
            ),
            (
                json!({"type": "object", "additionalProperties": {"type": "int"}}),
                json!({"a": 1}),
                json!({"a": "x"}),
            ),
            (
                json!({"$ref": "#/definitions/tree"}),
                json!({"next": {"next": {}}}),
                json!({"next": {"x": 1}}),
            ),
            (
                json!({"type": "object", "discriminator": {"propertyName": "k", "mapping": {"a": {"type": "object", "properties": {"v": {"type": "int"}}}}}}),
                json!({"k": "a", "v": 1}),
                json!({"k": "b", "v": 1}),
            ),
        ] {
            assert_eq!(check(schema.clone(), good), Ok(()), "{schema}");
            assert!(check(schema.clone(), bad).is_err(), "{schema}");
        }
        let circle = json!({"resources": {}, "languageVersion": "2.0", "definitions": {"a": {"$ref": "#/definitions/a"}}});
        assert!(Template::parse(&circle).is_err());
        assert_eq!(
            check(
                json!({"$ref": "#/definitions/tree"}),
                json!({"next": {"next": {"x": 1}}})
            ),
            Err(String::from("At '.next.next.x': The property is not allowed."))
        );
    }
}
