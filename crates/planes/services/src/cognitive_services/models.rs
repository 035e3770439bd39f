//! The models that accounts offer by name, and what a deployment of a model can do.
//!
//! The list is what clients choose from. Any other name may be deployed too: what answers is the deployment's
//! upstream, which has names of its own, or nave's built-in model, which answers to every name.

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply, Resource,
    accounts::{ACCOUNTS, DEPLOYMENTS},
    operation::{Access, Surface},
    route::{Call, Route, Target},
};
use serde_json::{Value, json};

use super::kinds::Kind;
use crate::place;

/// The SKUs a model is deployed in, as bodies spell them.
pub(super) const SKUS: [&str; 9] = [
    "Standard",
    "GlobalStandard",
    "DataZoneStandard",
    "ProvisionedManaged",
    "GlobalProvisionedManaged",
    "DataZoneProvisionedManaged",
    "GlobalBatch",
    "DataZoneBatch",
    "DeveloperTier",
];

/// The most capacity one deployment has: the largest number the documented type holds.
pub(super) const MOST_CAPACITY: i64 = i32::MAX as i64;

/// One model.
struct Model {
    name: &'static str,
    version: &'static str,
    does: Does,
}

/// What a model is for.
#[derive(Clone, Copy)]
enum Does {
    Chat,
    Embeddings,
}

const MODELS: &[Model] = &[
    Model {
        name: "gpt-4.1",
        version: "2025-04-14",
        does: Does::Chat,
    },
    Model {
        name: "gpt-4.1-mini",
        version: "2025-04-14",
        does: Does::Chat,
    },
    Model {
        name: "gpt-4o",
        version: "2024-11-20",
        does: Does::Chat,
    },
    Model {
        name: "gpt-4o-mini",
        version: "2024-07-18",
        does: Does::Chat,
    },
    Model {
        name: "gpt-35-turbo",
        version: "0125",
        does: Does::Chat,
    },
    Model {
        name: "text-embedding-3-large",
        version: "1",
        does: Does::Embeddings,
    },
    Model {
        name: "text-embedding-3-small",
        version: "1",
        does: Does::Embeddings,
    },
    Model {
        name: "text-embedding-ada-002",
        version: "2",
        does: Does::Embeddings,
    },
];

impl Does {
    /// What a model of this name is for. A name that is not in the list tells by saying that it embeds.
    fn by_name(name: &str) -> Self {
        match MODELS.iter().find(|model| model.name.eq_ignore_ascii_case(name)) {
            Some(model) => model.does,
            None if name.to_lowercase().contains("embed") => Self::Embeddings,
            None => Self::Chat,
        }
    }

    fn capabilities(self) -> Value {
        match self {
            Self::Chat => json!({ "chatCompletion": "true" }),
            Self::Embeddings => json!({ "embeddings": "true" }),
        }
    }
}

/// The capabilities of a deployment of this model.
pub(super) fn capabilities(name: &str) -> Value {
    Does::by_name(name).capabilities()
}

/// The version that is deployed when a body names none.
pub(super) fn default_version(name: &str) -> &'static str {
    MODELS
        .iter()
        .find(|model| model.name.eq_ignore_ascii_case(name))
        .map_or("1", |model| model.version)
}

/// The registry that a publisher's models are in, as it is named in their asset ids.
pub(super) fn registry(publisher: &str) -> String {
    let name: String = publisher
        .to_lowercase()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .collect();
    match name.as_str() {
        "openai" => String::from("azure-openai"),
        "" | "microsoft" => String::from("azureml"),
        "mistralai" => String::from("azureml-mistral"),
        _ => format!("azureml-{name}"),
    }
}

pub(super) fn routes() -> [Route; 3] {
    let region =
        "/subscriptions/{subscription}/providers/Microsoft.CognitiveServices/locations/{location}/models";
    let account = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.CognitiveServices/accounts/{name}/models";
    let skus = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.CognitiveServices/accounts/{name}/deployments/{deployment}/skus";
    let access = |action| Access::action(format!("Microsoft.CognitiveServices/{action}"));
    [
        Route::new(
            Method::GET,
            region,
            Surface::Arm,
            access("locations/models/read"),
            of_location,
        ),
        place::about(
            Route::new(
                Method::GET,
                account,
                Surface::Arm,
                access("accounts/models/read"),
                of_account,
            ),
            ACCOUNTS,
        ),
        Route::new(
            Method::GET,
            skus,
            Surface::Arm,
            access("accounts/deployments/skus/read"),
            of_deployment,
        )
        .about(|_, _, params| {
            let account = params.scope()?.extension(ACCOUNTS, params.get("name"));
            Ok(Target::from(
                account.child("deployments", params.get("deployment")),
            ))
        }),
    ]
}

async fn of_location(call: Call) -> Result<Reply, ArmError> {
    super::locations::check(&call)?;
    let kinds = ["OpenAI", "AIServices"];
    let value: Vec<Value> = kinds
        .iter()
        .flat_map(|kind| {
            MODELS
                .iter()
                .map(move |model| json!({ "kind": kind, "skuName": "S0", "model": view(model) }))
        })
        .collect();
    Ok(Reply::ok(json!({ "value": value })))
}

async fn of_account(call: Call) -> Result<Reply, ArmError> {
    let account = place::resource(&call)?;
    let models = if hosts_models(&account) { MODELS } else { &[] };
    Ok(Reply::ok(
        json!({ "value": models.iter().map(view).collect::<Vec<_>>() }),
    ))
}

async fn of_deployment(call: Call) -> Result<Reply, ArmError> {
    place::resource(&call)?;
    let value: Vec<Value> = SKUS
        .iter()
        .map(|sku| json!({ "resourceType": DEPLOYMENTS, "sku": { "name": sku }, "capacity": capacity() }))
        .collect();
    Ok(Reply::ok(json!({ "value": value })))
}

fn hosts_models(account: &Resource) -> bool {
    Kind::find(&account.kind()).is_ok_and(Kind::hosts_models)
}

fn view(model: &Model) -> Value {
    let skus: Vec<Value> = SKUS
        .iter()
        .map(|sku| json!({ "name": sku, "usageName": usage_name(sku, model.name), "capacity": capacity() }))
        .collect();
    json!({
        "format": "OpenAI",
        "name": model.name,
        "version": model.version,
        "isDefaultVersion": true,
        "maxCapacity": MOST_CAPACITY,
        "capabilities": model.does.capabilities(),
        "lifecycleStatus": "GenerallyAvailable",
        "skus": skus,
    })
}

/// The name under which capacity of a model is counted.
pub(super) fn usage_name(sku: &str, model: &str) -> String {
    format!("OpenAI.{sku}.{model}")
}

fn capacity() -> Value {
    json!({ "minimum": 1, "maximum": MOST_CAPACITY, "step": 1, "default": 1 })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{capabilities, default_version, registry};

    #[test]
    fn each_publisher_has_a_registry() {
        for (publisher, expected) in [
            ("OpenAI", "azure-openai"),
            ("Microsoft", "azureml"),
            ("Meta", "azureml-meta"),
            ("Mistral AI", "azureml-mistral"),
            ("xAI", "azureml-xai"),
        ] {
            assert_eq!(registry(publisher), expected, "{publisher}");
        }
    }

    #[test]
    fn a_model_tells_what_it_is_for_by_its_name() {
        for name in ["text-embedding-3-small", "nomic-embed-text", "Embedder"] {
            assert_eq!(capabilities(name), json!({"embeddings": "true"}), "{name}");
        }
        for name in ["gpt-4o", "llama-3"] {
            assert_eq!(capabilities(name), json!({"chatCompletion": "true"}), "{name}");
        }
        assert_eq!(
            (default_version("GPT-4o"), default_version("llama-3")),
            ("2024-11-20", "1")
        );
    }
}
