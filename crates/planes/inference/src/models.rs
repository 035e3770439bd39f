//! The models that can be called: the deployments of an account, or those behind a project's connections (AIS-10).
//! An item's `id` is what to send as `model`.

use nave_arm::{ArmError, ErrorCode};
use nave_engine::{Reply, Resource, route::Call};
use serde_json::{Value, json};

use crate::{account, broker, place::Named};

/// GET of the list.
pub(crate) fn list(call: &Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let data: Vec<Value> = match call.params.get("project") {
        "" => account::deployments(&snapshot, call.grant.id())
            .map(|deployment| item(deployment.id.name(), deployment))
            .collect(),
        _ => {
            let seen = broker::model_connections(&snapshot, call.grant.id());
            let listed = broker::listed(&snapshot, call.engine.site(), &seen);
            listed
                .iter()
                .filter_map(|(name, found)| behind(name, found))
                .collect()
        }
    };
    Ok(Reply::ok(json!({ "object": "list", "data": data })))
}

/// GET of one.
pub(crate) fn get(call: &Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let Some(named) = Named::in_path(&call.params) else {
        return Err(ArmError::new(ErrorCode::NotFound, "The path names no model."));
    };
    if call.params.get("project").is_empty() {
        let deployment = account::deployment(&snapshot, call.grant.id(), named.deployment)?;
        return Ok(Reply::ok(item(deployment.id.name(), deployment)));
    }
    let seen = broker::model_connections(&snapshot, call.grant.id());
    let found = broker::find(&snapshot, call.engine.site(), &seen, call.grant.id(), named)?;
    let name = named.connection.map_or_else(
        || named.deployment.to_owned(),
        |connection| format!("{connection}/{}", named.deployment),
    );
    behind(&name, &found).map(Reply::ok).ok_or_else(|| {
        ArmError::new(
            ErrorCode::NotFound,
            format!(
                "The connection '{}' leads to another server, whose models are not listed here.",
                found.connection.id.name()
            ),
        )
    })
}

fn behind(name: &str, found: &broker::Found) -> Option<Value> {
    let mut item = item(name, found.deployment.as_ref()?);
    item["connection"] = found.connection.id.name().into();
    Some(item)
}

fn item(name: &str, deployment: &Resource) -> Value {
    json!({
        "id": name,
        "object": "model",
        "created": deployment.history.created_at.as_second(),
        "owned_by": deployment.id.parent().map_or_else(String::new, |account| account.name().to_owned()),
        "status": "succeeded",
        "model": deployment.text("/properties/model/name"),
    })
}
