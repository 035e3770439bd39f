//! A condition taken apart for one request: for a person who asks why, never on the way of a decision.

use super::{
    ConditionError, Span, Truth,
    parser::{Attribute, Expression, Operand, Test},
};
use crate::{AccessRequest, AttributeValue, Source};

/// What a condition came to for one request, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The condition.
    pub text: String,
    /// What it came to; only [`Truth::True`] lets the request through.
    pub truth: Truth,
    /// Its functions and comparisons, in the order of the text; none when it cannot be read.
    pub leaves: Vec<TracedLeaf>,
    /// Why a stored condition cannot be read.
    pub error: Option<ConditionError>,
}

/// One function or comparison of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedLeaf {
    /// Where it stands in the condition, in bytes.
    pub span: Span,
    /// The words there.
    pub text: String,
    /// What it came to by itself, before any NOT around it.
    pub truth: Truth,
    /// Whether it keeps the condition from being true: with another outcome here, and at the others in the way that
    /// are joined to it by AND, the condition would hold.
    pub in_the_way: bool,
    /// The attributes it asked for, as many as it names.
    pub seen: Vec<SeenAttribute>,
}

/// An attribute a comparison asked for, and what the request carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenAttribute {
    /// Where it was looked for.
    pub source: Source,
    /// Its name, as the condition writes it between the brackets.
    pub name: String,
    /// Its values; none when the request does not carry it.
    pub values: Vec<AttributeValue>,
}

impl SeenAttribute {
    /// Whether the request does not carry the attribute.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.values.is_empty()
    }
}

impl Trace {
    /// The functions and comparisons that keep the condition from being true.
    pub fn in_the_way(&self) -> impl Iterator<Item = &TracedLeaf> {
        self.leaves.iter().filter(|leaf| leaf.in_the_way)
    }

    /// The attributes the condition asked for and the request does not carry.
    pub fn missing(&self) -> impl Iterator<Item = &SeenAttribute> {
        self.leaves
            .iter()
            .flat_map(|leaf| &leaf.seen)
            .filter(|seen| seen.is_missing())
    }

    pub(super) fn unreadable(text: &str, error: &ConditionError) -> Self {
        Self {
            text: text.to_owned(),
            truth: Truth::Unknown,
            leaves: Vec::new(),
            error: Some(error.clone()),
        }
    }
}

pub(super) fn trace(text: &str, expression: &Expression, request: &AccessRequest<'_>) -> Trace {
    let mut leaves = Vec::new();
    let truth = expression.evaluate(request);
    let wanted = (truth != Truth::True).then_some(Truth::True);
    walk(text, expression, request, wanted, &mut leaves);
    Trace {
        text: text.to_owned(),
        truth,
        leaves,
        error: None,
    }
}

/// Collects the leaves. `wanted` is what this part should have come to and did not; none when it is not at fault.
fn walk(
    text: &str,
    expression: &Expression,
    request: &AccessRequest<'_>,
    wanted: Option<Truth>,
    leaves: &mut Vec<TracedLeaf>,
) {
    match expression {
        Expression::Not(term) => walk(text, term, request, wanted.map(|truth| !truth), leaves),
        Expression::All(terms) | Expression::Any(terms) => {
            for term in terms {
                // A term that already is what was wanted is not in the way of the others.
                let wanted = wanted.filter(|wanted| term.evaluate(request) != *wanted);
                walk(text, term, request, wanted, leaves);
            }
        }
        Expression::Leaf(leaf) => leaves.push(TracedLeaf {
            span: leaf.span.clone(),
            text: text[leaf.span.clone()].to_owned(),
            truth: leaf.test.evaluate(request),
            in_the_way: wanted.is_some(),
            seen: seen(text, &leaf.test, request),
        }),
    }
}

fn seen(text: &str, test: &Test, request: &AccessRequest<'_>) -> Vec<SeenAttribute> {
    let attributes: Vec<&Attribute> = match test {
        Test::ActionMatches(_) | Test::SubOperationMatches(_) => Vec::new(),
        Test::Exists(attribute) => vec![attribute],
        Test::Compare { left, right, .. } => [left, right]
            .into_iter()
            .filter_map(|operand| match operand {
                Operand::Attribute(attribute) => Some(attribute),
                Operand::Values(_) => None,
            })
            .collect(),
    };
    attributes
        .into_iter()
        .map(|attribute| SeenAttribute {
            source: attribute.source,
            name: written_name(&text[attribute.span.clone()]).to_owned(),
            values: attribute.with_values(request, <[AttributeValue]>::to_vec),
        })
        .collect()
}

/// What stands between the brackets of `@Source[name]`.
fn written_name(attribute: &str) -> &str {
    let inside = attribute.split_once('[').map_or(attribute, |(_, inside)| inside);
    inside.strip_suffix(']').unwrap_or(inside).trim()
}

#[cfg(test)]
mod tests {
    use nave_arm::ResourceId;
    use uuid::Uuid;

    use crate::{AccessRequest, AttributeValue, Attributes, Condition, Plane, Source, Truth};

    fn trace(text: &str, attributes: &Attributes) -> super::Trace {
        let scope = ResourceId::tenant();
        let request = AccessRequest::new(Uuid::nil(), "A/write", Plane::Control, &scope, attributes);
        Condition::stored(text).trace(&request)
    }

    #[test]
    fn each_leaf_tells_what_it_saw() {
        let text = "( !(ActionMatches{'A/write'}) OR ( @Request[R:Kind] StringEquals 'x' \n AND Exists @Resource[ b ]) )";
        let attributes = Attributes::new().with(Source::Request, "r:kind", "y");
        let trace = trace(text, &attributes);
        assert_eq!(trace.truth, Truth::False);
        let leaves: Vec<_> = trace
            .leaves
            .iter()
            .map(|leaf| (leaf.text.as_str(), leaf.truth, leaf.in_the_way))
            .collect();
        assert_eq!(
            leaves,
            [
                ("ActionMatches{'A/write'}", Truth::True, true),
                ("@Request[R:Kind] StringEquals 'x'", Truth::False, true),
                ("Exists @Resource[ b ]", Truth::False, true),
            ]
        );
        let seen = &trace.leaves[1].seen[0];
        assert_eq!((seen.source, seen.name.as_str()), (Source::Request, "R:Kind"));
        assert_eq!(seen.values, [AttributeValue::from("y")]);
        let missing: Vec<_> = trace.missing().map(|seen| seen.name.as_str()).collect();
        assert_eq!(missing, ["b"]);
        for leaf in &trace.leaves {
            assert_eq!(text[leaf.span.clone()], leaf.text);
        }
    }

    #[test]
    fn only_what_keeps_it_from_being_true_is_in_the_way() {
        let attributes = Attributes::new().with(Source::Request, "a", "x");
        for (text, in_the_way) in [
            (
                "@Request[a] StringEquals 'x' AND @Request[b] StringEquals 'x'",
                vec!["@Request[b] StringEquals 'x'"],
            ),
            (
                "@Request[a] StringEquals 'x' OR @Request[b] StringEquals 'x'",
                vec![],
            ),
            (
                "NOT (ActionMatches{'*'} OR ActionMatches{'z'})",
                vec!["ActionMatches{'*'}"],
            ),
            (
                "NOT (ActionMatches{'*'} AND NOT ActionMatches{'z'})",
                vec!["ActionMatches{'*'}", "ActionMatches{'z'}"],
            ),
        ] {
            let trace = trace(text, &attributes);
            let found: Vec<_> = trace.in_the_way().map(|leaf| leaf.text.as_str()).collect();
            assert_eq!(found, in_the_way, "{text}");
        }
    }

    #[test]
    fn an_unreadable_condition_says_why() {
        let trace = trace("ActionMatches{", &Attributes::new());
        assert!(trace.error.is_some() && trace.leaves.is_empty());
        assert_eq!(trace.truth, Truth::Unknown);
    }
}
