//! Short ways to write policies and to see what they do.

use http::Method;
use nave_engine::Caller;
use serde_json::{Value, json};

use crate::common::*;

pub(crate) const WORKSPACE: &str = "Microsoft.MachineLearningServices/workspaces";

/// A definition with a rule, for any resource.
pub(crate) fn rule(condition: Value, then: Value) -> Value {
    json!({ "properties": { "displayName": "The rule", "mode": "All", "policyRule": { "if": condition, "then": then } } })
}

/// Workspaces that are open to the public network.
pub(crate) fn public_workspaces() -> Value {
    json!({ "allOf": [
        { "field": "type", "equals": WORKSPACE },
        { "field": format!("{WORKSPACE}/publicNetworkAccess"), "notEquals": "Disabled" },
    ] })
}

pub(crate) fn deny_public() -> Value {
    rule(public_workspaces(), json!({ "effect": "deny" }))
}

pub(crate) fn definition_id(scope: &str, name: &str) -> String {
    format!("{scope}/{AUTHORIZATION}/policyDefinitions/{name}")
}

pub(crate) fn set_id(scope: &str, name: &str) -> String {
    format!("{scope}/{AUTHORIZATION}/policySetDefinitions/{name}")
}

pub(crate) fn assignment_at(scope: &str, name: &str) -> String {
    format!("{scope}/{AUTHORIZATION}/policyAssignments/{name}")
}

pub(crate) fn exemption_at(scope: &str, name: &str) -> String {
    format!("{scope}/{AUTHORIZATION}/policyExemptions/{name}")
}

pub(crate) fn ready_made(name: &str) -> String {
    format!("/{AUTHORIZATION}/policyDefinitions/{name}")
}

/// An engine with an owner of everything.
pub(crate) async fn scene() -> (Nave, Caller) {
    let nave = Nave::start().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, "/").await;
    (nave, owner)
}

impl Nave {
    /// Writes a definition in the first subscription; answers its id.
    pub(crate) async fn define(&self, owner: &Caller, name: &str, body: Value) -> String {
        let id = definition_id(S, name);
        let (status, made) = self.put_as(owner, &id, body).await;
        assert_eq!(status, 201, "{made}");
        id
    }

    /// Assigns a definition; `more` is laid over the properties.
    pub(crate) async fn assign(&self, owner: &Caller, scope: &str, definition: &str, more: Value) -> String {
        let name = definition.rsplit('/').next().expect("a name");
        let id = assignment_at(scope, name);
        let mut body = json!({ "properties": { "policyDefinitionId": definition } });
        for (member, value) in more.as_object().into_iter().flatten() {
            match member.as_str() {
                "identity" | "location" => body[member] = value.clone(),
                _ => body["properties"][member] = value.clone(),
            }
        }
        let (status, made) = self.put_as(owner, &id, body).await;
        assert_eq!(status, 201, "{made}");
        id
    }

    /// The whole way from a rule to its assignment.
    pub(crate) async fn impose(&self, owner: &Caller, scope: &str, name: &str, body: Value) -> String {
        let definition = self.define(owner, name, body).await;
        self.assign(owner, scope, &definition, json!({})).await
    }

    /// Writes a workspace.
    pub(crate) async fn workspace(&self, caller: &Caller, id: &str, properties: Value) -> Answer {
        self.put_as(
            caller,
            id,
            json!({ "location": "eastus", "properties": properties }),
        )
        .await
    }

    pub(crate) async fn patch(&self, caller: &Caller, id: &str, body: Value) -> Answer {
        self.send(caller, Method::PATCH, id, body).await
    }

    /// The policies that the last event about a resource names.
    pub(crate) async fn noted(&self, id: &str) -> Value {
        let id = crate::common::id(id);
        let grant = self.engine.on_own_account::<nave_engine::Read>("test", &id);
        let events = self
            .engine
            .events(&grant, nave_engine::EventQuery::default())
            .await
            .expect("events");
        let last = events
            .iter()
            .find(|event| event.resource.eq_ignore_ascii_case(id.as_str()));
        last.map_or(Value::Null, |event| event.detail["detail"]["policies"].clone())
    }
}

/// Refused by policy, or not.
#[track_caller]
pub(crate) fn assert_denied(answer: &Answer) {
    assert_eq!(
        (answer.0, code(answer)),
        (403, "RequestDisallowedByPolicy"),
        "{}",
        answer.1
    );
}

#[track_caller]
pub(crate) fn assert_done(answer: &Answer) {
    assert!(matches!(answer.0, 200 | 201), "{} {}", answer.0, answer.1);
}
