//! `nave authz`: role designs tested without a server (rbac-semantics 16).

use std::{
    io::{self, BufRead, Read},
    path::Path,
};

use anyhow::Context;
use nave_rbac::{check::Verdict, eval};

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
    let text = input()?;
    let parsed = eval::parse_condition(text.trim_end_matches(['\r', '\n']));
    if let Err(error) = &parsed {
        say::remark(error);
    }
    Ok(parsed.is_ok())
}

/// Whether what a file holds could be written: the code on the first line, why not as a remark.
pub(crate) fn check(file: &Path, checked: fn(&str) -> Verdict) -> Outcome {
    let text = if file == Path::new("-") {
        input()?
    } else {
        std::fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))?
    };
    let verdict = checked(&text);
    say::line(verdict.code);
    if let Some(message) = &verdict.message {
        say::remark(message);
    }
    Ok(verdict.is_ok())
}

fn input() -> anyhow::Result<String> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .read_to_string(&mut text)
        .context("the input cannot be read")?;
    Ok(text)
}
