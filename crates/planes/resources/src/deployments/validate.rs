//! `POST deployments/{name}/validate`: every error of template, right and body before anything is changed.

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route, Target},
};
use serde_json::json;

use super::{
    access, at_both_scopes, door::Door, live::Live, preflight, prepare::Prepared, record, wanted::Wanted,
};

pub(super) fn routes() -> Vec<Route> {
    let paths = at_both_scopes!("/providers/Microsoft.Resources/deployments/{name}/validate");
    paths
        .map(|path| {
            let access = Access::action("Microsoft.Resources/deployments/validate/action");
            let route = Route::new(Method::POST, path, Surface::Arm, access, validate);
            route.about(|_, _, params| access::deployment(params).map(Target::from))
        })
        .into()
}

async fn validate(call: Call) -> Result<Reply, ArmError> {
    let Call {
        engine,
        grant,
        request,
        ..
    } = call;
    let prepared = Prepared::new(&engine, grant.caller(), grant.id(), Wanted::of(&request)?)?;
    let door = Door {
        engine: &engine,
        caller: grant.caller(),
        outer: &request,
        live: &Live::default(),
    };
    let foreseen = preflight::check(&door, &prepared).await?;
    let mut properties = record::properties(&prepared, request.correlation_id, engine.world().now());
    properties["provisioningState"] = "Succeeded".into();
    properties["validatedResources"] = foreseen
        .iter()
        .map(|one| json!({ "id": one.resource.id }))
        .collect();
    Ok(Reply::ok(record::shown(
        &prepared.id,
        &record::sent(&prepared),
        properties,
    )))
}
