//! The requests a deployment makes: as its caller, through the same door as the caller's own.

use http::Method;
use nave_arm::{ArmError, Detail, ResourceId};
use nave_engine::{Reply, inner_request};
use nave_template::{PlannedResource, RuntimeCall, RuntimeValues, Unresolved};
use serde_json::Value;

use super::job::Job;

/// Why a request did not succeed.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) detail: Box<Detail>,
}

impl From<ArmError> for Refusal {
    fn from(error: ArmError) -> Self {
        Self {
            status: error.status(),
            detail: Box::new(error.into()),
        }
    }
}

impl Job {
    /// Writes a resource; answers the status. Types answer in their final state (client contract 0.4).
    pub(super) async fn put(&self, resource: &PlannedResource, body: &Value) -> Result<u16, Refusal> {
        let reply = self
            .ask(Method::PUT, resource.id.as_str(), &resource.api_version, body)
            .await;
        let status = reply.status;
        let answer = succeeded(reply)?;
        match state(&answer).as_str() {
            "failed" | "canceled" => Err(failed_inside(&answer)),
            _ => Ok(status),
        }
    }

    /// Deletes a resource; answers the status.
    pub(super) async fn delete(&self, id: &ResourceId) -> Result<u16, Refusal> {
        let version = self.version(id, None);
        let reply = self
            .ask(Method::DELETE, id.as_str(), &version, &Value::Null)
            .await;
        let status = reply.status;
        succeeded(reply).map(|_| status)
    }

    /// Evaluates to the end, making each run-time call when it is needed. What was answered for another resource is
    /// not used again: the deployment may have changed it.
    pub(super) async fn resolve(
        &self,
        evaluate: impl Fn(&RuntimeValues) -> Result<Value, Unresolved>,
    ) -> Result<Value, Refusal> {
        let mut known = RuntimeValues::new();
        loop {
            match evaluate(&known) {
                Ok(value) => return Ok(value),
                Err(Unresolved::Failed(error)) => return Err(error.into()),
                Err(Unresolved::Call(call)) => {
                    let answer = self.answer(&call).await?;
                    known.insert(&call, answer);
                }
            }
        }
    }

    /// What GET shows of a resource.
    pub(super) async fn seen(&self, id: &ResourceId, version: &str) -> Result<Value, Refusal> {
        succeeded(self.ask(Method::GET, id.as_str(), version, &Value::Null).await)
    }

    async fn answer(&self, call: &RuntimeCall) -> Result<Value, Refusal> {
        match call {
            RuntimeCall::Reference {
                id,
                api_version,
                full,
            } => {
                let version = self.version(id, api_version.as_deref());
                let mut found = succeeded(self.ask(Method::GET, id.as_str(), &version, &Value::Null).await)?;
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
                succeeded(self.ask(Method::POST, &path, &version, &body).await)
            }
        }
    }

    async fn ask(&self, method: Method, path: &str, version: &str, body: &Value) -> Reply {
        let request = inner_request(&self.caller, method, path, version, body, &self.outer);
        if self.is_rehearsal() {
            return Box::pin(self.engine.serve(request)).await;
        }
        // on a task of its own, so that several go on at the same time, and one that has begun comes to its end
        let engine = self.engine.clone();
        let served = tokio::spawn(async move { engine.serve(request).await }).await;
        served.unwrap_or_else(|error| {
            tracing::error!(%error, path, "a request of a deployment broke off");
            ArmError::new(
                nave_arm::ErrorCode::InternalServerError,
                "The request broke off; the server's log has the cause.",
            )
            .into()
        })
    }

    /// The version that was asked for, else the newest of the type.
    pub(super) fn version(&self, id: &ResourceId, asked: Option<&str>) -> String {
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
        detail: Box::new(Detail::read(&body["error"])),
    })
}

fn state(body: &Value) -> String {
    let state = body
        .pointer("/properties/provisioningState")
        .and_then(Value::as_str);
    state.unwrap_or_default().to_lowercase()
}

/// The failure of something that answered, and failed.
pub(super) fn failed_inside(body: &Value) -> Refusal {
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
        .map(Detail::read)
        .into_iter()
        .collect();
    Refusal {
        status: 409,
        detail: Box::new(failure),
    }
}
