//! The comparisons of the language (policy-language 3).

use std::{borrow::Cow, cmp::Ordering};

use serde_json::Value;

use crate::{
    compare::{contains, equal, like, matches, order, text},
    parameters::kind_word,
    words::same,
};

/// A comparison without its negation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equals,
    Like,
    Match,
    MatchInsensitively,
    Contains,
    In,
    ContainsKey,
    Less,
    LessOrEquals,
    Greater,
    GreaterOrEquals,
    Exists,
}

/// A comparison, perhaps negated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) comparison: Comparison,
    pub(crate) negated: bool,
    /// As `evaluatedExpressions` shows it.
    pub(crate) word: &'static str,
}

const fn plain(comparison: Comparison, word: &'static str) -> Operator {
    Operator {
        comparison,
        negated: false,
        word,
    }
}

const fn negated(comparison: Comparison, word: &'static str) -> Operator {
    Operator {
        comparison,
        negated: true,
        word,
    }
}

const ALL: &[Operator] = &[
    plain(Comparison::Equals, "Equals"),
    negated(Comparison::Equals, "NotEquals"),
    plain(Comparison::Like, "Like"),
    negated(Comparison::Like, "NotLike"),
    plain(Comparison::Match, "Match"),
    negated(Comparison::Match, "NotMatch"),
    plain(Comparison::MatchInsensitively, "MatchInsensitively"),
    negated(Comparison::MatchInsensitively, "NotMatchInsensitively"),
    plain(Comparison::Contains, "Contains"),
    negated(Comparison::Contains, "NotContains"),
    plain(Comparison::In, "In"),
    negated(Comparison::In, "NotIn"),
    plain(Comparison::ContainsKey, "ContainsKey"),
    negated(Comparison::ContainsKey, "NotContainsKey"),
    plain(Comparison::Less, "Less"),
    plain(Comparison::LessOrEquals, "LessOrEquals"),
    plain(Comparison::Greater, "Greater"),
    plain(Comparison::GreaterOrEquals, "GreaterOrEquals"),
    plain(Comparison::Exists, "Exists"),
];

impl Operator {
    /// The operator of a key in any case.
    pub(crate) fn read(key: &str) -> Option<Self> {
        ALL.iter().copied().find(|operator| same(operator.word, key))
    }

    /// What is wrong with an operand that stands literally in a rule.
    pub(crate) fn refuse(self, operand: &Value) -> Option<String> {
        let wanted = match self.comparison {
            Comparison::Equals if operand.is_array() || operand.is_object() => "String",
            Comparison::In if !operand.is_array() => "Array",
            Comparison::Exists if truth(operand).is_none() => "Boolean",
            Comparison::Like
            | Comparison::Match
            | Comparison::MatchInsensitively
            | Comparison::ContainsKey
                if !operand.is_string() =>
            {
                "String"
            }
            Comparison::Contains if operand.is_array() || operand.is_object() => "String",
            comparison if comparison.is_ordering() && !(operand.is_number() || operand.is_string()) => {
                "String"
            }
            Comparison::Like if operand.as_str().is_some_and(|text| text.matches('*').count() > 1) => {
                return Some(format!(
                    "The value of '{}' has more than one wildcard '*'",
                    self.word
                ));
            }
            _ => return None,
        };
        Some(format!(
            "The value of '{}' is type '{}', expected type is '{wanted}'",
            self.word,
            kind_word(operand)
        ))
    }

    /// Compares one value; `None` is a field that is not there.
    ///
    /// # Errors
    /// The sentence, when the two cannot be compared.
    pub(crate) fn holds(self, value: Option<&Value>, operand: &Value) -> Result<bool, String> {
        self.comparison
            .holds(value, operand)
            .map(|holds| holds != self.negated)
    }
}

impl Comparison {
    fn is_ordering(self) -> bool {
        matches!(
            self,
            Self::Less | Self::LessOrEquals | Self::Greater | Self::GreaterOrEquals
        )
    }

    fn holds(self, value: Option<&Value>, operand: &Value) -> Result<bool, String> {
        let value = value.unwrap_or(&Value::Null);
        let texts = || Some((text(value).filter(|_| !value.is_null())?, text(operand)?));
        let compare_texts = |compare: &dyn Fn(Cow<'_, str>, Cow<'_, str>) -> bool| {
            Ok(texts().is_some_and(|(value, operand)| compare(value, operand)))
        };
        match self {
            Self::Equals => Ok(equal(value, operand)),
            Self::In => match operand {
                Value::Array(elements) => Ok(elements.iter().any(|element| equal(value, element))),
                other => Err(format!(
                    "'in' takes an array, not a value of type '{}'",
                    kind_word(other)
                )),
            },
            Self::Like => compare_texts(&|value, pattern| like(&value, &pattern)),
            Self::Match => compare_texts(&|value, pattern| matches(&value, &pattern, true)),
            Self::MatchInsensitively => compare_texts(&|value, pattern| matches(&value, &pattern, false)),
            Self::Contains => Ok(!value.is_null() && contains(value, operand)),
            Self::ContainsKey => Ok(match (value, operand) {
                (Value::Object(members), Value::String(key)) => members.keys().any(|name| same(name, key)),
                _ => false,
            }),
            Self::Exists => {
                let wanted = truth(operand).ok_or_else(|| String::from("'exists' takes true or false"))?;
                Ok(value.is_null() != wanted)
            }
            Self::Less => ordered(value, operand, Ordering::is_lt),
            Self::LessOrEquals => ordered(value, operand, Ordering::is_le),
            Self::Greater => ordered(value, operand, Ordering::is_gt),
            Self::GreaterOrEquals => ordered(value, operand, Ordering::is_ge),
        }
    }
}

/// What is not there comes neither before nor after anything.
fn ordered(value: &Value, operand: &Value, wanted: fn(Ordering) -> bool) -> Result<bool, String> {
    let is_missing = |value: &Value| value.is_null() || value.as_str() == Some("");
    if is_missing(value) || is_missing(operand) {
        return Ok(false);
    }
    order(value, operand).map(wanted)
}

/// A truth value, also as its text.
pub(crate) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) if same(text, "true") => Some(true),
        Value::String(text) if same(text, "false") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Operator;

    fn check(key: &str, value: Value, operand: Value, expected: Option<bool>) {
        let operator = Operator::read(key).expect(key);
        let value = Some(&value).filter(|value| !value.is_null());
        assert_eq!(
            operator.holds(value, &operand).ok(),
            expected,
            "{value:?} {key} {operand}"
        );
    }

    #[test]
    fn every_operator_on_a_value_and_on_none() {
        for (key, value, operand, holds, on_none) in [
            ("equals", json!("A"), json!("a"), true, false),
            ("notEquals", json!("A"), json!("b"), true, true),
            ("like", json!("abc"), json!("A*"), true, false),
            ("notlike", json!("abc"), json!("b*"), true, true),
            ("match", json!("a-1"), json!("?-#"), true, false),
            ("notMatch", json!("A1"), json!("a#"), true, true),
            ("matchInsensitively", json!("A1"), json!("a#"), true, false),
            ("notMatchInsensitively", json!("A1"), json!("a#"), false, true),
            ("contains", json!("abc"), json!("B"), true, false),
            ("contains", json!(["a", "b"]), json!("B"), true, false),
            ("notContains", json!("abc"), json!("x"), true, true),
            ("in", json!("a"), json!(["A"]), true, false),
            ("in", json!(1), json!(["1"]), true, false),
            ("notIn", json!("a"), json!(["b"]), true, true),
            ("containsKey", json!({"Env": 1}), json!("env"), true, false),
            ("notContainsKey", json!({"Env": 1}), json!("env"), false, true),
            ("less", json!(1), json!(2), true, false),
            ("lessOrEquals", json!(2), json!(2), true, false),
            ("greater", json!("b"), json!("A"), true, false),
            (
                "greaterOrEquals",
                json!("2020-01-01"),
                json!("2019-01-01T00:00:00Z"),
                true,
                false,
            ),
            ("exists", json!(1), json!(true), true, false),
            ("exists", json!(1), json!("False"), false, true),
        ] {
            check(key, value, operand.clone(), Some(holds));
            check(key, Value::Null, operand, Some(on_none));
        }
        check("less", json!(true), json!(1), None);
        check("in", json!("a"), json!("a"), None);
        check("equals", Value::Null, json!(""), Some(true));
        check("notEquals", Value::Null, json!(""), Some(false));
    }

    #[test]
    fn operands_are_checked_when_they_are_written() {
        for (key, operand) in [
            ("equals", json!([1])),
            ("in", json!("x")),
            ("exists", json!("maybe")),
            ("like", json!("a*b*")),
            ("less", json!(true)),
        ] {
            assert!(
                Operator::read(key).expect(key).refuse(&operand).is_some(),
                "{key} {operand}"
            );
        }
        assert!(
            Operator::read("equals")
                .expect("equals")
                .refuse(&json!(null))
                .is_none()
        );
        assert_eq!(Operator::read("isnt"), None);
    }
}
