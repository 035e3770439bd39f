//! `$filter`, as the lists of this plane read it.

use nave_arm::{ArmError, ErrorCode, Filter};
use nave_engine::{Request, Resource};
use serde_json::Value;

/// The request's filter.
pub(crate) fn of(request: &Request) -> Result<Option<Filter>, ArmError> {
    let text = request
        .query("$filter")
        .map(str::trim)
        .filter(|text| !text.is_empty());
    text.map(|text| Filter::parse(text).map_err(|error| refuse(&error.to_string())))
        .transpose()
}

/// Refuses a filter that is well-formed but not one this list knows, before anything is compared.
pub(crate) fn check(filter: Option<&Filter>, knows: impl Fn(&Filter) -> bool) -> Result<(), ArmError> {
    let unknown = filter
        .into_iter()
        .flat_map(Filter::leaves)
        .find(|leaf| !knows(leaf));
    unknown.map_or(Ok(()), |leaf| {
        Err(refuse(&format!("'{}' is not supported here", subject(leaf))))
    })
}

/// The refusal of a filter.
pub(crate) fn refuse(why: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidFilterInQueryString,
        format!("Invalid $filter in the query string: {why}."),
    )
    .on("$filter")
}

/// A comparison for equality: the property's last word, in lower case, and the value.
pub(crate) fn equals(leaf: &Filter) -> Option<(String, &str)> {
    match leaf {
        Filter::Compare {
            property,
            operator,
            value,
        } if operator == "eq" => Some((last_word(property), value)),
        _ => None,
    }
}

fn subject(leaf: &Filter) -> &str {
    match leaf {
        Filter::Compare { property, .. }
        | Filter::StartsWith { property, .. }
        | Filter::Contains { property, .. }
        | Filter::Any { property, .. } => property,
        Filter::Call { name, .. } => name,
        Filter::And(..) | Filter::Or(..) => "and",
    }
}

fn last_word(property: &str) -> String {
    property
        .rsplit(['/', '.'])
        .next()
        .unwrap_or_default()
        .to_lowercase()
}

/// `tagname eq 'a' and tagvalue eq 'b'`: the value is that of the named tag, not of any.
pub(crate) struct TagFilter<'a> {
    name: Option<&'a str>,
}

impl<'a> TagFilter<'a> {
    pub(crate) fn of(filter: Option<&'a Filter>) -> Self {
        let leaves = filter.into_iter().flat_map(Filter::leaves).filter_map(equals);
        Self {
            name: leaves
                .into_iter()
                .find_map(|(property, value)| (property == "tagname").then_some(value)),
        }
    }

    /// Whether the leaf is about tags.
    pub(crate) fn knows(leaf: &Filter) -> bool {
        equals(leaf).is_some_and(|(property, _)| matches!(property.as_str(), "tagname" | "tagvalue"))
    }

    /// Whether a leaf about tags holds for a resource.
    pub(crate) fn holds(&self, resource: &Resource, leaf: &Filter) -> bool {
        let tags = resource.value("/tags").and_then(Value::as_object);
        let mut tags = tags.into_iter().flatten();
        match equals(leaf) {
            Some((property, name)) if property == "tagname" => {
                tags.any(|(tag, _)| tag.eq_ignore_ascii_case(name))
            }
            Some((property, value)) if property == "tagvalue" => tags.any(|(tag, own)| {
                own.as_str() == Some(value) && self.name.is_none_or(|name| tag.eq_ignore_ascii_case(name))
            }),
            _ => false,
        }
    }
}
