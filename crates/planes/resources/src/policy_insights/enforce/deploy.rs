//! `deployIfNotExists`: the template of the policy, deployed by the assignment's identity like any other deployment.

use std::sync::Arc;

use http::Method;
use nave_arm::{ArmError, Detail, ErrorCode, ResourceId};
use nave_engine::{Caller, Engine, Reply, inner_request, policy::PolicyState};
use nave_policy::Deployment;
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

use super::{Cause, Failure, outer};
use crate::deployments::DEPLOYMENTS;

const VERSION: &str = "2022-09-01";

/// What names of deployments are made in.
const NAMES: Uuid = uuid!("6f1c1dd5-0c4b-4b0e-9d0e-6f6d1a8f6c11");

pub(super) async fn deploy(
    engine: &Arc<Engine>,
    caller: &Caller,
    state: &PolicyState,
    cause: &Cause,
) -> Result<ResourceId, Failure> {
    let snapshot = engine.snapshot();
    let wanted = engine.wanted_beside(&snapshot, state)?;
    let group = wanted
        .as_ref()
        .and_then(|wanted| wanted.resource_group_name.clone());
    let deployment = wanted
        .and_then(|wanted| wanted.deployment)
        .ok_or_else(nothing_to_deploy)?;
    let place = place(&state.resource.id, &deployment, group.as_deref())?;
    let id = named(&place, state, cause);
    let told = |error: ArmError| Failure {
        deployment: engine.snapshot().get(&id).is_some().then(|| id.clone()),
        error,
    };
    let outer = outer(engine, caller, cause);
    let body = body(&deployment, state);
    let request = inner_request(caller, Method::PUT, id.as_str(), VERSION, &body, &outer);
    let begun = answer(engine.serve(request).await);
    let mut shown = match begun {
        // this very deployment is under way: another server is at it
        Err(error) if error.code == ErrorCode::DeploymentActive => Value::Null,
        other => other.map_err(told)?,
    };
    let mut moves = engine.moves();
    while !is_over(&shown) {
        moves.borrow_and_update();
        let request = inner_request(caller, Method::GET, id.as_str(), VERSION, &Value::Null, &outer);
        shown = answer(engine.serve(request).await).map_err(told)?;
        // the end of a deployment is a commit
        if !is_over(&shown) && moves.changed().await.is_err() {
            break;
        }
    }
    match shown
        .pointer("/properties/provisioningState")
        .and_then(Value::as_str)
    {
        Some("Succeeded") => Ok(id),
        _ => Err(told(failed(&id, shown.pointer("/properties/error")))),
    }
}

/// Where a deployment goes: to the subscription, to a group the policy names, or to the resource's own.
fn place(
    resource: &ResourceId,
    deployment: &Deployment,
    group: Option<&str>,
) -> Result<ResourceId, ArmError> {
    let named = || Some(ResourceId::of_resource_group(resource.subscription()?, group?));
    let found = match deployment.at_subscription {
        true => resource.subscription_id(),
        false => named().or_else(|| resource.resource_group_id()),
    };
    found.ok_or_else(|| {
        ArmError::new(
            ErrorCode::InvalidPolicyRuleEffectDetails,
            format!(
                "'{resource}' lies in no resource group, and the policy names neither a group nor the subscription \
                 (details.deploymentScope) to deploy to."
            ),
        )
    })
}

fn body(deployment: &Deployment, state: &PolicyState) -> Value {
    let mut properties = deployment.properties.clone();
    if properties["mode"].is_null() {
        properties["mode"] = "Incremental".into();
    }
    let mut body = json!({ "properties": properties });
    if deployment.at_subscription {
        let location = deployment.location.as_deref().or_else(|| state.location());
        body["location"] = location.into();
    }
    body
}

/// The deployment that brings a resource in line. The same cause gives the same name, so that work that is done again
/// finds what it did.
pub(in crate::policy_insights) fn deployment_id(
    engine: &Engine,
    state: &PolicyState,
    cause: &Cause,
) -> Option<ResourceId> {
    let wanted = engine.wanted_beside(&engine.snapshot(), state).ok()??;
    let place = place(
        &state.resource.id,
        &wanted.deployment?,
        wanted.resource_group_name.as_deref(),
    )
    .ok()?;
    Some(named(&place, state, cause))
}

fn named(place: &ResourceId, state: &PolicyState, cause: &Cause) -> ResourceId {
    let what = format!(
        "{}\n{}\n{}\n{}",
        state.resource.id.key(),
        state.assignment.id.key(),
        state.reference_id().unwrap_or_default(),
        cause.named_by
    );
    let name = format!(
        "PolicyDeployment_{}",
        Uuid::new_v5(&NAMES, what.as_bytes()).simple()
    );
    place.extension(DEPLOYMENTS, &name)
}

/// Whether a deployment was made, whatever came of it.
pub(in crate::policy_insights) fn is_there(engine: &Engine, id: &ResourceId) -> bool {
    engine.snapshot().get(id).is_some()
}

fn is_over(shown: &Value) -> bool {
    let state = shown
        .pointer("/properties/provisioningState")
        .and_then(Value::as_str);
    matches!(state, Some("Succeeded" | "Failed" | "Canceled"))
}

fn nothing_to_deploy() -> ArmError {
    ArmError::new(
        ErrorCode::InvalidPolicyRuleEffectDetails,
        "The policy has no 'details.deployment': there is nothing to deploy.",
    )
}

fn failed(id: &ResourceId, error: Option<&Value>) -> ArmError {
    let message = format!("The deployment '{id}' failed.");
    ArmError::new(ErrorCode::DeploymentFailed, message).because(error.map(Detail::read).into_iter().collect())
}

/// The body of an answer, or the error in it.
pub(super) fn answer(reply: Reply) -> Result<Value, ArmError> {
    let body = reply.as_json().cloned().unwrap_or_default();
    if (200..300).contains(&reply.status) {
        return Ok(body);
    }
    let cause = Detail::read(&body["error"]);
    let code = ErrorCode::ALL.iter().find(|code| code.face().1 == cause.code);
    let mut error = ArmError::new(
        code.copied().unwrap_or(ErrorCode::DeploymentFailed),
        cause.message,
    );
    error.target = cause.target;
    error.details = cause.details;
    Err(error)
}
