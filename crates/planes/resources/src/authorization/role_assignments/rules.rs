//! Whether an assignment may be made: rbac-semantics, section 9.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Guard, Resource, Snapshot,
    declaration::Draft,
    directory,
    rbac::{RoleAssignment, RoleDefinition, RoleKind},
};
use serde_json::Value;
use uuid::Uuid;

use super::super::{ROLE_DEFINITIONS, role_definitions::stored_id};
use crate::unchanged;

/// The most assignments in a subscription, those at groups and resources included.
const PER_SUBSCRIPTION: usize = 4000;
/// The most assignments at one management group.
const PER_MANAGEMENT_GROUP: usize = 500;

/// Checks every rule; answers the type of the principal, as given or as the directory has it.
pub(super) fn check(snapshot: &Snapshot, wanted: &RoleAssignment, draft: &Draft) -> Result<String, ArmError> {
    check_identity(snapshot, wanted, draft.existing.as_deref())?;
    let role = snapshot
        .roles()
        .definition(wanted.role)
        .ok_or_else(|| unknown_role(wanted.role))?;
    check_scope(snapshot, wanted, role)?;
    check_condition(wanted, role)?;
    if draft.existing.is_none() {
        check_limits(snapshot, &wanted.scope)?;
    }
    let given = draft
        .body
        .pointer("/properties/principalType")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    let before = draft
        .existing
        .as_deref()
        .and_then(|existing| existing.text("/properties/principalType"));
    principal_type(snapshot, wanted.principal, given.or(before))
}

/// The unique names of an assignment: its guid in the whole tenant, and its triple.
pub(super) fn claims(wanted: &RoleAssignment) -> Vec<String> {
    vec![triple_claim(wanted), name_claim(wanted)]
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

fn triple_claim(wanted: &RoleAssignment) -> String {
    format!(
        "assignment:{}|{}|{}",
        wanted.scope.key(),
        wanted.principal,
        wanted.role
    )
}

fn name_claim(wanted: &RoleAssignment) -> String {
    format!("assignmentname:{}", wanted.id.name().to_lowercase())
}

/// One name is one assignment for ever, and one triple has one assignment.
fn check_identity(
    snapshot: &Snapshot,
    wanted: &RoleAssignment,
    existing: Option<&Resource>,
) -> Result<(), ArmError> {
    if Uuid::parse_str(wanted.id.name()).is_err() {
        return Err(ArmError::new(
            ErrorCode::InvalidResourceName,
            format!(
                "The role assignment name '{}' is not valid: it must be a GUID.",
                wanted.id.name()
            ),
        ));
    }
    let holder = snapshot.claimed(&name_claim(wanted));
    let elsewhere = holder.is_some_and(|holder| holder.id != wanted.id);
    let changed = existing.is_some()
        && snapshot
            .roles()
            .assignment(&wanted.id)
            .is_none_or(|stored| !same(stored, wanted));
    if elsewhere || changed {
        return Err(ArmError::new(
            ErrorCode::RoleAssignmentUpdateNotPermitted,
            "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
        ));
    }
    if snapshot
        .claimed(&triple_claim(wanted))
        .is_some_and(|holder| holder.id != wanted.id)
    {
        return Err(ArmError::new(
            ErrorCode::RoleAssignmentExists,
            "The role assignment already exists.",
        ));
    }
    Ok(())
}

fn same(left: &RoleAssignment, right: &RoleAssignment) -> bool {
    (left.role, left.principal, &left.scope) == (right.role, right.principal, &right.scope)
}

fn unknown_role(role: Uuid) -> ArmError {
    ArmError::new(
        ErrorCode::RoleDefinitionDoesNotExist,
        format!("The specified role definition with ID '{role}' does not exist."),
    )
    .on("properties.roleDefinitionId")
}

fn check_scope(snapshot: &Snapshot, wanted: &RoleAssignment, role: &RoleDefinition) -> Result<(), ArmError> {
    if snapshot.roles().is_assignable_at(role, &wanted.scope) {
        return Ok(());
    }
    let scopes: Vec<&str> = role.assignable_scopes.iter().map(ResourceId::as_str).collect();
    Err(ArmError::new(
        ErrorCode::RoleAssignmentScopeNotAssignableToRoleDefinition,
        format!(
            "The scope '{}' is not assignable to the role definition '{}'. Its assignable scopes are '{}'; a custom \
             role with data actions is not assignable at a management group.",
            wanted.scope,
            role.role_name,
            scopes.join("', '")
        ),
    )
    .on("properties.roleDefinitionId"))
}

/// A condition about an operation the role does not grant guards nothing (rbac-semantics 10.5).
fn check_condition(wanted: &RoleAssignment, role: &RoleDefinition) -> Result<(), ArmError> {
    let Some(foreign) = wanted
        .condition
        .as_ref()
        .and_then(|condition| role.foreign_target(condition))
    else {
        return Ok(());
    };
    Err(ArmError::new(
        ErrorCode::InvalidRoleAssignmentCondition,
        format!(
            "The given role assignment condition is invalid. It targets '{}', which the role '{}' does not grant.",
            foreign.as_str(),
            role.role_name
        ),
    )
    .on("properties.condition"))
}

fn check_limits(snapshot: &Snapshot, scope: &ResourceId) -> Result<(), ArmError> {
    let roles = snapshot.roles();
    let at = |place: &ResourceId| {
        roles
            .assignments_at_or_above(place)
            .filter(|other| other.scope == *place)
            .count()
    };
    let (place, held, most) = if let Some(subscription) = scope.subscription_id() {
        let held = at(&subscription) + roles.assignments_below(&subscription).count();
        (subscription, held, PER_SUBSCRIPTION)
    } else if scope.management_group().is_some() {
        (scope.clone(), at(scope), PER_MANAGEMENT_GROUP)
    } else {
        return Ok(());
    };
    if held < most {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::RoleAssignmentLimitExceeded,
        format!(
            "No more role assignments can be created in '{place}': it has {held}, and the limit is {most}."
        ),
    ))
}

/// The directory is asked unless the caller names the type of somebody it does not know (yet).
fn principal_type(snapshot: &Snapshot, principal: Uuid, given: Option<&str>) -> Result<String, ArmError> {
    let known = snapshot
        .principal(principal)
        .map(|object| directory::principal_type(object));
    match (known, given) {
        (Some(known), None) => Ok(known.to_owned()),
        (Some(known), Some(given)) if known.eq_ignore_ascii_case(given) => Ok(known.to_owned()),
        (Some(known), Some(given)) => Err(ArmError::new(
            ErrorCode::UnmatchedPrincipalType,
            format!(
                "The PrincipalId '{principal}' has type '{known}' , which is different from specified PrinciaplType \
                 '{given}'."
            ),
        )
        .on("properties.principalType")),
        (None, Some(given)) => Ok(given.to_owned()),
        (None, None) => Err(ArmError::new(
            ErrorCode::PrincipalNotFound,
            format!(
                "Principal {principal} does not exist in the directory. If you just created it, set the \
                 principalType property; the directory is then not asked."
            ),
        )
        .on("properties.principalId")),
    }
}
