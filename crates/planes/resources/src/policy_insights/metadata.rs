//! `policyMetadata`: texts about the regulations that Azure's own initiatives refer to. nave brings none of them, so the
//! list is empty and nothing has a name in it.

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::json;

pub(super) fn routes() -> Vec<Route> {
    let paths = [
        "/providers/Microsoft.PolicyInsights/policyMetadata",
        "/providers/Microsoft.PolicyInsights/policyMetadata/{metadata}",
    ];
    let route = |path| Route::new(Method::GET, path, Surface::Arm, Access::SignedIn, read);
    paths
        .map(|path| route(path).about(|_, _, _| Ok(ResourceId::tenant().into())))
        .into()
}

async fn read(call: Call) -> Result<Reply, ArmError> {
    match call.params.get("metadata") {
        "" => Ok(Reply::ok(json!({ "value": [] }))),
        name => Err(ArmError::new(
            ErrorCode::ResourceNotFound,
            format!("There is no policy metadata '{name}': this server brings none."),
        )),
    }
}
