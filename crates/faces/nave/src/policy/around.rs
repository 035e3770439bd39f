//! What stands around the resource: its id and type completed, its group and subscription, the request and the time.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::clock::{RealWorld, World};
use nave_policy::{Request, Subject};
use serde_json::{Value, json};

/// A resource with its surroundings.
#[derive(Debug)]
pub(super) struct Around {
    pub(super) resource: Value,
    group: Option<Value>,
    subscription: Option<Value>,
    api_version: Option<String>,
    identity: Value,
    now: String,
}

impl Around {
    /// What the context says, and what the id of the resource lets know.
    pub(super) fn of(resource: &Value, context: &Value) -> Result<Self, ArmError> {
        let resource = completed(resource)?;
        let id = resource["id"].as_str().and_then(|id| ResourceId::parse(id).ok());
        let own_subscription = id.as_ref().and_then(ResourceId::subscription);
        let named = |value: &Value, name: &str| match value {
            Value::String(text) => json!({ name: text, "name": text }),
            other => other.clone(),
        };
        let subscription = match context.get("subscription").or_else(|| context.get("subscriptionId")) {
            Some(given) => Some(named(given, "subscriptionId")),
            None => own_subscription.map(|id| json!({"id": format!("/subscriptions/{id}"), "subscriptionId": id, "displayName": id, "tags": {}})),
        };
        let group = match context.get("resourceGroup") {
            Some(given) => Some(named(given, "name")),
            None => id.as_ref().and_then(group_of),
        };
        let request = &context["requestContext"];
        let api_version = request["apiVersion"]
            .as_str()
            .or_else(|| resource["apiVersion"].as_str());
        let now = context["utcNow"]
            .as_str()
            .map_or_else(|| RealWorld.now().to_string(), str::to_owned);
        Ok(Self {
            group,
            subscription,
            api_version: api_version.map(str::to_owned),
            identity: request.get("identity").cloned().unwrap_or_else(|| json!({})),
            now,
            resource,
        })
    }

    /// The resource as it is, or as policies changed it.
    pub(super) fn subject<'a>(&'a self, resource: &'a Value) -> Subject<'a> {
        let request = self.api_version.as_deref().map(|api_version| Request {
            api_version,
            identity: &self.identity,
        });
        Subject {
            group: self.group.as_ref(),
            subscription: self.subscription.as_ref(),
            request,
            ..Subject::of(resource, &self.now)
        }
    }
}

fn group_of(id: &ResourceId) -> Option<Value> {
    let group = id.resource_group_id()?;
    Some(json!({
        "id": group.as_str(), "name": group.name(), "type": "Microsoft.Resources/subscriptions/resourceGroups",
        "tags": {}, "properties": {"provisioningState": "Succeeded"},
    }))
}

/// The resource with the type and the name that its id says.
fn completed(resource: &Value) -> Result<Value, ArmError> {
    let mut resource = resource.clone();
    let id = resource["id"].as_str().and_then(|id| ResourceId::parse(id).ok());
    if let Some(id) = id {
        if !resource["type"].is_string() {
            resource["type"] = id.resource_type().into();
        }
        if !resource["name"].is_string() {
            resource["name"] = id.name().into();
        }
    }
    if resource["type"].is_string() {
        return Ok(resource);
    }
    let message = "The resource has no 'type', and no 'id' that says it.";
    Err(ArmError::new(ErrorCode::InvalidRequestContent, message))
}
