//! `Microsoft.Authorization`: who may do what, and what that means for the caller.

mod check_access;
mod deny_assignments;
mod elevate_access;
mod locks;
mod permissions;
mod policy_assignments;
mod policy_definitions;
mod policy_exemptions;
mod policy_library;
mod policy_scopes;
mod policy_set_definitions;
mod policy_shown;
mod provider_operations;
mod role_assignments;
mod role_definitions;

use nave_arm::ResourceId;
use nave_engine::{Caller, Registry, Resource};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const ROLE_DEFINITIONS: &str = "Microsoft.Authorization/roleDefinitions";
pub(crate) const ROLE_ASSIGNMENTS: &str = "Microsoft.Authorization/roleAssignments";

pub(crate) fn register(registry: &mut Registry) {
    role_definitions::register(registry);
    role_assignments::register(registry);
    deny_assignments::register(registry);
    policy_definitions::register(registry);
    policy_set_definitions::register(registry);
    policy_assignments::register(registry);
    policy_exemptions::register(registry);
    locks::register(registry);
    registry.add_routes(check_access::routes());
    registry.add_routes(elevate_access::routes());
    registry.add_routes(permissions::routes());
    registry.add_routes(provider_operations::routes());
}

/// A role's id as it stands in answers to a request at a scope: with the subscription's prefix inside one, else at
/// the tenant. `az` joins assignments and definitions by this exact text (client contract 3).
fn role_id(asked_at: &ResourceId, role: Uuid) -> ResourceId {
    let place = asked_at.subscription_id().unwrap_or_else(ResourceId::tenant);
    place.extension(ROLE_DEFINITIONS, &role.to_string())
}

/// Who made a row and who changed it last, as object ids, next to what nave kept there before.
fn signed_by(caller: &Caller, existing: Option<&Resource>) -> Value {
    let mut own = existing.map_or_else(|| json!({}), |existing| existing.own.clone());
    let id = caller.record_id();
    if own.get("createdBy").is_none() {
        own["createdBy"] = id.clone().into();
    }
    own["updatedBy"] = id.into();
    own
}

/// The read-only members of roles and assignments: when and by whom.
fn stamp(properties: &mut Value, resource: &Resource) {
    properties["createdOn"] = resource.history.created_at.to_string().into();
    properties["updatedOn"] = resource.history.updated_at.to_string().into();
    for member in ["createdBy", "updatedBy"] {
        properties[member] = resource.own.get(member).cloned().unwrap_or_default();
    }
}
