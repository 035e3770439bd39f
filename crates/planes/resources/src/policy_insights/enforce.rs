//! Doing what a policy wants about a resource that is there. The identity of the assignment does it, with the rights it
//! was given and no others: neither those of whoever asked for it, nor nave's own.

mod deploy;
mod identity;
mod modify;

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Caller, Engine, Request, policy::PolicyState};
use nave_policy::Effect;
use uuid::Uuid;

pub(super) use deploy::{deployment_id, is_there};

/// What something is done for.
pub(super) struct Cause {
    /// Ties its events together.
    pub(super) correlation: Uuid,
    /// What tells its deployments from those of others.
    pub(super) named_by: String,
}

/// Why something was not done.
pub(super) struct Failure {
    /// The deployment that failed, where it came that far.
    pub(super) deployment: Option<ResourceId>,
    /// What is told.
    pub(super) error: ArmError,
}

impl From<ArmError> for Failure {
    fn from(error: ArmError) -> Self {
        Self {
            deployment: None,
            error,
        }
    }
}

/// Brings a resource in line with a policy; answers the deployment that did it, if one did.
pub(super) async fn enforce(
    engine: &Arc<Engine>,
    state: &PolicyState,
    cause: &Cause,
) -> Result<Option<ResourceId>, Failure> {
    let caller = identity::of(engine, state)?;
    let done = match state.effect() {
        Effect::Modify => modify::modify(engine, &caller, state, cause).await.map(|()| None),
        Effect::DeployIfNotExists => deploy::deploy(engine, &caller, state, cause).await.map(Some),
        other => Err(nothing_to_do(other).into()),
    };
    done.map_err(|failure| Failure {
        error: identity::advised(engine, state, &caller, failure.error),
        ..failure
    })
}

fn nothing_to_do(effect: Effect) -> ArmError {
    ArmError::new(
        ErrorCode::OperationNotSupported,
        format!("The effect '{effect}' is nothing that could be done about a resource."),
    )
}

/// The request that the requests of an identity are made in: there is no client behind them.
fn outer(engine: &Engine, caller: &Caller, cause: &Cause) -> Request {
    Request {
        method: http::Method::PUT,
        path: String::new(),
        query: Vec::new(),
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
        caller: Some(caller.clone()),
        host: engine.site().authority.clone(),
        peer: None,
        correlation_id: cause.correlation,
    }
}
