//! The present state that decisions are made on: immutable, shared, replaced at each revision.
//!
//! A snapshot holds what deciding and routing need in memory: the current resources of every resident type, the
//! role index, and an index of unique names. All of it follows the revision log one row at a time, so a snapshot
//! is the same whether it was followed or loaded.

use std::sync::Arc;

use imbl::{HashMap, OrdMap, ordmap::DiffItem};
use nave_arm::ResourceId;
use nave_rbac::{DenyAssignment, RoleAssignment, RoleDefinition, RoleIndex};
use nave_store::{Revision, Row};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Resource,
    locks::{LOCKS, Locks},
    policy::PolicyIndex,
    soft_delete,
    subscriptions::{self, SUBSCRIPTIONS, State},
};

/// The state at one revision. Cloning is cheap: the maps share what did not change.
#[derive(Clone)]
pub struct Snapshot {
    revision: Revision,
    rows: OrdMap<Arc<str>, Arc<Resource>>,
    types: HashMap<String, OrdMap<Arc<str>, Arc<Resource>>>,
    claims: HashMap<String, Arc<str>>,
    roles: RoleIndex,
    policies: PolicyIndex,
    locks: Locks,
    /// The subscriptions in which not everything can be done, by their ids in lower case.
    closed: HashMap<String, State>,
    /// Of a state of the past: the present one, whose rights count.
    rights: Option<Arc<Self>>,
}

/// Types whose rows change the role index.
mod indexed {
    pub(super) const ASSIGNMENTS: &str = "microsoft.authorization/roleassignments";
    pub(super) const DEFINITIONS: &str = "microsoft.authorization/roledefinitions";
    pub(super) const DENIES: &str = "microsoft.authorization/denyassignments";
    pub(super) const GROUPS: &str = "microsoft.graph/groups";
    pub(super) const MANAGEMENT_GROUPS: &str = "microsoft.management/managementgroups";

    pub(super) const ALL: [&str; 5] = [ASSIGNMENTS, DEFINITIONS, DENIES, GROUPS, MANAGEMENT_GROUPS];
}

impl Snapshot {
    /// The state before the first revision: only the built-in roles.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            revision: 0,
            rows: OrdMap::new(),
            types: HashMap::new(),
            claims: HashMap::new(),
            roles: RoleIndex::with_built_in(),
            policies: PolicyIndex::default(),
            locks: Locks::default(),
            closed: HashMap::new(),
            rights: None,
        }
    }

    /// The revision this is the state of.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The role index.
    #[must_use]
    pub fn roles(&self) -> &RoleIndex {
        &self.roles
    }

    /// The state whose rights count where this one is looked at: itself, or the present one where this one is past.
    #[must_use]
    pub fn rights(&self) -> &Self {
        self.rights.as_deref().unwrap_or(self)
    }

    /// A state of the past as it is looked at today.
    #[must_use]
    pub(crate) fn seen_by(mut self, present: Arc<Self>) -> Self {
        self.rights = Some(present);
        self
    }

    /// The policy assignments, exemptions and definitions.
    #[must_use]
    pub fn policies(&self) -> &PolicyIndex {
        &self.policies
    }

    /// The locks.
    #[must_use]
    pub fn locks(&self) -> &Locks {
        &self.locks
    }

    /// The state of the subscription that an id lies in. What lies in none, or in one that is not there, is as if enabled.
    #[must_use]
    pub fn subscription_state(&self, id: &ResourceId) -> State {
        if self.closed.is_empty() {
            return State::Enabled;
        }
        let state = subscriptions::key_of(id).and_then(|key| self.closed.get(&key));
        state.copied().unwrap_or(State::Enabled)
    }

    /// A current resource of a resident type.
    #[must_use]
    pub fn get(&self, id: &ResourceId) -> Option<&Arc<Resource>> {
        self.rows.get(id.key())
    }

    /// The resource that a unique name leads to. Nothing deleted is found by a name.
    #[must_use]
    pub fn claimed(&self, claim: &str) -> Option<&Arc<Resource>> {
        self.holder(claim)
            .filter(|holder| !soft_delete::is_deleted(holder))
    }

    /// The row that holds a unique name, so that no other can have it: a resource, or what is kept of a deleted one.
    #[must_use]
    pub fn holder(&self, claim: &str) -> Option<&Arc<Resource>> {
        self.rows.get(self.claims.get(claim)?)
    }

    /// Every current resource of a type (compared without case), by id.
    pub fn of_type<'a>(&'a self, resource_type: &str) -> impl Iterator<Item = &'a Arc<Resource>> + use<'a> {
        self.types
            .get(&resource_type.to_lowercase())
            .into_iter()
            .flat_map(OrdMap::values)
    }

    /// The current resources below a scope, by id; the scope itself is not among them.
    pub fn below<'a>(&'a self, scope: &ResourceId) -> impl Iterator<Item = &'a Arc<Resource>> + use<'a> {
        let prefix: Arc<str> = if scope.is_tenant() {
            Arc::from("/")
        } else {
            Arc::from(format!("{}/", scope.key()))
        };
        let start = prefix.clone();
        self.rows
            .range(start..)
            .take_while(move |(key, _)| key.starts_with(&*prefix))
            .map(|(_, row)| row)
    }

    /// The rows that are new or different since another state, by id. Rows that are gone are not among them.
    pub fn changed_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a Arc<Resource>> {
        before.rows.diff(&self.rows).filter_map(|change| match change {
            DiffItem::Add(_, row) | DiffItem::Update { new: (_, row), .. } => Some(row),
            DiffItem::Remove(..) => None,
        })
    }

    /// The directory object with this object id: a user, group or service principal.
    #[must_use]
    pub fn principal(&self, object_id: Uuid) -> Option<&Arc<Resource>> {
        self.claimed(&principal_claim(object_id))
    }

    /// The state with these assignments as well, for trying out what they would give.
    #[must_use]
    pub(crate) fn granting(&self, assignments: &[RoleAssignment]) -> Self {
        let mut tried = self.clone();
        for assignment in assignments {
            tried.roles.put_assignment(assignment.clone());
        }
        tried
    }

    /// Takes in a row that is current now. `resident` says whether its type is kept whole in memory.
    pub(crate) fn put(&mut self, row: &Row, resident: bool) {
        let Some(resource) = Resource::from_row(row) else {
            tracing::error!(key = row.key, "a stored row is not a resource; it is ignored");
            return;
        };
        self.unindex(row);
        self.index(&row.type_key, &resource);
        if !resident {
            return;
        }
        let key: Arc<str> = row.key.as_str().into();
        if let Some(before) = self.rows.get(&key).cloned() {
            self.release(&key, &before);
        }
        for claim in &resource.claims {
            self.claims.insert(claim.clone(), key.clone());
        }
        let resource = Arc::new(resource);
        if PolicyIndex::takes(&row.type_key) {
            self.policies.put(&resource, row.valid_from);
        }
        self.types
            .entry(row.type_key.clone())
            .or_default()
            .insert(key.clone(), resource.clone());
        self.rows.insert(key, resource);
    }

    /// Takes in a resource as if it were stored, to see what would follow.
    pub(crate) fn put_resource(&mut self, resource: &Resource) {
        self.put(&resource.to_row(), true);
    }

    /// Takes in that a row is no more.
    pub(crate) fn remove(&mut self, row: &Row) {
        self.unindex(row);
        if let Some(before) = self.rows.remove(row.key.as_str()) {
            self.release(&row.key, &before);
        }
        if let Some(rows) = self.types.get_mut(&row.type_key) {
            rows.remove(row.key.as_str());
        }
    }

    /// Whether rows of a type, in lower case, are in the role index, resident or not.
    pub(crate) fn indexes(type_key: &str) -> bool {
        indexed::ALL.contains(&type_key)
    }

    pub(crate) fn at(&mut self, revision: Revision) {
        self.revision = revision;
    }

    /// Frees the names a row held, but for those that another row took over in the same commit.
    fn release(&mut self, key: &str, before: &Resource) {
        for claim in &before.claims {
            if self.claims.get(claim).is_some_and(|holder| **holder == *key) {
                self.claims.remove(claim);
            }
        }
    }

    fn index(&mut self, type_key: &str, resource: &Resource) {
        let properties = resource.sent.get("properties").unwrap_or(&Value::Null);
        let read = match type_key {
            indexed::ASSIGNMENTS => RoleAssignment::from_properties(&resource.id, properties)
                .map(|assignment| self.roles.put_assignment(assignment)),
            indexed::DENIES => DenyAssignment::from_properties(&resource.id, properties)
                .map(|deny| self.roles.put_deny(deny)),
            indexed::DEFINITIONS => RoleDefinition::from_properties(
                Uuid::parse_str(resource.id.name()).unwrap_or_default(),
                properties,
            )
            .map(|definition| self.roles.put_definition(definition)),
            indexed::GROUPS => {
                if let Ok(group) = Uuid::parse_str(resource.id.name()) {
                    self.roles.put_group(group, crate::directory::members(resource));
                }
                Ok(())
            }
            indexed::MANAGEMENT_GROUPS => {
                let parent = resource.link("/properties/details/parent/id");
                let subscriptions = resource
                    .value("/properties/subscriptions")
                    .cloned()
                    .unwrap_or_default();
                self.roles.put_management_group(
                    resource.id.name(),
                    parent.as_ref().map(ResourceId::name),
                    subscriptions
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_str),
                );
                Ok(())
            }
            _ if type_key.eq_ignore_ascii_case(LOCKS) => {
                self.locks.put(resource);
                Ok(())
            }
            _ if type_key.eq_ignore_ascii_case(SUBSCRIPTIONS) => {
                let state = State::of(resource);
                if let Some(key) = subscriptions::key_of(&resource.id).filter(|_| state != State::Enabled) {
                    self.closed.insert(key, state);
                }
                Ok(())
            }
            _ => Ok(()),
        };
        if let Err(error) = read {
            tracing::error!(id = %resource.id, %error, "a stored authorization row cannot be read; it grants nothing");
        }
    }

    fn unindex(&mut self, row: &Row) {
        let Ok(id) = ResourceId::parse(&row.id) else {
            return;
        };
        match row.type_key.as_str() {
            indexed::ASSIGNMENTS => drop(self.roles.remove_assignment(&id)),
            indexed::DENIES => drop(self.roles.remove_deny(&id)),
            indexed::DEFINITIONS => {
                drop(Uuid::parse_str(id.name()).map(|role| self.roles.remove_definition(role)))
            }
            indexed::GROUPS => drop(Uuid::parse_str(id.name()).map(|group| self.roles.remove_group(group))),
            indexed::MANAGEMENT_GROUPS => self.roles.remove_management_group(id.name()),
            _ if row.type_key.eq_ignore_ascii_case(LOCKS) => self.locks.remove(&row.key),
            _ if row.type_key.eq_ignore_ascii_case(SUBSCRIPTIONS) => {
                if let Some(key) = subscriptions::key_of(&id) {
                    self.closed.remove(&key);
                }
            }
            _ if PolicyIndex::takes(&row.type_key) => self.policies.remove(&id),
            _ => {}
        }
    }
}

/// The unique name every directory object holds.
#[must_use]
pub fn principal_claim(object_id: Uuid) -> String {
    format!("principal:{object_id}")
}
