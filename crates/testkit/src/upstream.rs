//! A model server that says what a test tells it to say, and remembers what it was asked.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    response::Response,
};
use futures::{StreamExt, stream};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

/// A model server on a loopback port.
#[derive(Clone)]
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

/// One answer to come.
#[derive(Debug, Clone)]
pub enum Scripted {
    /// JSON with a status.
    Json(u16, Value),
    /// Server-sent events, as they are.
    Events(Vec<String>),
    /// Server-sent events that stop for ever before the end.
    Stalls(Vec<String>),
    /// Server-sent events after which the connection breaks.
    Breaks(Vec<String>),
}

/// One request that came.
#[derive(Debug, Clone)]
pub struct Received {
    /// The verb.
    pub method: Method,
    /// The path with its query.
    pub target: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; null when it was no JSON.
    pub body: Value,
}

#[derive(Default)]
struct Shared {
    script: VecDeque<Scripted>,
    received: Vec<Received>,
}

impl Upstream {
    /// Starts one that has nothing to say yet.
    pub async fn start() -> Self {
        let tcp = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let upstream = Self {
            address: tcp.local_addr().unwrap(),
            shared: Arc::default(),
        };
        let app = Router::new().fallback(answer).with_state(upstream.clone());
        tokio::spawn(async move { axum::serve(tcp, app).await });
        upstream
    }

    /// Where it is, as a base URL of an OpenAI-compatible server.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The next answer it gives, after those it was told before.
    pub fn says(&self, next: Scripted) {
        self.shared.lock().unwrap().script.push_back(next);
    }

    /// What it was asked so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().unwrap().received.clone()
    }
}

async fn answer(State(upstream): State<Upstream>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let mut shared = upstream.shared.lock().unwrap();
    shared.received.push(Received {
        method: parts.method,
        target: parts.uri.to_string(),
        headers: parts.headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    });
    let unscripted = || {
        Scripted::Json(
            500,
            serde_json::json!({ "error": { "message": "the test has scripted no answer" } }),
        )
    };
    respond(shared.script.pop_front().unwrap_or_else(unscripted))
}

fn respond(scripted: Scripted) -> Response {
    let (status, media, body) = match scripted {
        Scripted::Json(status, body) => (status, "application/json", Body::from(body.to_string())),
        Scripted::Events(events) => (200, "text/event-stream", Body::from_stream(sent(events))),
        Scripted::Stalls(events) => (
            200,
            "text/event-stream",
            Body::from_stream(sent(events).chain(stream::pending())),
        ),
        Scripted::Breaks(events) => {
            let broken = stream::once(async { Err(io::Error::other("the connection broke")) });
            (
                200,
                "text/event-stream",
                Body::from_stream(sent(events).chain(broken)),
            )
        }
    };
    let status = StatusCode::from_u16(status).unwrap();
    Response::builder()
        .status(status)
        .header("content-type", media)
        .body(body)
        .unwrap()
}

fn sent(events: Vec<String>) -> impl futures::Stream<Item = io::Result<String>> {
    stream::iter(events.into_iter().map(|event| Ok(format!("data: {event}\n\n"))))
}
