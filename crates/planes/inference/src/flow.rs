//! A streamed answer under way, metered as it passes, and cut when its right is taken away.
//!
//! The client's side asks for one event after the other, and may stop asking. So that a cut does not wait for it, the
//! stream has a guard beside it: a task that ends the answer at its source, settles the call, and leaves the client the
//! event that says why.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use futures::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use nave_arm::ArmError;
use nave_engine::live::{Cut, Held};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::{
    ask::{Ask, Kind},
    failure::Failure,
    meter::{Meter, Seen},
    record::{Record, Settlement},
};

type Events = BoxStream<'static, Result<Bytes, Failure>>;

/// The events for the client. The call is settled with the last one, or when the client hangs up.
pub(crate) fn passing(
    events: Events,
    ask: &Ask<'_>,
    record: Record,
    held: Held,
) -> impl Stream<Item = Bytes> + Send + use<> {
    let flow = Arc::new(Mutex::new(Flow {
        events,
        meter: Meter::default(),
        record,
        kind: ask.kind,
        body: ask.body.clone(),
        wants_usage: ask.wants_usage,
        end: End::Open,
        waiting: None,
    }));
    let guard = tokio::spawn(guard(held, Arc::downgrade(&flow)));
    Passing { flow, guard }
}

/// The client's side.
struct Passing {
    flow: Arc<Mutex<Flow>>,
    guard: JoinHandle<()>,
}

impl Stream for Passing {
    type Item = Bytes;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        lock(&self.flow).poll_next(context)
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.guard.abort();
    }
}

/// Ends a flow when its right is taken away.
async fn guard(mut held: Held, flow: Weak<Mutex<Flow>>) {
    let cut = held.cut().await;
    let error = cut.refusal.clone();
    let stopped = flow.upgrade().and_then(|flow| lock(&flow).stop(cut));
    let Some(recorded) = stopped else { return };
    let error = recorded.await.map_or_else(|fault| fault, |()| error);
    if let Some(flow) = flow.upgrade() {
        lock(&flow).part(&error);
    }
}

fn lock(flow: &Mutex<Flow>) -> MutexGuard<'_, Flow> {
    flow.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A stream under way. When it is dropped before its end, the client hung up.
struct Flow {
    events: Events,
    meter: Meter,
    record: Record,
    kind: Kind,
    body: Bytes,
    wants_usage: bool,
    end: End,
    /// Whoever waits for the next event.
    waiting: Option<Waker>,
}

/// Whether the flow was cut.
enum End {
    /// It was not.
    Open,
    /// It was, and that is being recorded.
    Stopped,
    /// It was, and the client is to be told this.
    Parting(Bytes),
}

impl Flow {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let next = match &mut self.end {
            End::Open => self.poll_open(context),
            End::Stopped => Poll::Pending,
            End::Parting(event) if event.is_empty() => Poll::Ready(None),
            End::Parting(event) => Poll::Ready(Some(std::mem::take(event))),
        };
        // the model, which would wake whoever waits, may be let go before its next event
        self.waiting = next.is_pending().then(|| context.waker().clone());
        next
    }

    /// The next event for the client; none after the one that settled the call.
    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        while self.record.is_open() {
            let event = match ready!(self.events.poll_next_unpin(context)) {
                Some(Ok(event)) => event,
                Some(Err(failure)) => return Poll::Ready(Some(self.fail(&failure))),
                None => {
                    let failure = Failure::Broken("ended its answer without saying so");
                    return Poll::Ready(Some(self.fail(&failure)));
                }
            };
            match self.meter.see(&event, self.wants_usage) {
                Seen::Withhold => {}
                Seen::Pass => return Poll::Ready(Some(event)),
                Seen::Fail => {
                    self.record
                        .settle(Settlement::failed(Failure::Failed.status(), self.usage()));
                    return Poll::Ready(Some(event));
                }
                Seen::Done => {
                    self.record.settle(Settlement::succeeded(self.usage()));
                    return Poll::Ready(Some(event));
                }
            }
        }
        Poll::Ready(None)
    }

    /// The event by which clients see that an answer failed after it began. The status has gone out by then.
    fn fail(&mut self, failure: &Failure) -> Bytes {
        self.record
            .settle(Settlement::failed(failure.status(), self.usage()));
        last_event(&failure.error())
    }

    /// Lets go of the model and settles the call as it stands; `None` when it is settled already. What is given back
    /// waits until that is recorded.
    fn stop(&mut self, cut: Cut) -> Option<impl Future<Output = Result<(), ArmError>> + use<>> {
        if !self.record.is_open() {
            return None;
        }
        self.events = stream::empty().boxed();
        self.end = End::Stopped;
        let usage = self.usage();
        Some(self.record.cut(cut, usage))
    }

    /// Leaves the client the event that says why its answer ends here.
    fn part(&mut self, error: &ArmError) {
        self.end = End::Parting(last_event(error));
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }

    fn usage(&self) -> Value {
        self.meter.usage(self.kind, &self.body)
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        if self.record.is_open() {
            self.record.settle(Settlement::canceled(self.usage()));
        }
    }
}

/// An error as the last event of a stream.
fn last_event(error: &ArmError) -> Bytes {
    format!("data: {}\n\n", error.envelope()).into()
}
