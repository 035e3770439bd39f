//! Live work: what is held open for somebody, and what ends it.
//!
//! A model's answer that streams, a session, a transfer: each was allowed by a decision, and goes on long after that.
//! Whoever holds such a thing open registers what allowed it ([`Work`]) and keeps what he gets for it ([`Held`]). When
//! the state changes in a way that decisions can see, whoever changed it, every live work is decided again on the new
//! state, before anybody can see that state; what is no longer allowed is cut, and told by which commit. Conditions look
//! at the time as well, so every live work is also decided again each second.
//!
//! Invariants:
//! * no work outlives the revision that takes its right away: it is either registered when that revision is taken in,
//!   or decided on a later one when it is registered;
//! * nothing is awaited while works are looked at, so a cut is as old as the commit is for this process.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nave_arm::ArmError;
use nave_store::{Headline, Revision};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::{
    Decision, Grant, Snapshot,
    clock::World,
    decision::{Outcome, decide},
    grant::Allows,
};

/// What a work rests on besides its decisions: what was looked up for it must still be there.
type Stands = Box<dyn Fn(&Snapshot) -> Result<(), ArmError> + Send + Sync>;

/// Something to hold open, and what it rests on.
pub struct Work {
    rests_on: Vec<Arc<Decision>>,
    stands: Vec<Stands>,
}

impl Work {
    /// Something that a grant allows.
    #[must_use]
    pub fn of<A: Allows>(grant: &Grant<A>) -> Self {
        let none = Self {
            rests_on: Vec::new(),
            stands: Vec::new(),
        };
        none.and(grant)
    }

    /// That another grant has to allow as well.
    #[must_use]
    pub fn and<A: Allows>(mut self, grant: &Grant<A>) -> Self {
        self.rests_on.push(grant.decision.clone());
        self
    }

    /// That rests on what this function finds: it says what is missing when it is gone.
    #[must_use]
    pub fn while_there(
        mut self,
        stands: impl Fn(&Snapshot) -> Result<(), ArmError> + Send + Sync + 'static,
    ) -> Self {
        self.stands.push(Box::new(stands));
        self
    }

    /// The earliest state that any of it was decided on.
    fn decided_at(&self) -> Revision {
        let revisions = self.rests_on.iter().map(|decision| decision.revision);
        revisions.min().unwrap_or_default()
    }

    /// Whether it is still allowed; if not, the decision that says so and how it is told.
    fn judge(&self, snapshot: &Snapshot, origin: &str, world: &dyn World) -> Result<(), Verdict> {
        let now = world.now();
        let decided: Vec<Decision> = self
            .rests_on
            .iter()
            .filter(|before| !is_public(before))
            .map(|before| {
                decide(
                    snapshot,
                    origin,
                    Uuid::nil(),
                    &before.caller,
                    &before.question(now),
                )
            })
            .collect();
        let refused = decided.iter().position(|decision| !decision.allowed);
        let gone = self.stands.iter().find_map(|stands| stands(snapshot).err());
        let Some(at) = refused.or(gone.is_some().then_some(0)) else {
            return Ok(());
        };
        let Some(mut decision) = decided.into_iter().nth(at) else {
            return Ok(());
        };
        decision.id = world.new_id();
        let error = match gone {
            Some(gone) if decision.allowed => gone,
            _ => decision.refusal(),
        };
        let refusal = decision.named(error);
        Err(Box::new((decision, refusal)))
    }
}

/// The decision that refuses, and how it is told.
type Verdict = Box<(Decision, ArmError)>;

/// What anybody may do needs no right that could be taken away.
fn is_public(decision: &Decision) -> bool {
    let is_public = |outcome: &Outcome| matches!(outcome, Outcome::Rule("Public"));
    decision
        .findings
        .iter()
        .any(|finding| is_public(&finding.outcome))
}

/// The commit that took a right away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Its revision.
    pub revision: Revision,
    /// What it was about.
    pub headline: Headline,
}

impl Cause {
    /// The cause as events keep it.
    #[must_use]
    pub fn record(&self) -> Value {
        let Headline {
            event,
            operation,
            resource,
            caller,
            caller_name,
        } = &self.headline;
        json!({
            "event": event, "revision": self.revision, "operation": operation, "resource": resource,
            "caller": caller, "callerName": caller_name,
        })
    }
}

/// Why a work is over.
#[derive(Debug, Clone)]
pub struct Cut {
    /// The commit that took the right away; none where a condition looked at the time, and it went on.
    pub cause: Option<Arc<Cause>>,
    /// The decision on the state after that.
    pub decision: Decision,
    /// What the caller is told.
    pub refusal: ArmError,
}

/// A registered work. Dropped when the work is over by itself.
pub struct Held {
    id: u64,
    live: Arc<Live>,
    told: oneshot::Receiver<Cut>,
}

impl Held {
    /// Waits until the work is to end, for as long as that takes.
    pub async fn cut(&mut self) -> Cut {
        match (&mut self.told).await {
            Ok(cut) => cut,
            // there is nobody left who could cut
            Err(_) => std::future::pending().await,
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.live.works().open.remove(&self.id);
    }
}

/// Every live work of this process.
#[derive(Default)]
pub(crate) struct Live(Mutex<Works>);

/// The works, while nobody else looks at them.
#[derive(Default)]
pub(crate) struct Works {
    open: HashMap<u64, (Work, oneshot::Sender<Cut>)>,
    next: u64,
    /// The latest commit that decisions could see.
    latest: Option<Arc<Cause>>,
}

impl Live {
    /// Keeps new works out until it is dropped: whoever makes a new state visible holds this while he does it.
    pub(crate) fn works(&self) -> MutexGuard<'_, Works> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a work. `present` is the state that is visible now, read under the lock.
    pub(crate) fn hold(
        self: &Arc<Self>,
        work: Work,
        present: impl FnOnce() -> Arc<Snapshot>,
        origin: &str,
        world: &dyn World,
    ) -> Held {
        let (tell, told) = oneshot::channel();
        let mut works = self.works();
        let id = works.next;
        works.next += 1;
        let decided_at = work.decided_at();
        works.open.insert(id, (work, tell));
        if let Some(since) = works.latest.clone().filter(|latest| latest.revision > decided_at) {
            works.judge_one(id, &present(), &since, origin, world);
        }
        drop(works);
        Held {
            id,
            live: self.clone(),
            told,
        }
    }
}

impl Works {
    /// Decides every work on the state after a commit, or without one because time went on, and cuts what is no longer
    /// allowed.
    pub(crate) fn judge(
        &mut self,
        snapshot: &Snapshot,
        cause: Option<Cause>,
        origin: &str,
        world: &dyn World,
    ) {
        let cause = cause.map(Arc::new);
        let refused: Vec<(u64, Verdict)> = self
            .open
            .iter()
            .filter_map(|(id, (work, _))| Some((*id, work.judge(snapshot, origin, world).err()?)))
            .collect();
        for (id, verdict) in refused {
            self.cut(id, verdict, cause.clone());
        }
        self.latest = cause.or(self.latest.take());
    }

    /// Decides one work that was registered after the state had moved on since it was decided. Which of the commits in
    /// between took its right is not known any more; the latest is named.
    fn judge_one(
        &mut self,
        id: u64,
        present: &Snapshot,
        cause: &Arc<Cause>,
        origin: &str,
        world: &dyn World,
    ) {
        let judged = self
            .open
            .get(&id)
            .map(|(work, _)| work.judge(present, origin, world));
        if let Some(Err(verdict)) = judged {
            self.cut(id, verdict, Some(cause.clone()));
        }
    }

    fn cut(&mut self, id: u64, verdict: Verdict, cause: Option<Arc<Cause>>) {
        let Some((_, tell)) = self.open.remove(&id) else {
            return;
        };
        let (decision, refusal) = *verdict;
        // whoever no longer waits has ended the work himself
        let _ = tell.send(Cut {
            cause,
            decision,
            refusal,
        });
    }
}
