//! Which resources a rule is about: what its `type`, `name` and `kind` conditions leave open (policy-language 6).

use serde_json::Value;

use super::condition::{Condition, Leaf};
use crate::{evaluation::Place, field::Field, judgement::Fault, words::same};

/// Which of the conditions count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Applicability {
    by_type: bool,
    by_name: bool,
    by_kind: bool,
    /// Subscriptions have no location, and rules that read it are not about them.
    pub(crate) reads_location: bool,
}

impl Applicability {
    pub(crate) fn of(condition: &Condition) -> Self {
        let mut found = Self::default();
        condition.each_leaf(&mut |leaf| match leaf.field() {
            Some(Field::Type) => found.by_type = true,
            Some(Field::Name) => found.by_name = true,
            Some(Field::Kind) => found.by_kind = true,
            Some(Field::Location) => found.reads_location = true,
            _ => {}
        });
        // alone, or only with the type, neither name nor kind counts
        if !(found.by_type && found.by_name && found.by_kind) {
            (found.by_name, found.by_kind) = (false, false);
        }
        found
    }

    /// Whether the condition could hold for the resource, as far as the conditions that count say.
    pub(crate) fn could_hold(self, condition: &Condition, place: &Place<'_, '_>) -> Result<bool, Fault> {
        Ok(!self.by_type || self.open(condition, place, true)?)
    }

    /// What does not count is taken as `assumed`, which a `not` turns round.
    fn open(self, condition: &Condition, place: &Place<'_, '_>, assumed: bool) -> Result<bool, Fault> {
        match condition {
            Condition::Not(inside) => Ok(!self.open(inside, place, !assumed)?),
            Condition::AllOf(inside) => {
                for condition in inside {
                    if !self.open(condition, place, assumed)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Condition::AnyOf(inside) => {
                for condition in inside {
                    if self.open(condition, place, assumed)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Condition::Leaf(leaf) if self.counts(leaf) => place.leaf(leaf),
            Condition::Leaf(_) => Ok(assumed),
        }
    }

    fn counts(self, leaf: &Leaf) -> bool {
        match leaf.field() {
            Some(Field::Type) => self.by_type,
            Some(Field::Name) => self.by_name,
            Some(Field::Kind) => self.by_kind,
            _ => false,
        }
    }
}

/// The types that a condition can hold for, in lower case; `None` when it says nothing about types.
pub(crate) fn types(condition: &Condition) -> Option<Vec<String>> {
    match condition {
        Condition::Not(_) => None,
        Condition::AllOf(inside) => {
            let limits = inside.iter().filter_map(types);
            limits.reduce(|left, right| left.into_iter().filter(|one| right.contains(one)).collect())
        }
        Condition::AnyOf(inside) => {
            let limits = inside.iter().map(types).collect::<Option<Vec<_>>>()?;
            let mut all = limits.concat();
            all.sort();
            all.dedup();
            Some(all)
        }
        Condition::Leaf(leaf) if leaf.field() == Some(&Field::Type) && !leaf.operator.negated => {
            let operand = leaf.operand.constant()?;
            match (leaf.operator.word, operand) {
                ("Equals", Value::String(text)) => Some(vec![text.to_lowercase()]),
                ("In", Value::Array(elements)) => {
                    let texts = elements
                        .iter()
                        .map(|element| element.as_str().map(str::to_lowercase));
                    texts.collect()
                }
                _ => None,
            }
        }
        Condition::Leaf(_) => None,
    }
}

/// Whether a type is among those that a condition can hold for.
pub(crate) fn is_among(types: Option<&[String]>, resource_type: &str) -> bool {
    types.is_none_or(|types| types.iter().any(|one| same(one, resource_type)))
}
