//! The demo as a client: an HTTP client that trusts nave's certificate authority and nothing else.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context, ensure};
use http::Method;
use nave_server::setup::{Installation, Settings, password};
use nave_tls::Authority;
use nave_vault::{Purpose, Secret, SystemRandom};
use reqwest::{Certificate, Client, Url};
use serde_json::{Map, Value, json};

/// The name under which the people's passwords are kept.
const KEPT: &str = "demo";
/// The client id of `az`, which may sign people in with their password.
const CLIENT: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// Where the demo is played.
pub(crate) struct Stage {
    client: Client,
    pub(super) settings: Settings,
    pub(super) passwords: Map<String, Value>,
}

/// An answer of the server.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) text: String,
}

/// A call to the server.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Value,
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Audience {
    /// Azure Resource Manager.
    Arm,
    /// The directory.
    Graph,
    /// Model calls.
    Models,
}

impl Stage {
    /// A stage before an installation that is being served at `address`.
    pub(crate) fn new(
        installation: &Installation,
        authority: &Authority,
        address: SocketAddr,
    ) -> anyhow::Result<Self> {
        let settings = installation.settings.clone();
        let root = Certificate::from_pem(authority.ca_pem().as_bytes())
            .context("the certificate authority is not one")?;
        // The server is here, wherever its public name points.
        let client = Client::builder()
            .tls_certs_only([root])
            .no_proxy()
            .resolve(&settings.host(), reachable(address))
            .build()
            .context("no HTTP client can be made")?;
        Ok(Self {
            client,
            passwords: passwords(installation)?,
            settings,
        })
    }

    /// Signs somebody in with the password.
    pub(super) async fn token(
        &self,
        name: &str,
        password: &str,
        audience: Audience,
    ) -> anyhow::Result<String> {
        let origin = &self.settings.origin;
        let resource = match audience {
            Audience::Arm => origin.clone(),
            Audience::Graph => format!("{origin}/graph"),
            Audience::Models => String::from("https://ai.azure.com"),
        };
        let form = [
            ("grant_type", "password"),
            ("client_id", CLIENT),
            ("username", name),
            ("password", password),
            ("scope", &format!("{resource}/.default")),
        ];
        let url = self.url(&format!("/{}/oauth2/v2.0/token", self.settings.tenant))?;
        let answer = self
            .client
            .post(url)
            .form(&form)
            .send()
            .await
            .context("the server does not answer")?;
        let body: Value = answer
            .json()
            .await
            .context("the token service did not answer with JSON")?;
        let token = body["access_token"].as_str();
        token.map(str::to_owned).with_context(|| {
            format!(
                "`{name}` cannot sign in (was the password changed?): {}",
                body["error_description"].as_str().unwrap_or_default()
            )
        })
    }

    /// Makes a call with a token.
    pub(super) async fn call(&self, token: &str, call: &Call) -> anyhow::Result<Answer> {
        let mut request = self
            .client
            .request(call.method.clone(), self.url(&call.path)?)
            .bearer_auth(token);
        if !call.body.is_null() {
            request = request.json(&call.body);
        }
        let answer = request
            .send()
            .await
            .with_context(|| format!("no answer to {} {}", call.method, call.path))?;
        let status = answer.status().as_u16();
        let text = answer.text().await.context("the answer broke off")?;
        Ok(Answer {
            status,
            body: serde_json::from_str(&text).unwrap_or_default(),
            text,
        })
    }

    fn url(&self, path: &str) -> anyhow::Result<Url> {
        let url =
            Url::parse(&format!("{}{path}", self.settings.origin)).context("the origin is not a URL")?;
        ensure!(url.has_host(), "the origin has no host");
        Ok(url)
    }
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            body: Value::Null,
        }
    }

    pub(super) fn put(path: impl Into<String>, body: Value) -> Self {
        Self {
            method: Method::PUT,
            path: path.into(),
            body,
        }
    }

    pub(super) fn post(path: impl Into<String>, body: Value) -> Self {
        Self {
            method: Method::POST,
            path: path.into(),
            body,
        }
    }
}

impl Answer {
    /// Whether it is a success.
    pub(super) fn is_done(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether it says that a permission is missing. Model calls say so with 401.
    pub(super) fn is_refusal(&self) -> bool {
        self.status == 403 || (self.status == 401 && self.code() == "PermissionDenied")
    }

    /// The code of the refusal; empty where it is none.
    pub(super) fn code(&self) -> &str {
        self.body
            .pointer("/error/code")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A text member, by JSON pointer.
    pub(super) fn member(&self, pointer: &str) -> &str {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A text member of every item of a list.
    pub(super) fn each(&self, pointer: &str) -> Vec<&str> {
        let items = self.body["value"].as_array().into_iter().flatten();
        items.filter_map(|item| item.pointer(pointer)?.as_str()).collect()
    }
}

/// An address that takes connections on every interface is reached on the loopback one.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        return SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port());
    }
    address
}

/// The passwords of everybody in the demo: the administrator's, and those made up the first time.
fn passwords(installation: &Installation) -> anyhow::Result<Map<String, Value>> {
    let (directory, vault) = (installation.directory(), installation.engine.vault());
    let kept = directory.kept(vault, KEPT)?;
    let mut passwords = kept
        .and_then(|kept| kept.expose(&Purpose::ListSecrets).as_object().cloned())
        .unwrap_or_default();
    let known = passwords.len();
    for name in super::cast::MADE_UP {
        let made_up = || json!(password::generate(&SystemRandom).expose(&Purpose::ListSecrets));
        passwords.entry(name).or_insert_with(made_up);
    }
    if passwords.len() > known {
        directory.keep(vault, KEPT, &Value::Object(passwords.clone()))?;
    }
    let administrator: Option<Secret<String>> = installation.made_up_password()?;
    let administrator =
        administrator.context("the first administrator's password is not kept in this directory")?;
    passwords.insert(
        String::from(super::ADMINISTRATOR),
        json!(administrator.expose(&Purpose::ListSecrets)),
    );
    Ok(passwords)
}
