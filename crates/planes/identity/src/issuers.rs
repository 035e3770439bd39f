//! Issuers by their OpenID Connect documents, remembered for a while.
//!
//! Keys change without notice, so a token that names a key we do not know makes us look again, but not more often than
//! every few seconds, whoever sends such tokens. One that cannot be reached is not asked again at once either.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use moka::future::Cache;
use nave_outbound::{FetchError, Outbound, is_asked};
use nave_vault::{Foreign, PublicKey, PublicKeys};
use serde_json::Value;

/// How many issuers are remembered.
const MOST: u64 = 1000;
/// For how long what an issuer said is taken for true.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// How soon an issuer is asked again, because of a key we do not know or because it could not be reached.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// What an issuer says about itself.
#[derive(Debug, Clone)]
pub(crate) struct Issuer {
    /// Its OpenID Connect document.
    pub(crate) document: Value,
    /// The keys it signs with.
    pub(crate) keys: PublicKeys,
}

impl Issuer {
    /// An address that the document names, if it is one that may be asked. What came over TLS leads to nothing that does not.
    pub(crate) fn address(&self, name: &str) -> Option<&str> {
        let issuer = self.document["issuer"].as_str()?;
        self.document[name]
            .as_str()
            .filter(|address| is_as_safe(issuer, address))
    }
}

/// Why an issuer said nothing that can be used.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum IssuerError {
    /// Its documents did not come.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The document is not one of the issuer.
    #[error("the document of `{issuer}` says that its issuer is `{said}`")]
    OfAnother {
        /// Who was asked.
        issuer: String,
        /// Who answered.
        said: String,
    },
    /// The document has no keys, or leads to nowhere that is asked.
    #[error("the document of `{0}` names no address of its keys that is asked")]
    NoKeys(String),
}

/// What came of asking an issuer.
#[derive(Clone)]
struct Asked {
    at: Timestamp,
    answer: Result<Arc<Issuer>, IssuerError>,
}

/// The issuers that were asked.
pub(crate) struct Issuers {
    pub(crate) outbound: Outbound,
    asked: Cache<String, Asked>,
}

impl Issuers {
    pub(crate) fn new(outbound: Outbound) -> Self {
        Self {
            outbound,
            asked: Cache::new(MOST),
        }
    }

    /// What an issuer says about itself.
    pub(crate) async fn get(&self, issuer: &str, now: Timestamp) -> Result<Arc<Issuer>, IssuerError> {
        let known = self.asked.get(issuer).await;
        match known {
            Some(Asked {
                at,
                answer: Ok(known),
            }) if is_younger(at, FRESH, now) => Ok(known),
            Some(Asked {
                at,
                answer: Err(error),
            }) if is_younger(at, AGAIN, now) => Err(error),
            _ => self.ask(issuer, now).await,
        }
    }

    /// The key of an issuer that a token names; `None` where the issuer has no such key.
    pub(crate) async fn key(
        &self,
        issuer: &str,
        token: &Foreign,
        now: Timestamp,
    ) -> Result<Option<PublicKey>, IssuerError> {
        if let Some(key) = self.get(issuer, now).await?.keys.of(token) {
            return Ok(Some(key.clone()));
        }
        let asked = self.asked.get(issuer).await;
        if asked.is_some_and(|asked| is_younger(asked.at, AGAIN, now)) {
            return Ok(None);
        }
        Ok(self.ask(issuer, now).await?.keys.of(token).cloned())
    }

    async fn ask(&self, issuer: &str, now: Timestamp) -> Result<Arc<Issuer>, IssuerError> {
        let answer = self.fetch(issuer).await.map(Arc::new);
        if let Err(error) = &answer {
            let error: &dyn std::error::Error = error;
            tracing::warn!(issuer, error, "an identity provider gave no keys");
        }
        let asked = Asked {
            at: now,
            answer: answer.clone(),
        };
        self.asked.insert(issuer.to_owned(), asked).await;
        answer
    }

    /// The document must be of the issuer itself, to the letter. An issuer has no query (OpenID Connect Discovery 3), so
    /// whoever names one does not choose the path that is asked.
    async fn fetch(&self, issuer: &str) -> Result<Issuer, IssuerError> {
        if issuer.contains(['?', '#']) {
            return Err(FetchError::NotAllowed(issuer.to_owned()).into());
        }
        let at = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let document = self.outbound.fetch_json(&at).await?;
        let said = document.get("issuer").and_then(Value::as_str).unwrap_or_default();
        if said != issuer {
            return Err(IssuerError::OfAnother {
                issuer: issuer.to_owned(),
                said: said.to_owned(),
            });
        }
        let mut asked = Issuer {
            document,
            keys: PublicKeys::default(),
        };
        let address = asked
            .address("jwks_uri")
            .ok_or_else(|| IssuerError::NoKeys(issuer.to_owned()))?;
        asked.keys = PublicKeys::from_jwks(&self.outbound.fetch_json(address).await?);
        Ok(asked)
    }
}

fn is_as_safe(issuer: &str, address: &str) -> bool {
    let scheme = |url: &str| url.split(':').next().unwrap_or_default().to_owned();
    reqwest::Url::parse(address).is_ok_and(|address| is_asked(&address))
        && (scheme(issuer) == "http" || scheme(address) == "https")
}

fn is_younger(at: Timestamp, than: SignedDuration, now: Timestamp) -> bool {
    now.duration_since(at) < than
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_came_over_tls_leads_to_nothing_that_does_not() {
        let address = |issuer: &str, address: &str| {
            let document = json!({ "issuer": issuer, "token_endpoint": address });
            let issuer = Issuer {
                document,
                keys: PublicKeys::default(),
            };
            issuer.address("token_endpoint").map(str::to_owned)
        };
        let (abroad, here) = ("https://idp.test", "http://127.0.0.1:9");
        for (issuer, good) in [
            (abroad, "https://other.test/token"),
            (here, "http://localhost:1/token"),
            (here, "https://idp.test/token"),
        ] {
            assert_eq!(address(issuer, good).as_deref(), Some(good));
        }
        for (issuer, bad) in [
            (abroad, "http://127.0.0.1:9200/token"),
            (abroad, "HTTP://localhost/token"),
            (abroad, ""),
            (here, "http://169.254.169.254/token"),
            (here, "file:///etc/passwd"),
        ] {
            assert_eq!(address(issuer, bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn a_document_is_of_the_issuer_that_was_asked() {
        use axum::{Json, Router, routing::get};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let document = json!({ "issuer": "https://somebody.else", "jwks_uri": "https://somebody.else/keys" });
        let at = "/.well-known/openid-configuration";
        let router = Router::new().route(at, get(move || async move { Json(document) }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let issuers = Issuers::new(Outbound::new().unwrap());
        let asked = issuers.get(&origin, Timestamp::UNIX_EPOCH).await;
        assert!(matches!(asked, Err(IssuerError::OfAnother { .. })));
        for more in ["/ok?x=", "/ok#"] {
            let asked = issuers
                .get(&format!("{origin}{more}"), Timestamp::UNIX_EPOCH)
                .await;
            assert!(
                matches!(asked, Err(IssuerError::Fetch(FetchError::NotAllowed(_)))),
                "an issuer has no query, so it does not choose what is asked: {more}"
            );
        }
    }
}
