//! `Microsoft.Storage/storageAccounts`: a name, two keys and endpoints. PUT answers 200 also for a new account:
//! clients take a 201 for a failure (client contract 8.1).

mod keys;

use std::sync::Arc;

use async_trait::async_trait;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Fields, Reply, Resource, assigned_identities,
    declaration::{
        ActCall, Action, Also, Cx, Declaration, Draft, Erased, NameRule, ResourceType, Secrets, Verb, Written,
    },
    route::Route,
};
use nave_vault::Random;
use serde_json::{Map, Value, json};

use super::blob_services::DEFAULT;
use crate::{
    face,
    host_name::HostName,
    identity,
    shape::{self, ENABLED, Shape},
};

/// Storage accounts; their keys are made of this randomness.
pub(super) struct StorageAccounts {
    random: Arc<dyn Random>,
}

const STORAGE_ACCOUNTS: &str = "Microsoft.Storage/storageAccounts";

static DECLARATION: Declaration = Declaration {
    resource_type: STORAGE_ACCOUNTS,
    api_versions: super::API_VERSIONS,
    name: NAMES.rule,
    verbs: &[
        Verb::Get,
        Verb::List,
        Verb::Put(200, 200),
        Verb::Patch,
        Verb::Delete(200),
    ],
    actions: &[
        Action::named("listKeys"),
        Action {
            name: "regenerateKey",
            permission: Some("Microsoft.Storage/storageAccounts/regeneratekey/action"),
        },
    ],
    immutable: &["/properties/isHnsEnabled"],
    ..Declaration::COMMON
};

static NAMES: HostName = HostName {
    resource_type: STORAGE_ACCOUNTS,
    noun: "storage account",
    rule: NameRule {
        min: 3,
        max: 24,
        first: is_name,
        rest: is_name,
        words: "3 to 24 lower-case letters and digits",
    },
    taken: ErrorCode::StorageAccountAlreadyTaken,
    invalid: "AccountNameInvalid",
};

fn is_name(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// The services of an account that have an endpoint.
const SERVICES: [&str; 5] = ["blob", "dfs", "file", "queue", "table"];

const KINDS: &[&str] = &[
    "StorageV2",
    "Storage",
    "BlobStorage",
    "FileStorage",
    "BlockBlobStorage",
];

const SKUS: &[&str] = &[
    "Standard_LRS",
    "Standard_GRS",
    "Standard_RAGRS",
    "Standard_ZRS",
    "Standard_GZRS",
    "Standard_RAGZRS",
    "Premium_LRS",
    "Premium_ZRS",
    "StandardV2_LRS",
    "StandardV2_GRS",
    "StandardV2_ZRS",
    "StandardV2_GZRS",
    "PremiumV2_LRS",
    "PremiumV2_ZRS",
];

const SHAPES: &[(&str, Shape)] = &[
    (
        "/properties/accessTier",
        Shape::Word(&["Hot", "Cool", "Premium", "Cold"]),
    ),
    ("/properties/allowBlobPublicAccess", Shape::Flag),
    ("/properties/allowCrossTenantReplication", Shape::Flag),
    ("/properties/allowSharedKeyAccess", Shape::Flag),
    ("/properties/defaultToOAuthAuthentication", Shape::Flag),
    ("/properties/encryption", Shape::Object),
    ("/properties/isHnsEnabled", Shape::Flag),
    (
        "/properties/minimumTlsVersion",
        Shape::Word(&["TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"]),
    ),
    ("/properties/networkAcls", Shape::Object),
    (
        "/properties/publicNetworkAccess",
        Shape::Word(&["Enabled", "Disabled", "SecuredByPerimeter"]),
    ),
    ("/properties/supportsHttpsTrafficOnly", Shape::Flag),
    ("/properties/largeFileSharesState", ENABLED),
];

/// The route of `checkNameAvailability`.
pub(super) fn availability() -> Route {
    let path = "/subscriptions/{subscription}/providers/Microsoft.Storage/checkNameAvailability";
    NAMES.availability(path, "Microsoft.Storage/checkNameAvailability/read")
}

impl StorageAccounts {
    pub(super) fn new(random: Arc<dyn Random>) -> Self {
        Self { random }
    }
}

#[async_trait]
impl ResourceType for StorageAccounts {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, cx: &Cx<'_>, mut draft: Draft) -> Result<Written, ArmError> {
        let claim = NAMES.claim_for(cx.snapshot, &draft.id)?;
        shape::check(&draft.body, SHAPES)?;
        set_kind_and_sku(&mut draft)?;
        let (own, mut also) = identity::write(cx, &draft)?;
        let secrets = match draft.existing {
            None => Secrets::Replace(Value::Object(keys::PAIR.create(&*self.random))),
            Some(_) => Secrets::FromBody,
        };
        if draft.existing.is_none() {
            let id = draft.id.child("blobServices", DEFAULT);
            also.push(Also::Put {
                id,
                body: json!({}),
                own: json!({}),
            });
        }
        Ok(Written {
            own,
            secrets,
            claims: vec![claim],
            also,
            ..Written::plain(draft)
        })
    }

    fn view(&self, cx: &Cx<'_>, account: &Resource) -> Value {
        let endpoint = |service: &str| {
            format!(
                "https://{}.{service}.core.{}/",
                account.id.name(),
                cx.site.authority
            )
        };
        let endpoints: Map<String, Value> = SERVICES
            .iter()
            .map(|service| ((*service).to_owned(), endpoint(service).into()))
            .collect();
        let facts = json!({
            "provisioningState": "Succeeded",
            "primaryEndpoints": endpoints,
            "primaryLocation": account.text("/location"),
            "statusOfPrimary": "available",
            "creationTime": account.history.created_at.to_string(),
            "keyCreationTime": keys::creation_times(account),
            "privateEndpointConnections": [],
        });
        let mut body = face::shown(account, &defaults(), facts);
        let sku = account.text("/sku/name").unwrap_or_default();
        body["sku"]["tier"] = if sku.starts_with("Premium") {
            "Premium"
        } else {
            "Standard"
        }
        .into();
        assigned_identities::show(cx.snapshot, &mut body);
        body
    }

    fn erase(&self, _: &Cx<'_>, account: &Resource) -> Result<Erased, ArmError> {
        Ok(identity::erase(account))
    }

    async fn act(&self, action: &'static Action, call: ActCall) -> Result<Reply, ArmError> {
        match action.name {
            "regenerateKey" => keys::regenerate(&*self.random, call).await,
            _ => keys::list(&call),
        }
    }
}

/// The kind may be left out and is then the general one; the SKU may be left out on an account that is there.
fn set_kind_and_sku(draft: &mut Draft) -> Result<(), ArmError> {
    let existing = draft.existing.clone();
    let before = |pointer: &str| {
        existing
            .as_ref()
            .and_then(|existing| existing.value(pointer).cloned())
    };
    for pointer in ["/kind", "/sku"] {
        if Fields(&draft.body).value(pointer).is_none()
            && let Some(value) = before(pointer)
        {
            draft.body[&pointer[1..]] = value;
        }
    }
    let fields = Fields(&draft.body);
    let kind = fields.choice("/kind", KINDS)?.unwrap_or("StorageV2");
    fields.required("/sku/name")?;
    let sku = fields.choice("/sku/name", SKUS)?;
    draft.body["kind"] = kind.into();
    draft.body["sku"]["name"] = sku.into();
    Ok(())
}

fn defaults() -> Value {
    json!({
        "accessTier": "Hot",
        "allowBlobPublicAccess": false,
        "allowSharedKeyAccess": true,
        "encryption": {
            "keySource": "Microsoft.Storage",
            "services": { "blob": { "enabled": true }, "file": { "enabled": true } },
        },
        "isHnsEnabled": false,
        "minimumTlsVersion": "TLS1_2",
        "networkAcls": { "bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": [] },
        "publicNetworkAccess": "Enabled",
        "supportsHttpsTrafficOnly": true,
    })
}
