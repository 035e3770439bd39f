//! The values a condition is judged on.

use std::fmt;

use serde_json::Value;

use crate::Instant;

/// Where a value comes from. A value on the resource is not visible as one of the request.
///
/// ```
/// # use nave_arm::ResourceId;
/// # use nave_rbac::*;
/// # use serde_json::json;
/// # use uuid::Uuid;
/// assert_eq!(Source::named("resource"), Some(Source::Resource));
/// assert_eq!(Source::Resource.to_string(), "Resource");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// What is acted on, as it is stored.
    Resource,
    /// What the caller sent.
    Request,
    /// The caller: custom security attributes.
    Principal,
    /// Network and time.
    Environment,
}

impl Source {
    /// The source of this name, whatever its case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Resource, Self::Request, Self::Principal, Self::Environment]
            .into_iter()
            .find(|source| source.as_str().eq_ignore_ascii_case(name))
    }

    /// The name, as it follows the `@`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resource => "Resource",
            Self::Request => "Request",
            Self::Principal => "Principal",
            Self::Environment => "Environment",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One value: text (also guids and instants), a truth value or an integer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// Text, a guid or an instant; the operator decides how it is read.
    Text(String),
    /// True or false.
    Bool(bool),
    /// An integer.
    Integer(i128),
    /// A point in time that nobody has written down yet; as text it is `yyyy-mm-ddThh:mm:ss.fffffffZ`.
    Instant(Instant),
    /// A value no operator reads, such as a fraction; every comparison with it is unknown.
    Unreadable,
}

impl From<&str> for AttributeValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for AttributeValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<uuid::Uuid> for AttributeValue {
    fn from(guid: uuid::Uuid) -> Self {
        Self::Text(guid.to_string())
    }
}

impl From<bool> for AttributeValue {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for AttributeValue {
    fn from(number: i64) -> Self {
        Self::Integer(number.into())
    }
}

impl From<Instant> for AttributeValue {
    fn from(instant: Instant) -> Self {
        Self::Instant(instant)
    }
}

impl AttributeValue {
    /// The value as JSON; null where no operator reads it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Bool(truth) => (*truth).into(),
            Self::Integer(number) => {
                serde_json::Number::from_i128(*number).map_or(Value::Null, Value::Number)
            }
            Self::Instant(instant) => instant.to_string().into(),
            Self::Unreadable => Value::Null,
        }
    }
}

impl From<&Value> for AttributeValue {
    fn from(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.clone()),
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Number(number) => number.as_i128().map_or(Self::Unreadable, Self::Integer),
            Value::Null | Value::Array(_) | Value::Object(_) => Self::Unreadable,
        }
    }
}

/// What is known of every request of a caller, whatever it is about: the caller, the network, the time. A decision
/// borrows it, and only a condition that asks for a value makes it, so it costs nothing where no condition does.
///
/// Values that have to be made are best kept in a [`OnceCell`](std::cell::OnceCell): a condition may stand on many
/// assignments, and each of them asks again.
///
/// ```
/// use nave_rbac::{AttributeValue, Instant, Source, Surroundings};
///
/// #[derive(Debug)]
/// struct Now([AttributeValue; 1]);
///
/// impl Surroundings for Now {
///     fn values(&self, source: Source, name: &str) -> &[AttributeValue] {
///         match (source, name) {
///             (Source::Environment, "utcnow") => &self.0,
///             _ => &[],
///         }
///     }
/// }
///
/// let now = Now([Instant::from_unix(1_714_568_400, 0).into()]);
/// assert_eq!(now.values(Source::Environment, "utcnow").len(), 1);
/// ```
pub trait Surroundings: fmt::Debug {
    /// The values of an attribute; empty when it is absent. `name` is in lower case, as [`Attributes`] compare names.
    fn values(&self, source: Source, name: &str) -> &[AttributeValue];
}

/// Nothing is known.
impl Surroundings for () {
    fn values(&self, _: Source, _: &str) -> &[AttributeValue] {
        &[]
    }
}

impl Surroundings for Attributes {
    fn values(&self, source: Source, name: &str) -> &[AttributeValue] {
        self.named(source, name)
    }
}

/// The attributes of one request. Empty by default, which allocates nothing.
///
/// ```
/// # use nave_arm::ResourceId;
/// # use nave_rbac::*;
/// # use serde_json::json;
/// # use uuid::Uuid;
/// let attributes = Attributes::new()
///     .with(Source::Resource, "Microsoft.Storage/storageAccounts:isHnsEnabled", true)
///     .with_list(Source::Request, "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/tags&$keys$&", ["Project"]);
/// assert!(!attributes.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    entries: Vec<(Source, AttributeName, Vec<AttributeValue>)>,
}

impl Attributes {
    /// No attributes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an attribute with one value; `name` as a condition writes it between the brackets.
    #[must_use]
    pub fn with(mut self, source: Source, name: &str, value: impl Into<AttributeValue>) -> Self {
        self.set(source, name, vec![value.into()]);
        self
    }

    /// Adds an attribute with several values. An empty list counts as absent.
    #[must_use]
    pub fn with_list<V: Into<AttributeValue>>(
        mut self,
        source: Source,
        name: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.set(source, name, values.into_iter().map(Into::into).collect());
        self
    }

    /// Puts the values of an attribute in place of those it had.
    pub fn set(&mut self, source: Source, name: &str, values: Vec<AttributeValue>) {
        let name = AttributeName::new(name);
        self.entries
            .retain(|(where_, known, _)| (*where_, known) != (source, &name));
        self.entries.push((source, name, values));
    }

    /// Reads `{"resource": {name: value or list}, "request": …, "principal": …, "environment": …}`; `null` is absent.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// let attributes = Attributes::from_json(&json!({ "request": { "a": 1, "b": ["x", "y"], "c": null } }));
    /// assert_eq!(attributes, Attributes::new().with(Source::Request, "a", 1).with_list(Source::Request, "b", ["x", "y"]));
    /// ```
    #[must_use]
    pub fn from_json(json: &Value) -> Self {
        let mut attributes = Self::default();
        let Some(sources) = json.as_object() else {
            return attributes;
        };
        for (source, members) in sources {
            let (Some(source), Some(members)) = (Source::named(source), members.as_object()) else {
                continue;
            };
            for (name, value) in members {
                match value {
                    Value::Null => {}
                    Value::Array(values) => {
                        let known = values.iter().filter(|value| !value.is_null());
                        attributes.set(source, name, known.map(AttributeValue::from).collect());
                    }
                    single => attributes.set(source, name, vec![single.into()]),
                }
            }
        }
        attributes
    }

    /// The form that [`Self::from_json`] reads, so that a record of a decision can be decided again.
    ///
    /// ```
    /// # use nave_rbac::{Attributes, Source};
    /// let sent = Attributes::new().with(Source::Request, "a:b", true).with_list(Source::Resource, "c", ["x", "y"]);
    /// assert_eq!(Attributes::from_json(&sent.to_json()), sent);
    /// ```
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut sources = serde_json::Map::new();
        for (source, name, values) in &self.entries {
            let members = sources
                .entry(source.as_str().to_lowercase())
                .or_insert_with(|| Value::Object(serde_json::Map::new()));
            members[name.as_str()] = values.iter().map(AttributeValue::to_json).collect();
        }
        Value::Object(sources)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The values of an attribute; empty when it is absent.
    pub(crate) fn values(&self, source: Source, name: &AttributeName) -> &[AttributeValue] {
        self.named(source, name.as_str())
    }

    fn named(&self, source: Source, name: &str) -> &[AttributeValue] {
        self.entries
            .iter()
            .find(|(where_, known, _)| *where_ == source && known.as_str() == name)
            .map_or(&[], |(_, _, values)| values)
    }
}

/// The name of an attribute, in the form names are compared by: lower case, except a tag key that is marked as
/// case-sensitive (`…/tags:Key<$key_case_sensitive$>`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttributeName(Box<str>);

const CASE_SENSITIVE_KEY: &str = "<$key_case_sensitive$>";

impl AttributeName {
    pub(crate) fn new(name: &str) -> Self {
        let name = name.trim();
        let marked = name
            .len()
            .checked_sub(CASE_SENSITIVE_KEY.len())
            .filter(|&at| name.as_bytes()[at..].eq_ignore_ascii_case(CASE_SENSITIVE_KEY.as_bytes()));
        // The marker is ASCII, so a match starts on a character.
        let (head, marker) = name.split_at(marked.unwrap_or(name.len()));
        let canonical = match head.split_once(':').filter(|_| !marker.is_empty()) {
            Some((path, key)) => format!("{}:{key}{}", path.to_lowercase(), marker.to_lowercase()),
            None => name.to_lowercase(),
        };
        Self(canonical.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{AttributeName, AttributeValue, Attributes, Source};

    #[test]
    fn names_compare_without_case_except_a_marked_key() {
        let name = AttributeName::new;
        assert_eq!(
            name("Microsoft.Storage/x:Name"),
            name(" microsoft.storage/X:name ")
        );
        assert_eq!(
            name("A/tags:Project<$key_case_sensitive$>"),
            name("a/TAGS:Project<$KEY_case_sensitive$>")
        );
        assert_ne!(
            name("A/tags:Project<$key_case_sensitive$>"),
            name("A/tags:project<$key_case_sensitive$>")
        );
        assert_eq!(name("A/tags:Project"), name("A/tags:project"));
        assert_eq!(name("é<$key_case_sensitive$>"), name("É<$key_case_sensitive$>"));
    }

    #[test]
    fn reads_values_and_lists_from_json() {
        let attributes = Attributes::from_json(&json!({
            "resource": {"a": "x", "b": [1, true], "c": null, "d": []}, "Request": {"a": 1.5}, "other": {"a": "y"}
        }));
        let values = |source, name: &str| attributes.values(source, &AttributeName::new(name)).to_vec();
        assert_eq!(values(Source::Resource, "A"), [AttributeValue::from("x")]);
        assert_eq!(
            values(Source::Resource, "b"),
            [AttributeValue::Integer(1), AttributeValue::Bool(true)]
        );
        assert!(values(Source::Resource, "c").is_empty());
        assert!(values(Source::Resource, "d").is_empty());
        assert_eq!(values(Source::Request, "a"), [AttributeValue::Unreadable]);
        assert!(values(Source::Principal, "a").is_empty());
    }
}
