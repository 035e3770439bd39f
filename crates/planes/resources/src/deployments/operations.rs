//! `deployments/operations`: what a deployment did, one entry for each resource its template declares and none
//! besides. The client library looks each entry's type up in a fixed table and fails on any other (client contract
//! 6.1); an entry for outputs it knows.

use std::sync::Arc;

use http::Method;
use jiff::Timestamp;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Reply, Resource,
    decision::Need,
    missing,
    operation::{Access, Surface},
    route::{Call, Route, Target},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    access,
    door::Refusal,
    levels::{self, at_all_scopes},
    live::Live,
    record::duration,
};

const READ: &str = "Microsoft.Resources/deployments/operations/read";
/// The same right, as the provider lists it a second time (rest-surface, Resources).
const READ_IN_GROUP: &str = "Microsoft.Resources/subscriptions/resourcegroups/deployments/operations/read";

/// An operation under way.
pub(super) struct Operation {
    deployment: ResourceId,
    id: Uuid,
    kind: &'static str,
    target: Option<Value>,
    since: Timestamp,
}

impl Operation {
    /// One of a run of a deployment, about a resource. It has the same id when the run is taken up after a restart.
    pub(super) fn new(
        deployment: &ResourceId,
        run: Uuid,
        kind: &'static str,
        about: Option<&ResourceId>,
        target: Option<Value>,
        since: Timestamp,
    ) -> Self {
        let about = about.map_or("", ResourceId::key);
        let name = format!("{} {kind} {about}", deployment.key());
        Self {
            deployment: deployment.clone(),
            id: Uuid::new_v5(&run, name.as_bytes()),
            kind,
            target,
            since,
        }
    }

    /// Puts right when it began.
    pub(super) fn began(&mut self, when: Timestamp) {
        self.since = when;
    }

    pub(super) fn running(&self) -> Value {
        self.entry("Running", self.since, Value::Null, Value::Null)
    }

    pub(super) fn succeeded(&self, status: u16, now: Timestamp) -> Value {
        self.entry("Succeeded", now, word(status).into(), Value::Null)
    }

    pub(super) fn failed(&self, refusal: &Refusal, now: Timestamp) -> Value {
        let message = json!({ "error": refusal.detail.body() });
        self.entry("Failed", now, word(refusal.status).into(), message)
    }

    fn entry(&self, state: &str, now: Timestamp, code: Value, message: Value) -> Value {
        let mut properties = json!({
            "provisioningOperation": self.kind,
            "provisioningState": state,
            "timestamp": now.to_string(),
            "duration": duration(self.since, now),
            "trackingId": self.id,
            "serviceRequestId": self.id,
            "statusCode": code,
        });
        if !message.is_null() {
            properties["statusMessage"] = message;
        }
        if let Some(target) = &self.target {
            properties["targetResource"] = target.clone();
        }
        json!({
            "id": format!("{}/operations/{}", self.deployment, self.id),
            "operationId": self.id,
            "properties": properties,
        })
    }
}

/// The status in the words of .NET, as entries show it.
fn word(status: u16) -> String {
    let known = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    known.map_or_else(|| status.to_string(), |reason| reason.replace(' ', ""))
}

pub(super) fn routes(live: &Arc<Live>) -> Vec<Route> {
    let lists = at_all_scopes!("/providers/Microsoft.Resources/deployments/{name}/operations");
    let ones = at_all_scopes!("/providers/Microsoft.Resources/deployments/{name}/operations/{operation}");
    // clients leave the provider out (client contract 4)
    let short_lists = [
        "/subscriptions/{subscription}/resourceGroups/{group}/deployments/{name}/operations",
        "/subscriptions/{subscription}/deployments/{name}/operations",
    ];
    let short_ones = [
        "/subscriptions/{subscription}/resourceGroups/{group}/deployments/{name}/operations/{operation}",
        "/subscriptions/{subscription}/deployments/{name}/operations/{operation}",
    ];
    let lists = lists
        .into_iter()
        .chain(short_lists)
        .map(|path| route(path, live, list));
    let ones = ones
        .into_iter()
        .chain(short_ones)
        .map(|path| route(path, live, one));
    lists.chain(ones).collect()
}

fn route(
    path: &'static str,
    live: &Arc<Live>,
    answer: fn(&Call, &Resource, Vec<Value>) -> Result<Reply, ArmError>,
) -> Route {
    let live = live.clone();
    let route = Route::new(
        Method::GET,
        path,
        Surface::Arm,
        Access::action(READ),
        move |call: Call| {
            let live = live.clone();
            async move {
                let row = find(&call)?;
                let operations = match live.progress(&row.id) {
                    Some(progress) => progress.operations(),
                    None => row.own["operations"].as_array().cloned().unwrap_or_default(),
                };
                answer(&call, &row, operations)
            }
        },
    );
    route.or(&[READ_IN_GROUP]).about(|snapshot, _, params| {
        let id = levels::deployment(params)?;
        let own = [READ, READ_IN_GROUP].map(|action| Need::action(action, id.clone()));
        Ok(Target {
            ways: access::to_read(snapshot, &id, own.into()),
            id,
        })
    })
}

/// The deployment a route is about.
pub(super) fn find(call: &Call) -> Result<Arc<Resource>, ArmError> {
    let id = call.grant.id();
    let snapshot = call.engine.snapshot();
    levels::check(&snapshot, id)?;
    snapshot.get(id).cloned().ok_or_else(|| missing::not_found(id))
}

fn list(call: &Call, _: &Resource, mut operations: Vec<Value>) -> Result<Reply, ArmError> {
    if let Some(top) = call.request.query("$top").and_then(|text| text.parse().ok()) {
        operations.truncate(top);
    }
    Ok(Reply::ok(json!({ "value": operations })))
}

fn one(call: &Call, row: &Resource, operations: Vec<Value>) -> Result<Reply, ArmError> {
    let wanted = call.params.get("operation");
    let is_wanted = |operation: &Value| {
        operation["operationId"]
            .as_str()
            .is_some_and(|id| id.eq_ignore_ascii_case(wanted))
    };
    let found = operations.into_iter().find(is_wanted);
    found.map(Reply::ok).ok_or_else(|| {
        ArmError::new(
            ErrorCode::ResourceNotFound,
            format!("The deployment '{}' has no operation '{wanted}'.", row.id.name()),
        )
    })
}
