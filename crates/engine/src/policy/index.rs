//! Assignments and exemptions by the scope they stand at, and what they assign, following the log row by row.
//!
//! An assignment is bound to its definition (parsed, with its parameters in place) when somebody asks for it first, and
//! bound again only when the assignment, its definition or its set changed: then it is another [`Bound`], and
//! [`Bound::since`] says since which revision. So whatever is worked out from an assignment can be kept for as long as it
//! is the same `Bound`.

use std::sync::{Arc, OnceLock};

use imbl::{HashMap, OrdMap};
use nave_arm::ResourceId;
use nave_policy::{Assignment, Definition, Definitions, Exemption, Initiative, PolicyError};
use nave_store::Revision;
use serde_json::Value;

use super::{ASSIGNMENTS, DEFINITIONS, EXEMPTIONS, SET_DEFINITIONS, ready_made};
use crate::Resource;

type Key = Arc<str>;

/// The policy objects of a snapshot, arranged for judging.
#[derive(Clone, Default)]
pub struct PolicyIndex {
    definitions: HashMap<Key, Arc<Defined<Definition>>>,
    sets: HashMap<Key, Arc<Defined<Initiative>>>,
    /// By the key of the scope, then by their own.
    assignments: HashMap<Key, OrdMap<Key, Arc<Bound>>>,
    /// By the key of the assignment, then by their own.
    exemptions: HashMap<Key, OrdMap<Key, Arc<Exempting>>>,
}

/// A definition or a set, read when it is asked for first.
pub(super) struct Defined<T> {
    properties: Arc<Resource>,
    read: OnceLock<Option<Arc<T>>>,
}

impl<T> Defined<T> {
    pub(super) fn new(resource: Arc<Resource>) -> Self {
        Self {
            properties: resource,
            read: OnceLock::new(),
        }
    }

    fn get(&self, parse: fn(&Value) -> Result<T, PolicyError>) -> Option<Arc<T>> {
        let read = || match parse(properties(&self.properties)) {
            Ok(read) => Some(Arc::new(read)),
            Err(error) => {
                tracing::error!(id = %self.properties.id, %error, "a stored policy definition cannot be read; it judges nothing");
                None
            }
        };
        self.read.get_or_init(read).clone()
    }
}

/// An assignment as it is bound to what it assigns.
pub struct Bound {
    /// Its row.
    pub resource: Arc<Resource>,
    /// The scope it stands at.
    pub scope: ResourceId,
    /// The revision at which it, or what it assigns, last changed.
    pub since: Revision,
    /// The id of what it assigns, as a key.
    assigns: Key,
    bound: OnceLock<Option<Arc<Assignment>>>,
}

/// An exemption.
pub struct Exempting {
    /// Its row.
    pub resource: Arc<Resource>,
    /// The scope it stands at.
    pub scope: ResourceId,
    /// What it says.
    pub exemption: Exemption,
}

impl Bound {
    fn new(resource: Arc<Resource>, since: Revision) -> Self {
        let assigns = resource.link("/properties/policyDefinitionId");
        Self {
            scope: resource.id.scope().unwrap_or_else(ResourceId::tenant),
            assigns: assigns.map_or_else(|| Key::from(""), |id| Key::from(id.key())),
            resource,
            since,
            bound: OnceLock::new(),
        }
    }

    /// Whether it assigns this definition or set.
    pub(super) fn assigns(&self, id: &ResourceId) -> bool {
        *self.assigns == *id.key()
    }

    /// The assignment with its policies; `None` where what it assigns is gone or cannot be read: then it judges nothing,
    /// and the log says so.
    #[must_use]
    pub fn assignment(&self, index: &PolicyIndex) -> Option<Arc<Assignment>> {
        let bind = || match Assignment::bind(self.resource.id.as_str(), properties(&self.resource), index) {
            Ok(bound) => Some(Arc::new(bound)),
            Err(error) => {
                tracing::warn!(id = %self.resource.id, %error, "a policy assignment cannot be bound; it judges nothing");
                None
            }
        };
        self.bound.get_or_init(bind).clone()
    }
}

/// The rules' part of a row.
fn properties(resource: &Resource) -> &Value {
    resource.sent.get("properties").unwrap_or(&Value::Null)
}

impl Definitions for PolicyIndex {
    fn definition(&self, id: &str, _: Option<&str>) -> Option<Arc<Definition>> {
        let key = key(id)?;
        let ready = || ready_made::definition(&key);
        let found = self.definitions.get(&*key).cloned().or_else(ready)?;
        found.get(Definition::parse)
    }

    fn initiative(&self, id: &str, _: Option<&str>) -> Option<Arc<Initiative>> {
        self.sets.get(&*key(id)?)?.get(Initiative::parse)
    }
}

fn key(id: &str) -> Option<Key> {
    ResourceId::parse(id).ok().map(|id| Key::from(id.key()))
}

impl PolicyIndex {
    /// The assignments that stand at a scope.
    pub fn assignments_at(&self, scope: &ResourceId) -> impl Iterator<Item = &Arc<Bound>> {
        let here = self.assignments.get(scope.key());
        here.into_iter().flat_map(OrdMap::values)
    }

    /// Every assignment, those of one scope together.
    pub fn assignments(&self) -> impl Iterator<Item = &Arc<Bound>> {
        self.assignments.values().flat_map(OrdMap::values)
    }

    /// The exemptions from an assignment.
    pub fn exemptions_from(&self, assignment: &ResourceId) -> impl Iterator<Item = &Arc<Exempting>> {
        self.exemptions_of(assignment.key())
    }

    /// The exemptions from an assignment, by its id in any case.
    pub(super) fn exemptions_of(&self, assignment: &str) -> impl Iterator<Item = &Arc<Exempting>> {
        let of_it = match self.exemptions.is_empty() {
            true => None,
            false => self.exemptions.get(&*assignment.to_lowercase()),
        };
        of_it.into_iter().flat_map(OrdMap::values)
    }

    /// Whether nothing is assigned anywhere.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.assignments.is_empty()
    }

    /// Whether rows of a type, in lower case, are in the index.
    pub(crate) fn takes(type_key: &str) -> bool {
        [DEFINITIONS, SET_DEFINITIONS, ASSIGNMENTS, EXEMPTIONS]
            .iter()
            .any(|kind| kind.eq_ignore_ascii_case(type_key))
    }

    /// Takes in a row that is current since a revision.
    pub(crate) fn put(&mut self, resource: &Arc<Resource>, since: Revision) {
        let kind = resource.id.resource_type();
        let own: Key = resource.id.key().into();
        self.remove(&resource.id);
        if kind.eq_ignore_ascii_case(ASSIGNMENTS) {
            let bound = Bound::new(resource.clone(), since);
            let here = self.assignments.entry(bound.scope.key().into()).or_default();
            here.insert(own, Arc::new(bound));
        } else if kind.eq_ignore_ascii_case(DEFINITIONS) {
            self.definitions
                .insert(own.clone(), Arc::new(Defined::new(resource.clone())));
            self.bind_again(&own, since);
        } else if kind.eq_ignore_ascii_case(SET_DEFINITIONS) {
            self.sets
                .insert(own.clone(), Arc::new(Defined::new(resource.clone())));
            self.bind_again(&own, since);
        } else {
            self.put_exemption(own, resource);
        }
    }

    fn put_exemption(&mut self, own: Key, resource: &Arc<Resource>) {
        let assignment = resource.link("/properties/policyAssignmentId");
        let exemption = Exemption::parse(properties(resource));
        let (Some(assignment), Ok(exemption)) = (assignment, exemption) else {
            tracing::error!(id = %resource.id, "a stored policy exemption cannot be read; it exempts nothing");
            return;
        };
        let exempting = Exempting {
            scope: resource.id.scope().unwrap_or_else(ResourceId::tenant),
            resource: resource.clone(),
            exemption,
        };
        let of_it = self.exemptions.entry(assignment.key().into()).or_default();
        of_it.insert(own, Arc::new(exempting));
    }

    /// Takes in that a row is no more.
    pub(crate) fn remove(&mut self, id: &ResourceId) {
        let kind = id.resource_type();
        if kind.eq_ignore_ascii_case(ASSIGNMENTS) {
            let scope = id.scope().unwrap_or_else(ResourceId::tenant);
            take(&mut self.assignments, scope.key(), id.key());
        } else if kind.eq_ignore_ascii_case(DEFINITIONS) {
            self.definitions.remove(id.key());
        } else if kind.eq_ignore_ascii_case(SET_DEFINITIONS) {
            self.sets.remove(id.key());
        } else {
            self.remove_exemption(id);
        }
    }

    fn remove_exemption(&mut self, id: &ResourceId) {
        let holds = |of_it: &OrdMap<Key, Arc<Exempting>>| of_it.contains_key(id.key());
        let found = self.exemptions.iter().find(|(_, of_it)| holds(of_it));
        if let Some(assignment) = found.map(|(assignment, _)| assignment.clone()) {
            take(&mut self.exemptions, &assignment, id.key());
        }
    }

    /// Whatever assigns a definition or a set, itself or as a member of a set, is bound anew when it is asked for next.
    fn bind_again(&mut self, changed: &str, since: Revision) {
        let stale: Vec<Arc<Bound>> = self
            .assignments()
            .filter(|bound| self.rests_on(bound, changed))
            .cloned()
            .collect();
        for bound in stale {
            let again = Bound::new(bound.resource.clone(), since.max(bound.since));
            let here = self.assignments.entry(again.scope.key().into()).or_default();
            here.insert(again.resource.id.key().into(), Arc::new(again));
        }
    }

    /// Whether an assignment assigns this definition or set, or a set that has it as a member.
    pub(super) fn rests_on(&self, bound: &Bound, key: &str) -> bool {
        *bound.assigns == *key
            || self
                .sets
                .get(&*bound.assigns)
                .is_some_and(|set| has_member(&set.properties, key))
    }

    /// The sets that have a definition as a member.
    pub(super) fn sets_with<'a>(&'a self, definition: &'a str) -> impl Iterator<Item = &'a Arc<Resource>> {
        self.sets
            .values()
            .map(|set| &set.properties)
            .filter(move |set| has_member(set, definition))
    }
}

/// Takes an entry out of an inner map, and the inner map out of the outer one when it was the last.
fn take<T: Clone>(maps: &mut HashMap<Key, OrdMap<Key, T>>, outer: &str, inner: &str) {
    let Some(map) = maps.get_mut(outer) else { return };
    map.remove(inner);
    if map.is_empty() {
        maps.remove(outer);
    }
}

fn has_member(set: &Resource, definition: &str) -> bool {
    let members = properties(set).get("policyDefinitions").and_then(Value::as_array);
    let ids = members
        .into_iter()
        .flatten()
        .filter_map(|member| member["policyDefinitionId"].as_str());
    ids.into_iter()
        .any(|id| id.trim_end_matches('/').eq_ignore_ascii_case(definition))
}
