//! Where the model calls of a deployment go: to nave's own model, or to a server that an account stands in front of.
//!
//! The setting is a member of the account's or the deployment's own body, so that templates carry it:
//!
//! ```json
//! "properties": { "nave": { "upstream": {
//!     "kind": "openAI | azureOpenAI | builtIn", "endpoint": "https://…", "apiVersion": "…", "model": "…",
//!     "apiKey": "secret, never shown" } } }
//! ```
//!
//! A deployment inherits its account's upstream and may name another `model` there, or have an upstream of its own
//! by naming a `kind` or an `endpoint`. A key goes to the endpoint it was stored with and to no other: a deployment
//! with its own endpoint never sends its account's key, or whoever may write deployments could have that key sent
//! wherever he likes.

use nave_arm::ResourceId;
use nave_vault::{Purpose, Secret};
use serde_json::Value;

use crate::{Resource, Snapshot};

/// The JSON pointer of the setting, on accounts and deployments.
pub const UPSTREAM: &str = "/properties/nave/upstream";
/// The JSON pointer of the upstream's key: a declared secret, sealed under this very text as its name.
pub const UPSTREAM_KEY: &str = "/properties/nave/upstream/apiKey";
/// The kinds of upstream, as bodies spell them. They compare without case.
pub const UPSTREAM_KINDS: [&str; 3] = ["builtIn", "openAI", "azureOpenAI"];

/// The api-version for an Azure OpenAI upstream whose setting names none.
const API_VERSION: &str = "2024-10-21";

/// Where the model calls of one deployment go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// nave's own deterministic model.
    BuiltIn,
    /// A server with OpenAI's API: `{endpoint}/chat/completions`, the key as a bearer token.
    OpenAi {
        /// The base URL without a trailing slash, `/v1` included where the server has it.
        endpoint: String,
        /// What to ask for as `model`: the setting's, else the deployment's model name.
        model: String,
        /// The resource whose secrets hold the key under [`UPSTREAM_KEY`], if there is one.
        key_of: ResourceId,
    },
    /// An Azure OpenAI resource: `{endpoint}/openai/deployments/{model}/chat/completions`, the key as `api-key`.
    AzureOpenAi {
        /// The resource's endpoint without a trailing slash.
        endpoint: String,
        /// The `api-version` to ask with.
        api_version: String,
        /// The name of the deployment there: the setting's `model`, else this deployment's own name.
        model: String,
        /// The resource whose secrets hold the key under [`UPSTREAM_KEY`], if there is one.
        key_of: ResourceId,
    },
}

/// The upstream of a deployment.
#[must_use]
pub fn upstream_of(snapshot: &Snapshot, deployment: &Resource) -> Upstream {
    let account = deployment.id.parent().and_then(|id| snapshot.get(&id));
    inherited(account.map(|account| &**account), deployment)
}

fn inherited(account: Option<&Resource>, deployment: &Resource) -> Upstream {
    let source = if is_complete(deployment) {
        Some(deployment)
    } else {
        account
    };
    source.map_or(Upstream::BuiltIn, |source| read(source, deployment))
}

/// The upstream's key out of the opened secrets of [`Upstream`]'s `key_of`.
#[must_use]
pub fn upstream_key(secrets: &Secret<Value>) -> Option<Secret<String>> {
    let key = secrets
        .expose(&Purpose::OutboundCall)
        .get(UPSTREAM_KEY)?
        .as_str()?;
    Some(Secret::new(key.to_owned()))
}

/// Whether a deployment says by itself where its calls go.
fn is_complete(deployment: &Resource) -> bool {
    setting(deployment, "kind").is_some() || setting(deployment, "endpoint").is_some()
}

fn setting<'a>(resource: &'a Resource, member: &str) -> Option<&'a str> {
    resource.text(&format!("{UPSTREAM}/{member}"))
}

fn read(source: &Resource, deployment: &Resource) -> Upstream {
    let Some(endpoint) = setting(source, "endpoint").map(|url| url.trim_end_matches('/').to_owned()) else {
        return Upstream::BuiltIn;
    };
    let key_of = source.id.clone();
    let model = setting(deployment, "model").map(str::to_owned);
    match setting(source, "kind")
        .unwrap_or("openAI")
        .to_lowercase()
        .as_str()
    {
        "openai" => {
            let named = || {
                deployment
                    .text("/properties/model/name")
                    .unwrap_or_else(|| deployment.id.name())
                    .to_owned()
            };
            Upstream::OpenAi {
                endpoint,
                model: model.unwrap_or_else(named),
                key_of,
            }
        }
        "azureopenai" => Upstream::AzureOpenAi {
            endpoint,
            api_version: setting(source, "apiVersion").unwrap_or(API_VERSION).to_owned(),
            model: model.unwrap_or_else(|| deployment.id.name().to_owned()),
            key_of,
        },
        _ => Upstream::BuiltIn,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::History;

    const ACCOUNT: &str =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a";

    fn resource(id: &str, sent: Value) -> Resource {
        let now = Timestamp::UNIX_EPOCH;
        let history = History {
            created_at: now,
            created_by: String::new(),
            updated_at: now,
            updated_by: String::new(),
        };
        Resource {
            id: ResourceId::parse(id).expect("id"),
            sent,
            own: json!({}),
            sealed: None,
            etag: String::new(),
            claims: Vec::new(),
            history,
        }
    }

    fn check(account: Value, deployment: Value, expected: &Upstream) {
        let with = |upstream: Value| json!({"properties": {"model": {"name": "gpt-4o"}, "nave": {"upstream": upstream}}});
        let account = resource(ACCOUNT, with(account));
        let deployment = resource(&format!("{ACCOUNT}/deployments/chat"), with(deployment));
        assert_eq!(inherited(Some(&account), &deployment), *expected);
    }

    fn open_ai(endpoint: &str, model: &str, key_of: &str) -> Upstream {
        let key_of = ResourceId::parse(key_of).expect("id");
        Upstream::OpenAi {
            endpoint: endpoint.to_owned(),
            model: model.to_owned(),
            key_of,
        }
    }

    #[test]
    fn without_a_setting_the_built_in_model_answers() {
        check(json!(null), json!(null), &Upstream::BuiltIn);
        check(
            json!({"kind": "builtIn", "endpoint": "http://x"}),
            json!(null),
            &Upstream::BuiltIn,
        );
    }

    #[test]
    fn a_deployment_inherits_and_may_name_another_model() {
        let account = || json!({"kind": "OpenAI", "endpoint": "http://vllm:8000/v1/"});
        check(
            account(),
            json!(null),
            &open_ai("http://vllm:8000/v1", "gpt-4o", ACCOUNT),
        );
        check(
            account(),
            json!({"model": "llama"}),
            &open_ai("http://vllm:8000/v1", "llama", ACCOUNT),
        );
        check(account(), json!({"kind": "builtin"}), &Upstream::BuiltIn);
    }

    #[test]
    fn an_own_endpoint_goes_with_an_own_key() {
        let own = format!("{ACCOUNT}/deployments/chat");
        let account = json!({"kind": "azureOpenAI", "endpoint": "https://a"});
        check(
            account,
            json!({"endpoint": "https://b"}),
            &open_ai("https://b", "gpt-4o", &own),
        );
    }

    #[test]
    fn an_azure_upstream_is_asked_for_a_deployment() {
        let expected = |model: &str, version: &str| Upstream::AzureOpenAi {
            endpoint: String::from("https://a"),
            api_version: version.to_owned(),
            model: model.to_owned(),
            key_of: ResourceId::parse(ACCOUNT).expect("id"),
        };
        let account = json!({"kind": "azureOpenAI", "endpoint": "https://a/"});
        check(account, json!(null), &expected("chat", API_VERSION));
        let account = json!({"kind": "azureOpenAI", "endpoint": "https://a", "apiVersion": "2025-01-01"});
        check(
            account,
            json!({"model": "theirs"}),
            &expected("theirs", "2025-01-01"),
        );
    }
}
