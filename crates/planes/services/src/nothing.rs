//! Collections that are always empty. Clients ask for hardware modules on their way to something else; nave has none, so
//! there is nothing to list.

use http::Method;
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
