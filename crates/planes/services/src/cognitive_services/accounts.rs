//! `Microsoft.CognitiveServices/accounts`: an endpoint for model calls, with two keys.
//!
//! An account is a gateway: its calls are answered by a model server of somebody else's (its upstream) or by nave's
//! own model. It holds the subdomain its endpoint is made of and the fingerprints of its keys as unique names.

mod keys;
pub(super) mod subdomain;

use std::sync::Arc;

use async_trait::async_trait;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Fields, Reply, Resource,
    accounts::{self, ACCOUNTS, UPSTREAM_KEY},
    assigned_identities,
    declaration::{ActCall, Action, Cx, Declaration, Draft, Erased, NameRule, ResourceType, Verb, Written},
};
use nave_vault::Random;
use serde_json::{Value, json};

use super::{deleted_accounts, kinds::Kind, upstream};
use crate::{
    face, identity,
    shape::{self, ENABLED, Shape},
};

/// Accounts; their keys are made of this randomness.
pub(super) struct Accounts {
    random: Arc<dyn Random>,
}

static DECLARATION: Declaration = Declaration {
    resource_type: ACCOUNTS,
    api_versions: super::API_VERSIONS,
    name: NameRule {
        min: 2,
        max: 64,
        first: |c| c.is_ascii_alphanumeric(),
        rest: |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'),
        words: "2 to 64 letters, digits, '-', '_' and '.', the first a letter or digit",
    },
    verbs: &[
        Verb::Get,
        Verb::List,
        Verb::Put(201, 200),
        Verb::Patch,
        Verb::Delete(200),
    ],
    actions: &[LIST_KEYS, REGENERATE_KEY],
    secret: &[
        UPSTREAM_KEY,
        "/properties/migrationToken",
        "/properties/apiProperties/qnaAzureSearchEndpointKey",
    ],
    soft_delete: Some(&deleted_accounts::KEPT),
    ..Declaration::COMMON
};

const LIST_KEYS: Action = Action::named("listKeys");
const REGENERATE_KEY: Action = Action::named("regenerateKey");

const SHAPES: &[(&str, Shape)] = &[
    ("/properties/allowProjectManagement", Shape::Flag),
    ("/properties/allowedFqdnList", Shape::List),
    ("/properties/apiProperties", Shape::Object),
    ("/properties/disableLocalAuth", Shape::Flag),
    ("/properties/dynamicThrottlingEnabled", Shape::Flag),
    ("/properties/encryption", Shape::Object),
    ("/properties/networkAcls", Shape::Object),
    ("/properties/publicNetworkAccess", ENABLED),
    ("/properties/restrictOutboundNetworkAccess", Shape::Flag),
    ("/properties/userOwnedStorage", Shape::List),
];

/// The names under which clients look up endpoints. Whatever service is meant, it is at the account's one address.
const ENDPOINT_NAMES: &[&str] = &[
    "AI Foundry API",
    "Azure AI Model Inference API",
    "Azure OpenAI Legacy API - Latest moniker",
    "Content Safety",
    "Content Understanding",
    "OpenAI Dall-E API",
    "OpenAI Language Model Instance API",
    "OpenAI Model Scaleset API",
    "OpenAI Moderations API",
    "OpenAI Realtime API",
    "OpenAI Sora API",
    "OpenAI Whisper API",
];

impl Accounts {
    pub(super) fn new(random: Arc<dyn Random>) -> Self {
        Self { random }
    }
}

#[async_trait]
impl ResourceType for Accounts {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, cx: &Cx<'_>, mut draft: Draft) -> Result<Written, ArmError> {
        refuse_restore(&draft)?;
        set_kind_and_sku(&mut draft)?;
        shape::check(&draft.body, SHAPES)?;
        upstream::check(&draft.body, upstream::OF_ACCOUNT)?;
        let subdomain = subdomain::choose(cx, &draft)?;
        let (mut own, also) = identity::write(cx, &draft)?;
        let secrets = keys::write(cx, &*self.random, &draft, &mut own)?;
        own["properties"]["customSubDomainName"] = subdomain.clone().into();
        let mut claims = keys::claims(&own);
        claims.push(accounts::subdomain_claim(&subdomain));
        Ok(Written {
            own,
            secrets,
            claims,
            also,
            ..Written::plain(draft)
        })
    }

    fn view(&self, cx: &Cx<'_>, account: &Resource) -> Value {
        let endpoint = format!("{}/ai/{}/", cx.site.origin, accounts::subdomain(account));
        let endpoints: serde_json::Map<String, Value> = ENDPOINT_NAMES
            .iter()
            .map(|name| ((*name).to_owned(), endpoint.clone().into()))
            .collect();
        let facts = json!({
            "endpoint": endpoint,
            "endpoints": endpoints,
            "provisioningState": "Succeeded",
            "dateCreated": account.history.created_at.to_string(),
            "isMigrated": false,
            "privateEndpointConnections": [],
        });
        let mut body = face::shown(account, &json!({ "publicNetworkAccess": "Enabled" }), facts);
        keys::hide(&mut body);
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

/// Kind and SKU are required; on an account that is there, what a body leaves out stays.
fn set_kind_and_sku(draft: &mut Draft) -> Result<(), ArmError> {
    let existing = draft.existing.clone();
    let before = |pointer: &str| existing.as_ref().and_then(|existing| existing.text(pointer));
    let fields = Fields(&draft.body);
    let kind = match fields.text("/kind")?.or(before("/kind")) {
        Some(kind) => Kind::find(kind)?,
        None => Kind::find(fields.required("/kind")?)?,
    };
    if let Some(before) = before("/kind")
        && !Kind::find(before)?.becomes(kind)
    {
        let message = format!(
            "An account of kind '{before}' cannot become one of kind '{}'.",
            kind.name
        );
        return Err(ArmError::new(ErrorCode::PropertyChangeNotAllowed, message).on("kind"));
    }
    let sku = match fields.text("/sku/name")?.or(before("/sku/name")) {
        Some(sku) => kind.sku(sku)?,
        None => kind.sku(fields.required("/sku/name")?)?,
    };
    draft.body["kind"] = kind.name.into();
    draft.body["sku"]["name"] = sku.into();
    Ok(())
}

/// An account that is not kept cannot be restored. To one that is there, the flag means nothing.
fn refuse_restore(draft: &Draft) -> Result<(), ArmError> {
    if draft.existing.is_some() || !deleted_accounts::recovers(&draft.body) {
        return Ok(());
    }
    let message = format!(
        "There is no deleted account '{}' to restore in this resource group. Leave out 'properties.restore' to create a \
         new one; 'az cognitiveservices account list-deleted' lists those that are kept.",
        draft.id.name()
    );
    Err(ArmError::new(ErrorCode::CanNotRestoreANonExistingResource, message).on("properties.restore"))
}
