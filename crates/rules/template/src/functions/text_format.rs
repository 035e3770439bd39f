//! Composite formatting as .NET does it: `{index[,width][:form]}`.

use serde_json::Value;

use super::{arguments::Given, number_format::number, strings::fits};
use crate::values::{plain_text, quoted_text};

/// The widest field accepted.
const WIDEST: usize = 16_384;

/// Fills the holes of `pattern` with the values.
pub(super) fn format(pattern: &str, values: &[Value]) -> Given<String> {
    let wrong = || String::from("the format string is not valid");
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
        } else if brace == "}" {
            return Err(wrong());
        } else {
            let (hole, after) = rest.split_once('}').ok_or_else(wrong)?;
            text.push_str(&fill(hole, values)?);
            fits(text.len())?;
            rest = after;
        }
    }
    text.push_str(rest);
    Ok(text)
}

fn fill(hole: &str, values: &[Value]) -> Given<String> {
    let (place, form) = hole
        .split_once(':')
        .map_or((hole, None), |(place, form)| (place, Some(form)));
    let (index, width) = place
        .split_once(',')
        .map_or((place, "0"), |(index, width)| (index, width));
    let index: usize = index
        .trim()
        .parse()
        .map_err(|_| format!("the format item '{{{hole}}}' is not valid"))?;
    let width: i64 = width
        .trim()
        .parse()
        .map_err(|_| format!("the format item '{{{hole}}}' is not valid"))?;
    let value = values
        .get(index)
        .ok_or_else(|| format!("the format item '{{{hole}}}' has no argument"))?;
    let text = match form {
        Some(form) if value.is_number() && !form.is_empty() => number(value, form)?,
        _ => plain_text(value).unwrap_or_else(|| quoted_text(value)),
    };
    let wide = usize::try_from(width.unsigned_abs())
        .ok()
        .filter(|wide| *wide <= WIDEST);
    let wide = wide.ok_or_else(|| format!("the format item '{{{hole}}}' is too wide"))?;
    Ok(if width < 0 {
        format!("{text:<wide$}")
    } else {
        format!("{text:>wide$}")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::format;
    use crate::functions::checks::{check, check_fails};

    #[test]
    fn fills_holes_as_dot_net_does() {
        check(&[
            ("[format('{{{0}}}', 1)]", json!("{1}")),
            ("[format('{0}{1}{0}', true(), false())]", json!("TrueFalseTrue")),
            (
                "[format('{0}|{1}', null(), createArray('a', 1))]",
                json!("|['a',1]"),
            ),
            (
                "[format('{0}', createObject('a', 'b''c'))]",
                json!("{'a':'b\\'c'}"),
            ),
            ("[format('{0,5}|{0,-5}|', 'ab')]", json!("   ab|ab   |")),
            (
                "[format('{0:N0} {0:N} {0:D8} {0:X} {0:x8} {0:F1} {0:000}', 8175133)]",
                json!("8,175,133 8,175,133.00 08175133 7CBE1D 007cbe1d 8175133.0 8175133"),
            ),
            ("[format('{0:D3} {0:N0}', -12)]", json!("-012 -12")),
            ("[format('{0:00}', 5)]", json!("05")),
            ("[format('{0:N1}', json('1234.56'))]", json!("1,234.6")),
        ]);
        check_fails(&[
            "[format('{0}')]",
            "[format('{')]",
            "[format('}')]",
            "[format('{x}', 1)]",
            "[format('{0:Q}', 1)]",
            "[format('{0,99999999}', 1)]",
            "[format(1)]",
        ]);
    }

    proptest! {
        #[test]
        fn never_panics(pattern in "[{}0-9,:DNXFé-]{0,16}") {
            let _ = format(&pattern, &[json!(1), json!("x"), json!(-2.5)]);
        }
    }
}
