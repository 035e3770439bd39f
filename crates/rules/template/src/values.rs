//! What the language says about values: kinds, equality, order and text forms.

use std::cmp::Ordering;

use serde_json::{Number, Value};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The kind of a value, in the words of the service's messages.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "Float",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
    }
}

/// Typed and deep; numbers by value, names of members with case, texts with case.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => equal_numbers(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let same =
                |(name, value): (&String, &Value)| right.get(name).is_some_and(|other| equal(value, other));
            left.len() == right.len() && left.iter().all(same)
        }
        _ => left == right,
    }
}

/// A text that two values share exactly when they are [`equal`].
pub(crate) fn same_text(value: &Value) -> String {
    match value {
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            // a whole float is equal to the integer
            Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => format!("{:.0}", float + 0.0),
            _ => number.to_string(),
        },
        Value::Array(elements) => {
            let inside: Vec<_> = elements.iter().map(same_text).collect();
            format!("[{}]", inside.join(","))
        }
        Value::Object(members) => {
            let mut inside: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), same_text(value)))
                .collect();
            inside.sort_unstable();
            format!("{{{}}}", inside.join(","))
        }
        plain => plain.to_string(),
    }
}

fn equal_numbers(left: &Number, right: &Number) -> bool {
    left == right || ((left.is_f64() || right.is_f64()) && left.as_f64() == right.as_f64())
}

/// Culture order: signs before digits before letters; letters with marks after the plain ones and lower case first only
/// where nothing else differs.
#[must_use]
pub fn culture_order(left: &str, right: &str) -> Ordering {
    if left.is_ascii() && right.is_ascii() {
        let folded = left.bytes().map(ascii_rank).cmp(right.bytes().map(ascii_rank));
        return folded
            .then_with(|| by_case(left, right))
            .then_with(|| left.cmp(right));
    }
    let plain = |text: &str| {
        text.nfd()
            .filter(|c| !is_combining_mark(*c))
            .map(rank)
            .collect::<Vec<_>>()
    };
    let marks = |text: &str| {
        text.nfd()
            .map(|c| if is_combining_mark(c) { u32::from(c) } else { 0 })
            .collect::<Vec<_>>()
    };
    plain(left)
        .cmp(&plain(right))
        .then_with(|| marks(left).cmp(&marks(right)))
        .then_with(|| by_case(left, right))
        .then_with(|| left.cmp(right))
}

fn by_case(left: &str, right: &str) -> Ordering {
    left.chars()
        .map(char::is_uppercase)
        .cmp(right.chars().map(char::is_uppercase))
}

fn ascii_rank(byte: u8) -> (u8, u32) {
    rank(char::from(byte))
}

fn rank(c: char) -> (u8, u32) {
    const SIGNS: &str = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";
    match c {
        white if white.is_whitespace() => (0, white.into()),
        letter if letter.is_alphabetic() => (3, letter.to_lowercase().next().unwrap_or(letter).into()),
        digit if digit.is_numeric() => (2, digit.into()),
        sign => (
            1,
            SIGNS
                .find(sign)
                .and_then(|at| u32::try_from(at).ok())
                .unwrap_or_else(|| sign.into()),
        ),
    }
}

/// The text form of a plain value in `concat`, `format`, `join` and `string`; `None` for arrays and objects.
pub(crate) fn plain_text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => String::new(),
        Value::Bool(true) => String::from("True"),
        Value::Bool(false) => String::from("False"),
        Value::Number(number) => number_text(number),
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => return None,
    })
}

/// A number; a float without a fraction prints as an integer, a very large or small one with an exponent.
pub(crate) fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float != 0.0 && !(1e-5..1e15).contains(&float.abs()) => {
            let text = format!("{float:E}");
            let (mantissa, exponent) = text.split_once('E').unwrap_or((&text, "0"));
            let (sign, exponent) = exponent
                .strip_prefix('-')
                .map_or(('+', exponent), |rest| ('-', rest));
            format!("{mantissa}E{sign}{exponent:0>2}")
        }
        Some(float) if number.is_f64() => float.to_string(),
        _ => number.to_string(),
    }
}

/// How `format` prints arrays and objects: compact, in single quotes.
pub(crate) fn quoted_text(value: &Value) -> String {
    let quote = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    match value {
        Value::String(text) => quote(text),
        Value::Array(elements) => {
            let inside: Vec<_> = elements.iter().map(quoted_text).collect();
            format!("[{}]", inside.join(","))
        }
        Value::Object(members) => {
            let inside: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{}:{}", quote(name), quoted_text(value)))
                .collect();
            format!("{{{}}}", inside.join(","))
        }
        plain => plain.to_string(),
    }
}

/// Drops members that are null, at every depth.
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(name, member)| (name, without_nulls(member)))
            .collect(),
        Value::Array(elements) => elements.into_iter().map(without_nulls).collect(),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use serde_json::json;

    use super::*;

    #[test]
    fn equality_is_typed_and_deep() {
        assert!(equal(
            &json!({"a": [1, "x"], "b": null}),
            &json!({"b": null, "a": [1.0, "x"]})
        ));
        assert!(!equal(&json!(1), &json!("1")));
        assert!(!equal(&json!("A"), &json!("a")));
        assert!(!equal(&json!({"a": 1}), &json!({"a": 1, "b": 2})));
    }

    #[test]
    fn equal_values_share_a_text() {
        let values = [
            json!(1),
            json!(1.0),
            json!("1"),
            json!(-0.0),
            json!(0),
            json!(1.5),
            json!(null),
            json!("null"),
            json!([1, "x"]),
            json!([1.0, "x"]),
            json!({"a": 1, "b": [null]}),
            json!({"b": [null], "a": 1}),
            json!({"a": 1}),
        ];
        for left in &values {
            for right in &values {
                assert_eq!(
                    same_text(left) == same_text(right),
                    equal(left, right),
                    "{left} {right}"
                );
            }
        }
    }

    #[test]
    fn culture_order_puts_lower_case_first_only_among_equals() {
        for (left, right) in [
            ("a", "A"),
            ("A", "b"),
            ("1", "a"),
            ("_", "1"),
            ("a", "ab"),
            ("_a", "-a"),
            ("", "a"),
            ("é", "f"),
            ("e", "é"),
            ("Éa", "éb"),
            ("z", "ö\u{4e00}x".trim_start_matches('ö')),
        ] {
            assert_eq!(culture_order(left, right), Ordering::Less, "{left} {right}");
            assert_eq!(culture_order(right, left), Ordering::Greater, "{right} {left}");
        }
    }

    #[test]
    fn floats_print_as_dot_net_prints_them() {
        for (float, text) in [
            (1.0, "1"),
            (-2.5, "-2.5"),
            (1e15, "1E+15"),
            (1.25e-7, "1.25E-07"),
            (0.0001, "0.0001"),
            (0.0, "0"),
        ] {
            assert_eq!(number_text(&Number::from_f64(float).expect("finite")), text);
        }
    }

    #[test]
    fn nulls_are_dropped_at_every_depth() {
        let value = json!({"a": null, "b": {"c": null, "d": [null, {"e": null}]}});
        assert_eq!(without_nulls(value), json!({"b": {"d": [null, {}]}}));
    }
}
