//! `POST deployments/{name}/validate`: every error of template, right, policy and body before anything is changed.

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route, Target},
};
use serde_json::{Value, json};

use super::{
    Deployments,
    job::Job,
    levels::{self, at_all_scopes},
    on_error,
    prepare::{Place, Prepared},
    record, rehearse,
    wanted::{Request, Validation},
};

pub(super) fn routes(deployments: &Deployments) -> Vec<Route> {
    let paths = at_all_scopes!("/providers/Microsoft.Resources/deployments/{name}/validate");
    paths
        .map(|path| {
            let deployments = deployments.clone();
            let access = Access::action("Microsoft.Resources/deployments/validate/action");
            let route = Route::new(Method::POST, path, Surface::Arm, access, move |call| {
                validate(deployments.clone(), call)
            });
            route.about(|_, _, params| levels::deployment(params).map(Target::from))
        })
        .into()
}

async fn validate(deployments: Deployments, call: Call) -> Result<Reply, ArmError> {
    let Call {
        engine,
        grant,
        request,
        ..
    } = call;
    let job = Job::new(&engine, &deployments.live, &deployments.links, &request);
    let wanted = Request::of(&request)?.fetched(&job.fetched).await?;
    let prepared = Prepared::new(&job, grant.id(), wanted, Place::Root)?;
    on_error::check(&job, &prepared)?;
    let validated: Value = match prepared.wanted.settings.level {
        Validation::Template => {
            let written = prepared.written();
            written
                .map(|(_, resource)| json!({ "id": resource.id }))
                .collect()
        }
        Validation::Provider | Validation::ProviderNoRbac => {
            let rehearsed = rehearse::check(&job, &prepared).await?;
            let tried = rehearsed.tried.iter();
            tried.map(|tried| json!({ "id": tried.resource.id })).collect()
        }
    };
    let mut properties = record::properties(&prepared, request.correlation_id, engine.world().now());
    properties["provisioningState"] = "Succeeded".into();
    properties["validatedResources"] = validated;
    Ok(Reply::ok(record::shown(
        &prepared.id,
        &record::sent(&prepared),
        properties,
    )))
}
