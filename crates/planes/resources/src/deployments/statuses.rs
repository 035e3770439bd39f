//! `deployments/operationStatuses`: what `Azure-AsyncOperation` points at.

use std::sync::Arc;

use http::{HeaderName, Method, header};
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Engine, Reply, Resource,
    decision::Need,
    operation::{Access, Surface},
    route::{Call, Route, Target},
};
use serde_json::{Value, json};

use super::{access, at_both_scopes, live::Live, operations::find, record};

const READ: &str = "Microsoft.Resources/deployments/operationstatuses/read";
const READ_DEPLOYMENT: &str = "Microsoft.Resources/deployments/read";

/// Seconds between two looks. Never 0, which clients take for half a minute (client contract 0.4).
const RETRY_AFTER: &str = "1";

pub(super) fn routes(live: &Arc<Live>) -> Vec<Route> {
    let paths = at_both_scopes!("/providers/Microsoft.Resources/deployments/{name}/operationStatuses/{run}");
    paths.map(|path| route(path, live)).into()
}

fn route(path: &'static str, live: &Arc<Live>) -> Route {
    let live = live.clone();
    let route = Route::new(
        Method::GET,
        path,
        Surface::Arm,
        Access::action(READ),
        move |call: Call| {
            let live = live.clone();
            async move { status(&call, &live) }
        },
    );
    route.about(|snapshot, _, params| {
        let id = access::deployment(params)?;
        let own = [READ, READ_DEPLOYMENT].map(|action| Need::action(action, id.clone()));
        Ok(Target {
            ways: access::to_read(snapshot, &id, own.into()),
            id,
        })
    })
}

fn status(call: &Call, live: &Live) -> Result<Reply, ArmError> {
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
    let state = record::state(&row, live);
    let mut body = json!({ "status": state });
    if let Some(error) = record::error(&row, live) {
        body["error"] = error;
    }
    let reply = Reply::ok(body);
    Ok(if state == "Running" {
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
