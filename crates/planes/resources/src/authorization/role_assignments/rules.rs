//! The rules of assignments (`nave_rbac::assignment_rules`; rbac-semantics 9), asked of a snapshot.

use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Guard, Snapshot, directory,
    rbac::{
        RoleAssignment, RoleIndex, RoleKind,
        assignment_rules::{self, Accepted, Tenant},
    },
};
use serde_json::Value;
use uuid::Uuid;

use super::super::{ROLE_DEFINITIONS, role_definitions::stored_id};
use crate::unchanged;

/// The tenant of a snapshot.
struct Snapped<'a>(&'a Snapshot);

impl Tenant for Snapped<'_> {
    fn roles(&self) -> &RoleIndex {
        self.0.roles()
    }

    fn principal_type(&self, principal: Uuid) -> Option<&str> {
        self.0
            .principal(principal)
            .map(|object| directory::principal_type(object))
    }

    fn assignment_named(&self, name: &str) -> Option<ResourceId> {
        self.0.claimed(&name_claim(name)).map(|holder| holder.id.clone())
    }
}

/// Checks every rule; answers what may be assigned.
pub(super) fn check(snapshot: &Snapshot, id: &ResourceId, properties: &Value) -> Result<Accepted, ArmError> {
    assignment_rules::check(&Snapped(snapshot), id, properties)
}

/// The unique names of an assignment: its guid in the whole tenant, and its triple.
pub(super) fn claims(wanted: &RoleAssignment) -> Vec<String> {
    let triple = format!(
        "assignment:{}|{}|{}",
        wanted.scope.key(),
        wanted.principal,
        wanted.role
    );
    vec![triple, name_claim(wanted.id().name())]
}

/// A custom role may go while it is assigned by another request; then this one must look again.
pub(super) fn guards(snapshot: &Snapshot, role: Uuid) -> Vec<Guard> {
    let custom = snapshot
        .roles()
        .definition(role)
        .is_some_and(|role| role.kind == RoleKind::Custom);
    if custom {
        vec![unchanged::since(snapshot, ROLE_DEFINITIONS, &stored_id(role))]
    } else {
        Vec::new()
    }
}

fn name_claim(name: &str) -> String {
    format!("assignmentname:{}", name.to_lowercase())
}
