//! `nave authz`: role designs tested without a server (rbac-semantics 16).

use std::io::{self, BufRead, Read};

use anyhow::Context;
use nave_rbac::eval;

use crate::{Outcome, say};

/// Decides each line of the input. A line that asks nothing is answered with `deny` and what is wrong with it, so that
/// answers stay in step with questions; then the command fails. So is an empty line, or one that is no text.
pub(crate) fn eval() -> Outcome {
    let mut all_asked = true;
    for line in io::stdin().lock().split(b'\n') {
        let line = line.context("the input cannot be read")?;
        // some shells put a byte order mark before what they pipe
        let answer = eval::eval_line(String::from_utf8_lossy(&line).trim_start_matches('\u{feff}'));
        all_asked &= answer.asked;
        say::line(answer.line);
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
