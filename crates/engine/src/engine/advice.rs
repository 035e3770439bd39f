//! What would help who was refused, where the refusal alone does not say.

use nave_arm::ResourceId;

use crate::{
    Decision, Snapshot,
    decision::Outcome,
    workspaces::{WORKSPACES, is_hub},
};

/// Who has a role on a hub expects it to hold in the hub's projects. It does not, since a project is not below its hub
/// (rbac-semantics 5.6); but that is nothing one can see. Said of any workspace, whether it is there or not: what is
/// said depends on the caller's own roles alone.
pub(super) fn advice(snapshot: &Snapshot, decision: &Decision) -> Option<&'static str> {
    let refused = decision
        .findings
        .iter()
        .find(|finding| matches!(finding.outcome, Outcome::Refused(_)))?;
    let is_workspace = |id: &ResourceId| id.resource_type().eq_ignore_ascii_case(WORKSPACES);
    let workspace = refused.scope.ancestors().find(is_workspace)?;
    let roles = snapshot.roles();
    let held = || {
        roles
            .assignments_of(decision.caller.object_id)
            .map(|held| &held.scope)
    };
    let has_hub = held().any(|scope| snapshot.get(scope).is_some_and(|row| is_hub(row)));
    let is_member = held().any(|scope| *scope == workspace);
    (has_hub && !is_member).then_some(
        " A role on a hub does not reach the hub's projects: ask an owner of the project for a role on the project.",
    )
}
