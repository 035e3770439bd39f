//! The way out over HTTP to servers that somebody named: identity providers, template hosts, sinks of logs.
//!
//! Whoever may write a resource names the address that is asked, so what can be reached is limited: `https`, or `http`
//! on this machine, as servers of tests are; no redirection to another host; so many bytes; ten seconds.

#![warn(missing_docs)]

use std::{net::IpAddr, sync::Arc, time::Duration};

use reqwest::{Client, Response, Url, redirect};
use serde_json::Value;

/// The longest document, in bytes.
const LONGEST: usize = 1024 * 1024;
/// How long a connection, and how long an answer, is waited for.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(10);
/// How many redirections within a host are followed.
const REDIRECTIONS: usize = 3;

/// The clients that go out. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Outbound {
    abroad: Client,
    this_machine: Client,
}

/// Why a document did not come.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// The address is not one that is asked.
    #[error("`{0}` is not asked: an address begins with https://, or with http:// and is of this machine")]
    NotAllowed(String),
    /// No answer came.
    #[error("`{url}` cannot be reached")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        source: Arc<reqwest::Error>,
    },
    /// The answer was another than 200.
    #[error("`{url}` answered {status}")]
    Status {
        /// Where.
        url: String,
        /// What came instead.
        status: u16,
    },
    /// The answer was too long.
    #[error("`{url}` answered with more than {most} bytes")]
    TooLong {
        /// Where.
        url: String,
        /// The most bytes that are read.
        most: usize,
    },
    /// The answer was no JSON.
    #[error("`{0}` answered with something that is not JSON")]
    NotJson(String),
}

impl Outbound {
    /// Clients that trust the system's certificate authorities.
    ///
    /// # Errors
    /// Where the system's certificates cannot be read.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = || {
            Client::builder()
                .redirect(redirect::Policy::custom(within_the_host))
                .referer(false)
                .connect_timeout(CONNECT)
                .timeout(ANSWER)
                .user_agent(concat!("nave/", env!("CARGO_PKG_VERSION")))
        };
        Ok(Self {
            abroad: client().build()?,
            this_machine: client().no_proxy().build()?,
        })
    }

    /// The JSON document at an address.
    ///
    /// # Errors
    /// Where the address is not asked, or nothing fitting comes.
    pub async fn fetch_json(&self, url: &str) -> Result<Value, FetchError> {
        let (client, address) = self.client(url)?;
        let asked = client.get(address).header("accept", "application/json").send();
        let response = asked.await.map_err(unreachable(url))?;
        if response.status().as_u16() != 200 {
            return Err(FetchError::Status {
                url: url.to_owned(),
                status: response.status().as_u16(),
            });
        }
        read_json(url, response).await
    }

    /// The client for an address, and the address.
    ///
    /// # Errors
    /// Where it is not one that is asked.
    pub fn client(&self, url: &str) -> Result<(&Client, Url), FetchError> {
        let not_allowed = || FetchError::NotAllowed(url.to_owned());
        let address = Url::parse(url).map_err(|_| not_allowed())?;
        if !is_asked(&address) {
            return Err(not_allowed());
        }
        let client = if is_this_machine(&address) {
            &self.this_machine
        } else {
            &self.abroad
        };
        Ok((client, address))
    }
}

/// The JSON of an answer, however long it says it is.
///
/// # Errors
/// Where it is too long, breaks off, or is no JSON.
pub async fn read_json(url: &str, response: Response) -> Result<Value, FetchError> {
    let body = read(url, response, LONGEST).await?;
    serde_json::from_slice(&body).map_err(|_| FetchError::NotJson(url.to_owned()))
}

/// The bytes of an answer, at most so many, however long it says it is.
///
/// # Errors
/// Where it is too long or breaks off.
pub async fn read(url: &str, mut response: Response, most: usize) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(unreachable(url))? {
        if body.len() + piece.len() > most {
            return Err(FetchError::TooLong {
                url: url.to_owned(),
                most,
            });
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// The failure to reach an address.
pub fn unreachable(url: &str) -> impl Fn(reqwest::Error) -> FetchError {
    move |error| FetchError::Unreachable {
        url: url.to_owned(),
        source: Arc::new(error.without_url()),
    }
}

/// Whether an address is one that is asked: of `https`, or of this machine.
#[must_use]
pub fn is_asked(address: &Url) -> bool {
    match address.scheme() {
        "https" => address.has_host() && address.username().is_empty() && address.password().is_none(),
        "http" => is_this_machine(address),
        _ => false,
    }
}

fn is_this_machine(address: &Url) -> bool {
    let host = address.host_str().unwrap_or_default();
    let ip = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

fn within_the_host(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let first = attempt.previous().first();
    let same = first.is_some_and(|first| first.origin() == attempt.url().origin());
    if same && attempt.previous().len() <= REDIRECTIONS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_is_asked_and_http_of_this_machine() {
        let outbound = Outbound::new().unwrap();
        for good in [
            "https://idp.test/a",
            "http://localhost:1/x",
            "http://127.0.0.1",
            "http://[::1]:9",
        ] {
            assert!(outbound.client(good).is_ok(), "{good}");
        }
        for bad in [
            "http://idp.test",
            "http://127.0.0.1.evil.test",
            "http://localhost.evil.test",
            "http://10.0.0.1",
            "ftp://localhost",
            "file:///etc/passwd",
            "https://user:pass@idp.test",
            "idp.test",
            "",
        ] {
            assert!(
                matches!(outbound.client(bad), Err(FetchError::NotAllowed(_))),
                "{bad}"
            );
        }
    }

    /// A server that answers each of these paths in its own wrong way, and `/ok` in the right one.
    async fn server() -> String {
        use axum::{Json, Router, response::Redirect, routing::get};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let origin = format!("http://127.0.0.1:{port}");
        let other = format!("http://localhost:{port}/ok");
        let router = Router::new()
            .route("/ok", get(|| async { Json("fine") }))
            .route("/here", get(|| async { Redirect::temporary("/ok") }))
            .route("/there", get(move || async move { Redirect::temporary(&other) }))
            .route("/long", get(|| async { Json("x".repeat(LONGEST)) }))
            .route("/text", get(|| async { "fine" }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        origin
    }

    #[tokio::test]
    async fn an_answer_is_json_not_too_long_and_of_the_host_that_was_asked() {
        let (origin, outbound) = (server().await, Outbound::new().unwrap());
        let fetch = async |path: &str| outbound.fetch_json(&format!("{origin}{path}")).await;
        assert_eq!(fetch("/ok").await.unwrap(), "fine");
        assert_eq!(
            fetch("/here").await.unwrap(),
            "fine",
            "a redirection within the host"
        );
        assert!(matches!(
            fetch("/there").await,
            Err(FetchError::Status { status: 307, .. })
        ));
        assert!(matches!(
            fetch("/none").await,
            Err(FetchError::Status { status: 404, .. })
        ));
        assert!(matches!(fetch("/long").await, Err(FetchError::TooLong { .. })));
        assert!(matches!(fetch("/text").await, Err(FetchError::NotJson(_))));
        let closed = outbound.fetch_json("http://127.0.0.1:1/").await;
        assert!(matches!(closed, Err(FetchError::Unreachable { .. })));
    }
}
