//! The one way to change anything, and how the snapshot follows.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use nave_arm::{ArmError, ResourceId};
use nave_store::{Committed, NewEvent, Revision, StoreError};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::Engine;
use crate::{
    Decision, Grant, Resource, Snapshot,
    change::{Change, CommitError},
    decision::{Basis, Finding},
    grant::{Allows, Changes},
    live::Cause,
};

/// A committed change.
#[derive(Debug)]
pub struct Done {
    /// Its revision.
    pub revision: Revision,
    /// The rows that are current now, in the order they were written.
    pub resources: Vec<Arc<Resource>>,
}

/// How many commits are taken in at a time.
const TOGETHER: u32 = 256;

/// How long to wait before the log is looked at again after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// Follows the log until the engine is dropped: what other processes write, and what callers wrote who did not wait
/// to the end.
pub(super) async fn keep_up(engine: Weak<Engine>, mut ended: oneshot::Receiver<()>) {
    loop {
        let Some((store, seen)) = engine
            .upgrade()
            .map(|engine| (engine.store.clone(), engine.snapshot().revision()))
        else {
            return;
        };
        let further = tokio::select! {
            _ = &mut ended => return,
            further = store.beyond(seen) => further,
        };
        let Some(engine) = engine.upgrade() else { return };
        let followed = match further {
            Ok(revision) => engine.follow(revision).await,
            Err(error) => Err(error),
        };
        if let Err(error) = followed {
            tracing::error!(%error, "the log cannot be followed; trying again");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Engine {
    /// Changes the state: rows and event in one commit, then the snapshot. When this returns, the change is
    /// durable and the next decision is made on it.
    pub async fn commit<A: Changes>(&self, grant: &Grant<A>, change: Change) -> Result<Done, CommitError> {
        self.commit_for(grant, change, Uuid::nil()).await
    }

    /// As [`Self::commit`], within a client call.
    pub async fn commit_for<A: Changes>(
        &self,
        grant: &Grant<A>,
        change: Change,
        correlation_id: Uuid,
    ) -> Result<Done, CommitError> {
        let change = change.settled();
        self.check_locks(grant, &change, correlation_id).await?;
        let mut changed = json!({ "changed": change.touched(&self.snapshot()) });
        if !change.policies.is_empty() {
            changed["policies"] = change.policies.clone().into();
        }
        let event = self.event(
            grant.decision(),
            grant.operation(),
            grant.id(),
            "Succeeded",
            correlation_id,
            changed,
        );
        let guards = change.guards.clone();
        let writes = change.into_writes(&self.vault, grant.caller(), || self.new_etag())?;
        let committed = self
            .write(nave_store::Change {
                event,
                writes,
                guards,
                at: self.world.now(),
            })
            .await?;
        let resources = committed
            .rows
            .iter()
            .filter_map(Resource::from_row)
            .map(Arc::new)
            .collect();
        Ok(Done {
            revision: committed.revision,
            resources,
        })
    }

    /// Records that something was done which changed no row: an action, a model call.
    pub async fn record<A: Allows>(
        &self,
        grant: &Grant<A>,
        outcome: &str,
        correlation_id: Uuid,
        detail: Value,
    ) -> Result<(), ArmError> {
        self.append(self.record_of(grant, outcome, correlation_id, detail))
            .await
    }

    /// As [`Self::record`], of something done by way of another resource, whose log shows it as well: who used a hub's
    /// connection is asked at the hub, wherever it was used.
    pub async fn record_through<A: Allows>(
        &self,
        grant: &Grant<A>,
        through: &ResourceId,
        outcome: &str,
        correlation_id: Uuid,
        detail: Value,
    ) -> Result<(), ArmError> {
        let mut event = self.record_of(grant, outcome, correlation_id, detail);
        event.through = Some(through.key().to_owned());
        self.append(event).await
    }

    fn record_of<A: Allows>(
        &self,
        grant: &Grant<A>,
        outcome: &str,
        correlation_id: Uuid,
        detail: Value,
    ) -> NewEvent {
        self.event(
            grant.decision(),
            grant.operation(),
            grant.id(),
            outcome,
            correlation_id,
            detail,
        )
    }

    pub(super) async fn append(&self, event: NewEvent) -> Result<(), ArmError> {
        let change = nave_store::Change {
            event,
            writes: Vec::new(),
            guards: Vec::new(),
            at: self.world.now(),
        };
        self.write(change).await.map(drop).map_err(ArmError::from)
    }

    /// Commits, and waits until the snapshot is at least as new. After a lost race the snapshot is as new as what
    /// won, so that trying again is worth it.
    async fn write(&self, change: nave_store::Change) -> Result<Arc<Committed>, CommitError> {
        if let Some(rehearsal) = &self.rehearsal {
            return self.rehearse(rehearsal, &change).await;
        }
        match self.store.commit(change).await {
            Ok(committed) => {
                self.follow(committed.revision).await?;
                Ok(committed)
            }
            Err(error) => match error.into() {
                CommitError::Raced => {
                    self.catch_up().await?;
                    Err(CommitError::Raced)
                }
                error => Err(error),
            },
        }
    }

    /// Brings the snapshot up to what the log holds now.
    pub(super) async fn catch_up(&self) -> Result<(), StoreError> {
        self.follow(self.store.head().await?).await
    }

    /// Brings the snapshot up to a revision that is in the log. Commits are taken in in the log's order, whoever
    /// comes first to do it.
    async fn follow(&self, revision: Revision) -> Result<(), StoreError> {
        let _one_at_a_time = self.following.lock().await;
        let present = self.snapshot();
        if present.revision() >= revision {
            return Ok(());
        }
        let mut next = (*present).clone();
        while next.revision() < revision {
            let commits = self.store.commits_after(next.revision(), TOGETHER).await?;
            if commits.is_empty() {
                return Err(StoreError::Altered {
                    revision: next.revision() + 1,
                });
            }
            self.advance(&mut next, &commits);
        }
        Ok(())
    }

    /// Takes commits in, cuts the live work that each of them takes the right to away, and makes the new state visible.
    fn advance(&self, next: &mut Snapshot, commits: &[Arc<Committed>]) {
        let mut works = self.live.works();
        for commit in commits {
            self.take_in(next, commit);
            if self.concerns_decisions(commit) {
                let cause = Cause {
                    revision: commit.revision,
                    headline: commit.headline.clone(),
                };
                works.judge(next, Some(cause), &self.site.origin, &*self.world);
            }
        }
        self.snapshot.store(Arc::new(next.clone()));
        self.moves.send_replace(next.revision());
    }

    /// Whether a commit changed anything that decisions look at. Most did not: they only record.
    fn concerns_decisions(&self, commit: &Committed) -> bool {
        let mut touched = commit.rows.iter().chain(&commit.deleted);
        touched.any(|row| self.registry.resident(&row.type_key) || Snapshot::indexes(&row.type_key))
    }

    fn take_in(&self, snapshot: &mut Snapshot, commit: &Committed) {
        commit.deleted.iter().for_each(|row| snapshot.remove(row));
        commit
            .rows
            .iter()
            .for_each(|row| snapshot.put(row, self.registry.resident(&row.type_key)));
        snapshot.at(commit.revision);
    }

    pub(super) fn event(
        &self,
        decision: &Decision,
        operation: &str,
        id: &ResourceId,
        outcome: &str,
        correlation_id: Uuid,
        detail: Value,
    ) -> NewEvent {
        NewEvent {
            id: self.world.new_id(),
            decision: decision.id,
            operation: operation.to_owned(),
            resource: id.as_str().to_owned(),
            through: linked(decision, id),
            caller: decision.caller.record_id(),
            caller_name: decision.caller.name.clone(),
            outcome: outcome.to_owned(),
            correlation_id: correlation_id.to_string(),
            cause: None,
            detail: json!({ "decision": decision.record(), "detail": detail }),
        }
    }

    fn new_etag(&self) -> String {
        format!("\"{}\"", self.world.new_id())
    }
}

/// The other resource that a decision was about, if it was: the hub that a new project joins, the hub's connection
/// that a project shows the secret of.
fn linked(decision: &Decision, id: &ResourceId) -> Option<String> {
    let is_other = |finding: &&Finding| finding.basis == Basis::Linked && finding.scope != *id;
    let other = decision.findings.iter().find(is_other)?;
    Some(other.scope.key().to_owned())
}
