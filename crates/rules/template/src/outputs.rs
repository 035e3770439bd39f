//! Outputs: what a deployment says at its end.

use serde_json::{Map, Value, json};

use crate::{
    copy,
    evaluator::{Allowed, Environment, Evaluator},
    fault::{Halt, Outcome},
    plan::ForeseenOutputs,
    table::member,
    types,
    values::kind_of,
};

/// `{name: {type, value}}`.
pub(crate) fn evaluate(evaluator: &Evaluator<'_>) -> Outcome<Value> {
    let mut shown = Map::new();
    for (name, output) in evaluator.parts.outputs.iter() {
        shown.extend(named(evaluator, name, output)?.map(|value| (name.to_owned(), value)));
    }
    Ok(shown.into())
}

/// The outputs that can be told, and the others as they are written.
pub(crate) fn foresee(evaluator: &Evaluator<'_>) -> Outcome<ForeseenOutputs> {
    let ForeseenOutputs { mut sure, mut open } = ForeseenOutputs::default();
    for (name, output) in evaluator.parts.outputs.iter() {
        match named(evaluator, name, output) {
            Ok(shown) => sure.extend(shown.map(|value| (name.to_owned(), value))),
            Err(Halt::Call(_) | Halt::Unknown) => {
                let kind = types::shown_kind(output, evaluator.parts);
                let written = member(output, "value").or_else(|| member(output, "copy"));
                let shown = match written.filter(|_| !kind.starts_with("Secure")) {
                    Some(value) => json!({ "type": kind, "value": value }),
                    None => json!({ "type": kind }),
                };
                open.insert(name.to_owned(), shown);
            }
            Err(failed) => return Err(failed),
        }
    }
    Ok(ForeseenOutputs { sure, open })
}

fn named(evaluator: &Evaluator<'_>, name: &str, output: &Map<String, Value>) -> Outcome<Option<Value>> {
    evaluate_one(evaluator, name, output).map_err(|halt| {
        halt.reword(|why| format!("The template output '{name}' is not valid: {why}"))
            .in_member(name)
            .in_path("outputs")
    })
}

fn evaluate_one(
    evaluator: &Evaluator<'_>,
    name: &str,
    output: &Map<String, Value>,
) -> Outcome<Option<Value>> {
    let environment = Environment::outermost(Allowed::BODY);
    if let Some(condition) = member(output, "condition") {
        match evaluator
            .value(condition, &environment)
            .map_err(|halt| halt.in_member("condition"))?
        {
            Value::Bool(true) => {}
            Value::Bool(false) => return Ok(None),
            other => {
                let message = format!("the condition must be a boolean, not '{}'", kind_of(&other));
                return Err(Halt::failed(message).in_member("condition"));
            }
        }
    }
    let kind = types::shown_kind(output, evaluator.parts);
    let value = match (member(output, "copy"), member(output, "value")) {
        (Some(each), _) => {
            copy::expand_array(evaluator, each, &environment).map_err(|halt| halt.in_member("copy"))?
        }
        (None, Some(value)) => evaluator
            .value(value, &environment)
            .map_err(|halt| halt.in_member("value"))?,
        (None, None) => return Err(Halt::failed(format!("the output '{name}' needs a value"))),
    };
    types::check(output, &value, evaluator.parts).map_err(|why| Halt::failed(why).in_member("value"))?;
    Ok(Some(match types::in_public(output, &value, evaluator.parts) {
        Some(value) => json!({ "type": kind, "value": value }),
        None => json!({ "type": kind }),
    }))
}
