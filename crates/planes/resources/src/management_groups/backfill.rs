//! `startTenantBackfill` and `tenantBackfillStatus`: whether every subscription is in the hierarchy. Here they always are,
//! from the first group on, so there is nothing to start and it is always completed.

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::json;

pub(super) fn routes() -> [Route; 2] {
    let start = "/providers/Microsoft.Management/startTenantBackfill";
    let status = "/providers/Microsoft.Management/tenantBackfillStatus";
    let access = |action: &str| Access::action(format!("Microsoft.Management/{action}/action"));
    [
        Route::new(
            Method::POST,
            start,
            Surface::Arm,
            access("starttenantbackfill"),
            answer,
        ),
        Route::new(
            Method::POST,
            status,
            Surface::Arm,
            access("tenantbackfillstatus"),
            answer,
        ),
    ]
}

async fn answer(call: Call) -> Result<Reply, ArmError> {
    Ok(Reply::ok(
        json!({ "tenantId": call.engine.site().tenant, "status": "Completed" }),
    ))
}
