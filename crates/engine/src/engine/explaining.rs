//! Explaining: what was decided, read back from the log and decided again on the state of then; and what would be decided.

use std::{collections::VecDeque, sync::Arc};

use jiff::Timestamp;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_rbac::Plane;
use nave_store::{EventQuery, Revision};
use serde_json::Value;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{Engine, reads};
use crate::{
    Caller, Decision, Snapshot,
    change::store_failed,
    decision::{Need, Question, decide},
    explain::{Afterwards, Explanation, Finder, Kept, Recorded, Sight, TurnedAwayRequest, Widths, reasons},
    operation::Surface,
    policy,
};

/// How many past states are kept, since who asks about one asks again.
const PAST: usize = 4;

/// Past states, the latest asked last. One is loaded at a time: each takes a walk over the whole store.
pub(super) type Past = Mutex<VecDeque<Arc<Snapshot>>>;

/// A decision that was asked about.
pub struct Decided {
    /// Whose it is, as events name callers.
    pub caller: String,
    /// What it was about.
    pub resource: ResourceId,
    recorded: Recorded,
    afterwards: Option<Afterwards>,
}

impl Decided {
    /// The same question of the same caller, decided on another state.
    #[must_use]
    pub fn on(&self, snapshot: &Snapshot, origin: &str) -> Decision {
        let Recorded {
            id, caller, question, ..
        } = &self.recorded;
        decide(snapshot, origin, *id, caller, question)
    }
}

/// What an id stands for.
pub enum Named {
    /// A decision.
    Decision(Box<Decided>),
    /// A request whose credential was missing or not accepted: nothing was decided.
    TurnedAway(TurnedAwayRequest),
}

/// When something is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The state of this revision.
    Revision(Revision),
    /// The state of this time.
    Time(Timestamp),
}

impl At {
    /// Reads a revision or an RFC 3339 time.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let revision = text.parse().ok().filter(|revision| *revision >= 0);
        revision
            .map(Self::Revision)
            .or_else(|| text.parse().ok().map(Self::Time))
    }
}

impl Engine {
    /// What an id that a refusal or a change carried stands for; `None` when neither the log nor the memory knows it.
    pub async fn named(&self, id: Uuid) -> Result<Option<Named>, ArmError> {
        let query = EventQuery {
            decision: Some(id),
            ..EventQuery::default()
        };
        let events = self.store.events(&query).await;
        let events = events.map_err(|error| store_failed(&error))?;
        let found = events.iter().rev().find_map(|event| {
            let recorded = Recorded::read(&self.registry, event.detail.get("decision")?)?;
            Some((event.caller.clone(), event.resource.clone(), recorded))
        });
        if let Some((caller, resource, recorded)) = found {
            let afterwards = events
                .iter()
                .find_map(|event| afterwards(event.detail.get("detail")?));
            return Ok(Some(decided(caller, &resource, recorded, afterwards)));
        }
        Ok(match self.turned_away.find(id) {
            None => None,
            Some(Kept::Stranger(stranger)) => Some(Named::TurnedAway(stranger.shown(id))),
            Some(Kept::Unwritten(kept)) => Recorded::read(&self.registry, &kept.decision)
                .map(|recorded| decided(kept.caller, &kept.resource, recorded, None)),
        })
    }

    /// Explains a decision: on the state it was made on, and with what would help now.
    pub async fn explain(&self, decided: &Decided, sight: Sight<'_>) -> Result<Explanation, ArmError> {
        let Recorded {
            id,
            revision,
            caller,
            question,
            allowed,
        } = &decided.recorded;
        let then = self.as_of(*revision).await?;
        let mut explanation = reasons(&then, &self.site.origin, *id, caller, question);
        if explanation.allowed != *allowed {
            explanation.remarks.push(format!(
                "It was {} at the time. Decided again it comes out the other way: it rested on something that is not \
                 recorded, such as a key.",
                if *allowed { "allowed" } else { "refused" }
            ));
            explanation.allowed = *allowed;
        }
        if let Some(afterwards) = &decided.afterwards {
            explanation.summary = format!("It was allowed, and then refused: {}", afterwards.message);
            explanation.afterwards = Some(afterwards.clone());
        }
        Ok(self.with_remedy(explanation, caller, question, sight))
    }

    /// Explains what would be decided: now, or at another time. Whatever the caller's credential is for, it is asked as
    /// with one that is good for the operation.
    pub async fn explain_question(
        &self,
        caller: &Caller,
        need: Need,
        at: Option<At>,
        sight: Sight<'_>,
    ) -> Result<Explanation, ArmError> {
        let (state, now) = match at {
            None => (self.snapshot(), self.world.now()),
            Some(at) => self.state_at(at).await?,
        };
        let is_control = need.plane == Plane::Control;
        let asked_of = is_control.then(|| (need.operation.clone(), need.scope.clone()));
        let surface = Surface::of_operation(&need.operation, need.plane);
        let caller = Caller {
            audience: surface.audience(&self.site.origin),
            ..caller.clone()
        };
        let question = Question {
            surface,
            alternatives: vec![vec![need]],
            now,
        };
        let mut explanation = reasons(&state, &self.site.origin, Uuid::nil(), &caller, &question);
        explanation.policies = asked_of.map_or_else(Vec::new, |(operation, scope)| {
            policy::told(&state, &operation, &scope)
        });
        Ok(self.with_remedy(explanation, &caller, &question, sight))
    }

    fn with_remedy(
        &self,
        mut explanation: Explanation,
        caller: &Caller,
        question: &Question,
        sight: Sight<'_>,
    ) -> Explanation {
        let present = self.snapshot();
        if !explanation.allowed {
            let question = Question {
                now: self.world.now(),
                ..question.clone()
            };
            let finder = Finder {
                engine: self,
                snapshot: &present,
                caller,
                question: &question,
                sight,
            };
            explanation.remedy = finder.remedy();
            if explanation.remedy.is_nothing() {
                explanation
                    .remarks
                    .push(String::from("As things are now, it is allowed."));
            }
        }
        sight.show(explanation)
    }

    pub(super) async fn state_at(&self, at: At) -> Result<(Arc<Snapshot>, Timestamp), ArmError> {
        match at {
            At::Revision(revision) => Ok((self.as_of(revision).await?, self.world.now())),
            At::Time(time) => {
                let query = EventQuery {
                    to: Some(time),
                    limit: Some(1),
                    ..EventQuery::default()
                };
                let last = self.store.events(&query).await;
                let last = last.map_err(|error| store_failed(&error))?;
                let revision = last.first().map_or(0, |event| event.revision);
                Ok((self.as_of(revision).await?, time))
            }
        }
    }

    /// The state as it was at a revision.
    pub async fn as_of(&self, revision: Revision) -> Result<Arc<Snapshot>, ArmError> {
        let present = self.snapshot();
        if revision == present.revision() {
            return Ok(present);
        }
        if revision > present.revision() {
            return Err(ArmError::new(
                ErrorCode::InvalidParameter,
                format!(
                    "There is no revision {revision} yet; the last one is {}.",
                    present.revision()
                ),
            ));
        }
        let mut past = self.past.lock().await;
        if let Some(known) = past.iter().find(|state| state.revision() == revision) {
            return Ok(known.clone());
        }
        let loaded = reads::load_as_of(&self.store, &self.registry, revision).await;
        let loaded = Arc::new(loaded.map_err(|error| store_failed(&error))?);
        if past.len() == PAST {
            past.pop_front();
        }
        past.push_back(loaded.clone());
        Ok(loaded)
    }

    /// How much each role grants of what this server serves.
    pub(crate) fn widths(&self) -> &Widths {
        self.widths.get_or_init(|| Widths::new(self.registry.served()))
    }
}

fn decided(caller: String, resource: &str, recorded: Recorded, afterwards: Option<Afterwards>) -> Named {
    Named::Decision(Box::new(Decided {
        caller,
        resource: ResourceId::parse(resource).unwrap_or_else(|_| ResourceId::tenant()),
        recorded,
        afterwards,
    }))
}

/// What an event says of a refusal that came after the decision.
fn afterwards(detail: &Value) -> Option<Afterwards> {
    Some(Afterwards {
        code: detail.get("code")?.as_str()?.to_owned(),
        message: detail.get("message")?.as_str()?.to_owned(),
        policies: detail
            .get("policies")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default(),
    })
}
