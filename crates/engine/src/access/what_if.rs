//! What a change to access would do, before it is made.

use std::{ops::Range, sync::Arc};

use nave_arm::{ArmError, ResourceId};

use super::{
    affected::Step,
    calls::Flips,
    gains::{Asking, Difference},
    kept::since,
    operations::operations,
    proposal::{Impossible, Proposed, Rehearsed, rehearse},
};
use crate::{Allows, Engine, Grant, Request, Snapshot};

/// What is asked.
pub struct WhatIf<'a> {
    /// The changes, in the order they would be made in.
    pub changes: &'a [Proposed],
    /// Which of the entries are told; all are counted.
    pub told: Range<usize>,
    /// How many days of the log are looked at; `None`: it is not looked at.
    pub days: Option<u32>,
}

/// What would be.
pub struct Foreseen {
    /// Of each change, whether the asker could make it and whether it changes anything.
    pub changes: Vec<Rehearsed>,
    /// The rows that would be written or deleted: those of the changes, and those that follow by rules at or below the
    /// place that was asked about.
    pub rows: Vec<ResourceId>,
    /// Who gains or loses what.
    pub difference: Difference,
    /// Which calls of the past would come out otherwise.
    pub flips: Option<Flips>,
    /// The state now, for names.
    pub before: Arc<Snapshot>,
    /// The state that would be.
    pub after: Arc<Snapshot>,
}

/// Why there is no answer.
pub enum NoAnswer {
    /// A change cannot be made.
    Impossible(Impossible),
    /// The log cannot be read.
    Failed(ArmError),
}

impl WhatIf<'_> {
    /// What follows elsewhere is not for who asks here.
    fn told_of(&self, state: &Snapshot, scope: &ResourceId, rows: Vec<ResourceId>) -> Vec<ResourceId> {
        let is_asked = |row: &ResourceId| self.changes.iter().any(|change| change.id == *row);
        let is_below = |row: &ResourceId| {
            let place = row.scope().unwrap_or_else(ResourceId::tenant);
            state.roles().scope_contains(scope, &place)
        };
        let told = rows.into_iter().filter(|row| is_asked(row) || is_below(row));
        told.collect()
    }

    /// Works it out, at and below the resource of a grant. Nothing is changed and nothing is recorded.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn ask<A: Allows>(
        &self,
        engine: &Arc<Engine>,
        grant: &Grant<A>,
        request: &Request,
    ) -> Result<Foreseen, NoAnswer> {
        // however many ask, no more than one of them keeps the server busy
        let _one_at_a_time = engine.foreseeing.lock().await;
        let stage = engine.rehearsal();
        let before = stage.snapshot();
        let changes = rehearse(&stage, grant.caller(), self.changes, request)
            .await
            .map_err(NoAnswer::Impossible)?;
        let (after, all_rows) = (stage.snapshot(), stage.rehearsed());
        let step = Step {
            before: &before,
            after: &after,
            changed: &all_rows,
        };
        let affected = step.affected();
        let now = engine.world().now();
        let asking = Asking {
            registry: engine.registry(),
            operations: &operations(engine.registry()),
            scope: grant.id(),
            now,
            told: self.told.clone(),
        };
        let difference = asking.difference(&step, &affected);
        let flips = match self.days {
            None => None,
            Some(days) => {
                let found = engine.flips(grant, &step, &affected, since(now, days)).await;
                Some(found.map_err(NoAnswer::Failed)?)
            }
        };
        Ok(Foreseen {
            changes,
            rows: self.told_of(&after, grant.id(), all_rows),
            difference,
            flips,
            before,
            after,
        })
    }
}
