//! Every refusal has an id that can be asked about: those that no decision made, too.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use nave_arm::{ArmError, ResourceId};
use uuid::Uuid;

use super::Engine;
use crate::{
    Decision, Reply,
    decision::Outcome,
    explain::{AskedFor, Count, Kept, Stranger},
    request::DECISION,
};

/// The operation of an event that counts refusals.
const COUNT: &str = "Nave.Access/refusals/count";

/// How often minutes that are over are looked for.
const EVERY: Duration = Duration::from_secs(60);

/// Writes down how often refusals came again, until the engine is dropped.
pub(super) async fn count(engine: Weak<Engine>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(engine) = engine.upgrade() else { return };
        if let Err(error) = engine.count_refusals().await {
            tracing::error!(%error, "refusals cannot be counted");
        }
    }
}

impl Engine {
    /// Writes down how often refusals came again, of the minutes that are over.
    pub async fn count_refusals(self: &Arc<Self>) -> Result<(), ArmError> {
        for Count { caller, detail } in self.refusals.over(self.world.now()) {
            let tenant = ResourceId::tenant();
            let decision = self.one_finding(COUNT, &tenant, caller, Outcome::Rule("Count"));
            let event = self.event(&decision, COUNT, &tenant, "Denied", Uuid::nil(), detail);
            self.append(event).await?;
        }
        Ok(())
    }

    /// The refusal of a request whose credential is not accepted, with an id to ask about it.
    pub(super) fn turn_away(&self, asked: AskedFor, error: ArmError) -> ArmError {
        let id = self.keep(asked, &Reply::from(error.clone()));
        Decision::name(id, error)
    }

    /// The reply with an id to ask about it, where it refuses and has none.
    pub(super) fn answerable(&self, asked: AskedFor, reply: Reply) -> Reply {
        if !matches!(reply.status, 401 | 403) || reply.headers.contains_key(DECISION) {
            return reply;
        }
        let id = self.keep(asked, &reply);
        reply.named(id)
    }

    fn keep(&self, asked: AskedFor, reply: &Reply) -> Uuid {
        let id = self.world.new_id();
        let stranger = Stranger::of(asked, self.world.now(), reply);
        self.turned_away.keep(id, Kept::Stranger(stranger));
        id
    }
}
