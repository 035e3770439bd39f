//! What is declared and never used.

use super::{Remark, Sight, step};
use crate::table::same_name;

pub(super) fn look(sight: &Sight<'_>, remarks: &mut Vec<Remark>) {
    let parts = sight.parts;
    for (name, _) in parts.parameters.iter() {
        if !is_named(sight, "parameters", name) {
            let message = format!("The parameter '{name}' is declared but never used.");
            remarks.push(Remark::new("no-unused-params", step("parameters", name), message));
        }
    }
    let loops = parts.variable_loops.iter().map(|(name, _)| name);
    for name in parts.variables.iter().map(|(name, _)| name).chain(loops) {
        if !is_named(sight, "variables", name) {
            let message = format!("The variable '{name}' is declared but never used.");
            remarks.push(Remark::new("no-unused-vars", step("variables", name), message));
        }
    }
    for (name, _) in parts.functions.iter() {
        let is_called = sight.strings.iter().flat_map(|seen| seen.calls()).any(|call| {
            let namespace = call.namespace.as_deref().unwrap_or_default();
            same_name(&format!("{namespace}.{}", call.name), name)
        });
        if !is_called {
            let message = format!("The function '{name}' is declared but never used.");
            remarks.push(Remark::new("no-unused-functions", "functions", message));
        }
    }
}

/// Whether `function('name')` stands anywhere outside of the user functions, or a name that is worked out.
fn is_named(sight: &Sight<'_>, function: &str, name: &str) -> bool {
    let outside = sight
        .strings
        .iter()
        .filter(|seen| !seen.path.starts_with("functions["));
    outside
        .flat_map(|seen| seen.calls())
        .filter(|call| call.is(function))
        .any(|call| {
            let literal = call.arguments.first().and_then(|argument| argument.as_literal());
            literal.is_none_or(|literal| same_name(literal, name))
        })
}
