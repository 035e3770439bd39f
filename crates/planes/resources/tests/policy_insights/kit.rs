//! Policies to try things on: each is about the workspaces of the town.

use http::Method;
use jiff::SignedDuration;
use nave_engine::Caller;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::common::{Answer, Nave, S};

pub(crate) const INSIGHTS: &str = "providers/Microsoft.PolicyInsights";
pub(crate) const POLICY: &str = "providers/Microsoft.Authorization";
const WORKSPACES: &str = "Microsoft.MachineLearningServices/workspaces";

/// A condition: workspaces for which this holds as well.
pub(crate) fn workspaces(that: Value) -> Value {
    json!({ "allOf": [{ "field": "type", "equals": WORKSPACES }, that] })
}

/// Workspaces outside eastus.
pub(crate) fn elsewhere() -> Value {
    workspaces(json!({ "field": "location", "notEquals": "eastus" }))
}

/// Workspaces without the tag `team`.
pub(crate) fn untagged() -> Value {
    workspaces(json!({ "field": "tags['team']", "exists": false }))
}

/// Gives workspaces the tag `team`.
pub(crate) fn tagging() -> Value {
    json!({ "effect": "modify", "details": {
        "roleDefinitionIds": ["/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"],
        "operations": [{ "operation": "addOrReplace", "field": "tags['team']", "value": "town" }],
    }})
}

/// Deploys a lock on each workspace that has none.
pub(crate) fn locking(delay: &str) -> Value {
    let lock = json!({
        "type": "Microsoft.Authorization/locks", "apiVersion": "2020-05-01", "name": "by-policy",
        "scope": "[format('Microsoft.MachineLearningServices/workspaces/{0}', parameters('name'))]",
        "properties": { "level": "CanNotDelete" },
    });
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0", "parameters": { "name": { "type": "string" } }, "resources": [lock],
    });
    json!({ "effect": "deployIfNotExists", "details": {
        "type": "Microsoft.Authorization/locks",
        "evaluationDelay": delay,
        "roleDefinitionIds": ["/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"],
        "existenceCondition": { "field": "Microsoft.Authorization/locks/level", "equals": "CanNotDelete" },
        "deployment": { "properties": {
            "mode": "incremental", "template": template, "parameters": { "name": { "value": "[field('name')]" } },
        }},
    }})
}

impl Nave {
    /// Defines a policy in the subscription; answers its id.
    pub(crate) async fn define(&self, name: &str, condition: Value, then: Value) -> String {
        let id = format!("{S}/{POLICY}/policyDefinitions/{name}");
        let rule = json!({ "if": condition, "then": then });
        let body = json!({ "properties": { "mode": "Indexed", "policyRule": rule, "displayName": format!("Policy {name}") } });
        self.make(&id, body).await;
        id
    }

    /// Defines a policy with an effect without details, and assigns it; answers the assignment's id.
    pub(crate) async fn policy(&self, name: &str, scope: &str, condition: Value, effect: &str) -> String {
        let definition = self.define(name, condition, json!({ "effect": effect })).await;
        self.assign(name, scope, &definition, json!({})).await
    }

    /// Assigns a definition; answers the assignment's id.
    pub(crate) async fn assign(&self, name: &str, scope: &str, definition: &str, more: Value) -> String {
        let id = format!("{scope}/{POLICY}/policyAssignments/{name}");
        let mut body = json!({ "properties": { "policyDefinitionId": definition } });
        for (member, value) in more.as_object().into_iter().flatten() {
            match member.as_str() {
                "identity" | "location" => body[member] = value.clone(),
                _ => body["properties"][member] = value.clone(),
            }
        }
        self.make(&id, body).await;
        id
    }

    /// The same, with an identity that has this role in the subscription.
    pub(crate) async fn assign_with(
        &self,
        name: &str,
        scope: &str,
        definition: &str,
        role: Option<Uuid>,
        more: Value,
    ) -> String {
        let mut members = json!({ "identity": { "type": "SystemAssigned" }, "location": "eastus" });
        for (member, value) in more.as_object().into_iter().flatten() {
            members[member] = value.clone();
        }
        let id = self.assign(name, scope, definition, members).await;
        let (_, shown) = self.get(&Caller::system(), &id).await;
        let principal = shown.pointer("/identity/principalId").and_then(Value::as_str);
        let principal: Uuid = principal.and_then(|id| id.parse().ok()).expect("an identity");
        if let Some(role) = role {
            self.give(principal, role, S).await;
        }
        self.later(1);
        id
    }

    /// Makes a workspace in the group.
    pub(crate) async fn workspace(&self, name: &str, location: &str, tags: Value) -> String {
        let id = format!("{}/providers/{WORKSPACES}/{name}", crate::common::RG);
        self.make(&id, json!({ "location": location, "tags": tags }))
            .await;
        id
    }

    pub(crate) fn later(&self, seconds: i64) {
        self.world.advance(SignedDuration::from_secs(seconds));
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(&Caller::system(), Method::POST, path, body).await
    }

    /// The records of a query of states.
    pub(crate) async fn states(&self, scope: &str, query: &str) -> Vec<Value> {
        let path =
            format!("{scope}/{INSIGHTS}/policyStates/latest/queryResults?api-version=2019-10-01&{query}");
        self.records(&path).await
    }

    pub(crate) async fn records(&self, path: &str) -> Vec<Value> {
        let (status, body) = self.post(path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body["value"].as_array().expect("records").clone()
    }

    /// Each resource's name with its state, in a scope.
    pub(crate) async fn compliance(&self, scope: &str) -> Vec<String> {
        let mut shown: Vec<String> = self.states(scope, "").await.iter().map(short).collect();
        shown.sort_unstable();
        shown
    }
}

/// `assignment resource state`.
fn short(record: &Value) -> String {
    let text = |name: &str| record[name].as_str().unwrap_or_default();
    let name = |id: &str| id.rsplit('/').next().unwrap_or_default().to_owned();
    format!(
        "{} {} {}",
        text("policyAssignmentName"),
        name(text("resourceId")),
        text("complianceState")
    )
}
