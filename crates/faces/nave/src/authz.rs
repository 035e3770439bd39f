//! `nave authz`: role designs tested without a server (rbac-semantics 16).

use std::io::{self, BufRead, Read};

use anyhow::Context;
use nave_rbac::eval;
use serde_json::json;

use crate::{Outcome, say};

/// Decides each line of the input. A line that asks nothing is answered with `deny` and what is wrong with it, so that
/// answers stay in step with questions; then the command fails.
pub(crate) fn eval() -> Outcome {
    let mut all_asked = true;
    for (at, line) in io::stdin().lock().lines().enumerate() {
        let line = line.context("the input cannot be read")?;
        if line.trim().is_empty() {
            continue;
        }
        say::line(eval::eval_line(&line).unwrap_or_else(|error| {
            all_asked = false;
            json!({ "id": null, "decision": "deny", "error": format!("line {}: {error}", at + 1) })
                .to_string()
        }));
    }
    Ok(all_asked)
}

/// Whether a pattern covers an operation.
pub(crate) fn matches(pattern: &str, operation: &str) -> bool {
    eval::matches(pattern, operation)
}

/// Whether the input is a condition; where not, what is wrong with it is a remark.
pub(crate) fn parse_condition() -> Outcome {
    let mut text = String::new();
    io::stdin()
        .lock()
        .read_to_string(&mut text)
        .context("the input cannot be read")?;
    let parsed = eval::parse_condition(text.trim_end_matches(['\r', '\n']));
    if let Err(error) = &parsed {
        say::remark(error);
    }
    Ok(parsed.is_ok())
}
