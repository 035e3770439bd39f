//! Purges what was deleted and whose time is over. It may run twice, and beside others that do the same: of all who
//! purge, and of those who recover at the last moment, one wins.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use nave_arm::{ArmError, ResourceId};

use super::Engine;
use crate::{
    CommitError, Delete, Resource,
    soft_delete::{SoftDelete, is_over, kept_at, purged},
};

/// How often it is looked for what is over.
const EVERY: Duration = Duration::from_secs(60);

/// Purges, until the engine is dropped, what is over.
pub(super) async fn keep(engine: Weak<Engine>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(engine) = engine.upgrade() else { return };
        if let Err(error) = engine.purge_what_is_over().await {
            tracing::error!(%error, "deleted resources cannot be purged");
        }
    }
}

impl Engine {
    /// Purges everything that was deleted and whose time is over, on nave's own account.
    pub async fn purge_what_is_over(&self) -> Result<(), ArmError> {
        let (snapshot, now) = (self.snapshot(), self.world.now());
        let kept = self
            .registry
            .declarations()
            .filter_map(|declaration| declaration.soft_delete);
        for soft in kept {
            for row in snapshot
                .of_type(soft.deleted.resource_type)
                .filter(|row| is_over(row, now))
            {
                self.purge(soft, row).await?;
            }
        }
        Ok(())
    }

    /// Purges what is kept at an id, if its time is over: whoever asks for the name has it from then on.
    pub(crate) async fn purge_if_over(&self, soft: &SoftDelete, id: &ResourceId) -> Result<(), ArmError> {
        let (snapshot, now) = (self.snapshot(), self.world.now());
        match kept_at(&snapshot, id).filter(|row| is_over(row, now)) {
            Some(row) => self.purge(soft, row).await,
            None => Ok(()),
        }
    }

    async fn purge(&self, soft: &SoftDelete, row: &Arc<Resource>) -> Result<(), ArmError> {
        let grant = self.on_own_account::<Delete>(&soft.purge_permission(), &row.id);
        match self.commit(&grant, purged(&self.snapshot(), row)).await {
            // somebody else was first
            Ok(_) | Err(CommitError::Raced) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
