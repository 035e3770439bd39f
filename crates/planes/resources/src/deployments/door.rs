//! The requests a deployment makes: as its caller, through the same door as the caller's own.

use std::sync::Arc;

use http::Method;
use nave_arm::{ArmError, Detail, ResourceId};
use nave_engine::{Caller, Engine, Reply, Request, inner_request};
use nave_template::{PlannedResource, RuntimeCall};
use serde_json::Value;

use super::live::Live;

/// A way to make requests for a deployment.
pub(super) struct Door<'d> {
    pub(super) engine: &'d Arc<Engine>,
    pub(super) caller: &'d Caller,
    /// The request the deployment came by.
    pub(super) outer: &'d Request,
    pub(super) live: &'d Live,
}

/// Why a request did not succeed.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) detail: Detail,
}

impl From<ArmError> for Refusal {
    fn from(error: ArmError) -> Self {
        Self {
            status: error.status(),
            detail: error.into(),
        }
    }
}

impl Door<'_> {
    /// The PUT of a planned resource.
    pub(super) fn request(&self, resource: &PlannedResource, body: &Value) -> Request {
        let id = resource.id.as_str();
        inner_request(
            self.caller,
            Method::PUT,
            id,
            &resource.api_version,
            body,
            self.outer,
        )
    }

    /// Deploys a resource; answers the status. Types answer in their final state (client contract 0.4), nested
    /// deployments are waited for.
    pub(super) async fn put(&self, resource: &PlannedResource, body: &Value) -> Result<u16, Refusal> {
        let reply = Box::pin(self.engine.serve(self.request(resource, body))).await;
        let status = reply.status;
        let mut answer = succeeded(reply)?;
        if state(&answer) == "running" {
            self.live.wait(&resource.id).await;
            answer = self.get(&resource.id, &resource.api_version).await?;
        }
        match state(&answer).as_str() {
            "failed" | "canceled" => Err(Refusal {
                status: 409,
                detail: failed_inside(&answer),
            }),
            _ => Ok(status),
        }
    }

    /// Deletes a resource; answers the status.
    pub(super) async fn delete(&self, id: &ResourceId) -> Result<u16, Refusal> {
        let version = self.version(id, None);
        let request = inner_request(
            self.caller,
            Method::DELETE,
            id.as_str(),
            &version,
            &Value::Null,
            self.outer,
        );
        let reply = self.engine.serve(request).await;
        let status = reply.status;
        succeeded(reply).map(|_| status)
    }

    /// Makes a run-time call of the template.
    pub(super) async fn answer(&self, call: &RuntimeCall) -> Result<Value, Refusal> {
        match call {
            RuntimeCall::Reference {
                id,
                api_version,
                full,
            } => {
                let mut found = self.get(id, &self.version(id, api_version.as_deref())).await?;
                Ok(if *full { found } else { found["properties"].take() })
            }
            RuntimeCall::List {
                function,
                id,
                api_version,
                body,
            } => {
                let path = format!("{id}/{function}");
                let version = self.version(id, api_version.as_deref());
                let body = body.clone().unwrap_or_default();
                let request = inner_request(self.caller, Method::POST, &path, &version, &body, self.outer);
                succeeded(self.engine.serve(request).await)
            }
        }
    }

    async fn get(&self, id: &ResourceId, version: &str) -> Result<Value, Refusal> {
        let request = inner_request(
            self.caller,
            Method::GET,
            id.as_str(),
            version,
            &Value::Null,
            self.outer,
        );
        succeeded(self.engine.serve(request).await)
    }

    /// The version asked for, else the newest of the type.
    fn version(&self, id: &ResourceId, asked: Option<&str>) -> String {
        let newest = || {
            let kind = self.engine.registry().resource_type(&id.resource_type())?;
            kind.declaration().api_versions.first().copied()
        };
        asked.or_else(newest).unwrap_or("2024-01-01").to_owned()
    }
}

fn succeeded(reply: Reply) -> Result<Value, Refusal> {
    let body = reply.as_json().cloned().unwrap_or_default();
    if (200..300).contains(&reply.status) {
        return Ok(body);
    }
    Err(Refusal {
        status: reply.status,
        detail: detail(&body["error"]),
    })
}

fn state(body: &Value) -> String {
    let state = body
        .pointer("/properties/provisioningState")
        .and_then(Value::as_str);
    state.unwrap_or_default().to_lowercase()
}

fn failed_inside(body: &Value) -> Detail {
    let state = body
        .pointer("/properties/provisioningState")
        .and_then(Value::as_str)
        .unwrap_or("Failed");
    let mut failure = Detail::new(
        "ResourceDeploymentFailure",
        format!(
            "The resource write operation failed to complete successfully, because it reached terminal provisioning state '{state}'."
        ),
    );
    failure.details = body
        .pointer("/properties/error")
        .map(detail)
        .into_iter()
        .collect();
    failure
}

/// An error of the wire as a cause.
fn detail(error: &Value) -> Detail {
    let text = |name: &str| error[name].as_str().map(str::to_owned);
    Detail {
        code: text("code").unwrap_or_else(|| String::from("Unknown")),
        message: text("message").unwrap_or_default(),
        target: text("target"),
        details: error["details"]
            .as_array()
            .into_iter()
            .flatten()
            .map(detail)
            .collect(),
        additional_info: error["additionalInfo"].as_array().cloned().unwrap_or_default(),
    }
}
