//! The way out to models: the one place where the credentials of other servers are opened, each for the server it was
//! stored for.

mod server;

use std::time::Duration;

use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Act, Caller, Engine, Grant, Resource, Snapshot,
    accounts::{self, Upstream},
    workspaces::CREDENTIALS,
};
use nave_vault::{Purpose, Secret};
use reqwest::redirect;

use self::server::{Dialect, Server};
use crate::{
    Inference,
    ask::Kind,
    built_in::{self, BuiltIn},
    model::Model,
};

/// Where OpenAI's own connections lead that name no target.
const OPEN_AI: &str = "https://api.openai.com/v1";
/// The `api-version` for connections that name none.
const API_VERSION: &str = "2024-10-21";

/// How long other servers are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For an answer, or for the beginning of a streamed one.
    pub answer: Duration,
    /// For the next piece of a streamed answer.
    pub idle: Duration,
}

impl Default for Patience {
    /// Ten minutes, as long as OpenAI's clients wait; two between pieces.
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(600),
            idle: Duration::from_secs(120),
        }
    }
}

/// An HTTP client that is fit for calling models: it keeps connections open, and follows no redirection, which could
/// carry a credential to another server.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(Duration::from_secs(10))
        .pool_idle_timeout(Duration::from_secs(90))
        .user_agent(concat!("nave/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// What it takes to call out on a caller's behalf.
#[derive(Clone, Copy)]
pub(crate) struct Outbound<'a> {
    pub(crate) inference: &'a Inference,
    pub(crate) engine: &'a Engine,
    pub(crate) grant: &'a Grant<Act>,
}

impl Outbound<'_> {
    /// The model behind a deployment.
    pub(crate) fn to_deployment(
        self,
        snapshot: &Snapshot,
        deployment: &Resource,
        kind: Kind,
    ) -> Result<Box<dyn Model>, ArmError> {
        let (dialect, endpoint, model, key_of) = match accounts::upstream_of(snapshot, deployment) {
            Upstream::BuiltIn => {
                built_in::check_capability(deployment, kind)?;
                return Ok(Box::new(BuiltIn {
                    created: self.engine.world().now().as_second(),
                }));
            }
            Upstream::OpenAi {
                endpoint,
                model,
                key_of,
            } => (Dialect::OpenAi, endpoint, model, key_of),
            Upstream::AzureOpenAi {
                endpoint,
                api_version,
                model,
                key_of,
            } => (Dialect::AzureOpenAi { api_version }, endpoint, model, key_of),
        };
        let holder = snapshot.get(&key_of);
        let key =
            holder.and_then(|holder| accounts::upstream_key(&self.engine.open_secrets(self.grant, holder)?));
        self.server(
            dialect,
            &endpoint,
            model,
            key,
            &format!("upstream of the deployment '{}'", deployment.id.name()),
        )
    }

    /// A model behind a connection that leads out of this server.
    pub(crate) fn to_connection(
        self,
        connection: &Resource,
        model: &str,
    ) -> Result<Box<dyn Model>, ArmError> {
        let name = connection.id.name();
        let target = connection.text("/properties/target");
        let (dialect, endpoint) = match (category(connection).as_str(), target) {
            ("azureopenai" | "aiservices", Some(target)) => {
                let api_version = accounts::metadata(connection, "ApiVersion")
                    .unwrap_or(API_VERSION)
                    .to_owned();
                (Dialect::AzureOpenAi { api_version }, target)
            }
            ("openai", target) => (Dialect::OpenAi, target.unwrap_or(OPEN_AI)),
            (_, Some(target)) => (Dialect::OpenAi, target),
            (_, None) => return Err(unsupported(&format!("The connection '{name}' has no target."))),
        };
        let key = match auth_type(connection).as_str() {
            "none" => None,
            "apikey" => Some(self.key(connection, &Purpose::OutboundCall).ok_or_else(|| {
                unsupported(&format!(
                    "The connection '{name}' holds no key; store one in properties.credentials.key."
                ))
            })?),
            "aad" => {
                return Err(unsupported(&format!(
                    "The connection '{name}' is to be used with the caller's own identity, which only works for \
                     accounts of this server. Use a key for '{}'.",
                    category(connection)
                )));
            }
            other => {
                return Err(unsupported(&format!(
                    "Connections with authType '{other}' cannot call models."
                )));
            }
        };
        self.server(
            dialect,
            endpoint,
            model.to_owned(),
            key,
            &format!("target of the connection '{name}'"),
        )
    }

    /// Whose key a connection holds: of which account of this server, and which of its keys.
    pub(crate) fn key_holder(&self, snapshot: &Snapshot, connection: &Resource) -> Option<Caller> {
        let key = self.key(connection, &Purpose::Check)?;
        accounts::key_holder(snapshot, self.engine.vault(), key.expose(&Purpose::Check))
    }

    fn key(&self, connection: &Resource, purpose: &Purpose) -> Option<Secret<String>> {
        let secrets = self.engine.open_secrets(self.grant, connection)?;
        let credentials = secrets.expose(purpose).get(CREDENTIALS)?.as_object()?;
        let (_, key) = credentials
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("key"))?;
        key.as_str()
            .filter(|key| !key.is_empty())
            .map(|key| Secret::new(key.to_owned()))
    }

    fn server(
        &self,
        dialect: Dialect,
        endpoint: &str,
        model: String,
        key: Option<Secret<String>>,
        what: &str,
    ) -> Result<Box<dyn Model>, ArmError> {
        let Inference { client, patience, .. } = self.inference;
        let endpoint = server::endpoint(endpoint).ok_or_else(|| {
            unsupported(&format!(
                "The {what} is not the URL of a model's server: it must begin with https:// or http://."
            ))
        })?;
        Ok(Box::new(Server {
            client: client.clone(),
            patience: *patience,
            dialect,
            endpoint,
            model,
            key,
        }))
    }
}

/// A connection's category, in lower case: clients spell it in several ways.
pub(crate) fn category(connection: &Resource) -> String {
    connection
        .text("/properties/category")
        .unwrap_or_default()
        .to_lowercase()
}

/// How a connection authenticates, in lower case.
pub(crate) fn auth_type(connection: &Resource) -> String {
    connection
        .text("/properties/authType")
        .unwrap_or("None")
        .to_lowercase()
}

/// The refusal of a connection or upstream that cannot be used for models.
pub(crate) fn unsupported(message: &str) -> ArmError {
    ArmError::new(ErrorCode::OperationNotSupported, message)
}
