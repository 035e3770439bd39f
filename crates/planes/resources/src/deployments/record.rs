//! A deployment as it is stored and shown.

use jiff::Timestamp;
use nave_arm::{ArmError, ResourceId};
use nave_engine::Resource;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{DEPLOYMENTS, live::Live, prepare::Prepared};

/// How a deployment ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) state: &'static str,
    pub(super) outputs: Value,
    pub(super) written: Vec<ResourceId>,
    pub(super) operations: Vec<Value>,
    pub(super) error: Option<ArmError>,
}

/// What is stored of a deployment before its first resource. `run` names this run of it.
pub(super) fn started(prepared: &Prepared, run: Uuid, correlation_id: Uuid, now: Timestamp) -> Value {
    let mut own = json!({
        "run": run,
        "operations": [],
        "properties": properties(prepared, correlation_id, now),
    });
    if let Some(hub) = &prepared.joins {
        own["joins"] = hub.as_str().into();
    }
    own
}

/// What every answer about a deployment says of it.
pub(super) fn properties(prepared: &Prepared, correlation_id: Uuid, now: Timestamp) -> Value {
    json!({
        "templateHash": prepared.wanted.template.hash(),
        "parameters": prepared.plan.parameters(),
        "mode": prepared.wanted.mode.word(),
        "provisioningState": "Running",
        "timestamp": now.to_string(),
        "duration": "PT0S",
        "correlationId": correlation_id,
        "providers": prepared.providers(),
        "dependencies": prepared.dependencies(),
    })
}

/// What is stored of it after its last resource.
pub(super) fn ended(mut own: Value, ended: Ended, since: Timestamp, now: Timestamp) -> Value {
    own["operations"] = ended.operations.into();
    let properties = &mut own["properties"];
    properties["provisioningState"] = ended.state.into();
    properties["timestamp"] = now.to_string().into();
    properties["duration"] = duration(since, now).into();
    properties["outputResources"] = ended.written.iter().map(|id| json!({ "id": id })).collect();
    if ended.outputs.is_object() {
        properties["outputs"] = ended.outputs;
    }
    if let Some(error) = ended.error {
        properties["error"] = error.body();
    }
    own
}

/// The client's part of the row.
pub(super) fn sent(prepared: &Prepared) -> Value {
    let mut sent = Map::new();
    sent.extend(
        prepared
            .wanted
            .location
            .as_ref()
            .map(|location| (String::from("location"), location.as_str().into())),
    );
    sent.extend(
        prepared
            .wanted
            .tags
            .clone()
            .map(|tags| (String::from("tags"), tags)),
    );
    sent.into()
}

/// The state: what the row says, except that nothing runs that this process does not work on.
pub(super) fn state(row: &Resource, live: &Live) -> String {
    let stored = row
        .own
        .pointer("/properties/provisioningState")
        .and_then(Value::as_str)
        .unwrap_or("Failed");
    let run = row.own["run"].as_str().unwrap_or_default();
    let is_interrupted = stored == "Running" && !live.knows(&row.id, run);
    if is_interrupted {
        String::from("Failed")
    } else {
        stored.to_owned()
    }
}

/// The error of a deployment that failed.
pub(super) fn error(row: &Resource, live: &Live) -> Option<Value> {
    let stored = row.own.pointer("/properties/error").cloned();
    stored.or_else(|| (state(row, live) == "Failed").then(|| super::interrupted::error(&row.id).body()))
}

/// What GET shows.
pub(super) fn view(row: &Resource, live: &Live) -> Value {
    let mut properties = row.own["properties"].clone();
    properties["provisioningState"] = state(row, live).into();
    if let Some(error) = error(row, live) {
        properties["error"] = error;
    }
    shown(&row.id, &row.sent, properties)
}

/// The envelope around a deployment's properties.
pub(super) fn shown(id: &ResourceId, sent: &Value, properties: Value) -> Value {
    let mut body = json!({ "id": id, "name": id.name(), "type": DEPLOYMENTS });
    for name in ["location", "tags"] {
        if let Some(value) = sent.get(name) {
            body[name] = value.clone();
        }
    }
    body["properties"] = properties;
    body
}

/// A span of time in ISO 8601, such as `PT1.5S`.
pub(super) fn duration(since: Timestamp, now: Timestamp) -> String {
    let millis = now.duration_since(since).as_millis().max(0);
    let (seconds, fraction) = (millis / 1000, millis % 1000);
    if fraction == 0 {
        format!("PT{seconds}S")
    } else {
        format!("PT{seconds}.{fraction:03}S")
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn spans_are_written_as_iso_8601() {
        let at = |text: &str| text.parse().expect("an instant");
        let start = at("2026-11-24T12:00:00Z");
        assert_eq!(duration(start, start), "PT0S");
        assert_eq!(duration(start, at("2026-11-24T12:01:01.05Z")), "PT61.050S");
    }
}
