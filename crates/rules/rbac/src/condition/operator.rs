//! Comparison operators: which there are and what each does to one pair of values.

use std::cmp::Ordering;

use uuid::Uuid;

use super::{
    Truth,
    error::nearest,
    instant::{Instant, Written},
    like::like,
};
use crate::AttributeValue;

/// How an operator with several values on a side combines its pairs. The base operator, negations included, is
/// applied to each pair: `ForAnyOfAnyValues:GuidNotEquals {A, B}` holds for `A`, because `A` differs from `B`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantifier {
    /// Some left value with some right value.
    AnyOfAny,
    /// Every left value with some right value.
    AllOfAny,
    /// Some left value with every right value.
    AnyOfAll,
    /// Every left value with every right value.
    AllOfAll,
}

/// An operator as written: `ForAnyOfAnyValues:StringNotEqualsIgnoreCase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) quantifier: Option<Quantifier>,
    pub(super) kind: Kind,
    pub(super) negated: bool,
}

/// The base operator without its `Not`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text { test: TextTest, ignore_case: bool },
    Bool,
    Numeric(Order),
    Instant(Order),
    Guid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextTest {
    Equals,
    StartsWith,
    Like,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equals,
    LessThan,
    LessThanEquals,
    GreaterThan,
    GreaterThanEquals,
}

impl Operator {
    /// Reads an operator; its case does not matter.
    pub(super) fn parse(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let (quantifier, base) = match word.split_once(':') {
            Some((prefix, base)) => (Some(Quantifier::parse(prefix)?), base),
            None => (None, word.as_str()),
        };
        let (kind, negated) = if let Some(rest) = base.strip_prefix("string") {
            let (rest, negated) = without_not(rest);
            let (rest, ignore_case) = match rest.strip_suffix("ignorecase") {
                Some(rest) => (rest, true),
                None => (rest, false),
            };
            let test = match rest {
                "equals" => TextTest::Equals,
                "startswith" => TextTest::StartsWith,
                "like" => TextTest::Like,
                _ => return None,
            };
            (Kind::Text { test, ignore_case }, negated)
        } else if let Some(rest) = base.strip_prefix("numeric") {
            let (order, negated) = Order::parse(rest)?;
            (Kind::Numeric(order), negated)
        } else if let Some(rest) = base.strip_prefix("datetime") {
            let (order, negated) = Order::parse(rest)?;
            (Kind::Instant(order), negated)
        } else {
            match base {
                "boolequals" => (Kind::Bool, false),
                "boolnotequals" => (Kind::Bool, true),
                "guidequals" => (Kind::Guid, false),
                "guidnotequals" => (Kind::Guid, true),
                _ => return None,
            }
        };
        Some(Self {
            quantifier,
            kind,
            negated,
        })
    }

    /// `ForAnyOfAnyValues:StringEqualsIgnoreCase`.
    pub(super) fn is_one_of_ignoring_case(self) -> bool {
        let equals = Kind::Text {
            test: TextTest::Equals,
            ignore_case: true,
        };
        self.quantifier == Some(Quantifier::AnyOfAny) && self.kind == equals && !self.negated
    }

    /// Why no request can ever satisfy the operator with these written values on a side.
    pub(super) fn objection(self, values: &[AttributeValue]) -> Option<&'static str> {
        if self.quantifier.is_none() && values.len() > 1 {
            return Some("an operator without `For…Of…Values:` compares single values");
        }
        values.iter().find_map(|value| self.kind.objection(value))
    }

    /// Whether the operator holds for the pair; unknown when a value has the wrong type, for negations too.
    pub(super) fn holds(self, left: &AttributeValue, right: &AttributeValue) -> Truth {
        match self.kind.holds(left, right) {
            Some(holds) => Truth::from(holds != self.negated),
            None => Truth::Unknown,
        }
    }
}

/// Every base operator, as it is written.
const BASES: [&str; 28] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringStartsWith",
    "StringNotStartsWith",
    "StringStartsWithIgnoreCase",
    "StringNotStartsWithIgnoreCase",
    "StringLike",
    "StringNotLike",
    "StringLikeIgnoreCase",
    "StringNotLikeIgnoreCase",
    "BoolEquals",
    "BoolNotEquals",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateTimeEquals",
    "DateTimeNotEquals",
    "DateTimeLessThan",
    "DateTimeLessThanEquals",
    "DateTimeGreaterThan",
    "DateTimeGreaterThanEquals",
    "GuidEquals",
    "GuidNotEquals",
];

const QUANTIFIERS: [&str; 4] = [
    "ForAnyOfAnyValues",
    "ForAllOfAnyValues",
    "ForAnyOfAllValues",
    "ForAllOfAllValues",
];

/// The operator that was probably meant by a word that is none.
pub(super) fn meant(word: &str) -> Option<String> {
    match word.split_once(':') {
        None => nearest(word, &BASES).map(str::to_owned),
        Some((quantifier, base)) => Some(format!(
            "{}:{}",
            nearest(quantifier, &QUANTIFIERS)?,
            nearest(base, &BASES)?
        )),
    }
}

impl Quantifier {
    fn parse(prefix: &str) -> Option<Self> {
        Some(match prefix {
            "foranyofanyvalues" => Self::AnyOfAny,
            "forallofanyvalues" => Self::AllOfAny,
            "foranyofallvalues" => Self::AnyOfAll,
            "forallofallvalues" => Self::AllOfAll,
            _ => return None,
        })
    }
}

impl Order {
    /// Only equality has a negated form.
    fn parse(word: &str) -> Option<(Self, bool)> {
        Some(match word {
            "equals" => (Self::Equals, false),
            "notequals" => (Self::Equals, true),
            "lessthan" => (Self::LessThan, false),
            "lessthanequals" => (Self::LessThanEquals, false),
            "greaterthan" => (Self::GreaterThan, false),
            "greaterthanequals" => (Self::GreaterThanEquals, false),
            _ => return None,
        })
    }

    fn admits(self, ordering: Ordering) -> bool {
        match self {
            Self::Equals => ordering.is_eq(),
            Self::LessThan => ordering.is_lt(),
            Self::LessThanEquals => ordering.is_le(),
            Self::GreaterThan => ordering.is_gt(),
            Self::GreaterThanEquals => ordering.is_ge(),
        }
    }
}

impl Kind {
    /// What a value must be for this operator, in words; `None` when `value` is that.
    pub(super) fn objection(self, value: &AttributeValue) -> Option<&'static str> {
        let (readable, expected) = match self {
            Self::Text { .. } => (text(value).is_some(), "this operator compares text"),
            Self::Bool => (
                matches!(value, AttributeValue::Bool(_)),
                "this operator compares `true` or `false`",
            ),
            Self::Numeric(_) => (
                matches!(value, AttributeValue::Integer(_)),
                "this operator compares integers",
            ),
            Self::Instant(_) => (
                instant(value).is_some(),
                "this operator compares instants, such as `2024-05-01T13:00:00.0Z`",
            ),
            Self::Guid => (guid(value).is_some(), "this operator compares guids"),
        };
        (!readable).then_some(expected)
    }

    fn holds(self, left: &AttributeValue, right: &AttributeValue) -> Option<bool> {
        match self {
            Self::Text { test, ignore_case } => {
                let (mut left_room, mut right_room) = (Written::default(), Written::default());
                let (left, right) = (written(left, &mut left_room)?, written(right, &mut right_room)?);
                Some(match test {
                    TextTest::Equals => same_text(left, right, ignore_case),
                    TextTest::StartsWith => starts_with(left, right, ignore_case),
                    TextTest::Like => like(left, right, ignore_case),
                })
            }
            Self::Bool => match (left, right) {
                (AttributeValue::Bool(left), AttributeValue::Bool(right)) => Some(left == right),
                _ => None,
            },
            Self::Numeric(order) => match (left, right) {
                (AttributeValue::Integer(left), AttributeValue::Integer(right)) => {
                    Some(order.admits(left.cmp(right)))
                }
                _ => None,
            },
            Self::Instant(order) => Some(order.admits(instant(left)?.cmp(&instant(right)?))),
            Self::Guid => Some(guid(left)? == guid(right)?),
        }
    }
}

fn without_not(word: &str) -> (&str, bool) {
    word.strip_prefix("not")
        .map_or((word, false), |rest| (rest, true))
}

fn text(value: &AttributeValue) -> Option<&str> {
    match value {
        AttributeValue::Text(text) => Some(text),
        AttributeValue::Bool(_)
        | AttributeValue::Integer(_)
        | AttributeValue::Instant(_)
        | AttributeValue::Unreadable => None,
    }
}

/// The text of a value; an instant is written down only here, in `room`.
fn written<'v>(value: &'v AttributeValue, room: &'v mut Written) -> Option<&'v str> {
    match value {
        AttributeValue::Instant(instant) => {
            *room = instant.written();
            Some(room.as_str())
        }
        value => text(value),
    }
}

fn instant(value: &AttributeValue) -> Option<Instant> {
    match value {
        AttributeValue::Instant(instant) => Some(*instant),
        value => text(value).and_then(Instant::parse),
    }
}

/// With or without dashes, in any case; nothing around it.
pub(super) fn guid(value: &AttributeValue) -> Option<Uuid> {
    text(value)
        .filter(|text| matches!(text.len(), 32 | 36))
        .and_then(|text| Uuid::try_parse(text).ok())
}

fn same_text(left: &str, right: &str, ignore_case: bool) -> bool {
    if ignore_case {
        folded(left).eq(folded(right))
    } else {
        left == right
    }
}

fn starts_with(text: &str, prefix: &str, ignore_case: bool) -> bool {
    if !ignore_case {
        return text.starts_with(prefix);
    }
    let mut text = folded(text);
    folded(prefix).all(|c| text.next() == Some(c))
}

fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}
