//! What PUT and DELETE of a custom role take, besides its rules (`nave_rbac::role_rules`; rbac-semantics 8).

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::decision::Need;
use uuid::Uuid;

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
