//! `Microsoft.PolicyInsights`: what policies say of what is there, what they did to writes, and bringing things in line.
//!
//! Whether a write may be is decided on its way to a commit, in the engine; this is everything after it. States are worked
//! out when they are asked for (`nave_engine::policy`), events are a view of the log, and what is to be done follows from
//! committed rows ([`keep_in_line`]).

mod attestations;
mod components;
mod enforce;
mod events;
mod metadata;
mod query;
mod reconcile;
mod record;
mod remediations;
mod restrictions;
mod rules;
mod scopes;
mod states;
mod summarize;
mod trigger;

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Engine, Registry, Snapshot, missing,
    policy::{PolicyState, Within},
};

/// Adds the types and routes.
pub(crate) fn register(registry: &mut Registry) {
    remediations::register(registry);
    attestations::register(registry);
    registry.add_routes(trigger::routes());
    registry.add_routes(states::routes());
    registry.add_routes(components::routes());
    registry.add_routes(events::routes());
    registry.add_routes(restrictions::routes());
    registry.add_routes(metadata::routes());
}

/// Begins to do what follows from committed rows: remediations, and what `deployIfNotExists` wants beside what was
/// written. It ends with the engine. To be called once, when requests are about to be taken.
pub fn keep_in_line(engine: &Arc<Engine>) {
    drop(tokio::spawn(reconcile::keep(Arc::downgrade(engine))));
}

/// Does what follows from the rows there are and is due, until nothing is left to do. For tests and tools;
/// [`keep_in_line`] does the same as time goes on.
pub async fn settle(engine: &Arc<Engine>) {
    reconcile::settle(engine).await;
}

/// How resources stand to policies. Work for a thread of its own: the first look at a large tenant takes a while.
async fn policy_states(engine: &Arc<Engine>, within: Within) -> Result<Vec<PolicyState>, ArmError> {
    let engine = engine.clone();
    let work = tokio::task::spawn_blocking(move || engine.policy_states(&engine.snapshot(), &within));
    work.await.map_err(|error| {
        tracing::error!(%error, "policy states could not be worked out");
        ArmError::new(
            ErrorCode::InternalServerError,
            "The states of policies could not be worked out; the server's log has the cause.",
        )
    })
}

/// Refuses a place that is not there.
fn check_place(snapshot: &Snapshot, place: &ResourceId) -> Result<(), ArmError> {
    crate::scope::check(snapshot, place)?;
    match place.is_tenant() || snapshot.get(place).is_some() {
        true => Ok(()),
        false => Err(missing::not_found(place)),
    }
}

/// A word of a path that must be one of a few.
fn one_of<'a>(given: &str, words: &[&'a str]) -> Result<&'a str, ArmError> {
    let found = words.iter().find(|word| word.eq_ignore_ascii_case(given));
    found.copied().ok_or_else(|| {
        ArmError::new(
            ErrorCode::InvalidParameter,
            format!("'{given}' is not one of '{}'.", words.join("', '")),
        )
    })
}
