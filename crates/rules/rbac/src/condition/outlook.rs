//! A condition judged before its request is made: some of its attributes are known, others only the request will bring.

use super::{
    Condition, Truth,
    parser::{Attribute, Expression, Operand, Test},
};
use crate::{AccessRequest, foresight::Open};

/// The least and the most a part can come to, whatever the request brings.
type Bounds = (Truth, Truth);

impl Condition {
    /// What the condition can come to: the least and the most. Both are the same where nothing open matters. A part that
    /// asks for an open attribute twice counts as two that know nothing of each other, so the bounds may be wider than
    /// what can happen, never narrower.
    pub(crate) fn outlook(&self, request: &AccessRequest<'_>, open: Open<'_>) -> Bounds {
        match &self.0.meaning {
            Ok(expression) => expression.outlook(request, open),
            Err(_) => (Truth::Unknown, Truth::Unknown),
        }
    }
}

impl Expression {
    fn outlook(&self, request: &AccessRequest<'_>, open: Open<'_>) -> Bounds {
        let each = |terms: &[Self], join: fn(Truth, Truth) -> Truth, start: Truth| {
            terms.iter().fold((start, start), |(least, most), term| {
                let (low, high) = term.outlook(request, open);
                (join(least, low), join(most, high))
            })
        };
        match self {
            Self::All(terms) => each(terms, Truth::min, Truth::True),
            Self::Any(terms) => each(terms, Truth::max, Truth::False),
            Self::Not(term) => {
                let (low, high) = term.outlook(request, open);
                (!high, !low)
            }
            Self::Leaf(leaf) if leaf.test.is_open(open) => (Truth::False, Truth::True),
            Self::Leaf(leaf) => {
                let truth = leaf.test.evaluate(request);
                (truth, truth)
            }
        }
    }
}

impl Test {
    fn is_open(&self, open: Open<'_>) -> bool {
        let asks = |attribute: &Attribute| open(attribute.source, attribute.name.as_str());
        match self {
            Self::ActionMatches(_) | Self::SubOperationMatches(_) => false,
            Self::Exists(attribute) => asks(attribute),
            Self::Compare { left, right, .. } => [left, right]
                .into_iter()
                .any(|operand| matches!(operand, Operand::Attribute(attribute) if asks(attribute))),
        }
    }
}
