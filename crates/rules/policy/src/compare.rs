//! How values are compared in conditions: as text, without case (policy-language 3).

use std::{borrow::Cow, cmp::Ordering};

use serde_json::{Number, Value};

use crate::words::{member, same};

/// The text form of a plain value; `None` for arrays and objects.
pub(crate) fn text(value: &Value) -> Option<Cow<'_, str>> {
    Some(match value {
        Value::Null => Cow::Borrowed(""),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::Number(number) => Cow::Owned(number_text(number)),
        Value::String(text) => Cow::Borrowed(text),
        Value::Array(_) | Value::Object(_) => return None,
    })
}

fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float.to_string(),
        _ => number.to_string(),
    }
}

/// Equality: plain values by their text without case, arrays and objects deeply; the order of members does not count.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => same(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let same_member = |(name, value): (&String, &Value)| {
                member(right, name).is_some_and(|other| equal(value, other))
            };
            left.len() == right.len() && left.iter().all(same_member)
        }
        _ => match (text(left), text(right)) {
            (Some(left), Some(right)) => same(&left, &right),
            _ => false,
        },
    }
}

/// The order of two numbers, two dates or two texts. A number beside the text of a number is compared as a number.
///
/// # Errors
/// The sentence, when the two have no order.
pub(crate) fn order(left: &Value, right: &Value) -> Result<Ordering, String> {
    let found = match (left, right) {
        (Value::Number(left), Value::Number(right)) => by_number(left, right),
        (Value::String(left), Value::String(right)) => Some(by_text(left, right)),
        (Value::Number(left), Value::String(right)) => {
            number(right).and_then(|right| by_number(left, &right))
        }
        (Value::String(left), Value::Number(right)) => number(left).and_then(|left| by_number(&left, right)),
        _ => None,
    };
    found.ok_or_else(|| {
        let kind = crate::parameters::kind_word;
        format!(
            "a value of type '{}' cannot be compared with one of type '{}'",
            kind(left),
            kind(right)
        )
    })
}

fn number(text: &str) -> Option<Number> {
    serde_json::from_str(text.trim()).ok()
}

fn by_number(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn by_text(left: &str, right: &str) -> Ordering {
    match (nave_template::moment(left), nave_template::moment(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => nave_template::culture_order(&left.to_lowercase(), &right.to_lowercase()),
    }
}

/// Whether the text is like the pattern, in which each `*` stands for any text; without case.
pub(crate) fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.to_lowercase(), pattern.to_lowercase());
    let Some((first, rest)) = pattern.split_once('*') else {
        return text == pattern;
    };
    let Some(mut left) = text.strip_prefix(first) else {
        return false;
    };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return left.ends_with(piece);
        }
        match left.find(piece) {
            Some(at) => left = &left[at + piece.len()..],
            None => return false,
        }
    }
    true
}

/// Whether the text has the pattern's form: `#` is a digit, `?` a letter, `.` any character, everything else itself.
pub(crate) fn matches(text: &str, pattern: &str, with_case: bool) -> bool {
    let fits = |(wanted, given): (char, char)| match wanted {
        '#' => given.is_ascii_digit(),
        '?' => given.is_alphabetic(),
        '.' => true,
        wanted if with_case => wanted == given,
        wanted => wanted.to_lowercase().eq(given.to_lowercase()),
    };
    text.chars().count() == pattern.chars().count() && pattern.chars().zip(text.chars()).all(fits)
}

/// Whether a value contains another: a text a part of it, an array an element; without case.
pub(crate) fn contains(container: &Value, sought: &Value) -> bool {
    match container {
        Value::Array(elements) => elements.iter().any(|element| equal(element, sought)),
        _ => match (text(container), text(sought)) {
            (Some(container), Some(sought)) => container.to_lowercase().contains(&sought.to_lowercase()),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use serde_json::json;

    use super::{contains, equal, like, matches, order};

    #[test]
    fn equality_is_that_of_texts_without_case() {
        for (left, right, expected) in [
            (json!("Deny"), json!("dENY"), true),
            (json!(true), json!("True"), true),
            (json!(5), json!("5"), true),
            (json!(5), json!(5.0), true),
            (json!(null), json!(""), true),
            (json!(null), json!("x"), false),
            (json!(["A", 1]), json!(["a", "1"]), true),
            (json!({"A": 1, "b": 2}), json!({"B": 2, "a": "1"}), true),
            (json!([]), json!(""), false),
            (json!("É"), json!("é"), true),
        ] {
            assert_eq!(equal(&left, &right), expected, "{left} {right}");
        }
    }

    #[test]
    fn order_is_that_of_numbers_dates_and_texts() {
        for (left, right, expected) in [
            (json!(9), json!(10), Ok(Ordering::Less)),
            (json!("9"), json!("10"), Ok(Ordering::Greater)),
            (json!("90"), json!(100), Ok(Ordering::Less)),
            (
                json!("2026-01-01"),
                json!("2026-01-01T00:00:01Z"),
                Ok(Ordering::Less),
            ),
            (
                json!("2026-01-01T02:00:00+02:00"),
                json!("2026-01-01T00:00:00Z"),
                Ok(Ordering::Equal),
            ),
            (json!("TLS1_1"), json!("tls1_2"), Ok(Ordering::Less)),
            (json!("A"), json!("a"), Ok(Ordering::Equal)),
        ] {
            assert_eq!(order(&left, &right), expected, "{left} {right}");
        }
        for (left, right) in [
            (json!(1), json!("x")),
            (json!(true), json!(1)),
            (json!([1]), json!(1)),
        ] {
            assert!(order(&left, &right).is_err(), "{left} {right}");
        }
    }

    #[test]
    fn patterns() {
        assert!(
            like("Contoso-Dev", "contoso*") && like("abc", "a*c") && like("abc", "*") && like("a*c", "A*C")
        );
        assert!(!like("abc", "b*") && !like("aa", "aa*a") && like("abcbc", "a*bc"));
        assert!(
            matches("ab-12", "??-##", true) && !matches("ab-1", "??-##", true) && matches("x", ".", true)
        );
        assert!(!matches("A", "a", true) && matches("A", "a", false));
        assert!(contains(&json!("Windows"), &json!("WIN")) && contains(&json!(["A"]), &json!("a")));
        assert!(!contains(&json!({"a": 1}), &json!("a")));
    }
}
