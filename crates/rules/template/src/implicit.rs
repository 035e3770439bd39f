//! The resources a value asks for at run time: `reference(x)`, `references(x)` and `list…(x)` order the graph
//! where they name something of the same template and give no api-version.

use serde_json::Value;

use crate::{
    copy,
    evaluator::{Environment, Evaluator},
    expression::{Call, Reading, read},
    nested,
    table::{member, same_name},
};

/// What the run-time calls in a value name. A name that cannot be worked out without running is left out.
pub(crate) fn targets(
    evaluator: &Evaluator<'_>,
    value: &Value,
    environment: &Environment<'_>,
    found: &mut Vec<String>,
) {
    match value {
        Value::String(text) => {
            if let Ok(Reading::Expression(expression)) = read(text) {
                expression.each_call(&mut |call| found.extend(target(evaluator, call, environment)));
            }
        }
        Value::Array(elements) => elements
            .iter()
            .for_each(|element| targets(evaluator, element, environment, found)),
        Value::Object(members) => {
            let inner = nested::is_inner_scoped(members, evaluator.parts.symbolic);
            for (name, value) in members {
                match copy::member_loops(name, value) {
                    Some(loops) => loops
                        .iter()
                        .for_each(|each| in_loop(evaluator, each, environment, found)),
                    None if inner && same_name(name, "template") => {}
                    None => targets(evaluator, value, environment, found),
                }
            }
        }
        _ => {}
    }
}

fn in_loop(evaluator: &Evaluator<'_>, each: &Value, environment: &Environment<'_>, found: &mut Vec<String>) {
    let part = |name: &str| each.as_object().and_then(|each| member(each, name));
    let name = part("name").and_then(Value::as_str).unwrap_or_default();
    let input = part("input").unwrap_or(&Value::Null);
    for index in 0..copy::count(evaluator, each, environment).unwrap_or(0) {
        let loops = copy::within(environment.loops, name, index);
        targets(
            evaluator,
            input,
            &Environment {
                loops: &loops,
                ..*environment
            },
            found,
        );
    }
}

fn target(evaluator: &Evaluator<'_>, call: &Call, environment: &Environment<'_>) -> Option<String> {
    let first = call.arguments.first()?;
    let names = call.is("references") || call.is("reference") || call.is_list();
    if !names {
        return None;
    }
    let Ok(Value::String(name)) = evaluator.expression(first, environment) else {
        return None;
    };
    let versioned = call.arguments.len() > 1 && !call.is("references");
    let symbolic = evaluator.parts.symbolic && !name.contains('/');
    (!versioned || symbolic).then_some(name)
}
