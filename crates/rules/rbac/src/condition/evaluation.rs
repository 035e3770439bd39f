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
        // The first preview had the suboperation as an attribute that is always there, empty without one. As it was
        // documented it is read as `SubOperationMatches`; here is what is left.
        if self.source == Source::Request && self.name.as_str() == "suboperation" {
            return then(&[AttributeValue::from(request.sub_operation.unwrap_or_default())]);
        }
        then(request.values(self.source, &self.name))
    }
}

impl Operator {
    /// Several values without a quantifier make the comparison unknown.
    fn compare(self, left: &[AttributeValue], right: &[AttributeValue]) -> Truth {
        if let Some(unknown) = missing_fails_closed(left, right) {
            return unknown;
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

/// A ruling (rbac-semantics 11.6, where the documents are silent): a comparison with a missing side is unknown for
/// negative operators as well, and NOT leaves it so. What is not known opens no door.
fn missing_fails_closed(left: &[AttributeValue], right: &[AttributeValue]) -> Option<Truth> {
    (left.is_empty() || right.is_empty()).then_some(Truth::Unknown)
}

/// False if any is false, else unknown if any is unknown. What is settled is not asked further.
fn all<T>(items: &[T], truth: impl Fn(&T) -> Truth) -> Truth {
    let mut least = Truth::True;
    for item in items {
        least = least.min(truth(item));
        if least == Truth::False {
            break;
        }
    }
    least
}

/// True if any is true, else unknown if any is unknown. What is settled is not asked further.
fn any<T>(items: &[T], truth: impl Fn(&T) -> Truth) -> Truth {
    let mut most = Truth::False;
    for item in items {
        most = most.max(truth(item));
        if most == Truth::True {
            break;
        }
    }
    most
}
