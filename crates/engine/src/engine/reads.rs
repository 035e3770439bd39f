//! What a grant allows to see, and what the engine itself reads.

use std::sync::Arc;

use nave_arm::{ArmError, ResourceId, SkipToken};
use nave_store::{Event, EventQuery, ListQuery, Revision, Row, Store, StoreError, Verified};
use nave_vault::Secret;
use serde_json::Value;

use super::Engine;
use crate::{
    Grant, Registry, Resource, Snapshot,
    change::store_failed,
    grant::{Allows, Changes},
    secrets,
};

/// How many rows are read at a time.
const TOGETHER: u32 = 1000;

/// The state at some revision or later: rows may be newer than it. What is committed from that revision on is to be
/// taken in once more, which changes nothing about rows that are there already.
pub(super) async fn load(store: &Store, registry: &Registry) -> Result<Snapshot, StoreError> {
    let revision = store.head().await?;
    Ok(state(all_below(store, "/", None).await?, registry, revision))
}

/// The state at a revision that is in the log.
pub(super) async fn load_as_of(
    store: &Store,
    registry: &Registry,
    revision: Revision,
) -> Result<Snapshot, StoreError> {
    let rows = all_below(store, "/", Some(revision)).await?;
    Ok(state(rows, registry, revision))
}

fn state(rows: Vec<Row>, registry: &Registry, revision: Revision) -> Snapshot {
    let mut snapshot = Snapshot::empty();
    for row in rows {
        snapshot.put(&row, registry.resident(&row.type_key));
    }
    snapshot.at(revision);
    snapshot
}

async fn all_below(store: &Store, key: &str, as_of: Option<Revision>) -> Result<Vec<Row>, StoreError> {
    let mut query = ListQuery {
        under: key.to_owned(),
        type_key: None,
        after: None,
        limit: TOGETHER,
        as_of,
    };
    let mut rows = Vec::new();
    loop {
        let page = store.list(&query).await?;
        rows.extend(page.rows);
        query.after = page.next;
        if query.after.is_none() {
            return Ok(rows);
        }
    }
}

impl Engine {
    /// Reads the resource a grant is for, wherever its type keeps its rows.
    pub async fn read<A: Allows>(&self, grant: &Grant<A>) -> Result<Option<Arc<Resource>>, ArmError> {
        self.row(grant.id()).await
    }

    /// Reads the rows of a type below the resource a grant is for, one page.
    pub async fn rows_below<A: Allows>(
        &self,
        grant: &Grant<A>,
        resource_type: Option<&str>,
        after: Option<&SkipToken>,
        limit: u32,
    ) -> Result<(Vec<Arc<Resource>>, Option<SkipToken>), ArmError> {
        let query = ListQuery {
            under: grant.id().key().to_owned(),
            type_key: resource_type.map(str::to_lowercase),
            after: after.map(|token| token.key().to_owned()),
            limit,
            as_of: self.stands_at,
        };
        let page = self.stored_page(&query).await?;
        let rows = page
            .rows
            .iter()
            .filter_map(Resource::from_row)
            .map(Arc::new)
            .collect();
        Ok((rows, page.next.as_deref().map(SkipToken::after)))
    }

    /// Reads the log. The grant says whose log may be seen: what happened at or below its resource. To explain a
    /// decision is to read the events that rest on it ([`EventQuery::decision`]).
    pub async fn events<A: Allows>(
        &self,
        grant: &Grant<A>,
        mut query: EventQuery,
    ) -> Result<Vec<Event>, ArmError> {
        query.under = Some(grant.id().key().to_owned());
        query.before = self.not_after(query.before);
        self.store
            .events(&query)
            .await
            .map_err(|error| store_failed(&error))
    }

    /// Recomputes the hash chain of the whole log.
    pub async fn verify(&self) -> Result<Verified, StoreError> {
        self.store.verify().await
    }

    /// Opens the secrets of the resource a grant is for. The caller of this function says in its own code why.
    #[must_use]
    pub fn open_secrets<A: Changes>(&self, grant: &Grant<A>, resource: &Resource) -> Option<Secret<Value>> {
        tracing::debug!(id = %resource.id, operation = grant.operation(), "secrets opened");
        match self.stands_at {
            None => secrets::open(&self.vault, resource),
            Some(_) => None,
        }
    }

    pub(crate) async fn row(&self, id: &ResourceId) -> Result<Option<Arc<Resource>>, ArmError> {
        if self.registry.resident(&id.resource_type().to_lowercase()) {
            return Ok(self.snapshot().get(id).cloned());
        }
        let row = self.stored_row(id.key()).await?;
        Ok(row.as_ref().and_then(Resource::from_row).map(Arc::new))
    }

    pub(crate) async fn stored_below(&self, id: &ResourceId) -> Result<Vec<Row>, ArmError> {
        let rows = all_below(&self.store, id.key(), self.stands_at).await;
        let rows = rows.map_err(|error| store_failed(&error))?;
        Ok(self.stored_over(id, rows))
    }
}
