//! From the engine's reply to an HTTP response.

use axum::body::Body as HttpBody;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS},
};
use jiff::Timestamp;
use nave_engine::{Body, Reply, site::Site};
use uuid::Uuid;

use crate::{cut::Cut, decode::CORRELATION};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static(CORRELATION);
const ROUTING_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-routing-request-id");
const RETURN_CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-return-client-request-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

/// The ids that one answer carries.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    /// nave's own.
    pub(crate) request: Uuid,
    /// The client's for several calls, or nave's where the client sent none.
    pub(crate) correlation: Uuid,
    /// The client's for this call, given back as it came to who asks for that.
    pub(crate) client: Option<HeaderValue>,
    /// Where and when the request was taken in: `{region}:{instant}:{request id}`.
    pub(crate) routing: String,
}

impl Ids {
    /// The ids of a request with these headers, taken in at a site at an instant.
    pub(crate) fn of(
        headers: &HeaderMap,
        site: &Site,
        now: Timestamp,
        request: Uuid,
        correlation: Uuid,
    ) -> Self {
        let asked = headers
            .get(RETURN_CLIENT_REQUEST_ID)
            .is_some_and(|asked| asked.as_bytes().eq_ignore_ascii_case(b"true"));
        let region = site.locations.first().map_or("", |location| location.name);
        Self {
            request,
            correlation,
            client: headers.get(CLIENT_REQUEST_ID).filter(|_| asked).cloned(),
            routing: format!(
                "{}:{}:{request}",
                region.to_uppercase(),
                now.strftime("%Y%m%dT%H%M%SZ")
            ),
        }
    }
}

/// Encodes a reply. HEAD has the headers of the reply and no body.
pub(crate) fn response(
    site: &Site,
    method: &Method,
    reply: Reply,
    ids: &Ids,
    cut: Cut,
) -> Response<HttpBody> {
    let Reply {
        status,
        headers,
        body,
    } = reply;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (media, body) = encode(body, cut);
    let body = if method == Method::HEAD {
        HttpBody::empty()
    } else {
        body
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    let headers = response.headers_mut();
    if let Some(media) = media {
        headers.entry(CONTENT_TYPE).or_insert(media);
    }
    if status == StatusCode::UNAUTHORIZED {
        challenge(headers, site);
    }
    identify(headers, ids);
    protect(headers);
    response
}

fn encode(body: Body, cut: Cut) -> (Option<HeaderValue>, HttpBody) {
    match body {
        Body::Empty => (None, HttpBody::empty()),
        Body::Json(value) => (
            Some(HeaderValue::from_static("application/json; charset=utf-8")),
            HttpBody::from(value.to_string()),
        ),
        Body::Bytes(media, bytes) => (Some(HeaderValue::from_static(media)), HttpBody::from(bytes)),
        Body::Stream(media, stream) => (
            HeaderValue::from_str(&media).ok(),
            HttpBody::from_stream(cut.off(stream)),
        ),
    }
}

/// Says where to sign in, unless the plane said it in its own way.
fn challenge(headers: &mut HeaderMap, site: &Site) {
    let text = format!(
        "Bearer authorization_uri=\"{}/{}\", error=\"invalid_token\"",
        site.origin, site.tenant
    );
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.entry(WWW_AUTHENTICATE).or_insert(value);
    }
}

fn identify(headers: &mut HeaderMap, ids: &Ids) {
    for (name, id) in [(REQUEST_ID, ids.request), (CORRELATION_ID, ids.correlation)] {
        if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
            headers.insert(name, value);
        }
    }
    if let Ok(value) = HeaderValue::from_str(&ids.routing) {
        headers.insert(ROUTING_REQUEST_ID, value);
    }
    if let Some(client) = &ids.client {
        headers.insert(CLIENT_REQUEST_ID, client.clone());
    }
}

fn protect(headers: &mut HeaderMap) {
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers
        .entry(X_CONTENT_TYPE_OPTIONS)
        .or_insert(HeaderValue::from_static("nosniff"));
}
