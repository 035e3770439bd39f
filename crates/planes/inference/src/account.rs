//! The deployments of an account, as its callers name them.

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Resource, Snapshot, accounts::DEPLOYMENTS};

/// The account's deployment of this name.
pub(crate) fn find<'a>(
    snapshot: &'a Snapshot,
    account: &ResourceId,
    name: &str,
) -> Option<&'a Arc<Resource>> {
    if name.is_empty() || name.contains('/') {
        return None;
    }
    snapshot.get(&account.child("deployments", name))
}

/// The account's deployments, by id.
pub(crate) fn deployments<'a>(
    snapshot: &'a Snapshot,
    account: &ResourceId,
) -> impl Iterator<Item = &'a Arc<Resource>> + use<'a> {
    snapshot
        .below(account)
        .filter(|resource| resource.id.resource_type().eq_ignore_ascii_case(DEPLOYMENTS))
}

/// The deployment of this name, or a refusal that says which there are.
pub(crate) fn deployment<'a>(
    snapshot: &'a Snapshot,
    account: &ResourceId,
    name: &str,
) -> Result<&'a Arc<Resource>, ArmError> {
    find(snapshot, account, name).ok_or_else(|| {
        let names: Vec<&str> = deployments(snapshot, account)
            .map(|deployment| deployment.id.name())
            .collect();
        missing(name, &format!("account '{}'", account.name()), &names)
    })
}

/// Whether a deployment that was found is there still; its account goes with it at the latest.
pub(crate) fn still_there(snapshot: &Snapshot, deployment: &ResourceId) -> Result<(), ArmError> {
    let account = deployment
        .parent()
        .filter(|account| snapshot.get(account).is_some());
    if account.is_some() && snapshot.get(deployment).is_some() {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::DeploymentNotFound,
        format!(
            "The model deployment '{}' was deleted while it answered.",
            deployment.name()
        ),
    ))
}

/// The refusal of a name that no deployment has.
pub(crate) fn missing(name: &str, place: &str, there_are: &[&str]) -> ArmError {
    let name: String = name.chars().take(100).collect();
    let rest = match there_are {
        [] => String::from("It has no deployments yet."),
        names => format!("Its deployments are '{}'.", names.join("', '")),
    };
    ArmError::new(
        ErrorCode::DeploymentNotFound,
        format!("The model deployment '{name}' does not exist in {place}. {rest}"),
    )
}
