//! Which identities a resource has: its own, those it was given, or, where it is an identity itself, that.

use std::sync::Arc;

use nave_arm::ResourceId;
use nave_engine::{Resource, Snapshot, federation::USER_ASSIGNED_IDENTITIES};
use serde_json::{Map, Value};
use uuid::Uuid;

/// A resource's identities.
pub(super) struct Identities {
    /// The one that is meant where none is named.
    pub(super) default: Option<Arc<Resource>>,
    /// Those it was given, by name.
    pub(super) assigned: Vec<Arc<Resource>>,
}

impl Identities {
    /// The service principals of the identities that a resource has now.
    pub(super) fn of(snapshot: &Snapshot, resource: &Resource) -> Self {
        let principal = |id: Option<&Value>| {
            let id = Uuid::parse_str(id?.as_str()?).ok()?;
            snapshot.principal(id).cloned()
        };
        if is_identity(&resource.id) {
            return Self {
                default: principal(resource.own.pointer("/properties/principalId")),
                assigned: Vec::new(),
            };
        }
        let given = resource.value("/identity/userAssignedIdentities");
        let given = given.and_then(Value::as_object).into_iter().flat_map(Map::iter);
        let given = given.filter_map(|(id, value)| ResourceId::parse(id).ok().filter(|_| !value.is_null()));
        Self {
            default: principal(resource.own.pointer("/identity/principalId")),
            assigned: given
                .filter_map(|id| principal(snapshot.get(&id)?.own.pointer("/properties/principalId")))
                .collect(),
        }
    }

    /// Every one of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.default.iter().chain(&self.assigned)
    }
}

/// Whether a resource is an identity itself.
pub(super) fn is_identity(id: &ResourceId) -> bool {
    id.resource_type().eq_ignore_ascii_case(USER_ASSIGNED_IDENTITIES)
}
