//! Where a route's request points: at a subscription, a group or a resource that must be there.

use std::sync::Arc;

use nave_arm::ArmError;
use nave_engine::{
    Resource, Snapshot,
    request::{Params, Request},
    route::{Call, Route, Target},
};

pub(crate) use nave_engine::missing::{check_place as check, not_found as missing};

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
