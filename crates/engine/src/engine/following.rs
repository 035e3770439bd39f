//! Following the log, for planes that do something elsewhere with what happened: reconcilers and deliveries.

use nave_arm::ArmError;
use nave_store::{Revision, StoreError};

use super::Engine;
use crate::{
    Grant,
    change::store_failed,
    grant::{Allows, Changes},
};

impl Engine {
    /// Waits until the log reaches beyond a revision, whoever wrote it, and tells how far.
    ///
    /// # Errors
    /// Where the store is closed or cannot be read.
    pub async fn beyond(&self, revision: Revision) -> Result<Revision, StoreError> {
        self.store.beyond(revision).await
    }

    /// How far the follower of a name has come, if it has begun.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn mark<A: Allows>(&self, grant: &Grant<A>, name: &str) -> Result<Option<Revision>, ArmError> {
        tracing::trace!(operation = grant.operation(), name, "mark read");
        self.store.mark(name).await.map_err(|error| store_failed(&error))
    }

    /// Notes how far the follower of a name has come: what it did until there is done. Marks are no part of the state;
    /// who loses one does again what it has done.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn keep_mark<A: Changes>(
        &self,
        grant: &Grant<A>,
        name: &str,
        revision: Revision,
    ) -> Result<(), ArmError> {
        tracing::trace!(operation = grant.operation(), name, revision, "mark kept");
        let kept = self.store.keep_mark(name, revision).await;
        kept.map_err(|error| store_failed(&error))
    }

    /// Forgets the follower of a name.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn drop_mark<A: Changes>(&self, grant: &Grant<A>, name: &str) -> Result<(), ArmError> {
        tracing::trace!(operation = grant.operation(), name, "mark dropped");
        self.store
            .drop_mark(name)
            .await
            .map_err(|error| store_failed(&error))
    }
}
