//! Requests and replies between a face and the engine: HTTP without sockets.

use std::net::IpAddr;

use bytes::Bytes;
use futures::stream::BoxStream;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{ETAG, WWW_AUTHENTICATE},
};
use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::Value;
use uuid::Uuid;

use crate::{Caller, Decision, Resource};

/// The header that names the decision a reply rests on. Decisions that refused, and those behind a change, an action
/// or a model call, are in the log.
pub const DECISION: HeaderName = HeaderName::from_static("x-nave-decision");

/// A request, decoded as far as every plane needs.
#[derive(Debug, Clone)]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// The percent-decoded path.
    pub path: String,
    /// The decoded query parameters, in order.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Who is asking; `None` where no credential came.
    pub caller: Option<Caller>,
    /// The host the request came to, in lower case, with its port where one was named.
    pub host: String,
    /// Where it came from: the client's address, as the listener or a trusted proxy says; `None` for requests that
    /// came over no network.
    pub peer: Option<IpAddr>,
    /// Ties together the events of one client call.
    pub correlation_id: Uuid,
}

impl Request {
    /// A query parameter; names compare without case.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as JSON; an empty body is null.
    pub fn json(&self) -> Result<Value, ArmError> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        let invalid = |why: String| {
            ArmError::new(
                ErrorCode::InvalidRequestContent,
                format!("The request content was invalid and could not be deserialized: '{why}'."),
            )
        };
        let body = serde_json::from_slice(&self.body).map_err(|error| invalid(error.to_string()))?;
        if depth(&body) > DEPTH {
            return Err(invalid(format!("it is nested more than {DEPTH} levels deep")));
        }
        Ok(body)
    }

    /// The body as a form.
    #[must_use]
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }
}

/// How deep a body may be nested. What nave puts around it, in rows and events, must still be read back.
const DEPTH: usize = 100;

/// How deep a value is nested; the parser has already refused what is too deep to walk.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// A reply.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Additional headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}

/// A reply's body.
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Value),
    /// Anything else that is at hand, with its media type.
    Bytes(&'static str, Bytes),
    /// Bytes as they come, with their media type.
    Stream(String, BoxStream<'static, Result<Bytes, std::io::Error>>),
}

impl Reply {
    /// JSON with a status.
    #[must_use]
    pub fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Body::Json(body),
        }
    }

    /// 200 with JSON.
    #[must_use]
    pub fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    /// A status without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Body::Empty,
        }
    }

    /// Adds a header; a value that is not a legal header value is left out and logged.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => drop(self.headers.insert(name, value)),
            Err(error) => tracing::error!(%name, %error, "a header value is not legal"),
        }
        self
    }

    /// Names the version of the resource that the reply shows.
    #[must_use]
    pub(crate) fn of_version(self, resource: &Resource) -> Self {
        match resource.etag.is_empty() {
            true => self,
            false => self.with(ETAG, &resource.etag),
        }
    }

    /// Names the decision the reply rests on, which the log explains.
    #[must_use]
    pub fn decided(self, decision: &Decision) -> Self {
        self.with(DECISION, &decision.id.to_string())
    }

    /// Names the decision of a refusal, in the header and, where the body is ARM's envelope, in the error.
    #[must_use]
    pub(crate) fn named(mut self, id: Uuid) -> Self {
        if let Body::Json(body) = &mut self.body
            && let Some(error) = body.get_mut("error").and_then(Value::as_object_mut)
        {
            error.insert(
                String::from("additionalInfo"),
                [Decision::addition(id)].into_iter().collect(),
            );
        }
        self.with(DECISION, &id.to_string())
    }

    /// The JSON body, if it is one.
    #[must_use]
    pub fn as_json(&self) -> Option<&Value> {
        match &self.body {
            Body::Json(body) => Some(body),
            _ => None,
        }
    }
}

impl From<ArmError> for Reply {
    fn from(error: ArmError) -> Self {
        let mut reply = Self::json(error.status(), error.envelope());
        if let Some(challenge) = &error.challenge {
            reply = reply.with(WWW_AUTHENTICATE, &challenge.0);
        }
        match Decision::named_in(&error) {
            Some(id) => reply.with(DECISION, id),
            None => reply,
        }
    }
}

/// The values of a route's placeholders.
#[derive(Debug, Clone, Default)]
pub struct Params(pub(crate) Vec<(&'static str, String)>);

impl Params {
    /// The value of a placeholder; empty when the route has none of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    }

    /// The scope a route hangs off: `{scope}`, else the subscription and group it names, else the tenant.
    pub fn scope(&self) -> Result<ResourceId, ArmError> {
        let text = match (self.get("scope"), self.get("subscription"), self.get("group")) {
            ("", "", _) => return Ok(ResourceId::tenant()),
            ("", subscription, "") => format!("/subscriptions/{subscription}"),
            ("", subscription, group) => format!("/subscriptions/{subscription}/resourceGroups/{group}"),
            (scope, ..) => format!("/{scope}"),
        };
        ResourceId::parse(&text)
            .map_err(|error| ArmError::new(ErrorCode::InvalidResourceId, error.to_string()))
    }
}
