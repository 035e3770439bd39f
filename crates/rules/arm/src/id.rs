//! Resource ids and scopes.
//!
//! One type serves both words, because in ARM every scope is the id of something: the tenant (`/`), a
//! management group, a subscription, a resource group, a resource, or a resource that extends another.
//! Comparison is by whole segments and without case, so `…/resourceGroups/ai` is never a parent of
//! `…/resourceGroups/ai-rg`.

use std::{fmt, hash, sync::Arc};

/// The id of a resource or scope, as first written, with its key for comparison.
///
/// Equality, order and hash use the lower-case key only. An id is one pointer wide and a clone shares it: there are
/// many ids of the same few places.
#[derive(Clone)]
pub struct ResourceId(Arc<Spelling>);

/// The text, and after it the key where that is another.
struct Spelling {
    both: Box<str>,
    text_ends: usize,
    key_starts: usize,
}

/// Why a text is not a resource id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// It does not start with `/`.
    #[error("a resource id starts with `/`")]
    NotAbsolute,
    /// A segment is `.` or `..`, or holds a character ARM forbids in names.
    #[error("the segment `{0}` is not allowed in a resource id")]
    Segment(String),
    /// A segment that should be a fixed word or part of a `type/name` pair is not.
    #[error(
        "`{0}` does not follow the form `/subscriptions/…/resourceGroups/…/providers/{{namespace}}/{{type}}/{{name}}`"
    )]
    Shape(String),
    /// The id is longer than ARM allows.
    #[error("a resource id has at most {MAX_LENGTH} characters")]
    TooLong,
}

/// The longest id accepted, in bytes.
const MAX_LENGTH: usize = 2048;

/// What an ARM request path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArmPath {
    /// One resource or scope.
    Resource(ResourceId),
    /// The segment after a resource: a child collection (`…/workspaces/w/connections`), an action
    /// (`…/workspaces/w/listKeys`) or the collection of a provider's type
    /// (`/subscriptions/s/providers/Microsoft.X/workspaces`).
    Member {
        /// The resource or scope the segment hangs off.
        under: ResourceId,
        /// The provider namespace, where the path names one anew after `under`.
        namespace: Option<String>,
        /// The last segment.
        segment: String,
    },
}

impl ArmPath {
    /// Reads a percent-decoded request path. Empty segments are dropped, as clients send them.
    pub fn parse(path: &str) -> Result<Self, InvalidId> {
        let (id, rest) = split(path)?;
        match rest.as_slice() {
            [] => Ok(Self::Resource(id)),
            [segment] => Ok(Self::Member {
                under: id,
                namespace: None,
                segment: (*segment).to_owned(),
            }),
            [word, namespace, segment] if word.eq_ignore_ascii_case("providers") => Ok(Self::Member {
                under: id,
                namespace: Some((*namespace).to_owned()),
                segment: (*segment).to_owned(),
            }),
            _ => Err(InvalidId::Shape(rest.join("/"))),
        }
    }
}

impl ResourceId {
    /// The tenant, `/`: the scope above every other.
    #[must_use]
    pub fn tenant() -> Self {
        Self::from_text(String::from("/"))
    }

    /// Reads an id. Empty segments and a trailing slash are dropped; fixed words get ARM's own casing.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let (id, rest) = split(text)?;
        if rest.is_empty() {
            Ok(id)
        } else {
            Err(InvalidId::Shape(rest.join("/")))
        }
    }

    /// The subscription's own id.
    #[must_use]
    pub fn of_subscription(subscription: &str) -> Self {
        Self::from_text(format!("/subscriptions/{subscription}"))
    }

    /// A resource group's id.
    #[must_use]
    pub fn of_resource_group(subscription: &str, group: &str) -> Self {
        Self::from_text(format!("/subscriptions/{subscription}/resourceGroups/{group}"))
    }

    /// The id of a top-level or extension resource of `resource_type` (`Namespace/type[/child]`) under this
    /// scope, with one name for each type segment (`a/b` for a child).
    #[must_use]
    pub fn extension(&self, resource_type: &str, name: &str) -> Self {
        let base = self.base();
        let mut text = String::with_capacity(base.len() + resource_type.len() + name.len() + 16);
        text.push_str(base);
        let mut types = resource_type.split('/');
        text.push_str("/providers/");
        text.push_str(types.next().unwrap_or_default());
        for (kind, name) in types.zip(name.split('/')) {
            text.push('/');
            text.push_str(kind);
            text.push('/');
            text.push_str(name);
        }
        Self::from_text(text)
    }

    /// The id of a child resource: `{self}/{kind}/{name}`.
    #[must_use]
    pub fn child(&self, kind: &str, name: &str) -> Self {
        Self::from_text(format!("{}/{kind}/{name}", self.base()))
    }

    /// The id as first written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.both[..self.0.text_ends]
    }

    /// The lower-case form that ids are compared by.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.0.both[self.0.key_starts..]
    }

    /// Whether both are the same id in memory, not only equal ones.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether this is the tenant scope, `/`.
    #[must_use]
    pub fn is_tenant(&self) -> bool {
        self.key() == "/"
    }

    /// The subscription's guid, if the id lies in a subscription.
    #[must_use]
    pub fn subscription(&self) -> Option<&str> {
        let mut segments = self.segments();
        (segments.next()? == "subscriptions")
            .then(|| segments.next())
            .flatten()
    }

    /// The resource group's name, if the id lies in a group.
    #[must_use]
    pub fn resource_group(&self) -> Option<&str> {
        let mut segments = self.segments().skip(2);
        (segments.next()? == "resourceGroups")
            .then(|| segments.next())
            .flatten()
    }

    /// The id of the resource group this lies in.
    #[must_use]
    pub fn resource_group_id(&self) -> Option<Self> {
        Some(Self::of_resource_group(
            self.subscription()?,
            self.resource_group()?,
        ))
    }

    /// The id of the subscription this lies in.
    #[must_use]
    pub fn subscription_id(&self) -> Option<Self> {
        self.subscription().map(Self::of_subscription)
    }

    /// The management group's name, if the id names or extends one.
    #[must_use]
    pub fn management_group(&self) -> Option<&str> {
        let segments: Vec<_> = self.segments().take(4).collect();
        match segments.as_slice() {
            ["providers", namespace, kind, name]
                if namespace.eq_ignore_ascii_case("Microsoft.Management")
                    && kind.eq_ignore_ascii_case("managementGroups") =>
            {
                Some(name)
            }
            _ => None,
        }
    }

    /// Whether this is exactly a subscription.
    #[must_use]
    pub fn is_subscription(&self) -> bool {
        self.subscription().is_some() && self.segments().count() == 2
    }

    /// Whether this is exactly a resource group.
    #[must_use]
    pub fn is_resource_group(&self) -> bool {
        self.resource_group().is_some() && self.segments().count() == 4
    }

    /// The full type, such as `Microsoft.MachineLearningServices/workspaces/connections`. Subscriptions and
    /// groups have the types `Microsoft.Resources/subscriptions` and
    /// `Microsoft.Resources/subscriptions/resourceGroups`; the tenant is `Microsoft.Resources/tenants`.
    #[must_use]
    pub fn resource_type(&self) -> String {
        match self.last_block() {
            Some(block) => {
                let mut pieces = block.split('/');
                let mut text = pieces.next().unwrap_or_default().to_owned();
                for kind in pieces.step_by(2) {
                    text.push('/');
                    text.push_str(kind);
                }
                text
            }
            None if self.is_tenant() => String::from("Microsoft.Resources/tenants"),
            None if self.resource_group().is_some() => {
                String::from("Microsoft.Resources/subscriptions/resourceGroups")
            }
            None => String::from("Microsoft.Resources/subscriptions"),
        }
    }

    /// The resource's own name: the last segment (empty for the tenant).
    #[must_use]
    pub fn name(&self) -> &str {
        self.as_str().rsplit('/').next().unwrap_or_default()
    }

    /// The parent in the id tree: of a child resource its parent resource, of a top-level or extension resource
    /// the scope before `/providers/`, of a group its subscription, of a subscription the tenant.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_tenant() {
            return None;
        }
        let segments: Vec<_> = self.segments().collect();
        let provider = segments.iter().rposition(|word| *word == "providers");
        let keep = match provider {
            Some(at) if segments.len() - at == 4 => at,
            _ => segments.len() - 2,
        };
        Some(Self::from_segments(&segments[..keep]))
    }

    /// The scope this resource is deployed at: what precedes the last `/providers/`.
    #[must_use]
    pub fn scope(&self) -> Option<Self> {
        let segments: Vec<_> = self.segments().collect();
        let at = segments.iter().rposition(|word| *word == "providers")?;
        Some(Self::from_segments(&segments[..at]))
    }

    /// This id and everything above it, nearest first, ending with the tenant.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self.clone()), Self::parent)
    }

    /// Whether `other` is this id or lies below it in the id tree.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.is_tenant()
            || other
                .key()
                .strip_prefix(self.key())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn segments(&self) -> impl Iterator<Item = &str> {
        self.as_str().split('/').filter(|segment| !segment.is_empty())
    }

    fn base(&self) -> &str {
        if self.is_tenant() { "" } else { self.as_str() }
    }

    fn last_block(&self) -> Option<&str> {
        self.as_str().rsplit_once("/providers/").map(|(_, block)| block)
    }

    fn from_segments(segments: &[&str]) -> Self {
        Self::from_text(format!("/{}", segments.join("/")))
    }

    fn from_text(text: String) -> Self {
        let text_ends = text.len();
        let is_key = !text
            .bytes()
            .any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii());
        let (both, key_starts) = if is_key {
            (text, 0)
        } else {
            (with_key(text), text_ends)
        };
        Self(Arc::new(Spelling {
            both: both.into_boxed_str(),
            text_ends,
            key_starts,
        }))
    }
}

/// A text with its lower-case form after it.
fn with_key(text: String) -> String {
    if !text.is_ascii() {
        return format!("{text}{}", text.to_lowercase());
    }
    let mut both = String::with_capacity(2 * text.len());
    both.push_str(&text);
    both.push_str(&text);
    both[text.len()..].make_ascii_lowercase();
    both
}

/// Splits a path into the longest id and what is left of it (at most one member).
fn split(text: &str) -> Result<(ResourceId, Vec<&str>), InvalidId> {
    if text.len() > MAX_LENGTH {
        return Err(InvalidId::TooLong);
    }
    if !text.starts_with('/') {
        return Err(InvalidId::NotAbsolute);
    }
    let segments: Vec<&str> = text.split('/').filter(|segment| !segment.is_empty()).collect();
    if let Some(bad) = segments.iter().find(|segment| !allowed(segment)) {
        return Err(InvalidId::Segment((*bad).to_owned()));
    }
    let mut canonical: Vec<&str> = Vec::with_capacity(segments.len());
    let mut rest = segments.as_slice();
    if let [word, subscription, after @ ..] = rest
        && word.eq_ignore_ascii_case("subscriptions")
    {
        canonical.extend(["subscriptions", subscription]);
        rest = after;
        if let [word, group, after @ ..] = rest
            && word.eq_ignore_ascii_case("resourceGroups")
        {
            canonical.extend(["resourceGroups", group]);
            rest = after;
        }
    }
    while let [word, namespace, kind, name, after @ ..] = rest {
        if !word.eq_ignore_ascii_case("providers") {
            break;
        }
        canonical.extend(["providers", namespace, kind, name]);
        rest = after;
        while let [kind, name, after @ ..] = rest {
            if kind.eq_ignore_ascii_case("providers") {
                break;
            }
            canonical.extend([kind, name]);
            rest = after;
        }
    }
    Ok((ResourceId::from_segments(&canonical), rest.to_vec()))
}

fn allowed(segment: &str) -> bool {
    segment != "."
        && segment != ".."
        && segment.len() <= 260
        && !segment
            .chars()
            .any(|c| c.is_control() || matches!(c, '<' | '>' | '%' | '&' | '\\' | '?' | '#' | '"'))
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for ResourceId {}

impl PartialOrd for ResourceId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ResourceId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(other.key())
    }
}

impl hash::Hash for ResourceId {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResourceId({})", self.as_str())
    }
}

impl std::str::FromStr for ResourceId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl serde::Serialize for ResourceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for ResourceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORKSPACE: &str = "/subscriptions/S1/resourceGroups/this-rg/providers/Microsoft.MachineLearningServices/workspaces/hub1";

    fn id(text: &str) -> ResourceId {
        ResourceId::parse(text).expect(text)
    }

    #[test]
    fn reads_what_clients_write() {
        assert_eq!(
            id("/subscriptions/s1//resourcegroups/this-rg/").as_str(),
            "/subscriptions/s1/resourceGroups/this-rg"
        );
        assert_eq!(id(&WORKSPACE.to_lowercase()), id(WORKSPACE));
        assert_eq!(
            id(WORKSPACE).resource_type(),
            "Microsoft.MachineLearningServices/workspaces"
        );
        assert_eq!(id(WORKSPACE).name(), "hub1");
        assert_eq!(id("/").as_str(), "/");
        assert_eq!(
            id("/providers/Microsoft.Management/managementGroups/corp").management_group(),
            Some("corp")
        );
    }

    #[test]
    fn climbs_to_the_tenant() {
        let assignment = id(WORKSPACE)
            .child("connections", "c1")
            .extension("Microsoft.Authorization/roleAssignments", "guid");
        let climbed: Vec<_> = assignment.ancestors().map(|id| id.resource_type()).collect();
        assert_eq!(
            climbed,
            [
                "Microsoft.Authorization/roleAssignments",
                "Microsoft.MachineLearningServices/workspaces/connections",
                "Microsoft.MachineLearningServices/workspaces",
                "Microsoft.Resources/subscriptions/resourceGroups",
                "Microsoft.Resources/subscriptions",
                "Microsoft.Resources/tenants",
            ]
        );
        assert_eq!(assignment.scope(), Some(id(WORKSPACE).child("connections", "c1")));
    }

    #[test]
    fn refuses_traversal_and_odd_shapes() {
        assert_eq!(ResourceId::parse("subscriptions/x"), Err(InvalidId::NotAbsolute));
        assert!(matches!(
            ResourceId::parse("/subscriptions/../x"),
            Err(InvalidId::Segment(_))
        ));
        assert!(matches!(
            ResourceId::parse("/subscriptions/s/resourceGroups"),
            Err(InvalidId::Shape(_))
        ));
        assert!(matches!(
            ResourceId::parse("/subscriptions/s/resourceGroups/g/what/ever"),
            Err(InvalidId::Shape(_))
        ));
        assert_eq!(
            ResourceId::parse(&format!("/subscriptions/{}", "x".repeat(3000))),
            Err(InvalidId::TooLong)
        );
    }

    #[test]
    fn a_member_is_one_segment_after_a_resource() {
        let member = ArmPath::parse(&format!("{WORKSPACE}/listKeys")).expect("path");
        assert_eq!(
            member,
            ArmPath::Member {
                under: id(WORKSPACE),
                namespace: None,
                segment: String::from("listKeys")
            }
        );
        let collection = ArmPath::parse("/subscriptions/s/providers/Microsoft.X//things").expect("path");
        assert_eq!(
            collection,
            ArmPath::Member {
                under: id("/subscriptions/s"),
                namespace: Some(String::from("Microsoft.X")),
                segment: String::from("things")
            }
        );
        assert!(ArmPath::parse("/subscriptions/s/what/ever/more").is_err());
    }

    proptest! {
        #[test]
        fn containment_is_by_whole_segments(a in "[a-z]{1,6}", b in "[a-z]{1,6}") {
            let group = ResourceId::of_resource_group("s", &a);
            let other = ResourceId::of_resource_group("s", &format!("{a}{b}"));
            prop_assert!(!group.contains(&other));
            let nested = other.extension("Microsoft.X/y", &b);
            prop_assert!(other.contains(&nested));
            prop_assert_eq!(nested.ancestors().filter(|up| up.contains(&nested)).count(), nested.ancestors().count());
        }

        #[test]
        fn parsing_never_panics_and_prints_what_it_reads(text in "(/[a-zA-Z.]{0,12}){0,9}") {
            if let Ok(parsed) = ResourceId::parse(&text) {
                prop_assert_eq!(ResourceId::parse(parsed.as_str()).expect("round trip"), parsed);
            }
        }
    }
}
