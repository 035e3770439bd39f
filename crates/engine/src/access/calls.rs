//! Which calls of the past would have come out otherwise: recorded decisions, decided again on the state before a change
//! and on the one after it.
//!
//! Everything a decision looked at is in its record but the state, so nothing is guessed: the same caller, asking the
//! same, with the same attributes at the same time of day. Only how the caller's session stands today is left out.

use std::collections::HashSet;

use jiff::Timestamp;
use nave_arm::{ArmError, ResourceId};
use nave_store::{Event, EventQuery};
use uuid::Uuid;

use super::affected::{Affected, Step};
use crate::{
    Allows, Decision, Engine, Grant, Proof,
    decision::{Finding, Outcome, decide},
    explain::Recorded,
};

/// How many events are read at a time.
const TOGETHER: u32 = 500;
/// How many events are looked at, the newest first.
pub const LOOKED_AT: usize = 50_000;

/// A call that would come out otherwise.
#[derive(Debug, Clone)]
pub struct Flip {
    /// The event's id.
    pub event: Uuid,
    /// The decision it rests on.
    pub decision: Uuid,
    /// When it was.
    pub at: Timestamp,
    /// Who called.
    pub principal: Uuid,
    /// What the caller was called then.
    pub name: String,
    /// The operation.
    pub operation: String,
    /// Where.
    pub scope: ResourceId,
    /// Whether it was allowed then.
    pub recorded: bool,
    /// Whether it would be allowed with the change; today it would be the other way.
    pub proposed: bool,
    /// The assignment that would allow it, or allows it today.
    pub assignment: Option<ResourceId>,
    /// The deny assignment that would stand in the way, or does today.
    pub deny: Option<ResourceId>,
}

/// The calls that would come out otherwise.
#[derive(Debug, Default)]
pub struct Flips {
    /// Which, the newest first.
    pub calls: Vec<Flip>,
    /// How many events were looked at.
    pub looked_at: usize,
    /// Whether there were more events than are looked at.
    pub cut_short: bool,
}

impl Engine {
    /// Decides the calls again that are in the log since `from`, at or below the resource of a grant.
    pub(super) async fn flips<A: Allows>(
        &self,
        grant: &Grant<A>,
        step: &Step<'_>,
        affected: &Affected,
        from: Timestamp,
    ) -> Result<Flips, ArmError> {
        let mut found = Flips::default();
        let mut seen = HashSet::new();
        let mut query = EventQuery {
            from: Some(from),
            limit: Some(TOGETHER),
            ..EventQuery::default()
        };
        loop {
            let events = self.events(grant, query.clone()).await?;
            let Some(last) = events.last() else {
                return Ok(found);
            };
            query.before = Some(last.revision);
            for event in &events {
                found.looked_at += 1;
                if seen.insert(event.decision) {
                    found.calls.extend(self.flip(step, affected, event));
                }
            }
            if found.looked_at >= LOOKED_AT {
                found.cut_short = true;
                return Ok(found);
            }
        }
    }

    fn flip(&self, step: &Step<'_>, affected: &Affected, event: &Event) -> Option<Flip> {
        let mut recorded = Recorded::read(self.registry(), event.detail.get("decision")?)?;
        affected.get(&recorded.caller.object_id)?;
        recorded.caller.sign_in.proof = Proof::None;
        recorded.caller.sign_in.session = None;
        let [before, after] = step.both().map(|state| {
            decide(
                state,
                &self.site().origin,
                recorded.id,
                &recorded.caller,
                &recorded.question,
            )
        });
        if before.allowed == after.allowed {
            return None;
        }
        let (allows, refuses) = if after.allowed {
            (&after, &before)
        } else {
            (&before, &after)
        };
        let asked = allows.findings.first()?;
        Some(Flip {
            event: event.id,
            decision: event.decision,
            at: event.at,
            principal: recorded.caller.object_id,
            name: recorded.caller.name.clone(),
            operation: asked.operation.clone(),
            scope: asked.scope.clone(),
            recorded: recorded.allowed,
            proposed: after.allowed,
            assignment: allows.findings.iter().find_map(granting),
            deny: denying(refuses),
        })
    }
}

fn granting(finding: &Finding) -> Option<ResourceId> {
    match &finding.outcome {
        Outcome::Granted(reason) => Some(reason.assignment()),
        _ => None,
    }
}

fn denying(decision: &Decision) -> Option<ResourceId> {
    decision
        .findings
        .iter()
        .find_map(|finding| match &finding.outcome {
            Outcome::Refused(nave_rbac::Refusal::DenyAssignment { id }) => Some(id.clone()),
            _ => None,
        })
}
