//! An answer on its way to the client, metered as it passes.

use bytes::Bytes;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use http::HeaderMap;
use nave_engine::{Body, Reply};
use serde_json::json;

use crate::{
    ask::{Ask, Kind},
    failure::Failure,
    meter::{Meter, Seen, usage_in},
    model::Answer,
    record::{Record, Settlement},
};

/// The reply for an answer or a failure. The record is settled with it; that of a stream when the stream is over.
pub(crate) fn deliver(answer: Result<Answer, Failure>, ask: &Ask<'_>, mut record: Record) -> Reply {
    match answer {
        Ok(Answer::Events(events)) => streamed(events, ask, record),
        Ok(Answer::Whole(body)) => match usage_in(&body) {
            Ok(usage) => {
                record.settle(Settlement::succeeded(usage));
                Reply {
                    status: 200,
                    headers: HeaderMap::new(),
                    body: Body::Bytes("application/json", body),
                }
            }
            Err(_) => failed(
                Failure::Broken("answered with something that is not JSON"),
                record,
            ),
        },
        Err(failure) => failed(failure, record),
    }
}

fn failed(failure: Failure, mut record: Record) -> Reply {
    record.settle(Settlement::failed(failure.status(), json!({})));
    failure.reply()
}

fn streamed(events: BoxStream<'static, Result<Bytes, Failure>>, ask: &Ask<'_>, record: Record) -> Reply {
    let passing = Passing {
        events,
        meter: Meter::default(),
        record,
        kind: ask.kind,
        body: ask.body.clone(),
        wants_usage: ask.wants_usage,
    };
    let body = stream::unfold(passing, |mut passing| async move {
        Some((Ok(passing.next().await?), passing))
    });
    let mut headers = HeaderMap::new();
    headers.insert(
        http::header::CACHE_CONTROL,
        http::HeaderValue::from_static("no-cache"),
    );
    Reply {
        status: 200,
        headers,
        body: Body::Stream(String::from("text/event-stream"), body.boxed()),
    }
}

/// A stream under way. When it is dropped before its end, the client hung up.
struct Passing {
    events: BoxStream<'static, Result<Bytes, Failure>>,
    meter: Meter,
    record: Record,
    kind: Kind,
    body: Bytes,
    wants_usage: bool,
}

impl Passing {
    /// The next event for the client; none after the one that settled the call.
    async fn next(&mut self) -> Option<Bytes> {
        while self.record.is_open() {
            let event = match self.events.next().await {
                Some(Ok(event)) => event,
                Some(Err(failure)) => return Some(self.fail(&failure)),
                None => return Some(self.fail(&Failure::Broken("ended its answer without saying so"))),
            };
            match self.meter.see(&event, self.wants_usage) {
                Seen::Withhold => {}
                Seen::Pass => return Some(event),
                Seen::Fail => {
                    self.record
                        .settle(Settlement::failed(Failure::Failed.status(), self.usage()));
                    return Some(event);
                }
                Seen::Done => {
                    self.record.settle(Settlement::succeeded(self.usage()));
                    return Some(event);
                }
            }
        }
        None
    }

    /// The event by which clients see that an answer failed after it began. The status has gone out by then.
    fn fail(&mut self, failure: &Failure) -> Bytes {
        self.record
            .settle(Settlement::failed(failure.status(), self.usage()));
        format!("data: {}\n\n", failure.error().envelope()).into()
    }

    fn usage(&self) -> serde_json::Value {
        self.meter.usage(self.kind, &self.body)
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        if self.record.is_open() {
            self.record.settle(Settlement::canceled(self.usage()));
        }
    }
}
