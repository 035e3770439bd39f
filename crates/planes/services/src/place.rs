//! Where a route's request points: at a subscription, a group or a resource that must be there.

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Resource, Snapshot,
    request::{Params, Request},
    route::{Call, Route, Target},
};

/// Refuses a scope whose subscription or group is missing.
pub(crate) fn check(snapshot: &Snapshot, scope: &ResourceId) -> Result<(), ArmError> {
    if let Some(subscription) = scope.subscription_id().filter(|id| snapshot.get(id).is_none()) {
        let message = format!("The subscription '{}' could not be found.", subscription.name());
        return Err(ArmError::new(ErrorCode::SubscriptionNotFound, message));
    }
    if let Some(group) = scope.resource_group_id().filter(|id| snapshot.get(id).is_none()) {
        let message = format!("Resource group '{}' could not be found.", group.name());
        return Err(ArmError::new(ErrorCode::ResourceGroupNotFound, message));
    }
    Ok(())
}

/// A route about the resource of a type that its path names as `{name}`.
pub(crate) fn about(route: Route, resource_type: &'static str) -> Route {
    route.about(move |_: &Snapshot, _: &Request, params: &Params| {
        Ok(Target::from(
            params.scope()?.extension(resource_type, params.get("name")),
        ))
    })
}

/// The resource a route is about.
pub(crate) fn resource(call: &Call) -> Result<Arc<Resource>, ArmError> {
    let snapshot = call.engine.snapshot();
    let id = call.grant.id();
    check(&snapshot, id)?;
    snapshot.get(id).cloned().ok_or_else(|| missing(id))
}

/// The refusal of a resource that is not there.
pub(crate) fn missing(id: &ResourceId) -> ArmError {
    let (kind, name) = (id.resource_type(), id.name());
    let place = id
        .resource_group()
        .map_or_else(String::new, |group| format!(" under resource group '{group}'"));
    ArmError::new(
        ErrorCode::ResourceNotFound,
        format!("The Resource '{kind}/{name}'{place} was not found."),
    )
}
