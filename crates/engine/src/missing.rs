//! What is not there: the refusal for each kind of thing, and whether the place a request names is there.

use nave_arm::{ArmError, ErrorCode, ResourceId};

use crate::{Snapshot, policy};

/// Refuses a scope whose subscription or group is missing. A resource scope need not be there: roles are held on things
/// that only the data plane knows, such as containers and secrets (rbac-semantics 5.5, 5.7).
pub fn check_place(snapshot: &Snapshot, scope: &ResourceId) -> Result<(), ArmError> {
    let missing = places(scope).find(|place| snapshot.get(place).is_none());
    missing.map_or(Ok(()), |place| Err(not_found(&place)))
}

/// The subscription and the group of an id, as far as it has them.
pub(crate) fn places(id: &ResourceId) -> impl Iterator<Item = ResourceId> + use<> {
    [id.subscription_id(), id.resource_group_id()]
        .into_iter()
        .flatten()
}

/// The refusal of something that is not there, with the code of its kind.
#[must_use]
pub fn not_found(id: &ResourceId) -> ArmError {
    if id.is_resource_group() {
        return ArmError::new(
            ErrorCode::ResourceGroupNotFound,
            format!("Resource group '{}' could not be found.", id.name()),
        );
    }
    if id.is_subscription() {
        return ArmError::new(
            ErrorCode::SubscriptionNotFound,
            format!("The subscription '{}' could not be found.", id.name()),
        );
    }
    let kind = id.resource_type();
    if kind.eq_ignore_ascii_case("Microsoft.Resources/deployments") {
        return ArmError::new(
            ErrorCode::DeploymentNotFound,
            format!("Deployment '{}' could not be found.", id.name()),
        );
    }
    if let Some((code, what)) = of_policy(&kind) {
        return ArmError::new(code, format!("The {what} '{}' is not found.", id.name()));
    }
    let place = id
        .resource_group()
        .map_or_else(String::new, |group| format!(" under resource group '{group}'"));
    ArmError::new(
        ErrorCode::ResourceNotFound,
        format!("The Resource '{kind}/{}'{place} was not found.", id.name()),
    )
}

/// Policy objects have codes of their own; `az` looks a definition up in several places by them.
fn of_policy(kind: &str) -> Option<(ErrorCode, &'static str)> {
    let known = [
        (
            policy::DEFINITIONS,
            ErrorCode::PolicyDefinitionNotFound,
            "policy definition",
        ),
        (
            policy::SET_DEFINITIONS,
            ErrorCode::PolicySetDefinitionNotFound,
            "policy set definition",
        ),
        (
            policy::ASSIGNMENTS,
            ErrorCode::PolicyAssignmentNotFound,
            "policy assignment",
        ),
        (
            policy::EXEMPTIONS,
            ErrorCode::PolicyExemptionNotFound,
            "policy exemption",
        ),
    ];
    let found = known
        .into_iter()
        .find(|(name, ..)| name.eq_ignore_ascii_case(kind));
    found.map(|(_, code, what)| (code, what))
}
