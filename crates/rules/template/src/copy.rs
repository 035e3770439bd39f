//! Copy loops: of resources, of members inside a body or a variable, of variables and of outputs.

use serde_json::{Map, Value};

use crate::{
    evaluator::{Environment, Evaluator},
    fault::{Halt, Outcome},
    table::{member, same_name},
    values::kind_of,
};

/// The most iterations of one loop.
const MAX_COUNT: i64 = 800;

/// One turn of a loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loop {
    /// Its name; empty for the loop of an output.
    pub(crate) name: String,
    pub(crate) index: i64,
}

/// The loops of a `copy` member, if the member is one: a list of objects with `name`, `count` and `input`.
pub(crate) fn member_loops<'v>(name: &str, value: &'v Value) -> Option<&'v [Value]> {
    let looks_right = |each: &Value| {
        each.as_object().is_some_and(|each| {
            ["name", "count", "input"]
                .iter()
                .all(|name| member(each, name).is_some())
        })
    };
    let loops = value.as_array().filter(|_| same_name(name, "copy"))?;
    (!loops.is_empty() && loops.iter().all(looks_right)).then_some(loops)
}

/// Adds the array each loop makes as a member.
pub(crate) fn expand_members(
    evaluator: &Evaluator<'_>,
    loops: &[Value],
    environment: &Environment<'_>,
    into: &mut Map<String, Value>,
) -> Outcome<()> {
    for (at, each) in loops.iter().enumerate() {
        let name = part(each, "name").and_then(|name| evaluator.value(name, environment));
        let expanded = name.and_then(|name| match name {
            Value::String(name) => Ok((name, expand_array(evaluator, each, environment)?)),
            other => Err(Halt::failed(format!(
                "The copy name must be a string, not '{}'",
                kind_of(&other)
            ))),
        });
        let (name, array) = expanded.map_err(|halt| halt.in_element(at))?;
        into.insert(name, array);
    }
    Ok(())
}

/// The array that `{name, count, input}` makes.
pub(crate) fn expand_array(
    evaluator: &Evaluator<'_>,
    each: &Value,
    environment: &Environment<'_>,
) -> Outcome<Value> {
    let name = each
        .as_object()
        .and_then(|each| member(each, "name"))
        .cloned()
        .unwrap_or_default();
    let name = evaluator
        .value(&name, environment)?
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let input = part(each, "input")?;
    let mut elements = Vec::new();
    for index in 0..count(evaluator, each, environment)? {
        let loops = within(environment.loops, &name, index);
        let inside = Environment {
            loops: &loops,
            ..*environment
        };
        elements.push(
            evaluator
                .value(input, &inside)
                .map_err(|halt| halt.in_member("input"))?,
        );
    }
    Ok(Value::Array(elements))
}

/// The number of turns of a loop.
pub(crate) fn count(evaluator: &Evaluator<'_>, each: &Value, environment: &Environment<'_>) -> Outcome<i64> {
    let found = evaluator
        .value(part(each, "count")?, environment)
        .map_err(|halt| halt.in_member("count"))?;
    match found.as_i64() {
        Some(count @ 0..=MAX_COUNT) => Ok(count),
        Some(count) => {
            let message = format!("The copy count is '{count}'; it must be between 0 and {MAX_COUNT}");
            Err(Halt::failed(message).in_member("count"))
        }
        None => {
            let message = format!("The copy count must be an integer, not '{}'", kind_of(&found));
            Err(Halt::failed(message).in_member("count"))
        }
    }
}

/// The loops around, and one turn of one more.
pub(crate) fn within(around: &[Loop], name: &str, index: i64) -> Vec<Loop> {
    let mut loops = around.to_vec();
    loops.push(Loop {
        name: name.to_owned(),
        index,
    });
    loops
}

fn part<'v>(each: &'v Value, name: &str) -> Outcome<&'v Value> {
    let found = each.as_object().and_then(|each| member(each, name));
    found.ok_or_else(|| Halt::failed(format!("A copy loop needs the member '{name}'")))
}
