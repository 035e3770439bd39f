//! Callers that present an account's key instead of a token.
//!
//! Clients send keys in three ways (client contract 9.3): `api-key`, `Ocp-Apim-Subscription-Key`, and, on the v1
//! paths, as a bearer token, where only its shape tells a key from a JWT. A key says who is asking, not what he may:
//! whether it is a key of the account that is called, and whether that account takes keys, is decided with the call.

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{Authenticator, Caller, Engine, Request, accounts};

/// The path below which accounts answer. The hosts of service zones arrive as paths below it too.
const ACCOUNTS_PATH: &str = "ai";

/// Finds the account a presented key is of.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyAuthenticator;

#[async_trait]
impl Authenticator for KeyAuthenticator {
    async fn authenticate(&self, engine: &Engine, request: &Request) -> Result<Option<Caller>, ArmError> {
        if !is_model_path(&request.path) {
            return Ok(None);
        }
        let Some(key) = presented(request) else {
            return Ok(None);
        };
        let holder = accounts::key_holder(&engine.snapshot(), engine.vault(), key);
        holder.map(Some).ok_or_else(unknown_key)
    }
}

fn is_model_path(path: &str) -> bool {
    path.split('/')
        .find(|segment| !segment.is_empty())
        .is_some_and(|first| first.eq_ignore_ascii_case(ACCOUNTS_PATH))
}

/// The key a request carries, if it carries one.
fn presented(request: &Request) -> Option<&str> {
    let header = |name| request.header(name).map(str::trim).filter(|key| !key.is_empty());
    header("api-key")
        .or_else(|| header("Ocp-Apim-Subscription-Key"))
        .or_else(|| {
            let (scheme, token) = header(AUTHORIZATION.as_str())?.split_once(' ')?;
            let token = token.trim();
            (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !is_jwt(token)).then_some(token)
        })
}

fn is_jwt(token: &str) -> bool {
    token.split('.').count() == 3
}

fn unknown_key() -> ArmError {
    ArmError::new(
        ErrorCode::PermissionDenied,
        "Access denied due to invalid subscription key or wrong API endpoint. Provide a present key of the account \
         whose endpoint you call: keys that were regenerated are no longer accepted.",
    )
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request {
        let headers = headers.iter().map(|(name, value)| {
            (
                name.parse::<HeaderName>().expect("name"),
                HeaderValue::from_str(value).expect("value"),
            )
        });
        Request {
            method: Method::POST,
            path: String::from("/ai/a/openai/v1/chat/completions"),
            query: Vec::new(),
            headers: headers.collect::<HeaderMap>(),
            body: bytes::Bytes::new(),
            caller: None,
            host: String::new(),
            correlation_id: uuid::Uuid::nil(),
            peer: None,
        }
    }

    #[test]
    fn a_key_is_found_wherever_clients_put_it() {
        let table: [(&[(&str, &str)], _); 9] = [
            (&[("api-key", "k1")], Some("k1")),
            (&[("Ocp-Apim-Subscription-Key", "k1")], Some("k1")),
            (&[("authorization", "Bearer k1")], Some("k1")),
            (&[("api-key", "k1"), ("authorization", "Bearer k1")], Some("k1")),
            (&[("api-key", ""), ("authorization", "bearer k2")], Some("k2")),
            (&[("authorization", "Bearer eyJh.eyJz.c2ln")], None),
            (&[("authorization", "Basic azE=")], None),
            (&[("authorization", "Bearer ")], None),
            (&[], None),
        ];
        for (headers, expected) in table {
            assert_eq!(presented(&request(headers)), expected, "{headers:?}");
        }
    }

    #[test]
    fn keys_are_for_accounts_only() {
        for path in ["/ai/a/openai/v1/models", "//AI/a"] {
            assert!(is_model_path(path), "{path}");
        }
        for path in [
            "/",
            "/subscriptions/ai",
            "/aix/a",
            "/api/projects/p/openai/v1/models",
        ] {
            assert!(!is_model_path(path), "{path}");
        }
    }
}
