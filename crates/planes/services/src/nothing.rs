//! Collections that are always empty. Clients ask for deleted accounts and vaults, and for hardware modules, on
//! their way to something else; nave deletes at once and has no such modules, so there is nothing to list, to
//! restore or to purge.

use http::Method;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::json;

/// A list of nothing.
pub(crate) fn list(path: &'static str, action: &str) -> Route {
    Route::new(
        Method::GET,
        path,
        Surface::Arm,
        Access::action(action.to_owned()),
        |call: Call| async move {
            super::place::check(&call.engine.snapshot(), call.grant.id())?;
            Ok(Reply::ok(json!({ "value": [] })))
        },
    )
}

/// One of nothing: to read it or to act on it finds nothing.
pub(crate) fn one(method: Method, path: &'static str, action: &str) -> Route {
    Route::new(
        method,
        path,
        Surface::Arm,
        Access::action(action.to_owned()),
        |call: Call| async move {
            super::place::check(&call.engine.snapshot(), call.grant.id())?;
            let (name, what) = (
                call.params.get("name"),
                "a deleted resource is gone at once and is not kept",
            );
            Err(ArmError::new(
                ErrorCode::ResourceNotFound,
                format!("There is no deleted resource '{name}': {what}."),
            ))
        },
    )
}

/// Deleting one of nothing, which is done before it began.
pub(crate) fn delete(path: &'static str, action: &str) -> Route {
    Route::new(
        Method::DELETE,
        path,
        Surface::Arm,
        Access::action(action.to_owned()),
        |call: Call| async move {
            super::place::check(&call.engine.snapshot(), call.grant.id())?;
            Ok(Reply::empty(204))
        },
    )
}
