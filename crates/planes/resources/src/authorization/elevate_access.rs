//! `POST /providers/Microsoft.Authorization/elevateAccess`: User Access Administrator over everything, for who may take it
//! (rbac-semantics 5.4). nave has no directory role that may; whoever holds the action at the tenant may, which Owner
//! there does. Asking twice changes nothing.

use http::Method;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Reply, inner_request,
    operation::{Access, Surface},
    rbac::built_in::USER_ACCESS_ADMINISTRATOR,
    route::{Call, Route},
};
use serde_json::json;
use uuid::Uuid;

use super::{ROLE_ASSIGNMENTS, role_id};

const PATH: &str = "/providers/Microsoft.Authorization/elevateAccess";
const API_VERSION: &str = "2022-04-01";

pub(crate) fn routes() -> Vec<Route> {
    let access = Access::action("Microsoft.Authorization/elevateAccess/action");
    vec![Route::new(Method::POST, PATH, Surface::Arm, access, elevate)]
}

async fn elevate(call: Call) -> Result<Reply, ArmError> {
    let (tenant, caller) = (ResourceId::tenant(), call.grant.caller());
    let held = call
        .engine
        .snapshot()
        .roles()
        .assignment_of(caller.object_id, USER_ACCESS_ADMINISTRATOR, &tenant)
        .is_some();
    if held {
        return Ok(Reply::empty(200));
    }
    let name = Uuid::new_v5(&caller.object_id, b"elevated access").to_string();
    let id = tenant.extension(ROLE_ASSIGNMENTS, &name);
    let body = json!({ "properties": {
        "roleDefinitionId": role_id(&tenant, USER_ACCESS_ADMINISTRATOR),
        "principalId": caller.object_id,
        "description": "Elevated access, taken by the principal itself.",
    } });
    // through the same door as any other assignment, with the same rules and in the same log
    let request = inner_request(
        caller,
        Method::PUT,
        id.as_str(),
        API_VERSION,
        &body,
        &call.request,
    );
    let reply = call.engine.serve(request).await;
    Ok(if reply.status < 300 {
        Reply::empty(200)
    } else {
        reply
    })
}
