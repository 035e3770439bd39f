//! Live work of this engine: registered here, and recorded when it is cut.

use std::{sync::Weak, time::Duration};

use nave_arm::{ArmError, ResourceId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Engine;
use crate::{
    Grant,
    grant::Allows,
    live::{Cause, Cut, Held, Work},
};

/// How the event of something that was cut says it ended.
const CUT: &str = "Cut";

/// How often live work is looked at while nothing changes but the time.
const LOOK: Duration = Duration::from_secs(1);

/// Cuts, until the engine is dropped, what was allowed for a time that is over.
pub(super) async fn as_time_goes_on(engine: Weak<Engine>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(engine) = engine.upgrade() else { return };
        let mut works = engine.live.works();
        works.judge(&engine.snapshot(), None, &engine.site.origin, &*engine.world);
    }
}

impl Engine {
    /// Registers something that is held open for somebody. It is cut as soon as a commit takes the right to it away.
    #[must_use]
    pub fn hold(&self, work: Work) -> Held {
        self.live
            .hold(work, || self.snapshot(), &self.site.origin, &*self.world)
    }

    /// Records that something was cut: the event rests on the decision that refused, and follows from the event of the
    /// commit that took the right away, from which it is found ([`crate::EventQuery::cause`]).
    pub async fn record_cut<A: Allows>(
        &self,
        grant: &Grant<A>,
        through: Option<&ResourceId>,
        cut: &Cut,
        correlation_id: Uuid,
        mut detail: Value,
    ) -> Result<(), ArmError> {
        let (code, message) = (cut.refusal.code.face().1, &cut.refusal.message);
        detail["cut"] = json!({
            "cause": cut.cause.as_deref().map(Cause::record),
            "reason": { "code": code, "message": message },
            "allowedBy": grant.decision().id,
        });
        let mut event = self.event(
            &cut.decision,
            grant.operation(),
            grant.id(),
            CUT,
            correlation_id,
            detail,
        );
        let caller = grant.caller();
        (event.caller, event.caller_name) = (caller.record_id(), caller.name.clone());
        event.through = through.map(|id| id.key().to_owned()).or(event.through);
        event.cause = cut.cause.as_deref().map(|cause| cause.headline.event);
        self.append(event).await
    }
}
