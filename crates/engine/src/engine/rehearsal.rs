//! A rehearsal: an engine beside the real one that starts from the same state and whose commits go nowhere.
//!
//! A request that is served by it takes the whole way of a real one: routing, decision, the rules of its type and of
//! other planes, the checks of a commit. Only the store is not written: what would be is put into a snapshot of its own,
//! and rows that are not kept in memory beside it, where they are found before those of the store. So what a change would
//! come to is said by the same code that makes it, and refusals are the refusals.
//!
//! A refusal in a rehearsal is not recorded, as nobody was told it. Who tells it says so ([`Engine::tell`]), and then it
//! is recorded like any other.

mod refused;
mod stored;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nave_arm::ResourceId;
use nave_store::{Change, Committed, Expect, Guard, PutRow, Row, Write};
use uuid::Uuid;

use super::{Engine, Parts};
use crate::{CommitError, Resource, Snapshot};
pub(super) use refused::Refused;
use stored::Stored;

/// What was done in a rehearsal so far.
#[derive(Debug, Default)]
pub(super) struct Rehearsal(Mutex<Played>);

/// What was done, while nobody else looks at it.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// The rows that were written or deleted.
    touched: Vec<ResourceId>,
    stored: Stored,
    /// What was refused, by decision.
    refused: HashMap<Uuid, Refused>,
}

impl Rehearsal {
    fn played(&self) -> MutexGuard<'_, Played> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// An engine on the present state whose commits go nowhere. Nobody can sign in to it: requests bring their caller.
    /// That of a rehearsal starts from where the rehearsal is.
    #[must_use]
    pub fn rehearsal(&self) -> Arc<Self> {
        let parts = Parts {
            store: self.store.clone(),
            vault: self.vault.clone(),
            site: self.site.clone(),
            world: self.world.clone(),
            registry: self.registry.clone(),
            authenticators: Vec::new(),
        };
        let snapshot = Snapshot::clone(&self.snapshot());
        let stored = self.rehearsal.as_ref().map(|outer| outer.played().stored.clone());
        let begun = Rehearsal(Mutex::new(Played {
            stored: stored.unwrap_or_default(),
            ..Played::default()
        }));
        let (engine, _) = Self::made_of(parts, snapshot, Some(begun));
        engine
    }

    /// Whether its commits go nowhere.
    #[must_use]
    pub fn is_rehearsal(&self) -> bool {
        self.rehearsal.is_some()
    }

    /// The rows a rehearsal has written or deleted, each once; none of a real engine.
    #[must_use]
    pub fn rehearsed(&self) -> Vec<ResourceId> {
        let Some(rehearsal) = &self.rehearsal else {
            return Vec::new();
        };
        let mut ids = rehearsal.played().touched.clone();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Does to the snapshot what a commit does to the store and, after it, to the snapshot.
    pub(super) async fn rehearse(
        &self,
        rehearsal: &Rehearsal,
        change: &Change,
    ) -> Result<Arc<Committed>, CommitError> {
        let _one_at_a_time = self.following.lock().await;
        if refused::is_refusal(change) {
            rehearsal.note(
                change.event.decision,
                Refused::After(Box::new(change.event.clone())),
            );
        }
        let before = self.snapshot();
        let mut next = Snapshot::clone(&before);
        let revision = before.revision() + 1;
        let mut current = Vec::with_capacity(change.writes.len());
        for write in &change.writes {
            let (key, expect) = of(write);
            let row = self.current(&before, write, key).await?;
            check(expect, row.as_ref())?;
            current.push(row);
        }
        let (mut rows, mut deleted, mut touched) = (Vec::new(), Vec::new(), Vec::new());
        for (write, row) in change.writes.iter().zip(&current) {
            let Some(row) = row else { continue };
            next.remove(row);
            touched.extend(ResourceId::parse(&row.id));
            if matches!(write, Write::Delete { .. }) {
                deleted.push(row.clone());
            }
        }
        for (write, row) in change.writes.iter().zip(&current) {
            let Write::Put(put) = write else { continue };
            if let Some((claim, holder)) = taken(&next, put) {
                return Err(CommitError::Taken { claim, holder });
            }
            let row = written(put, row.as_ref(), revision, change.at);
            next.put(&row, self.registry.resident(&row.type_key));
            touched.extend(ResourceId::parse(&row.id));
            rows.push(row);
        }
        if change.guards.iter().any(|guard| !holds(&next, guard)) {
            return Err(CommitError::Raced);
        }
        next.at(revision);
        self.snapshot.store(Arc::new(next));
        let mut played = rehearsal.played();
        played.touched.extend(touched);
        let is_stored = |row: &&Row| !self.registry.resident(&row.type_key);
        deleted
            .iter()
            .filter(is_stored)
            .for_each(|row| played.stored.delete(&row.key));
        rows.iter()
            .filter(is_stored)
            .for_each(|row| played.stored.put(row.clone()));
        drop(played);
        Ok(Arc::new(Committed {
            revision,
            headline: change.event.headline(),
            rows,
            deleted,
        }))
    }

    /// The row that a write finds.
    async fn current(&self, before: &Snapshot, write: &Write, key: &str) -> Result<Option<Row>, CommitError> {
        match self.is_resident(write) {
            true => Ok(current(before, key).map(|row| row.to_row())),
            false => Ok(self.stored_row(key).await?),
        }
    }

    fn is_resident(&self, write: &Write) -> bool {
        match write {
            Write::Put(put) => self.registry.resident(&put.type_key),
            Write::Delete { key, .. } => ResourceId::parse(key)
                .is_ok_and(|id| self.registry.resident(&id.resource_type().to_lowercase())),
        }
    }
}

fn of(write: &Write) -> (&str, &Expect) {
    match write {
        Write::Put(put) => (&put.key, &put.expect),
        Write::Delete { key, expect } => (key, expect),
    }
}

fn current<'a>(snapshot: &'a Snapshot, key: &str) -> Option<&'a Arc<Resource>> {
    snapshot.get(&ResourceId::parse(key).ok()?)
}

fn check(expect: &Expect, current: Option<&Row>) -> Result<(), CommitError> {
    let met = match (expect, current) {
        (Expect::Any, _) => true,
        (Expect::Absent, current) => current.is_none(),
        (Expect::Etag(etag), current) => current.is_some_and(|current| *etag == current.etag),
    };
    if met { Ok(()) } else { Err(CommitError::Raced) }
}

/// The first unique name of a row to write that another row holds.
fn taken(next: &Snapshot, put: &PutRow) -> Option<(String, String)> {
    put.claims.iter().find_map(|claim| {
        let holder = next.holder(claim).filter(|holder| holder.id.key() != put.key)?;
        Some((claim.clone(), holder.id.key().to_owned()))
    })
}

/// Nobody else writes to a rehearsal, so nothing changed meanwhile.
fn holds(next: &Snapshot, guard: &Guard) -> bool {
    let there = |key: &str| current(next, key).is_some();
    match guard {
        Guard::Unchanged { .. } => true,
        Guard::Present { key } => there(key),
        Guard::Gone { under } => {
            !there(under) && ResourceId::parse(under).is_ok_and(|id| next.below(&id).next().is_none())
        }
    }
}

fn written(put: &PutRow, before: Option<&Row>, revision: i64, at: jiff::Timestamp) -> Row {
    let own = before.map(|before| (before.created_at, before.created_by.clone()));
    let (created_at, created_by) = own
        .or_else(|| put.created.clone())
        .unwrap_or_else(|| (at, put.by.clone()));
    Row {
        key: put.key.clone(),
        type_key: put.type_key.clone(),
        id: before.map_or_else(|| put.id.clone(), |before| before.id.clone()),
        body: put.body.clone(),
        sealed: put.sealed.clone(),
        etag: put.etag.clone(),
        claims: put.claims.clone(),
        created_at,
        created_by,
        updated_at: at,
        updated_by: put.by.clone(),
        valid_from: revision,
        valid_to: None,
    }
}
