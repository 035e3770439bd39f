//! The collected expressions and small templates with what the service gives for them.

#![allow(clippy::expect_used, reason = "tests")]

mod common;

use common::{read, scope, shared};
use nave_template::{Plan, RuntimeValues, Template, WithoutChance};
use serde_json::{Map, Value, json};

#[test]
fn every_vector_gives_what_it_says() {
    let Some(folder) = shared() else { return };
    let vectors = read(&folder.join("real-inputs/templates/functions.json"));
    let mut wrong = Vec::new();
    for vector in vectors["vectors"].as_array().expect("vectors") {
        let outputs = run(vector);
        let right = match (&outputs, vector["error"] == json!(true)) {
            (Ok(outputs), false) => same(outputs, &expected(vector)),
            (Err(_), true) => true,
            _ => false,
        };
        if !right {
            wrong.push(format!(
                "{}: {:?}, not {}",
                vector["id"], outputs, vector["expect"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn run(vector: &Value) -> Result<Value, String> {
    let template = match vector.get("template") {
        Some(template) => template.clone(),
        None => as_template(vector),
    };
    let given: Map<String, Value> = match vector["parameters"].as_object() {
        Some(parameters) => parameters
            .iter()
            .map(|(name, value)| (name.clone(), json!({"value": value})))
            .collect(),
        None => Map::new(),
    };
    let template = Template::parse(&template).map_err(|error| error.message)?;
    let plan = Plan::new(&template, scope(), &given, &WithoutChance).map_err(|error| error.message)?;
    let outputs = plan
        .outputs(&RuntimeValues::new())
        .map_err(|error| format!("{error:?}"))?;
    Ok(outputs
        .as_object()
        .expect("outputs")
        .iter()
        .map(|(name, output)| (name.clone(), output["value"].clone()))
        .collect())
}

/// The expression as an element of an array, so that no output type constrains it.
fn as_template(vector: &Value) -> Value {
    let parameters: Map<String, Value> = vector["parameters"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), json!({"type": kind(value)})))
        .collect();
    json!({"parameters": parameters, "variables": vector["variables"].as_object().cloned().unwrap_or_default(),
           "resources": [], "outputs": {"o": {"type": "array", "value": [vector["expression"]]}}})
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Number(_) => "int",
        Value::Array(_) => "array",
        _ => "object",
    }
}

fn expected(vector: &Value) -> Value {
    if vector.get("template").is_some() {
        vector["expect"].clone()
    } else {
        json!({"o": [vector["expect"]]})
    }
}

/// Equal as JSON; the order of members does not matter, nor whether a whole number is written with a fraction.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, value)| right.get(name).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}
