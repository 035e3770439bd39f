//! What follows from committed rows: remediations are carried out, and what `deployIfNotExists` wants beside a resource
//! that was just written is deployed.
//!
//! Nothing but the rows says what is to be done, so it may be looked at any number of times, by any number of servers,
//! and goes on after a crash where it was:
//!
//! * a remediation is to be worked on until its row says that it is over;
//! * a resource that was written after the policy was assigned, and still does not comply when the policy's delay is
//!   over, gets one deployment. Its name is made of the resource's version, so the deployment's own row says that it was
//!   tried. What was there before the assignment waits for a remediation.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use jiff::{SignedDuration, Span, Timestamp};
use nave_arm::ResourceId;
use nave_engine::{
    Act, Engine, Resource, Snapshot,
    policy::{PolicyState, Within},
};
use nave_policy::{Effect, Enforcement};
use serde_json::json;

use super::{
    enforce::{self, Cause, Failure},
    remediations,
};

/// How often the time is looked at while nothing is written.
const LOOK: Duration = Duration::from_secs(1);

/// How long what could not be written down waits.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// How many things are done at a time.
const TOGETHER: usize = 8;

/// The operation that the log tells of a deployment that a policy made, as in Azure.
const DEPLOYED: &str = "Microsoft.Authorization/policies/deployIfNotExists/action";

/// Does what follows from committed rows until the engine is dropped.
pub(super) async fn keep(engine: Weak<Engine>) {
    let Some(mut moves) = engine.upgrade().map(|engine| engine.moves()) else {
        return;
    };
    let mut watch = Watch::default();
    loop {
        let Some(engine) = engine.upgrade() else { return };
        let present = engine.clone();
        // the first look is at everything there is
        let looked = tokio::task::spawn_blocking(move || {
            watch.look(&present);
            watch
        });
        watch = match looked.await {
            Ok(watch) => watch,
            Err(error) => {
                tracing::error!(%error, "what follows from policies could not be looked for; it is looked for anew");
                Watch::default()
            }
        };
        watch.begin(&engine);
        drop(engine);
        if let Ok(Err(_)) = tokio::time::timeout(LOOK, moves.changed()).await {
            return;
        }
    }
}

/// Does everything that follows from the rows there are and is due, and what follows from that.
pub(super) async fn settle(engine: &Arc<Engine>) {
    let mut watch = Watch::default();
    loop {
        watch.look(engine);
        let due = watch.due(engine.world().now());
        if due.is_empty() {
            return;
        }
        for work in due {
            work.carry_out(engine).await;
        }
    }
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Work {
    /// A remediation, until it is over.
    Remediate(ResourceId),
    /// What policies want beside this version of a resource.
    Deploy {
        resource: ResourceId,
        etag: String,
        assignment: ResourceId,
        reference: Option<String>,
    },
}

/// What was seen, and what is to be done.
struct Watch {
    seen: Arc<Snapshot>,
    waiting: BTreeSet<(Timestamp, Work)>,
    /// What could not be done because the store failed, and is to be tried again.
    again: Arc<Mutex<Vec<Work>>>,
    underway: Arc<Mutex<HashSet<Work>>>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            seen: Arc::new(Snapshot::empty()),
            waiting: BTreeSet::new(),
            again: Arc::default(),
            underway: Arc::default(),
        }
    }
}

impl Watch {
    /// Notes what is to be done about the rows that changed since the last look.
    fn look(&mut self, engine: &Engine) {
        let present = engine.snapshot();
        let later = engine
            .world()
            .now()
            .saturating_add(AGAIN)
            .unwrap_or(Timestamp::MAX);
        self.waiting
            .extend(locked(&self.again).drain(..).map(|work| (later, work)));
        let deploys = present.policies().assignments().any(|bound| {
            let assignment = bound.assignment(present.policies());
            assignment.is_some_and(|assignment| {
                assignment
                    .policies
                    .iter()
                    .any(|policy| policy.definition.effects().contains(&Effect::DeployIfNotExists))
            })
        });
        for row in present.changed_since(&self.seen) {
            if remediations::is_unfinished(row) {
                let work = Work::Remediate(row.id.clone());
                self.waiting.insert((engine.world().now(), work));
            }
            if deploys {
                self.waiting.extend(wanting(engine, &present, row));
            }
        }
        self.seen = present;
    }

    /// Takes what is due.
    fn due(&mut self, now: Timestamp) -> Vec<Work> {
        let mut due = Vec::new();
        while self.waiting.first().is_some_and(|(at, _)| *at <= now) {
            due.extend(self.waiting.pop_first().map(|(_, work)| work));
        }
        due
    }

    /// Begins what is due, each in a task of its own. What there is no room for waits.
    fn begin(&mut self, engine: &Arc<Engine>) {
        let now = engine.world().now();
        for work in self.due(now) {
            let mut underway = locked(&self.underway);
            if underway.len() >= TOGETHER {
                self.waiting.insert((now, work));
            } else if underway.insert(work.clone()) {
                let (engine, all, again) = (engine.clone(), self.underway.clone(), self.again.clone());
                tokio::spawn(async move {
                    let done = work.carry_out(&engine).await;
                    locked(&all).remove(&work);
                    if !done {
                        locked(&again).push(work);
                    }
                });
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is to be deployed beside a row, and when.
fn wanting(engine: &Engine, snapshot: &Snapshot, row: &Arc<Resource>) -> Vec<(Timestamp, Work)> {
    let states = engine.policy_states(snapshot, &Within::One(row.id.clone()));
    let wanting = states.iter().filter(|state| is_wanting(engine, state));
    wanting
        .map(|state| {
            let work = Work::Deploy {
                resource: row.id.clone(),
                etag: row.etag.clone(),
                assignment: state.assignment.id.clone(),
                reference: state.reference_id().map(str::to_owned),
            };
            (due(engine, snapshot, state), work)
        })
        .collect()
}

/// Whether a resource was written under a policy that deploys, does not comply, and nothing was tried yet.
fn is_wanting(engine: &Engine, state: &PolicyState) -> bool {
    let policy = state.policy();
    state.effect() == Effect::DeployIfNotExists
        && state.is_non_compliant()
        && policy.assignment.enforcement == Enforcement::Default
        && state.resource.history.updated_at > state.assignment.history.updated_at
        && enforce::deployment_id(engine, state, &cause(engine, state))
            .is_none_or(|id| !enforce::is_there(engine, &id))
}

/// When a policy wants it looked for.
fn due(engine: &Engine, snapshot: &Snapshot, state: &PolicyState) -> Timestamp {
    let written = state.resource.history.updated_at;
    let wanted = engine.wanted_beside(snapshot, state).ok().flatten();
    let delay = wanted.and_then(|wanted| wanted.evaluation_delay?.parse::<Span>().ok());
    let delay = delay.and_then(|delay| SignedDuration::try_from(delay).ok());
    written.checked_add(delay.unwrap_or_default()).unwrap_or(written)
}

fn cause(engine: &Engine, state: &PolicyState) -> Cause {
    Cause {
        correlation: engine.world().new_id(),
        named_by: state.resource.etag.clone(),
    }
}

impl Work {
    /// Does it; false where that is to be tried again.
    async fn carry_out(&self, engine: &Arc<Engine>) -> bool {
        let done = match self {
            Self::Remediate(id) => remediations::carry_out(engine, id).await,
            Self::Deploy { .. } => self.deploy(engine).await,
        };
        if let Err(error) = &done {
            tracing::error!(work = ?self, %error, "what follows from a policy could not be carried out");
        }
        done.is_ok()
    }

    async fn deploy(&self, engine: &Arc<Engine>) -> Result<(), nave_arm::ArmError> {
        let Some(state) = self.still_wanting(engine) else {
            return Ok(());
        };
        let cause = cause(engine, &state);
        let done = enforce::enforce(engine, &state, &cause).await;
        let (outcome, deployment, error) = match done {
            Ok(deployment) => ("Succeeded", deployment, None),
            Err(Failure { deployment, error }) => ("Failed", deployment, Some(error.body())),
        };
        let detail = json!({
            "policies": [super::events::applied(&state)], "deploymentId": deployment, "error": error,
        });
        let grant = engine.on_own_account::<Act>(DEPLOYED, &state.resource.id);
        engine.record(&grant, outcome, cause.correlation, detail).await
    }

    /// The state, if nothing brought it in line, wrote the resource again or tried it since.
    fn still_wanting(&self, engine: &Engine) -> Option<PolicyState> {
        let Self::Deploy {
            resource,
            etag,
            assignment,
            reference,
        } = self
        else {
            return None;
        };
        let snapshot = engine.snapshot();
        let states = engine.policy_states(&snapshot, &Within::One(resource.clone()));
        states.into_iter().find(|state| {
            state.resource.etag == *etag
                && state.assignment.id == *assignment
                && state.reference_id() == reference.as_deref()
                && is_wanting(engine, state)
        })
    }
}
