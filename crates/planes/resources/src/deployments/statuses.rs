//! `deployments/operationStatuses`: what `Azure-AsyncOperation` points at.

use http::{HeaderName, Method, header};
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Engine, Reply, Resource,
    decision::Need,
    operation::{Access, Surface},
    route::{Call, Route, Target},
};
use serde_json::{Value, json};

use super::{
    access,
    levels::{self, at_all_scopes},
    operations::find,
    record,
};

const READ: &str = "Microsoft.Resources/deployments/operationstatuses/read";
const READ_DEPLOYMENT: &str = "Microsoft.Resources/deployments/read";

/// Seconds between two looks. Never 0, which clients take for half a minute (client contract 0.4).
const RETRY_AFTER: &str = "1";

pub(super) fn routes() -> Vec<Route> {
    let paths = at_all_scopes!("/providers/Microsoft.Resources/deployments/{name}/operationStatuses/{run}");
    paths.map(route).into()
}

fn route(path: &'static str) -> Route {
    let route = Route::new(
        Method::GET,
        path,
        Surface::Arm,
        Access::action(READ),
        async |call: Call| status(&call),
    );
    route.about(|snapshot, _, params| {
        let id = levels::deployment(params)?;
        let own = [READ, READ_DEPLOYMENT].map(|action| Need::action(action, id.clone()));
        Ok(Target {
            ways: access::to_read(snapshot, &id, own.into()),
            id,
        })
    })
}

fn status(call: &Call) -> Result<Reply, ArmError> {
    let row = find(call)?;
    let run = call.params.get("run");
    if row.own["run"]
        .as_str()
        .is_none_or(|known| !known.eq_ignore_ascii_case(run))
    {
        return Err(ArmError::new(
            ErrorCode::ResourceNotFound,
            format!(
                "The deployment '{}' was started anew; there is nothing more about '{run}'.",
                row.id.name()
            ),
        ));
    }
    let state = record::state(&row);
    let mut body = json!({ "status": state });
    if let Some(error) = row.own.pointer("/properties/error") {
        body["error"] = error.clone();
    }
    let reply = Reply::ok(body);
    Ok(if state == record::RUNNING {
        reply.with(header::RETRY_AFTER, RETRY_AFTER)
    } else {
        reply
    })
}

/// Tells the client where to look for what comes of a deployment that has not succeeded yet.
pub(super) fn announce(reply: Reply, engine: &Engine, row: &Resource, api_version: &str) -> Reply {
    let run = row.own["run"].as_str().unwrap_or_default();
    let url = format!(
        "{}/operationStatuses/{run}?api-version={api_version}",
        engine.site().url(&row.id)
    );
    reply
        .with(HeaderName::from_static("azure-asyncoperation"), &url)
        .with(header::RETRY_AFTER, RETRY_AFTER)
}

/// Whether a deployment has ended well.
pub(super) fn is_success(view: &Value) -> bool {
    view.pointer("/properties/provisioningState")
        .and_then(Value::as_str)
        == Some("Succeeded")
}
