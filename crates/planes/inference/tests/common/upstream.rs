//! Another server, on loopback, that does what a script says and remembers what it was sent.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};

/// What a server does with every request.
#[derive(Debug, Clone)]
pub(crate) enum Script {
    /// Answers with a status, headers and a body.
    Reply(u16, Vec<(&'static str, &'static str)>, String),
    /// Streams these pieces and ends properly.
    Stream(Vec<&'static str>),
    /// Streams these pieces and, when told to, breaks the connection.
    Break(Vec<&'static str>),
    /// Streams these pieces and then nothing, until the caller hangs up.
    Stall(Vec<&'static str>),
    /// Takes the request and never answers.
    Silence,
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// A running server.
pub(crate) struct Upstream {
    pub(crate) url: String,
    stage: Arc<Stage>,
    stop: Option<oneshot::Sender<()>>,
}

struct Stage {
    script: Script,
    arrived: Mutex<Vec<Arrived>>,
    hung_up: Arc<Notify>,
    break_off: Arc<Notify>,
}

impl Upstream {
    pub(crate) async fn start(script: Script) -> Self {
        let stage = Arc::new(Stage {
            script,
            arrived: Mutex::default(),
            hung_up: Arc::default(),
            break_off: Arc::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let app = Router::new().fallback(perform).with_state(stage.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move {
            tokio::select! {
                served = axum::serve(listener, app) => served.expect("served"),
                _ = stopped => {}
            }
        });
        Self {
            url,
            stage,
            stop: Some(stop),
        }
    }

    /// The setting of an account in front of this server.
    pub(crate) fn setting(&self, key: &str) -> Value {
        json!({ "kind": "openAI", "endpoint": format!("{}/v1", self.url), "apiKey": key })
    }

    /// The one request that arrived.
    pub(crate) fn only(&self) -> Arrived {
        let arrived = self.arrived();
        assert_eq!(arrived.len(), 1, "{arrived:?}");
        arrived[0].clone()
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.stage.arrived.lock().expect("lock").clone()
    }

    /// Breaks the connection of a script that waits for it.
    pub(crate) fn break_off(&self) {
        self.stage.break_off.notify_one();
    }

    /// Waits until a caller of a stalled stream hung up.
    pub(crate) async fn hung_up(&self) {
        self.stage.hung_up.notified().await;
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

async fn perform(State(stage): State<Arc<Stage>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("body");
    stage.arrived.lock().expect("lock").push(Arrived {
        path: head.uri.path_and_query().expect("path").to_string(),
        headers: head.headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    });
    match stage.script.clone() {
        Script::Reply(status, headers, body) => {
            let mut reply = Response::builder().status(status);
            for (name, value) in headers {
                reply = reply.header(name, value);
            }
            reply.body(Body::from(body)).expect("reply")
        }
        Script::Stream(pieces) => streamed(stream::iter(ok(pieces)).boxed()),
        Script::Break(pieces) => {
            let told = stage.break_off.clone();
            let broken = stream::once(async move {
                told.notified().await;
                Err(std::io::Error::other("script"))
            });
            streamed(stream::iter(ok(pieces)).chain(broken).boxed())
        }
        Script::Stall(pieces) => {
            let gone = Gone(stage.hung_up.clone());
            let forever = stream::once(async move {
                let _gone = gone;
                std::future::pending().await
            });
            streamed(stream::iter(ok(pieces)).chain(forever).boxed())
        }
        Script::Silence => std::future::pending().await,
    }
}

/// Says so when it is dropped, which hyper does when the connection is.
struct Gone(Arc<Notify>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

type Piece = Result<Bytes, std::io::Error>;

fn ok(pieces: Vec<&'static str>) -> Vec<Piece> {
    pieces
        .into_iter()
        .map(|piece| Ok(Bytes::from_static(piece.as_bytes())))
        .collect()
}

fn streamed(pieces: stream::BoxStream<'static, Piece>) -> Response {
    let reply = Response::builder().header("content-type", "text/event-stream; charset=utf-8");
    reply.body(Body::from_stream(pieces)).expect("reply")
}
