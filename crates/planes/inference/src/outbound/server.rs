//! Another server that speaks OpenAI's API, in OpenAI's dialect or in Azure's.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use nave_vault::{Purpose, Secret};
use reqwest::{Client, RequestBuilder, Response, Url};

use super::Patience;
use crate::{
    ask::{Ask, Kind},
    failure::{Failure, Refusal, Retry},
    frames,
    model::{Answer, Model},
};

/// The longest answer that is not streamed.
const LONGEST_ANSWER: usize = 64 << 20;
/// How much of a refusal is read.
const LONGEST_REFUSAL: usize = 64 << 10;
/// The first of Azure's api-versions that know `stream_options`.
const STREAM_OPTIONS_SINCE: &str = "2024-09-01";

/// What differs between servers.
#[derive(Debug)]
pub(super) enum Dialect {
    /// `{endpoint}/chat/completions`, and the key as a bearer token.
    OpenAi,
    /// `{endpoint}/openai/deployments/{model}/chat/completions?api-version=…`, and the key as `api-key`.
    AzureOpenAi {
        /// The version to ask with.
        api_version: String,
    },
}

/// A model on another server.
pub(super) struct Server {
    pub(super) client: Client,
    pub(super) patience: Patience,
    pub(super) dialect: Dialect,
    pub(super) endpoint: Url,
    pub(super) model: String,
    pub(super) key: Option<Secret<String>>,
}

/// An endpoint as a URL, if it is one of a server.
pub(super) fn endpoint(text: &str) -> Option<Url> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[async_trait]
impl Model for Server {
    async fn answer(&self, ask: &Ask<'_>) -> Result<Answer, Failure> {
        let exchange = tokio::time::timeout(self.patience.answer, self.exchange(ask));
        exchange.await.map_err(|_| Failure::TimedOut)?
    }
}

impl Server {
    async fn exchange(&self, ask: &Ask<'_>) -> Result<Answer, Failure> {
        let response = self.request(ask).send().await.map_err(unreachable)?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.refusal(status, response).await);
        }
        if !ask.stream {
            return whole(response, LONGEST_ANSWER).await.map(Answer::Whole);
        }
        let is_stream = response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        if !is_stream {
            return Err(Failure::Broken(
                "was asked for a stream and answered with something else",
            ));
        }
        Ok(Answer::Events(frames::events(
            response.bytes_stream(),
            self.patience.idle,
        )))
    }

    fn request(&self, ask: &Ask<'_>) -> RequestBuilder {
        let accept = if ask.stream {
            "text/event-stream"
        } else {
            "application/json"
        };
        let request = self
            .client
            .post(self.url(ask.kind))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, accept)
            .body(ask.for_model(&self.model, self.knows_stream_options()));
        match self.credential() {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    }

    fn url(&self, kind: Kind) -> Url {
        let mut url = self.endpoint.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
            if let Dialect::AzureOpenAi { .. } = self.dialect {
                segments.extend(["openai", "deployments", &self.model]);
            }
            segments.extend(kind.path());
        }
        if let Dialect::AzureOpenAi { api_version } = &self.dialect {
            url.query_pairs_mut().append_pair("api-version", api_version);
        }
        url
    }

    fn knows_stream_options(&self) -> bool {
        match &self.dialect {
            Dialect::OpenAi => true,
            Dialect::AzureOpenAi { api_version } => api_version.as_str() >= STREAM_OPTIONS_SINCE,
        }
    }

    /// The header that carries the key. A key that cannot stand in a header is no key of any server.
    fn credential(&self) -> Option<(HeaderName, HeaderValue)> {
        let key = self.key.as_ref()?.expose(&Purpose::OutboundCall);
        let (name, text) = match self.dialect {
            Dialect::OpenAi => (AUTHORIZATION, Secret::new(format!("Bearer {key}"))),
            Dialect::AzureOpenAi { .. } => (HeaderName::from_static("api-key"), Secret::new(key.clone())),
        };
        let mut value = HeaderValue::from_str(text.expose(&Purpose::OutboundCall)).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    }

    async fn refusal(&self, status: StatusCode, response: Response) -> Failure {
        let retry = Retry::from_headers(response.headers());
        tracing::warn!(
            status = status.as_u16(),
            model = self.model,
            "a model's server refused a call"
        );
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::CredentialRejected,
            StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => Failure::TimedOut,
            StatusCode::SERVICE_UNAVAILABLE => Failure::Unavailable(retry),
            status if status.is_client_error() => {
                let body = whole(response, LONGEST_REFUSAL).await.unwrap_or_default();
                Failure::Refused(Refusal {
                    status: status.as_u16(),
                    body: self.without_key(body),
                    retry,
                })
            }
            status if status.is_redirection() => {
                Failure::Broken("answered with a redirection, which is not followed")
            }
            _ => Failure::Failed,
        }
    }

    /// Some servers repeat what they were sent.
    fn without_key(&self, body: Bytes) -> Bytes {
        let Some(key) = &self.key else { return body };
        let key = key.expose(&Purpose::Check);
        let text = String::from_utf8_lossy(&body);
        if text.contains(key.as_str()) {
            text.replace(key.as_str(), "***").into()
        } else {
            body
        }
    }
}

/// A body to its end.
async fn whole(mut response: Response, longest: usize) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|_| Failure::Broken("broke off in the middle of its answer"))?
    {
        if body.len() + piece.len() > longest {
            return Err(Failure::Broken("answered with more than is taken"));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// A call that had no answer. The address stays out of the log: it may carry a credential.
fn unreachable(error: reqwest::Error) -> Failure {
    let is_late = error.is_timeout() && !error.is_connect();
    tracing::warn!(error = ?error.without_url(), "a model's server did not answer");
    if is_late {
        Failure::TimedOut
    } else {
        Failure::Unreachable
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Server, endpoint};
    use crate::{ask::Kind, outbound::Patience};

    fn server(dialect: Dialect, url: &str) -> Server {
        Server {
            client: crate::client().expect("client"),
            patience: Patience::default(),
            dialect,
            endpoint: endpoint(url).expect("URL"),
            model: String::from("m/1"),
            key: None,
        }
    }

    #[test]
    fn each_dialect_has_its_paths() {
        let azure = || Dialect::AzureOpenAi {
            api_version: String::from("2024-10-21"),
        };
        let cases = [
            (
                server(Dialect::OpenAi, "http://vllm:8000/v1"),
                Kind::Chat,
                "http://vllm:8000/v1/chat/completions",
            ),
            (
                server(Dialect::OpenAi, "http://vllm:8000/v1/"),
                Kind::Embedding,
                "http://vllm:8000/v1/embeddings",
            ),
            (
                server(Dialect::OpenAi, "http://h/?sig=1"),
                Kind::Completion,
                "http://h/completions?sig=1",
            ),
            (
                server(azure(), "https://a.example"),
                Kind::Chat,
                "https://a.example/openai/deployments/m%2F1/chat/completions?api-version=2024-10-21",
            ),
        ];
        for (server, kind, expected) in cases {
            assert_eq!(server.url(kind).as_str(), expected);
        }
    }

    #[test]
    fn an_endpoint_is_a_web_address() {
        for text in ["", "vllm:8000", "file:///etc/passwd", "http://", "ftp://h/"] {
            assert!(endpoint(text).is_none(), "{text}");
        }
    }

    #[test]
    fn old_versions_of_azure_are_not_asked_for_the_usage() {
        for (version, knows) in [
            ("2024-06-01", false),
            ("2024-10-21", true),
            ("2025-01-01-preview", true),
            ("preview", true),
        ] {
            let dialect = Dialect::AzureOpenAi {
                api_version: version.to_owned(),
            };
            assert_eq!(
                server(dialect, "https://a").knows_stream_options(),
                knows,
                "{version}"
            );
        }
    }
}
