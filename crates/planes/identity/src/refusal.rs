//! How the token service says no: OAuth's error body with an `AADSTS` number, which clients print and search for.
//!
//! A wrong password or secret is 401: MSAL remembers a 400 for a minute, across processes, and would refuse the right
//! one too (client contract 1.4).

use http::header;
use nave_engine::{Reply, route::Call};
use serde_json::json;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) status: u16,
    /// OAuth's word.
    pub(crate) error: &'static str,
    /// The number after `AADSTS`.
    pub(crate) number: u32,
    /// The sentence a person reads.
    pub(crate) message: String,
    /// What a program must ask for the next time, as it came or as `claims` of OpenID Connect.
    pub(crate) claims: Option<String>,
    /// After how many seconds a next try makes sense, where it is only too early.
    pub(crate) retry_after: Option<i64>,
}

impl Refusal {
    pub(crate) fn new(status: u16, error: &'static str, number: u32, message: impl Into<String>) -> Self {
        Self {
            status,
            error,
            number,
            message: message.into(),
            claims: None,
            retry_after: None,
        }
    }

    pub(crate) fn bad_request(number: u32, message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request", number, message)
    }

    /// A code, device code or refresh token that does not work.
    pub(crate) fn bad_grant(number: u32, message: impl Into<String>) -> Self {
        Self::new(400, "invalid_grant", number, message)
    }

    /// A client that does not prove who it is.
    pub(crate) fn bad_client(number: u32, message: impl Into<String>) -> Self {
        Self::new(401, "invalid_client", number, message)
    }

    /// A client that must prove itself and shows nothing.
    pub(crate) fn no_client_proof() -> Self {
        Self::bad_client(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )
    }

    /// A client that proved itself, and is switched off.
    pub(crate) fn disabled_client(client: &str) -> Self {
        Self::new(
            401,
            "unauthorized_client",
            7_000_112,
            format!("Application '{client}' is disabled."),
        )
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::bad_request(
            900_144,
            format!("The request body must contain the following parameter: '{parameter}'."),
        )
    }

    pub(crate) fn no_such_tenant(tenant: &str) -> Self {
        Self::new(
            400,
            "invalid_tenant",
            90_002,
            format!("Tenant '{tenant}' not found. Check the tenant id or the domain name you sign in to."),
        )
    }

    /// The same sentence for a wrong name and a wrong password.
    pub(crate) fn wrong_password() -> Self {
        Self::new(
            401,
            "invalid_grant",
            50_126,
            "Error validating credentials due to invalid username or password.",
        )
    }

    /// A password that somebody else set, where no page could ask for a new one.
    pub(crate) fn password_must_change() -> Self {
        Self::new(
            401,
            "invalid_grant",
            50_055,
            "The password is expired: it was set by somebody else and must be changed. Sign in with a browser or a device \
             code to change it.",
        )
    }

    /// A sign-in with one factor, where two are needed. What the client asked for is told back, for its next try.
    pub(crate) fn second_factor_needed(claims: &str) -> Self {
        Self::interaction(
            50_076,
            claims,
            "Due to a configuration change made by your administrator, or because a resource demands it, you must use \
             multi-factor authentication. Sign in with a browser or a device code.",
        )
    }

    /// The same for somebody who has no second factor yet.
    pub(crate) fn enrolment_needed(claims: &str) -> Self {
        Self::interaction(
            50_079,
            claims,
            "You must enroll in multi-factor authentication. Sign in with a browser or a device code to set up a second \
             factor.",
        )
    }

    fn interaction(number: u32, claims: &str, message: &str) -> Self {
        Self {
            claims: (!claims.is_empty()).then(|| claims.to_owned()),
            ..Self::new(400, "interaction_required", number, message)
        }
    }

    /// Too much at once.
    pub(crate) fn busy() -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(
                429,
                "temporarily_unavailable",
                90_204,
                "The server is busy. Try again in a moment.",
            )
        }
    }

    /// Too many wrong tries.
    pub(crate) fn wait(seconds: i64) -> Self {
        let told = format!(
            "There were too many wrong tries for this account or from this address. Nothing is locked; try again in \
             {seconds} seconds."
        );
        Self {
            retry_after: Some(seconds),
            ..Self::new(429, "invalid_grant", 50_053, told)
        }
    }

    /// A code of an authenticator app, or a recovery code, that is not right.
    pub(crate) fn wrong_code() -> Self {
        Self::new(
            401,
            "invalid_grant",
            500_121,
            "The code is not right, was used before, or is too old. Wait for the next one.",
        )
    }

    /// A passkey that is not good.
    pub(crate) fn wrong_passkey(why: &str) -> Self {
        Self::new(
            401,
            "invalid_grant",
            135_016,
            format!("The passkey is not accepted: {why}."),
        )
    }

    pub(crate) fn server_error() -> Self {
        Self::new(
            500,
            "server_error",
            90_033,
            "The token could not be made; the server's log has the cause.",
        )
    }

    /// The sentence with its number, as clients print it.
    pub(crate) fn described(&self) -> String {
        format!("AADSTS{}: {}", self.number, self.message)
    }

    /// The sentence as people read it on a page: the number is for whoever helps them.
    pub(crate) fn told(&self) -> String {
        format!("{} (AADSTS{})", self.message, self.number)
    }

    /// A reply that tells this refusal, with the time after which to try again.
    pub(crate) fn paced(&self, reply: Reply) -> Reply {
        match self.retry_after {
            Some(seconds) => reply.with(header::RETRY_AFTER, &seconds.to_string()),
            None => reply,
        }
    }

    pub(crate) fn reply(&self, call: &Call) -> Reply {
        let (world, correlation) = (call.engine.world(), call.request.correlation_id);
        let (trace, timestamp) = (
            world.new_id(),
            world.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        );
        let described = self.described();
        let mut body = json!({
            "error": self.error,
            "error_description":
                format!("{described} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}"),
            "error_codes": [self.number],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
        });
        if let Some(claims) = &self.claims {
            body["claims"] = claims.as_str().into();
            body["suberror"] = "basic_action".into();
        }
        tracing::info!(number = self.number, error = self.error, %correlation, "a token was refused");
        self.paced(Reply::json(self.status, body).with(header::CACHE_CONTROL, "no-store"))
    }
}
