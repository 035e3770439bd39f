//! Calls made while the deployment runs, with the caller's rights: `reference` and `list…`.

use serde_json::Value;

use super::{Function, arguments::text, placed};
use crate::{
    evaluator::{Environment, Evaluator, References},
    fault::{Halt, Outcome},
};

pub(super) const TABLE: &[Function] = &[
    placed("reference", 1, 3, |evaluator, environment, given| {
        let references = references("reference", evaluator, environment)?;
        references.reference(
            target(given)?,
            version(given, 1)?,
            full("reference", given.get(2))?,
        )
    }),
    placed("references", 1, 2, |evaluator, environment, given| {
        let references = references("references", evaluator, environment)?;
        references.references(target(given)?, full("references", given.get(1))?)
    }),
    placed("resourceInfo", 1, 1, |evaluator, environment, given| {
        references("resourceInfo", evaluator, environment)?.info(target(given)?)
    }),
];

/// Any function whose name starts with `list`.
pub(super) fn list(
    evaluator: &Evaluator<'_>,
    environment: &Environment<'_>,
    name: &str,
    given: &[Value],
) -> Outcome<Value> {
    if given.is_empty() || given.len() > 4 {
        return Err(Halt::failed(super::wrong_count(name, "1 to 4", given.len())));
    }
    let references = references(name, evaluator, environment)?;
    references.list(
        name,
        target(given)?,
        version(given, 1)?,
        given.get(2).filter(|body| !body.is_null()),
    )
}

fn references<'e>(
    name: &str,
    evaluator: &'e Evaluator<'_>,
    environment: &Environment<'_>,
) -> Outcome<&'e dyn References> {
    let allowed = evaluator.references.filter(|_| environment.allowed.run_time);
    allowed.ok_or_else(|| {
        Halt::failed(format!(
            "The template function '{name}' is not expected at this location. Please see https://aka.ms/arm-functions for usage details."
        ))
    })
}

fn target(given: &[Value]) -> Outcome<&str> {
    text(given, 0).map_err(Halt::failed)
}

fn version(given: &[Value], at: usize) -> Outcome<Option<&str>> {
    match given.get(at) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => text(given, at)
            .map(|version| Some(version).filter(|version| !version.is_empty()))
            .map_err(Halt::failed),
    }
}

fn full(name: &str, argument: Option<&Value>) -> Outcome<bool> {
    match argument {
        None | Some(Value::Null) => Ok(false),
        Some(Value::String(word)) if word.eq_ignore_ascii_case("full") => Ok(true),
        Some(_) => Err(Halt::failed(format!(
            "The last argument of the template function '{name}' can only be 'Full'"
        ))),
    }
}
