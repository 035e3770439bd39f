//! One request from bytes to bytes.

use std::{any::Any, net::IpAddr, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::{Router, body::Body, extract::State, response::IntoResponse};
use bytes::Bytes;
use futures::FutureExt;
use http::{Request as HttpRequest, Response, request::Parts};
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{Caller, Engine, Reply, operation::Surface};

use crate::{
    access_log, body,
    cut::Cut,
    decode, encode,
    proxies::{self, TrustedProxy},
    throttle::{Limits, Throttle},
};

/// Answers HTTP requests with one engine.
#[derive(Clone)]
pub struct Face {
    engine: Arc<Engine>,
    cut: Cut,
    proxies: Arc<[TrustedProxy]>,
    throttle: Arc<Throttle>,
    peer: Option<IpAddr>,
}

/// A reply, and whose request it answers where that was found out.
struct Answered {
    caller: Option<Caller>,
    reply: Reply,
}

impl Face {
    /// A face of this engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            cut: Cut::never(),
            proxies: Arc::default(),
            throttle: Arc::new(Throttle::new(Limits::default())),
            peer: None,
        }
    }

    /// A face whose streamed answers may be cut off, and that believes what these proxies say of their clients.
    pub(crate) fn until(engine: Arc<Engine>, cut: Cut, proxies: Arc<[TrustedProxy]>) -> Self {
        Self {
            cut,
            proxies,
            ..Self::new(engine)
        }
    }

    /// The face, which takes so many calls from everybody.
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        Self {
            throttle: Arc::new(Throttle::new(limits)),
            ..self
        }
    }

    /// The face as it looks at one peer.
    pub(crate) fn towards(&self, peer: IpAddr) -> Self {
        Self {
            peer: Some(peer),
            ..self.clone()
        }
    }

    /// Answers one request. It never fails: what goes wrong is an answer with its error envelope.
    pub async fn answer(&self, request: HttpRequest<Body>) -> Response<Body> {
        let began = Instant::now();
        let (parts, content) = request.into_parts();
        let world = self.engine.world();
        let correlation = decode::correlation_id(&parts).unwrap_or_else(|| world.new_id());
        let (site, now) = (self.engine.site(), world.now());
        let ids = encode::Ids::of(&parts.headers, site, now, world.new_id(), correlation);
        let served = AssertUnwindSafe(self.serve(&parts, content, &ids))
            .catch_unwind()
            .await;
        let Answered { caller, reply } = served.unwrap_or_else(|panic| Answered {
            caller: None,
            reply: panicked(&*panic, &parts).into(),
        });
        let response = encode::response(self.engine.site(), &parts.method, reply, &ids, self.cut.clone());
        access_log::write(&access_log::Line {
            method: &parts.method,
            path: parts.uri.path(),
            caller: caller.as_ref(),
            status: response.status(),
            took: began.elapsed(),
            ids: &ids,
        });
        response
    }

    async fn serve(&self, parts: &Parts, content: Body, ids: &encode::Ids) -> Answered {
        let refused = |caller, error: ArmError| Answered {
            caller,
            reply: error.into(),
        };
        let mut request = match decode::request(self.engine.site(), parts, Bytes::new(), ids.correlation) {
            Ok(request) => request,
            Err(error) => return refused(None, error),
        };
        let client = |peer| proxies::client(&self.proxies, peer, &parts.headers);
        request.peer = self.peer.map(client);
        match self.engine.authenticate(&request).await {
            Ok(caller) => request.caller = caller,
            Err(error) => {
                return Answered {
                    caller: None,
                    reply: turned_away(&request.path, error),
                };
            }
        }
        let caller = request.caller.clone();
        let taken = match self.throttle.take(&self.engine, &request) {
            Ok(taken) => taken,
            Err(refusal) => {
                return Answered {
                    caller,
                    reply: *refusal,
                };
            }
        };
        match body::read(content, body::limit(&request.path, caller.is_some())).await {
            Ok(content) => request.body = content,
            Err(error) => return refused(caller, error),
        }
        let reply = self.engine.serve(request).await;
        Answered {
            caller,
            reply: match taken {
                Some(taken) => taken.told(reply),
                None => reply,
            },
        }
    }

    /// The face as a service for a listener.
    pub(crate) fn router(self) -> Router {
        Router::new().fallback(answer).with_state(self)
    }
}

async fn answer(State(face): State<Face>, request: HttpRequest<Body>) -> impl IntoResponse {
    face.answer(request).await
}

/// The refusal of a token, as clients of the path's protocol read it.
fn turned_away(path: &str, error: ArmError) -> Reply {
    if path.to_ascii_lowercase().starts_with("/scim/") {
        Surface::Scim.refused(error)
    } else {
        error.into()
    }
}

fn panicked(panic: &(dyn Any + Send), parts: &Parts) -> ArmError {
    let text = panic.downcast_ref::<&str>().copied();
    let message = text
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or_default();
    tracing::error!(method = %parts.method, path = parts.uri.path(), message, "answering a request panicked");
    ArmError::new(
        ErrorCode::InternalServerError,
        "The server failed to answer this request; its log has the cause.",
    )
}
