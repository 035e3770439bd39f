//! The work of a remediation: one batch after the other, each written down before the next.
//!
//! Every step begins at the row and ends in it. What a server did not write down before it was killed is done again,
//! which changes nothing: a resource that complies by then is left alone, and a deployment has the same name.

use std::sync::Arc;

use futures::future::join_all;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Act, Change, CommitError, Engine, Put, Resource,
    policy::{PolicyState, Within},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    life::State,
    row::{self, Wish},
};
use crate::policy_insights::{enforce, scopes};

const WRITE: &str = "Microsoft.PolicyInsights/remediations/write";

/// Whether a row is a remediation that there is work left for.
pub(in crate::policy_insights) fn is_unfinished(row: &Resource) -> bool {
    row.id.resource_type().eq_ignore_ascii_case(super::REMEDIATIONS) && !row::state(row).is_over()
}

/// Works on a remediation until it is over, or gone.
pub(in crate::policy_insights) async fn carry_out(
    engine: &Arc<Engine>,
    id: &ResourceId,
) -> Result<(), ArmError> {
    while let Some(row) = engine.snapshot().get(id).cloned() {
        if row::state(&row).is_over() {
            break;
        }
        let put = step(engine, &row).await;
        match write_down(engine, put).await {
            // somebody cancelled or deleted it: look again
            Ok(()) | Err(CommitError::Raced) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

async fn write_down(engine: &Engine, put: Put) -> Result<(), CommitError> {
    let correlation = put
        .own
        .pointer("/properties/correlationId")
        .and_then(Value::as_str);
    let correlation: Uuid = correlation.and_then(|text| text.parse().ok()).unwrap_or_default();
    let grant = engine.on_own_account::<Act>(WRITE, &put.id);
    let change = Change {
        puts: vec![put],
        ..Change::default()
    };
    engine.commit_for(&grant, change, correlation).await.map(drop)
}

/// The row after the next step.
async fn step(engine: &Arc<Engine>, row: &Resource) -> Put {
    let now = engine.world().now();
    let wish = match Wish::of(row.sent.clone()) {
        Ok(wish) => wish,
        Err(error) => return row::advanced(row, row::deployments(row), State::Failed, &error.message, now),
    };
    match row::state(row) {
        State::Accepted => begin(engine, row, &wish),
        State::Cancelling => stopped(row, State::Canceled, "The remediation was cancelled.", now),
        _ => batch(engine, row, &wish).await,
    }
}

/// Finds the resources.
fn begin(engine: &Engine, row: &Resource, wish: &Wish) -> Put {
    let now = engine.world().now();
    let mut found = wanting(engine, row, wish);
    found.truncate(wish.most);
    let deployments: Vec<Value> = found
        .iter()
        .map(|state| row::waiting(&state.resource.id, state.location(), now))
        .collect();
    let message = match deployments.len() {
        0 => String::from("No resource that is not compliant was found; there is nothing to remediate."),
        many => format!("{many} resources are being remediated."),
    };
    let state = if deployments.is_empty() {
        State::Succeeded
    } else {
        State::Evaluating
    };
    row::advanced(row, deployments, state, &message, now)
}

/// The resources that do not comply, in the order of their ids.
fn wanting(engine: &Engine, row: &Resource, wish: &Wish) -> Vec<PolicyState> {
    let snapshot = engine.snapshot();
    let place = row.id.scope().unwrap_or_else(ResourceId::tenant);
    let within = scopes::reach(&snapshot, &place, &wish.assignment);
    let mut states = engine.policy_states(&snapshot, &within);
    states.retain(|state| {
        state.is_non_compliant()
            && state.assignment.id == wish.assignment
            && wish.is_about(state.reference_id())
            && wish.takes(state.location())
    });
    states.sort_by(|left, right| left.resource.id.key().cmp(right.resource.id.key()));
    states
}

/// Remediates the next few.
async fn batch(engine: &Arc<Engine>, row: &Resource, wish: &Wish) -> Put {
    let mut deployments = row::deployments(row);
    let places = deployments
        .iter()
        .enumerate()
        .filter(|(_, one)| row::is_waiting(one));
    let places: Vec<usize> = places.map(|(place, _)| place).take(wish.together).collect();
    let work = places
        .iter()
        .map(|place| remediate(engine, row, wish, &deployments[*place]));
    let done = join_all(work).await;
    for (place, one) in places.into_iter().zip(done) {
        deployments[place] = one;
    }
    let now = engine.world().now();
    let tally = row::tally(&deployments);
    if tally.is_beyond(wish.threshold) {
        let message = format!(
            "{} of {} deployments failed, more than the failure threshold of {} allows.",
            tally.failed, tally.total, wish.threshold
        );
        return stopped(&with(row, deployments), State::Failed, &message, now);
    }
    if deployments.iter().any(row::is_waiting) {
        let message = format!(
            "{} of {} resources were remediated.",
            tally.succeeded, tally.total
        );
        return row::advanced(row, deployments, State::Evaluating, &message, now);
    }
    let message = match tally.failed {
        0 => format!("All {} resources comply.", tally.total),
        failed => format!("{failed} of {} resources could not be remediated.", tally.total),
    };
    row::advanced(row, deployments, tally.end(), &message, now)
}

fn with(row: &Resource, deployments: Vec<Value>) -> Resource {
    let mut row = row.clone();
    row.own["deployments"] = deployments.into();
    row
}

/// A row that is over before all its deployments were made.
fn stopped(row: &Resource, state: State, message: &str, now: jiff::Timestamp) -> Put {
    let mut deployments = row::deployments(row);
    for one in deployments.iter_mut().filter(|one| row::is_waiting(one)) {
        one["status"] = State::Canceled.word().into();
    }
    row::advanced(row, deployments, state, message, now)
}

/// Brings one resource in line; answers its entry with what came of it.
async fn remediate(engine: &Arc<Engine>, row: &Resource, wish: &Wish, entry: &Value) -> Value {
    let mut entry = entry.clone();
    let resource = entry["remediatedResourceId"]
        .as_str()
        .and_then(|id| ResourceId::parse(id).ok());
    let state = resource.and_then(|resource| still_wanting(engine, wish, &resource));
    // what complies by now, or is gone, needs nothing
    let done = match state {
        Some(state) => enforce::enforce(engine, &state, &run(row)).await,
        None => Ok(None),
    };
    entry["lastUpdatedOn"] = engine.world().now().to_string().into();
    let (status, deployment, error) = match done {
        Ok(deployment) => (State::Succeeded, deployment, Value::Null),
        Err(failure) => (State::Failed, failure.deployment, failure.error.body()),
    };
    entry["status"] = status.word().into();
    if let Some(deployment) = deployment {
        entry["deploymentId"] = json!(deployment);
    }
    if !error.is_null() {
        entry["error"] = error;
    }
    entry
}

fn still_wanting(engine: &Engine, wish: &Wish, resource: &ResourceId) -> Option<PolicyState> {
    let snapshot = engine.snapshot();
    let states = engine.policy_states(&snapshot, &Within::One(resource.clone()));
    states.into_iter().find(|state| {
        state.is_non_compliant()
            && state.assignment.id == wish.assignment
            && wish.is_about(state.reference_id())
    })
}

/// The run of a remediation: what its deployments are named by.
fn run(row: &Resource) -> enforce::Cause {
    let correlation = row
        .own
        .pointer("/properties/correlationId")
        .and_then(Value::as_str);
    enforce::Cause {
        correlation: correlation.and_then(|text| text.parse().ok()).unwrap_or_default(),
        named_by: correlation.unwrap_or_default().to_owned(),
    }
}
