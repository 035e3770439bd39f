//! Conditions on permissions and assignments: the attribute-based part of access control.
//!
//! A condition is a filter: it narrows what its role grants and never grants anything itself. It is read once,
//! when it is stored. What the service documents leave open is decided closed: a missing or mistyped value makes
//! a comparison unknown, negations included, and only a condition that is true lets a request through.

mod error;
mod evaluation;
mod instant;
mod known;
mod lexer;
mod like;
mod operator;
mod outlook;
mod parser;
mod trace;

use std::{fmt, hash, ops, sync::Arc};

pub use error::ConditionError;
pub use instant::Instant;
use parser::{Expression, Leaf, Operand, Test};
pub use trace::{SeenAttribute, Trace, TracedLeaf};

use crate::{AccessRequest, Pattern};

/// The longest condition accepted, in bytes.
pub(crate) const MAX_LENGTH: usize = 8192;

/// The one version of the language there is.
pub(crate) const VERSION: &str = "2.0";

/// A place in the text of a condition, in bytes.
pub type Span = ops::Range<usize>;

/// Three-valued truth. Its order makes AND the minimum and OR the maximum.
///
/// ```
/// # use nave_arm::ResourceId;
/// # use nave_rbac::*;
/// # use serde_json::json;
/// # use uuid::Uuid;
/// assert_eq!(!Truth::Unknown, Truth::Unknown);
/// assert_eq!(Truth::from(true).min(Truth::Unknown), Truth::Unknown, "AND");
/// assert_eq!(Truth::from(true).max(Truth::Unknown), Truth::True, "OR");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It does not hold.
    False,
    /// It cannot be said: a value is missing or of the wrong type.
    Unknown,
    /// It holds.
    True,
}

impl From<bool> for Truth {
    fn from(truth: bool) -> Self {
        if truth { Self::True } else { Self::False }
    }
}

impl ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}

/// A condition: its text, and what it means.
#[derive(Clone)]
pub struct Condition(Arc<Reading>);

struct Reading {
    text: Box<str>,
    meaning: Result<Expression, ConditionError>,
}

impl Condition {
    fn new(text: &str, meaning: Result<Expression, ConditionError>) -> Self {
        Self(Arc::new(Reading {
            text: text.into(),
            meaning,
        }))
    }

    /// Reads a condition, to refuse it when it is wrong.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// assert!(Condition::parse("NOT ActionMatches{'*/delete'} AND Exists @Request[N/t:size]").is_ok());
    /// let ambiguous = Condition::parse("ActionMatches{'a'} AND ActionMatches{'b'} OR ActionMatches{'c'}");
    /// assert_eq!(ambiguous.expect_err("AND beside OR").column, 43);
    /// ```
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let meaning = read(text)?;
        Ok(Self::new(text, Ok(meaning)))
    }

    /// Reads a condition that somebody is about to store: stricter than [`Self::parse`], because what can never be
    /// evaluated is refused while its author is there to mend it.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// // well-formed, but no number is a text
    /// assert!(Condition::for_writing("@Resource[N/t:size] NumericLessThan '7'").is_err());
    /// ```
    pub fn for_writing(text: &str) -> Result<Self, ConditionError> {
        let condition = Self::parse(text)?;
        match condition.never_evaluable() {
            Some(error) => Err(error),
            None => Ok(condition),
        }
    }

    /// Takes a condition that is stored already. One that cannot be read stays as a condition that is never true.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// let condition = Condition::stored("ActionMatches{");
    /// assert!(condition.error().is_some());
    /// assert_eq!(condition.text(), "ActionMatches{");
    /// ```
    #[must_use]
    pub fn stored(text: &str) -> Self {
        Self::new(text, read(text))
    }

    /// A condition that is never true, for the reason given.
    pub(crate) fn unreadable(text: &str, reason: &str) -> Self {
        Self::new(text, Err(ConditionError::at(0..0, reason)))
    }

    /// The text as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Why a stored condition cannot be read.
    #[must_use]
    pub fn error(&self) -> Option<&ConditionError> {
        self.0.meaning.as_ref().err()
    }

    /// Whether the condition holds for a request. Only [`Truth::True`] lets it through.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// let (scope, attributes) = (ResourceId::tenant(), Attributes::new().with(Source::Request, "N/t:size", 5));
    /// let request = AccessRequest::new(Uuid::nil(), "N/t/write", Plane::Control, &scope, &attributes);
    /// assert_eq!(Condition::stored("@Request[n/t:SIZE] NumericLessThan 7").evaluate(&request), Truth::True);
    /// // what is missing is unknown, for negations too
    /// assert_eq!(Condition::stored("@Resource[N/t:size] NumericNotEquals 7").evaluate(&request), Truth::Unknown);
    /// ```
    #[must_use]
    pub fn evaluate(&self, request: &AccessRequest<'_>) -> Truth {
        match &self.0.meaning {
            Ok(expression) => expression.evaluate(request),
            Err(_) => Truth::Unknown,
        }
    }

    /// The condition taken apart for one request: what each function and comparison came to, the values it saw, and
    /// which of them stand in the way.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// let (scope, attributes) = (ResourceId::tenant(), Attributes::new().with(Source::Request, "N/t:size", 5));
    /// let request = AccessRequest::new(Uuid::nil(), "N/t/write", Plane::Control, &scope, &attributes);
    /// let trace = Condition::stored("!(ActionMatches{'N/t/write'}) OR @Request[N/t:size] NumericLessThan 3").trace(&request);
    /// let in_the_way: Vec<_> = trace.in_the_way().map(|leaf| leaf.text.as_str()).collect();
    /// assert_eq!(in_the_way, ["ActionMatches{'N/t/write'}", "@Request[N/t:size] NumericLessThan 3"]);
    /// assert_eq!(trace.leaves[1].seen[0].values, [AttributeValue::from(5)]);
    /// ```
    #[must_use]
    pub fn trace(&self, request: &AccessRequest<'_>) -> Trace {
        match &self.0.meaning {
            Ok(expression) => trace::trace(&self.0.text, expression, request),
            Err(error) => Trace::unreadable(&self.0.text, error),
        }
    }

    /// The operations the condition is about: what stands in its `ActionMatches`, in order.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// let condition = Condition::stored("!(ActionMatches{'a/write'} AND SubOperationMatches{'x'}) OR ActionMatches{'b'}");
    /// assert_eq!(condition.targets(), [&Pattern::new("a/write"), &Pattern::new("b")]);
    /// ```
    #[must_use]
    pub fn targets(&self) -> Vec<&Pattern> {
        self.leaves()
            .filter_map(|leaf| match &leaf.test {
                Test::ActionMatches(patterns) => Some(patterns),
                _ => None,
            })
            .flatten()
            .collect()
    }

    /// The first comparison that no request can ever satisfy: a value written in it has a type its operator does not
    /// compare, or it asks for an attribute that nothing carries. Such a condition is well-formed; refuse it when
    /// somebody writes it.
    ///
    /// ```
    /// use nave_rbac::Condition;
    ///
    /// let condition = Condition::parse("@Environment[UtcNow] DateTimeLessThan 'tomorrow'").expect("well-formed");
    /// assert!(condition.never_evaluable().is_some());
    /// ```
    #[must_use]
    pub fn never_evaluable(&self) -> Option<ConditionError> {
        self.leaves()
            .find_map(never_evaluable)
            .map(|error| error.located_in(self.text()))
    }

    /// Functions and comparisons, in the order of the text.
    fn leaves(&self) -> impl Iterator<Item = &Leaf> {
        let mut open: Vec<&Expression> = self.0.meaning.as_ref().ok().into_iter().collect();
        std::iter::from_fn(move || {
            loop {
                match open.pop()? {
                    Expression::All(terms) | Expression::Any(terms) => open.extend(terms.iter().rev()),
                    Expression::Not(term) => open.push(term),
                    Expression::Leaf(leaf) => return Some(leaf),
                }
            }
        })
    }
}

fn never_evaluable(leaf: &Leaf) -> Option<ConditionError> {
    let objection = match &leaf.test {
        Test::ActionMatches(_) | Test::SubOperationMatches(_) => None,
        Test::Exists(attribute) => known::objection(attribute.source, attribute.name.as_str())
            .map(|message| (attribute.span.clone(), message)),
        Test::Compare {
            left,
            operator,
            right,
        } => [left, right].into_iter().find_map(|operand| match operand {
            Operand::Attribute(attribute) => known::objection(attribute.source, attribute.name.as_str())
                .map(|message| (attribute.span.clone(), message)),
            Operand::Values(values) => operator
                .objection(values)
                .map(|message| (leaf.span.clone(), message.to_owned())),
        }),
    };
    objection.map(|(span, message)| ConditionError::at(span, message))
}

fn read(text: &str) -> Result<Expression, ConditionError> {
    if text.len() > MAX_LENGTH {
        return Err(ConditionError::at(
            0..text.len(),
            format!("a condition has at most {MAX_LENGTH} bytes"),
        ));
    }
    parser::parse(text).map_err(|error| error.located_in(text))
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Condition {}

impl hash::Hash for Condition {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Condition({})", self.0.text)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

#[cfg(test)]
mod tests;
