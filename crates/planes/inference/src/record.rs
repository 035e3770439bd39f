//! The record of a call: opened while the model works, settled when the answer is over.
//!
//! One task keeps the record of one call. It makes the open record durable and says so; then it waits for the
//! settlement. A client that hangs up drops its side, which settles the call as it then stands. The records hold who
//! called what and how much it used, and never what was said.

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Act, Engine, Grant, live::Cut};
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Settlement {
    ending: Ending,
    detail: Value,
}

#[derive(Debug)]
enum Ending {
    /// By itself, with this outcome.
    Outcome(&'static str),
    /// Its right was taken away; whoever waits is told when that is recorded.
    Cut(Box<Cut>, oneshot::Sender<Result<(), ArmError>>),
}

impl Settlement {
    /// It was answered to the end.
    pub(crate) fn succeeded(usage: Value) -> Self {
        Self::new("Succeeded", 200, usage)
    }

    /// The model did not answer, or not to the end; the client saw `status`.
    pub(crate) fn failed(status: u16, usage: Value) -> Self {
        Self::new("Failed", status, usage)
    }

    /// The client hung up.
    pub(crate) fn canceled(usage: Value) -> Self {
        Self::new("Canceled", 499, usage)
    }

    fn new(outcome: &'static str, status: u16, mut detail: Value) -> Self {
        detail["status"] = status.into();
        Self {
            ending: Ending::Outcome(outcome),
            detail,
        }
    }
}

/// A call that is recorded.
pub(crate) struct Subject {
    pub(crate) engine: Arc<Engine>,
    pub(crate) grant: Grant<Act>,
    pub(crate) correlation_id: Uuid,
    /// The connection it goes through, whose log shows it as well (features CON-07).
    pub(crate) through: Option<ResourceId>,
    /// What it is.
    pub(crate) facts: Value,
}

impl Subject {
    async fn record(&self, outcome: &str, detail: Value) -> Result<(), ArmError> {
        let Self {
            engine,
            grant,
            correlation_id,
            ..
        } = self;
        match &self.through {
            Some(through) => {
                engine
                    .record_through(grant, through, outcome, *correlation_id, detail)
                    .await
            }
            None => engine.record(grant, outcome, *correlation_id, detail).await,
        }
    }

    async fn record_cut(&self, cut: &Cut, detail: Value) -> Result<(), ArmError> {
        let Self {
            engine,
            grant,
            correlation_id,
            through,
            ..
        } = self;
        engine
            .record_cut(grant, through.as_ref(), cut, *correlation_id, detail)
            .await
    }

    /// Records how the call ended.
    async fn settle(&self, Settlement { ending, mut detail }: Settlement) {
        nave_engine::fill(&mut detail, &self.facts);
        let settled = match ending {
            Ending::Outcome(outcome) => self.record(outcome, detail).await,
            Ending::Cut(cut, recorded) => {
                let settled = self.record_cut(&cut, detail).await;
                // the client may have gone meanwhile
                let _ = recorded.send(settled.clone());
                settled
            }
        };
        if let Err(error) = settled {
            tracing::error!(scope = %self.grant.id(), %error, "a model call could not be settled");
        }
    }
}

/// The client's side of a record. When it is dropped unsettled, the client hung up.
#[derive(Debug)]
pub(crate) struct Record {
    opened: oneshot::Receiver<Result<(), ArmError>>,
    settlement: Option<oneshot::Sender<Settlement>>,
}

impl Record {
    /// Starts to record a call.
    pub(crate) fn open(unsettled: &Unsettled, subject: Subject) -> Self {
        let (tell, opened) = oneshot::channel();
        let (settlement, settled) = oneshot::channel();
        let one = unsettled.one();
        tokio::spawn(async move {
            keep(&subject, tell, settled).await;
            drop(one);
        });
        Self {
            opened,
            settlement: Some(settlement),
        }
    }

    /// Waits until the open record is durable.
    pub(crate) async fn opened(&mut self) -> Result<(), ArmError> {
        (&mut self.opened).await.map_err(|_| unrecorded())?
    }

    /// Says that the call's right was taken away, and gives back what waits until that is durable: it is recorded before
    /// it is told.
    pub(crate) fn cut(
        &mut self,
        cut: Cut,
        mut usage: Value,
    ) -> impl Future<Output = Result<(), ArmError>> + use<> {
        usage["status"] = cut.refusal.status().into();
        let (tell, recorded) = oneshot::channel();
        self.settle(Settlement {
            ending: Ending::Cut(Box::new(cut), tell),
            detail: usage,
        });
        async move { recorded.await.map_err(|_| unrecorded())? }
    }

    /// Says how the call ended; what is said first counts.
    pub(crate) fn settle(&mut self, settlement: Settlement) {
        if let Some(settle) = self.settlement.take() {
            // Without a task there is no open record either, and nothing to settle.
            let _ = settle.send(settlement);
        }
    }

    /// Whether nothing was said yet.
    pub(crate) fn is_open(&self) -> bool {
        self.settlement.is_some()
    }
}

fn unrecorded() -> ArmError {
    ArmError::new(
        ErrorCode::InternalServerError,
        "The call could not be recorded, so it was not answered.",
    )
}

async fn keep(
    subject: &Subject,
    tell: oneshot::Sender<Result<(), ArmError>>,
    settled: oneshot::Receiver<Settlement>,
) {
    let opened = subject.record("Started", subject.facts.clone()).await;
    let is_open = opened.is_ok();
    // A client that hung up does not wait for it.
    let _ = tell.send(opened);
    if !is_open {
        return;
    }
    let settlement = settled.await.unwrap_or_else(|_| Settlement::canceled(json!({})));
    subject.settle(settlement).await;
}

/// Counts the calls that are not settled.
#[derive(Debug, Default)]
pub(crate) struct Unsettled(watch::Sender<usize>);

impl Unsettled {
    /// One more, until what this gives is dropped.
    fn one(&self) -> One {
        self.0.send_modify(|count| *count += 1);
        One(self.0.clone())
    }

    /// Waits until there is none.
    pub(crate) async fn none(&self) {
        // The sender is `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

struct One(watch::Sender<usize>);

impl Drop for One {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
