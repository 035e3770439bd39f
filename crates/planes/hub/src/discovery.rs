//! Where a workspace's data planes are. Clients read it before they sign in, so it says nothing that the origin does
//! not say already (client contract 6.3).

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::Value;

/// The services that clients look up. All of them are at this server's origin.
const SERVICES: &[&str] = &[
    "api",
    "catalog",
    "experimentation",
    "gallery",
    "history",
    "hyperdrive",
    "labeling",
    "modelmanagement",
    "pipelines",
    "studio",
];

pub(crate) fn routes() -> [Route; 1] {
    [Route::new(
        Method::GET,
        "/discovery",
        Surface::Workspace,
        Access::Public,
        discover,
    )]
}

async fn discover(call: Call) -> Result<Reply, ArmError> {
    let origin = &call.engine.site().origin;
    let services = SERVICES
        .iter()
        .map(|name| ((*name).to_owned(), Value::from(origin.as_str())));
    Ok(Reply::ok(Value::Object(services.collect())))
}
