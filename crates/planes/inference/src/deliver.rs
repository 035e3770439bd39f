//! An answer on its way to the client.

use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use http::HeaderMap;
use nave_engine::{Body, Reply, live::Held};
use serde_json::json;

use crate::{
    ask::Ask,
    failure::Failure,
    flow,
    meter::usage_in,
    model::Answer,
    record::{Record, Settlement},
};

/// The reply for an answer or a failure. The record is settled with it; that of a stream when the stream is over.
pub(crate) fn deliver(
    answer: Result<Answer, Failure>,
    ask: &Ask<'_>,
    mut record: Record,
    held: Held,
) -> Reply {
    match answer {
        Ok(Answer::Events(events)) => streamed(events, ask, record, held),
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

fn streamed(
    events: BoxStream<'static, Result<Bytes, Failure>>,
    ask: &Ask<'_>,
    record: Record,
    held: Held,
) -> Reply {
    let body = flow::passing(events, ask, record, held);
    let mut headers = HeaderMap::new();
    headers.insert(
        http::header::CACHE_CONTROL,
        http::HeaderValue::from_static("no-cache"),
    );
    Reply {
        status: 200,
        headers,
        body: Body::Stream(String::from("text/event-stream"), body.map(Ok).boxed()),
    }
}
