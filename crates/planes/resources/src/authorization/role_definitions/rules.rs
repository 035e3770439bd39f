//! Whether a custom role may be stored or deleted: rbac-semantics, section 8.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Snapshot,
    decision::Need,
    rbac::{Catalogue, RoleDefinition, built_in, custom_role},
};
use serde_json::Value;
use uuid::Uuid;

use super::ROLE_DEFINITIONS;

/// The most custom roles in a tenant.
const CUSTOM_ROLES: usize = 5000;

/// The role's guid, from the id that was asked for.
pub(super) fn guid(id: &ResourceId) -> Result<Uuid, ArmError> {
    Uuid::parse_str(id.name()).map_err(|_| {
        ArmError::new(
            ErrorCode::InvalidResourceName,
            format!(
                "The role definition name '{}' is not valid: it must be a GUID.",
                id.name()
            ),
        )
        .on("name")
    })
}

/// Checks a body; answers what it defines.
pub(super) fn check(snapshot: &Snapshot, role: Uuid, properties: &Value) -> Result<RoleDefinition, ArmError> {
    refuse_built_in(role)?;
    custom_role::validate(properties, Catalogue::built_in())?;
    let wanted = RoleDefinition::from_properties(role, properties)?;
    let namesake = snapshot
        .roles()
        .definitions()
        .find(|other| other.id != role && other.role_name.to_lowercase() == wanted.role_name.to_lowercase());
    if let Some(namesake) = namesake {
        return Err(ArmError::new(
            ErrorCode::RoleDefinitionWithSameNameExists,
            format!(
                "A role definition cannot be created with the name '{}': '{}' has it.",
                wanted.role_name, namesake.id
            ),
        )
        .on("properties.roleName"));
    }
    check_limit(snapshot, role)?;
    Ok(wanted)
}

/// Built-in roles cannot change.
pub(super) fn refuse_built_in(role: Uuid) -> Result<(), ArmError> {
    if !built_in::is_built_in(role) {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::RoleDefinitionExists,
        format!("The role definition '{role}' is built in; it cannot be changed or deleted."),
    ))
}

fn check_limit(snapshot: &Snapshot, role: Uuid) -> Result<(), ArmError> {
    let is_new = snapshot.roles().definition(role).is_none();
    if !is_new || snapshot.of_type(ROLE_DEFINITIONS).count() < CUSTOM_ROLES {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::RoleDefinitionLimitExceeded,
        format!("No more custom roles can be created: the limit of the tenant is {CUSTOM_ROLES}."),
    ))
}

/// A role that is assigned stays.
pub(super) fn refuse_assigned(snapshot: &Snapshot, role: Uuid) -> Result<(), ArmError> {
    let assigned = snapshot
        .roles()
        .assignments()
        .filter(|assignment| assignment.role == role)
        .count();
    if assigned == 0 {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::RoleDefinitionHasAssignments,
        format!(
            "There are existing role assignments referencing role '{role}': {assigned}. Delete them first."
        ),
    ))
}

/// Who changes a role changes it wherever it may be assigned: the operation is needed at the scope of the request,
/// and at every assignable scope, those the role has and those it would get (rbac-semantics 8.5).
pub(super) fn needs<'a>(
    operation: &'static str,
    id: &ResourceId,
    assignable: impl Iterator<Item = &'a ResourceId>,
) -> Vec<Need> {
    let own = id.scope().unwrap_or_else(ResourceId::tenant);
    let mut others: Vec<&ResourceId> = assignable.filter(|scope| **scope != own).collect();
    others.sort_unstable();
    others.dedup();
    let linked = others
        .into_iter()
        .map(|scope| Need::action(operation, scope.clone()).linked());
    std::iter::once(Need::action(operation, id.clone()))
        .chain(linked)
        .collect()
}
