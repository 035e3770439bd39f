//! The last Owner of a subscription stays (rbac-semantics 9, 9.1), and so does the last Owner of everything: nave has
//! no administrator outside its role assignments who could let anybody in again.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Guard, Resource, Snapshot,
    declaration::Cx,
    rbac::built_in::{OWNER, USER_ACCESS_ADMINISTRATOR},
};

use super::ROLE_ASSIGNMENTS;
use crate::unchanged;

/// Refuses to delete the last Owner assignment directly at a subscription or at the tenant; an inherited one does not
/// count. Where the deletion leaves another, that one must still be there when it is committed: two deletions at the
/// same moment cannot both rely on each other. At a subscription, who holds elevated access at the tenant is exempt.
pub(super) fn check(cx: &Cx<'_>, assignment: &Resource) -> Result<Vec<Guard>, ArmError> {
    let roles = cx.snapshot.roles();
    let Some(own) = roles.assignment(&assignment.id) else {
        return Ok(Vec::new());
    };
    let matters = own.role == OWNER && (own.scope.is_subscription() || own.scope.is_tenant());
    let elevated = [OWNER, USER_ACCESS_ADMINISTRATOR];
    let exempt = own.scope.is_subscription()
        && roles.holds_role(cx.caller.object_id, &elevated, &ResourceId::tenant());
    if !matters || exempt {
        return Ok(Vec::new());
    }
    if other_owners(cx.snapshot, &own.scope, &own.id) == 0 {
        return Err(ArmError::new(
            ErrorCode::CannotDeleteLastRbacAdminAssignment,
            "Cannot delete the last RBAC admin assignment",
        ));
    }
    Ok(vec![unchanged::since(cx.snapshot, ROLE_ASSIGNMENTS, &own.scope)])
}

fn other_owners(snapshot: &Snapshot, scope: &ResourceId, except: &ResourceId) -> usize {
    let here = snapshot.roles().assignments_at_or_above(scope);
    here.filter(|other| other.scope == *scope && other.role == OWNER && other.id != *except)
        .count()
}
