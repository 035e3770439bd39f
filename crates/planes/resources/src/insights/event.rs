//! One event of the log as the activity log shows it.

use nave_arm::ResourceId;
use nave_engine::Event;
use serde_json::{Value, json};

/// Azure's `EventData`. The decision stands in `properties`, whose values are texts.
pub(super) fn view(event: &Event) -> Value {
    let resource = ResourceId::parse(&event.resource).unwrap_or_else(|_| ResourceId::tenant());
    let id = event.id.to_string();
    let at = event.at.to_string();
    let denied = event.outcome == "Denied";
    let provider = event.operation.split('/').next().unwrap_or_default();
    json!({
        "id": format!("{}/events/{id}/ticks/{}", event.resource, event.at.as_microsecond()),
        "eventDataId": id,
        "operationId": event.correlation_id,
        "correlationId": event.correlation_id,
        "eventName": word("EndRequest", "End request"),
        "category": word("Administrative", "Administrative"),
        "level": if denied { "Error" } else { "Informational" },
        "eventTimestamp": at,
        "submissionTimestamp": at,
        "caller": event.caller_name,
        "claims": { "http://schemas.microsoft.com/identity/claims/objectidentifier": event.caller, "name": event.caller_name },
        "authorization": { "action": event.operation, "role": role(event), "scope": event.resource },
        "operationName": word(&event.operation, &event.operation),
        "resourceGroupName": resource.resource_group().unwrap_or_default(),
        "resourceProviderName": word(provider, provider),
        "resourceType": word(&resource.resource_type(), &resource.resource_type()),
        "resourceId": event.resource,
        "status": word(status(event), status(event)),
        "subStatus": sub_status(denied),
        "subscriptionId": resource.subscription().unwrap_or_default(),
        "properties": properties(event),
    })
}

fn word(value: &str, shown: &str) -> Value {
    json!({ "value": value, "localizedValue": shown })
}

/// The status as the log shows it: what was refused has failed.
pub(super) fn status(event: &Event) -> &str {
    if event.outcome == "Denied" {
        "Failed"
    } else {
        &event.outcome
    }
}

fn sub_status(denied: bool) -> Value {
    if denied {
        word("Forbidden", "Forbidden (HTTP Status Code: 403)")
    } else {
        word("", "")
    }
}

/// The role that granted the operation, if one did.
fn role(event: &Event) -> Value {
    event
        .detail
        .pointer("/decision/findings/0/reason/roleName")
        .cloned()
        .unwrap_or_default()
}

fn properties(event: &Event) -> Value {
    let text = |name: &str| event.detail.get(name).map(Value::to_string).unwrap_or_default();
    json!({
        "eventCategory": "Administrative",
        "entity": event.resource,
        "message": event.operation,
        "decision": text("decision"),
        "detail": text("detail"),
    })
}
