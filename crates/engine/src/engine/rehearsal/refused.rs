//! What was refused in a rehearsal, until somebody is told.

use nave_arm::{ArmError, Detail, ResourceId};
use nave_store::{Change, NewEvent};
use uuid::Uuid;

use super::Rehearsal;
use crate::{Decision, Engine};

/// A refusal that nobody was told yet.
#[derive(Debug, Clone)]
pub(in crate::engine) enum Refused {
    /// A decision refused.
    Decided {
        /// The decision.
        decision: Box<Decision>,
        /// What was refused at.
        id: ResourceId,
        /// The client call.
        correlation_id: Uuid,
    },
    /// A rule refused after the decision had allowed.
    After(Box<NewEvent>),
}

/// Whether nothing but a refusal is recorded.
pub(super) fn is_refusal(change: &Change) -> bool {
    change.writes.is_empty() && change.event.outcome == "Denied"
}

impl Rehearsal {
    pub(in crate::engine) fn note(&self, decision: Uuid, refused: Refused) {
        self.played().refused.entry(decision).or_insert(refused);
    }
}

impl Engine {
    /// An error of a rehearsal, about to be told: the refusals it names are recorded here, once, under ids that can be
    /// asked about.
    pub async fn tell(&self, stage: &Self, mut error: ArmError) -> ArmError {
        let Some(rehearsal) = &stage.rehearsal else {
            return error;
        };
        let refused = rehearsal.played().refused.clone();
        for named in ids(&mut error) {
            let Some(refused) = named.parse().ok().and_then(|id: Uuid| refused.get(&id)) else {
                continue;
            };
            match self.record_refused(refused).await {
                Ok(id) => *named = id,
                Err(fault) => return fault,
            }
        }
        error
    }

    /// Records a refusal; the id that explains it.
    async fn record_refused(&self, refused: &Refused) -> Result<String, ArmError> {
        match refused {
            Refused::Decided {
                decision,
                id,
                correlation_id,
            } => {
                let refusal = self.refuse_for((**decision).clone(), id, *correlation_id).await;
                Decision::named_in(&refusal).map(str::to_owned).ok_or(refusal)
            }
            Refused::After(event) => {
                self.append((**event).clone()).await?;
                Ok(event.decision.to_string())
            }
        }
    }
}

/// The ids of the decisions that an error and its causes name.
fn ids(error: &mut ArmError) -> Vec<&mut String> {
    let ArmError {
        details,
        additional_info,
        ..
    } = error;
    let mut found: Vec<&mut String> = additional_info.iter_mut().filter_map(Decision::id_in).collect();
    details
        .iter_mut()
        .for_each(|cause| ids_of_cause(cause, &mut found));
    found
}

fn ids_of_cause<'d>(cause: &'d mut Detail, found: &mut Vec<&'d mut String>) {
    let Detail {
        details,
        additional_info,
        ..
    } = cause;
    found.extend(additional_info.iter_mut().filter_map(Decision::id_in));
    for inner in details {
        ids_of_cause(inner, found);
    }
}
