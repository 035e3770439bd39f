//! `Microsoft.OperationalInsights/workspaces`: a customer id and two shared keys, which are listed under two names
//! and replaced together.

use std::sync::Arc;

use async_trait::async_trait;
use nave_arm::ArmError;
use nave_engine::{
    Reply, Resource,
    declaration::{ActCall, Action, Cx, Declaration, Draft, NameRule, ResourceType, Secrets, Verb, Written},
};
use nave_vault::{Random, Secret};
use serde_json::{Map, Value, json};

use crate::{
    face,
    keys::{self, KeyPair, Marks},
    shape::{self, ENABLED, Shape},
};

/// Log workspaces; their keys are made of this randomness.
pub(super) struct Workspaces {
    random: Arc<dyn Random>,
}

/// The versions listed to clients, newest first.
pub(super) const API_VERSIONS: &[&str] = &[
    "2026-03-01",
    "2025-07-01",
    "2025-02-01",
    "2023-09-01",
    "2022-10-01",
    "2021-12-01-preview",
    "2021-06-01",
    "2020-10-01",
    "2020-08-01",
    "2020-03-01-preview",
    "2015-11-01-preview",
];

static DECLARATION: Declaration = Declaration {
    resource_type: "Microsoft.OperationalInsights/workspaces",
    api_versions: API_VERSIONS,
    name: NameRule {
        min: 4,
        max: 63,
        first: |c| c.is_ascii_alphanumeric(),
        rest: |c| c.is_ascii_alphanumeric() || c == '-',
        words: "4 to 63 letters, digits and hyphens, the first a letter or digit",
    },
    verbs: &[
        Verb::Get,
        Verb::List,
        Verb::Put(201, 200),
        Verb::Patch,
        Verb::Delete(200),
    ],
    actions: &[
        Action::named("sharedKeys"),
        Action::named("listKeys"),
        Action::named("regenerateSharedKey"),
    ],
    soft_delete: Some(&super::deleted_workspaces::KEPT),
    ..Declaration::COMMON
};

static PAIR: KeyPair = KeyPair {
    names: ["primarySharedKey", "secondarySharedKey"],
    make: keys::base64_key,
};

const SHAPES: &[(&str, Shape)] = &[
    ("/properties/features", Shape::Object),
    ("/properties/publicNetworkAccessForIngestion", ENABLED),
    ("/properties/publicNetworkAccessForQuery", ENABLED),
    ("/properties/retentionInDays", Shape::Integer(-1, 730)),
    ("/properties/sku", Shape::Object),
    ("/properties/sku/name", Shape::Word(SKUS)),
    ("/properties/workspaceCapping", Shape::Object),
];

const SKUS: &[&str] = &[
    "Free",
    "Standard",
    "Premium",
    "PerNode",
    "PerGB2018",
    "Standalone",
    "CapacityReservation",
    "LACluster",
];

impl Workspaces {
    pub(super) fn new(random: Arc<dyn Random>) -> Self {
        Self { random }
    }
}

#[async_trait]
impl ResourceType for Workspaces {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        shape::check(&draft.body, SHAPES)?;
        let is_new = draft.existing.is_none();
        let mut written = Written::plain(draft);
        if is_new {
            written.own["properties"] = json!({ "customerId": cx.world.new_id() });
            written.secrets = Secrets::Replace(Value::Object(PAIR.create(&*self.random)));
        }
        Ok(written)
    }

    fn view(&self, _: &Cx<'_>, workspace: &Resource) -> Value {
        let defaults = json!({
            "features": { "enableLogAccessUsingOnlyResourcePermissions": true },
            "publicNetworkAccessForIngestion": "Enabled",
            "publicNetworkAccessForQuery": "Enabled",
            "retentionInDays": 30,
            "sku": { "name": "PerGB2018" },
            "workspaceCapping": { "dailyQuotaGb": -1.0 },
        });
        let facts = json!({
            "customerId": workspace.own.pointer("/properties/customerId"),
            "createdDate": workspace.history.created_at.to_string(),
            "modifiedDate": workspace.history.updated_at.to_string(),
            "provisioningState": "Succeeded",
        });
        face::shown(workspace, &defaults, facts)
    }

    async fn act(&self, action: &'static Action, call: ActCall) -> Result<Reply, ArmError> {
        if action.name != "regenerateSharedKey" {
            return Ok(answer(&keys::open(&call.engine, &call.grant, &call.resource)?));
        }
        let change = |workspace: &Resource, keys: &mut Map<String, Value>| {
            *keys = PAIR.create(&*self.random);
            Marks::of(workspace)
        };
        Ok(answer(
            &keys::replace(&call.engine, &call.grant, call.request.correlation_id, change).await?,
        ))
    }
}

fn answer(secrets: &Secret<Value>) -> Reply {
    let [primary, secondary] = PAIR.names;
    Reply::ok(json!({ primary: keys::shown(secrets, primary), secondary: keys::shown(secrets, secondary) }))
}
