//! One event of the log as the activity log shows it.

use nave_arm::ResourceId;
use nave_engine::{Event, EventKind, without_nulls};
use serde_json::{Value, json};

/// The outcome of an entry that tells when a request began.
const STARTED: &str = "Started";

/// The beginning of the request an event is the end of. Giving and taking roles has both in the log, because that is
/// how `az role assignment list-changelogs` tells who was given what.
pub(super) fn beginning(event: &Event) -> Option<Event> {
    given(event)?;
    Some(Event {
        id: event.decision,
        outcome: STARTED.to_owned(),
        ..event.clone()
    })
}

/// The verb that gave or took a role, and the assignment.
fn given(event: &Event) -> Option<(&'static str, Value)> {
    let method = match event
        .operation
        .strip_prefix("Microsoft.Authorization/roleAssignments/")?
    {
        "write" => "PUT",
        "delete" => "DELETE",
        _ => return None,
    };
    let changed = event.detail.pointer("/detail/changed")?.as_array()?;
    let own = changed
        .iter()
        .find(|row| row["id"].as_str() == Some(&event.resource))?;
    let mut properties = own.get("given")?.clone();
    let id = ResourceId::parse(&event.resource).ok()?;
    properties["scope"] = json!(id.scope()?);
    Some((
        method,
        json!({ "id": id, "name": id.name(), "properties": properties }),
    ))
}

/// Azure's `EventData`. The decision stands in `properties`, whose values are texts.
pub(super) fn view(event: &Event) -> Value {
    let resource = ResourceId::parse(&event.resource).unwrap_or_else(|_| ResourceId::tenant());
    let id = event.id.to_string();
    let at = event.at.to_string();
    let denied = event.outcome == "Denied";
    let category = EventKind::of(event).activity_category();
    let provider = event.operation.split('/').next().unwrap_or_default();
    let name = match event.outcome.as_str() {
        STARTED => word("BeginRequest", "Begin request"),
        _ => word("EndRequest", "End request"),
    };
    json!({
        "id": format!("{}/events/{id}/ticks/{}", event.resource, event.at.as_microsecond()),
        "eventDataId": id,
        "operationId": event.decision,
        "correlationId": event.correlation_id,
        "eventName": name,
        "category": word(category, category),
        "level": if denied { "Error" } else { "Informational" },
        "eventTimestamp": at,
        "submissionTimestamp": at,
        "caller": event.caller_name,
        "claims": { "http://schemas.microsoft.com/identity/claims/objectidentifier": event.caller, "name": event.caller_name },
        "authorization": without_nulls(json!({ "action": event.operation, "role": role(event), "scope": event.resource })),
        "operationName": word(&event.operation, &event.operation),
        "resourceGroupName": resource.resource_group().unwrap_or_default(),
        "resourceProviderName": word(provider, provider),
        "resourceType": word(&resource.resource_type(), &resource.resource_type()),
        "resourceId": event.resource,
        "status": word(status(event), status(event)),
        "subStatus": sub_status(denied),
        "subscriptionId": resource.subscription().unwrap_or_default(),
        "httpRequest": given(event).map(|(method, _)| json!({ "method": method })),
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
    let mut properties = json!({
        "eventCategory": EventKind::of(event).activity_category(),
        "entity": event.resource,
        "message": event.operation,
        "decision": text("decision"),
        "detail": text("detail"),
    });
    if let Some(cause) = event.cause {
        properties["cause"] = cause.to_string().into();
    }
    if let Some((_, assignment)) = given(event) {
        // spelled as the clients spell them
        let body = match event.outcome.as_str() {
            STARTED => "requestbody",
            _ => "responseBody",
        };
        properties[body] = assignment.to_string().into();
    }
    properties
}
