//! The last Owner of a subscription stays (rbac-semantics 9, 9.1), and so does the last Owner of everything: nave has
//! no administrator outside its role assignments who could let anybody in again.

use nave_arm::ArmError;
use nave_engine::{Guard, Resource, declaration::Cx, rbac::assignment_rules};

use super::ROLE_ASSIGNMENTS;
use crate::unchanged;

/// Refuses to delete the last Owner assignment. Where the deletion leaves another, that one must still be there when it
/// is committed: two deletions at the same moment cannot both rely on each other.
pub(super) fn check(cx: &Cx<'_>, assignment: &Resource) -> Result<Vec<Guard>, ArmError> {
    let relies_on_another =
        assignment_rules::check_deletion(cx.snapshot.roles(), cx.caller.object_id, &assignment.id)?;
    let scope = assignment.id.scope().filter(|_| relies_on_another);
    let guard = scope.map(|scope| unchanged::since(cx.snapshot, ROLE_ASSIGNMENTS, &scope));
    Ok(guard.into_iter().collect())
}
