//! What is told about an operation to who asks for it: its status, and in the end its answer.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, header::RETRY_AFTER};
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_vault::Purpose;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PAUSE, RUNNING, interrupted, row_id};
use crate::{
    Engine, Grant, Read, Reply, Resource,
    decision::Need,
    operation::{Access, Surface},
    route::{Call, Route},
    secrets,
};

/// The addresses that 202 answers name.
#[must_use]
pub fn routes() -> Vec<Route> {
    let route = |path, handler: fn(Asked) -> Reply| {
        Route::new(
            Method::GET,
            path,
            Surface::Arm,
            Access::SignedIn,
            move |call| async move {
                let asked = Asked::of(&call).await?;
                Ok(handler(asked))
            },
        )
        .about(|_, _, _| Ok(ResourceId::tenant().into()))
        .or(&["{namespace}/locations/operationResults/read"])
    };
    vec![
        route(
            "/{scope}/providers/{namespace}/locations/{location}/operationResults/{work}",
            Asked::result,
        ),
        route(
            "/{scope}/providers/{namespace}/locations/{location}/operationsStatus/{work}",
            Asked::status,
        ),
    ]
}

/// The path of what is told about an operation.
pub(super) fn path(own: &Value, kind: &str, operation: Uuid) -> String {
    let text = |name: &str| own[name].as_str().unwrap_or_default();
    let (scope, namespace, location) = (text("scope"), text("namespace"), text("location"));
    format!("{scope}/providers/{namespace}/locations/{location}/{kind}/{operation}")
}

/// An operation somebody asked for who may.
struct Asked {
    engine: Arc<Engine>,
    operation: Uuid,
    row: Arc<Resource>,
    /// Whether this process worked on it before the row was read: who looks afterwards may have read of work that has ended
    /// since, and would take it for interrupted.
    is_underway: bool,
}

impl Asked {
    async fn of(call: &Call) -> Result<Self, ArmError> {
        let none = || nothing_here(&call.request.path);
        let operation: Uuid = call.params.get("work").parse().map_err(|_| none())?;
        let is_underway = call.engine.underway.ids().contains(&operation);
        let row = call.engine.row(&row_id(operation)).await?.ok_or_else(none)?;
        let is_here = call
            .request
            .path
            .rsplit('/')
            .nth(1)
            .is_some_and(|kind| path(&row.own, kind, operation).eq_ignore_ascii_case(&call.request.path));
        if !is_here {
            return Err(none());
        }
        may_read(call, &row).await?;
        Ok(Self {
            engine: call.engine.clone(),
            operation,
            row,
            is_underway,
        })
    }

    /// Behind `Location`.
    fn result(self) -> Reply {
        if self.row.own["status"] != RUNNING {
            return self.answer();
        }
        match self.is_underway {
            true => Reply::empty(202).with(RETRY_AFTER, PAUSE),
            false => interrupted().into(),
        }
    }

    /// Behind `Azure-AsyncOperation`.
    fn status(self) -> Reply {
        let own = &self.row.own;
        let mut body = json!({
            "id": path(own, "operationsStatus", self.operation), "name": self.operation,
            "status": own["status"], "startTime": own["began"],
        });
        if own["status"] == RUNNING && self.is_underway {
            return Reply::ok(body).with(RETRY_AFTER, PAUSE);
        }
        let answer = match own["status"] == RUNNING {
            true => Reply::from(interrupted()),
            false => self.answer(),
        };
        if let Some(ended) = own.get("ended") {
            body["endTime"] = ended.clone();
        }
        let told = answer.as_json().cloned().unwrap_or_default();
        if (200..300).contains(&answer.status) {
            if told.is_object() {
                body["properties"] = told;
            }
        } else {
            body["status"] = "Failed".into();
            body["error"] = told["error"].clone();
        }
        Reply::ok(body)
    }

    /// What the work answered.
    fn answer(&self) -> Reply {
        let kept = &self.row.own["answer"];
        let status = kept["status"]
            .as_u64()
            .and_then(|status| u16::try_from(status).ok());
        let mut reply = match secrets::open(self.engine.vault(), &self.row) {
            Some(body) => Reply::ok(body.expose(&Purpose::ListSecrets).clone()),
            None => Reply::empty(200),
        };
        reply.status = status.unwrap_or(200);
        for (name, value) in kept["headers"].as_object().into_iter().flatten() {
            let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
            if let (Ok(name), Some(value)) = (name.parse::<HeaderName>(), value) {
                reply.headers.insert(name, value);
            }
        }
        reply
    }
}

/// Who started it reads it, and who may read operations at what it was about.
async fn may_read(call: &Call, row: &Resource) -> Result<(), ArmError> {
    let caller = call.grant.caller();
    let started_by: Option<Uuid> = row.own["startedBy"].as_str().and_then(|id| id.parse().ok());
    if !caller.object_id.is_nil() && started_by == Some(caller.object_id) {
        return Ok(());
    }
    let about = row.own["about"]
        .as_str()
        .and_then(|id| ResourceId::parse(id).ok());
    let about = about.ok_or_else(|| nothing_here(&call.request.path))?;
    let namespace = row.own["namespace"].as_str().unwrap_or_default();
    let need = Need::action(
        format!("{namespace}/locations/operationResults/read"),
        about.clone(),
    );
    let leave = call
        .engine
        .authorize(caller, Surface::Arm, vec![vec![need]], &about, &call.request);
    let _: Grant<Read> = leave.await?;
    Ok(())
}

fn nothing_here(path: &str) -> ArmError {
    ArmError::new(
        ErrorCode::ResourceNotFound,
        format!("There is no operation at '{path}'. Operations are kept for a day after they began."),
    )
}
