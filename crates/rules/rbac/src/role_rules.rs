//! Whether a custom role may be stored or deleted: rbac-semantics, section 8.
//!
//! [`custom_role::validate`] looks at the role by itself; the rules here look at the roles that are there already.

use nave_arm::{ArmError, ErrorCode};
use serde_json::Value;
use uuid::Uuid;

use crate::{Catalogue, RoleDefinition, RoleIndex, RoleKind, built_in, custom_role};

/// The most custom roles in a tenant.
pub const PER_TENANT: usize = 5000;

/// Checks every rule for a PUT of `properties` as the role `role`; answers what they define. Whether the caller may
/// write at the assignable scopes is not asked here.
///
/// ```
/// use nave_arm::ErrorCode;
/// use nave_rbac::{Catalogue, RoleIndex, role_rules};
/// use serde_json::json;
/// use uuid::Uuid;
///
/// let named = |name: &str| json!({
///     "roleName": name, "assignableScopes": ["/subscriptions/s"],
///     "permissions": [{ "actions": ["Microsoft.Storage/*/read"] }],
/// });
/// let roles = RoleIndex::with_built_in();
/// let role = role_rules::check(&roles, Uuid::from_u128(1), &named("Storage watcher"), Catalogue::built_in())?;
/// assert_eq!(role.role_name, "Storage watcher");
/// let refused = role_rules::check(&roles, Uuid::from_u128(1), &named("Reader"), Catalogue::built_in()).expect_err("taken");
/// assert_eq!(refused.code, ErrorCode::RoleDefinitionWithSameNameExists);
/// # Ok::<(), nave_arm::ArmError>(())
/// ```
pub fn check(
    roles: &RoleIndex,
    role: Uuid,
    properties: &Value,
    catalogue: &Catalogue,
) -> Result<RoleDefinition, ArmError> {
    refuse_built_in(role)?;
    custom_role::validate(properties, catalogue)?;
    let wanted = RoleDefinition::from_properties(role, properties)?;
    check_name(roles, &wanted)?;
    check_limit(roles, role)?;
    Ok(wanted)
}

/// Built-in roles cannot change.
///
/// ```
/// use nave_rbac::{built_in, role_rules};
///
/// assert!(role_rules::refuse_built_in(built_in::OWNER).is_err());
/// assert!(role_rules::refuse_built_in(uuid::Uuid::from_u128(1)).is_ok());
/// ```
pub fn refuse_built_in(role: Uuid) -> Result<(), ArmError> {
    if !built_in::is_built_in(role) {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::RoleDefinitionExists,
        format!("The role definition '{role}' is built in; it cannot be changed or deleted."),
    ))
}

/// A role that is assigned stays.
///
/// ```
/// use nave_rbac::{RoleIndex, role_rules};
///
/// assert!(role_rules::refuse_assigned(&RoleIndex::default(), uuid::Uuid::from_u128(1)).is_ok());
/// ```
pub fn refuse_assigned(roles: &RoleIndex, role: Uuid) -> Result<(), ArmError> {
    let assigned = roles
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

fn check_name(roles: &RoleIndex, wanted: &RoleDefinition) -> Result<(), ArmError> {
    let name = wanted.role_name.to_lowercase();
    let namesake = roles
        .definitions()
        .find(|other| other.id != wanted.id && other.role_name.to_lowercase() == name);
    let Some(namesake) = namesake else { return Ok(()) };
    Err(ArmError::new(
        ErrorCode::RoleDefinitionWithSameNameExists,
        format!(
            "A role definition cannot be created with the name '{}': '{}' has it.",
            wanted.role_name, namesake.id
        ),
    )
    .on("properties.roleName"))
}

fn check_limit(roles: &RoleIndex, role: Uuid) -> Result<(), ArmError> {
    let custom = roles
        .definitions()
        .filter(|role| role.kind == RoleKind::Custom)
        .count();
    if roles.definition(role).is_some() || custom < PER_TENANT {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::RoleDefinitionLimitExceeded,
        format!("No more custom roles can be created: the limit of the tenant is {PER_TENANT}."),
    ))
}
