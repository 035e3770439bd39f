//! What the caller may do at a scope: the answer the portal draws its buttons from (RBAC-14).

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::json;

use crate::scope;

pub(crate) fn routes() -> Vec<Route> {
    let path = "/{scope}/providers/Microsoft.Authorization/permissions";
    vec![Route::new(
        Method::GET,
        path,
        Surface::Arm,
        Access::SignedIn,
        list,
    )]
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    scope::check(&snapshot, call.grant.id())?;
    let value = snapshot
        .roles()
        .permissions_at(call.grant.caller().object_id, call.grant.id());
    Ok(Reply::ok(json!({ "value": value })))
}
