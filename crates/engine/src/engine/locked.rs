//! Before a caller's change is committed: whether everything that changes along with what he asked for may change.

use nave_arm::ArmError;
use uuid::Uuid;

use super::Engine;
use crate::{
    CallerKind, Change, CommitError, Grant, decision::Finding, grant::Changes, locks, operation::Surface,
};

impl Engine {
    /// Refuses a change that a lock is in the way of somewhere. It is decided and recorded like any refusal: the
    /// question is the one that was allowed, and what is locked besides.
    pub(crate) async fn check_locks<A: Changes>(
        &self,
        grant: &Grant<A>,
        change: &Change,
        correlation_id: Uuid,
    ) -> Result<(), CommitError> {
        let allowed = grant.decision();
        if allowed.surface != Surface::Arm || allowed.caller.kind == CallerKind::System {
            return Ok(());
        }
        let taken = locks::taken(&self.snapshot(), grant.id(), change);
        if taken.is_empty() {
            return Ok(());
        }
        let asked = allowed.findings.iter().map(Finding::need);
        let decision = self.decide(
            &allowed.caller,
            allowed.surface,
            vec![asked.chain(taken).collect()],
        );
        if decision.allowed {
            // the lock went meanwhile
            return Err(CommitError::Raced);
        }
        let refusal: ArmError = self.refuse_for(decision, grant.id(), correlation_id).await;
        Err(refusal.into())
    }
}
