//! `/tenants`: the one directory this server has. `az login` asks for it before it knows any subscription.

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route},
    site::Site,
};
use serde_json::{Value, json};

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(
        Method::GET,
        "/tenants",
        Surface::Arm,
        Access::SignedIn,
        list,
    )]
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    Ok(Reply::ok(json!({ "value": [tenant(call.engine.site())] })))
}

fn tenant(site: &Site) -> Value {
    json!({
        "id": format!("/tenants/{}", site.tenant),
        "tenantId": site.tenant,
        "displayName": site.tenant_name,
        "domains": [site.domain],
        "defaultDomain": site.domain,
        "tenantType": "AAD",
        "tenantCategory": "Home",
    })
}
