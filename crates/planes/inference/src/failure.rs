//! Why a model did not answer, and what the client is told: one table from failures to statuses.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header::RETRY_AFTER};
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{Body, Reply};
use serde_json::Value;

/// The header in which OpenAI's clients also look for when to try again.
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// Why a model did not answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request is at fault, and nave says so.
    Unacceptable(ArmError),
    /// The request is at fault, or there are too many, and the model's server says so.
    Refused(Refusal),
    /// The server does not take the credential nave holds for it.
    CredentialRejected,
    /// The server answered with a failure of its own.
    Failed,
    /// The server takes no calls at present.
    Unavailable(Retry),
    /// The server cannot be reached.
    Unreachable,
    /// The server did not answer in time, or stopped in the middle.
    TimedOut,
    /// The server answered something that is no answer: what it did, after "the server".
    Broken(&'static str),
}

/// A refusal by a model's server.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Its status, 400 to 499.
    pub(crate) status: u16,
    /// Its body, without anything secret.
    pub(crate) body: Bytes,
    /// When to try again.
    pub(crate) retry: Retry,
}

/// When to try again, as a server said.
#[derive(Debug, Default, Clone)]
pub(crate) struct Retry {
    after: Option<HeaderValue>,
    after_ms: Option<HeaderValue>,
}

impl Retry {
    /// What a server's headers say.
    pub(crate) fn from_headers(headers: &http::HeaderMap) -> Self {
        Self {
            after: headers.get(RETRY_AFTER).cloned(),
            after_ms: headers.get(RETRY_AFTER_MS).cloned(),
        }
    }

    fn on(self, mut reply: Reply) -> Reply {
        let named = [(RETRY_AFTER, self.after), (RETRY_AFTER_MS, self.after_ms)];
        reply
            .headers
            .extend(named.into_iter().filter_map(|(name, value)| Some((name, value?))));
        reply
    }
}

impl Failure {
    /// What the client is told.
    pub(crate) fn reply(self) -> Reply {
        match self {
            Self::Refused(Refusal { status, body, retry }) => retry.on(refused(status, &body)),
            Self::Unavailable(ref retry) => retry.clone().on(self.error().into()),
            _ => self.error().into(),
        }
    }

    /// The status the client sees.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Refused(refusal) => refusal.status,
            _ => self.error().status(),
        }
    }

    /// The failure in nave's words.
    pub(crate) fn error(&self) -> ArmError {
        let (code, message) = match self {
            Self::Unacceptable(error) => return error.clone(),
            Self::Refused(Refusal { status: 429, .. }) => (
                ErrorCode::TooManyRequests,
                String::from("The model's server takes no more calls for a while."),
            ),
            Self::Refused(Refusal { status, .. }) => (
                ErrorCode::InvalidRequestContent,
                format!("The model's server refused the request with status {status} and gave no reason."),
            ),
            Self::CredentialRejected => (
                ErrorCode::UpstreamCredentialRejected,
                String::from(
                    "The model's server does not accept the credential that is stored for it. Whoever manages the \
                     account or the connection can store a new one.",
                ),
            ),
            Self::Failed => (
                ErrorCode::BadGateway,
                String::from("The model's server answered with a failure of its own."),
            ),
            Self::Unavailable(_) => (
                ErrorCode::ServiceUnavailable,
                String::from("The model's server takes no calls at present."),
            ),
            Self::Unreachable => (
                ErrorCode::BadGateway,
                String::from("The model's server cannot be reached."),
            ),
            Self::TimedOut => (
                ErrorCode::GatewayTimeout,
                String::from("The model's server did not answer in time."),
            ),
            Self::Broken(what) => (ErrorCode::BadGateway, format!("The model's server {what}.")),
        };
        ArmError::new(code, message)
    }
}

/// A server's refusal passes as it is if it has the form clients read; else nave says what is known.
fn refused(status: u16, body: &[u8]) -> Reply {
    let said = serde_json::from_slice::<Value>(body)
        .ok()
        .filter(|body| body["error"]["message"].is_string());
    let body = said.unwrap_or_else(|| {
        let error = Failure::Refused(Refusal {
            status,
            body: Bytes::new(),
            retry: Retry::default(),
        })
        .error();
        error.envelope()
    });
    Reply {
        status,
        headers: http::HeaderMap::new(),
        body: Body::Json(body),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Failure, Refusal, Retry};

    #[track_caller]
    fn check(failure: Failure, status: u16, code: &str) {
        assert_eq!(failure.status(), status);
        let reply = failure.reply();
        assert_eq!(reply.status, status);
        let body = reply.as_json().expect("JSON");
        assert_eq!(body["error"]["code"], json!(code), "{body}");
        assert!(body["error"]["message"].is_string());
    }

    fn refusal(status: u16, body: &str) -> Failure {
        Failure::Refused(Refusal {
            status,
            body: body.to_owned().into(),
            retry: Retry::default(),
        })
    }

    #[test]
    fn every_failure_has_its_face() {
        check(Failure::CredentialRejected, 424, "UpstreamCredentialRejected");
        check(Failure::Failed, 502, "BadGateway");
        check(Failure::Unreachable, 502, "BadGateway");
        check(Failure::Broken("said nothing"), 502, "BadGateway");
        check(Failure::Unavailable(Retry::default()), 503, "ServiceUnavailable");
        check(Failure::TimedOut, 504, "GatewayTimeout");
        check(refusal(429, "slow down"), 429, "TooManyRequests");
        check(
            refusal(400, r#"{"error": {"code": "content_filter", "message": "no"}}"#),
            400,
            "content_filter",
        );
        check(refusal(404, "<html>"), 404, "InvalidRequestContent");
    }
}
