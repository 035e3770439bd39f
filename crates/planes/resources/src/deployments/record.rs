//! A deployment as it is stored and shown.

use jiff::Timestamp;
use nave_arm::{ArmError, ResourceId};
use nave_engine::Resource;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{DEPLOYMENTS, job::Job, links::Link, prepare::Prepared, wanted::OnError};

/// How a deployment ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) state: &'static str,
    pub(super) outputs: Value,
    pub(super) written: Vec<ResourceId>,
    pub(super) operations: Vec<Value>,
    pub(super) error: Option<ArmError>,
}

/// The state of a deployment that is under way.
pub(super) const RUNNING: &str = "Running";

/// What is stored of a deployment before its first resource. `within` is the deployment it is nested in.
pub(super) fn started(
    prepared: &Prepared,
    job: &Job,
    within: Option<&ResourceId>,
    template: Option<Value>,
) -> Value {
    let mut own = json!({
        "run": job.begun.run,
        "operations": [],
        "properties": properties(prepared, job.outer.correlation_id, job.engine.world().now()),
    });
    let hub = prepared.joins.as_ref().map(|hub| hub.as_str().into());
    let within = within.map(|outer| outer.as_str().into());
    for (name, value) in [("joins", hub), ("within", within), ("template", template)] {
        if let Some(value) = value {
            own[name] = value;
        }
    }
    own
}

/// What every answer about a deployment says of it.
pub(super) fn properties(prepared: &Prepared, correlation_id: Uuid, now: Timestamp) -> Value {
    let wanted = &prepared.wanted;
    let mut properties = json!({
        "templateHash": wanted.template.hash(),
        "parameters": prepared.plan.parameters(),
        "mode": wanted.settings.mode.word(),
        "provisioningState": RUNNING,
        "timestamp": now.to_string(),
        "duration": "PT0S",
        "correlationId": correlation_id,
        "providers": prepared.providers(),
        "dependencies": prepared.dependencies(),
    });
    let more = [
        ("templateLink", wanted.template_link.as_ref().map(Link::shown)),
        ("parametersLink", wanted.parameters_link.as_ref().map(Link::shown)),
        (
            "onErrorDeployment",
            wanted.settings.on_error.as_ref().map(OnError::shown),
        ),
        ("debugSetting", wanted.settings.debug.clone()),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            properties[name] = value;
        }
    }
    properties
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
            .settings
            .location
            .as_ref()
            .map(|location| (String::from("location"), location.as_str().into())),
    );
    sent.extend(
        prepared
            .wanted
            .settings
            .tags
            .clone()
            .map(|tags| (String::from("tags"), tags)),
    );
    sent.into()
}

/// The state.
pub(super) fn state(row: &Resource) -> &str {
    let stored = row.own.pointer("/properties/provisioningState");
    stored.and_then(Value::as_str).unwrap_or("Failed")
}

/// What GET shows.
pub(super) fn view(row: &Resource) -> Value {
    shown(&row.id, &row.sent, row.own["properties"].clone())
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
