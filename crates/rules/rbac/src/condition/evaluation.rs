//! From expression to truth.

use super::{
    Truth,
    operator::{Operator, Quantifier},
    parser::{Attribute, Expression, Operand, Test},
};
use crate::{AccessRequest, AttributeValue, Source, operation::Operation};

impl Expression {
    pub(super) fn evaluate(&self, request: &AccessRequest<'_>) -> Truth {
        match self {
            Self::All(terms) => all(terms, |term| term.evaluate(request)),
            Self::Any(terms) => any(terms, |term| term.evaluate(request)),
            Self::Not(term) => !term.evaluate(request),
            Self::Leaf(leaf) => leaf.test.evaluate(request),
        }
    }
}

impl Test {
    pub(super) fn evaluate(&self, request: &AccessRequest<'_>) -> Truth {
        match self {
            Self::ActionMatches(patterns) => {
                Truth::from(Operation::new(request.operation).first_cover(patterns).is_some())
            }
            Self::SubOperationMatches(names) => {
                let asked = request.sub_operation.filter(|name| !name.is_empty());
                Truth::from(
                    asked.is_some_and(|asked| names.iter().any(|name| name.eq_ignore_ascii_case(asked))),
                )
            }
            Self::Exists(attribute) => {
                Truth::from(attribute.with_values(request, |values| !values.is_empty()))
            }
            Self::Compare {
                left,
                operator,
                right,
            } => left.with_values(request, |left| {
                right.with_values(request, |right| operator.compare(left, right))
            }),
        }
    }
}

impl Operand {
    fn with_values<R>(&self, request: &AccessRequest<'_>, then: impl FnOnce(&[AttributeValue]) -> R) -> R {
        match self {
            Self::Attribute(attribute) => attribute.with_values(request, then),
            Self::Values(values) => then(values),
        }
    }
}

impl Attribute {
    /// Hands over the values, none when the request does not carry the attribute.
    pub(super) fn with_values<R>(
        &self,
        request: &AccessRequest<'_>,
        then: impl FnOnce(&[AttributeValue]) -> R,
    ) -> R {
        // How the first preview wrote `SubOperationMatches`: always there, empty without a suboperation.
        if self.source == Source::Request && self.name.as_str() == "suboperation" {
            return then(&[AttributeValue::from(request.sub_operation.unwrap_or_default())]);
        }
        then(request.values(self.source, &self.name))
    }
}

impl Operator {
    /// A missing side makes the comparison unknown, and so do several values without a quantifier.
    fn compare(self, left: &[AttributeValue], right: &[AttributeValue]) -> Truth {
        if left.is_empty() || right.is_empty() {
            return Truth::Unknown;
        }
        let pair = |l: &AttributeValue, r: &AttributeValue| self.holds(l, r);
        match self.quantifier {
            None => match (left, right) {
                ([left], [right]) => pair(left, right),
                _ => Truth::Unknown,
            },
            Some(Quantifier::AnyOfAny) => any(left, |l| any(right, |r| pair(l, r))),
            Some(Quantifier::AllOfAny) => all(left, |l| any(right, |r| pair(l, r))),
            Some(Quantifier::AnyOfAll) => any(left, |l| all(right, |r| pair(l, r))),
            Some(Quantifier::AllOfAll) => all(left, |l| all(right, |r| pair(l, r))),
        }
    }
}

/// False if any is false, else unknown if any is unknown.
fn all<T>(items: &[T], truth: impl Fn(&T) -> Truth) -> Truth {
    items.iter().map(truth).min().unwrap_or(Truth::True)
}

/// True if any is true, else unknown if any is unknown.
fn any<T>(items: &[T], truth: impl Fn(&T) -> Truth) -> Truth {
    items.iter().map(truth).max().unwrap_or(Truth::False)
}
