//! `Microsoft.ContainerRegistry/registries`: a login server, and an administrator with two passwords who is off
//! unless somebody switches him on.

use std::sync::Arc;

use async_trait::async_trait;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Fields, Reply, Resource, assigned_identities,
    declaration::{
        ActCall, Action, Cx, Declaration, Draft, Erased, NameRule, ResourceType, Secrets, Verb, Written,
    },
    route::Route,
};
use nave_vault::{Random, Secret, api_key};
use serde_json::{Map, Value, json};

use crate::{
    face,
    host_name::HostName,
    identity,
    keys::{self, KeyPair, Marks},
    shape::{self, ENABLED, Shape},
};

/// Registries; their passwords are made of this randomness.
pub(super) struct Registries {
    random: Arc<dyn Random>,
}

const REGISTRIES: &str = "Microsoft.ContainerRegistry/registries";

static DECLARATION: Declaration = Declaration {
    resource_type: REGISTRIES,
    api_versions: &[
        "2026-09-01-preview",
        "2025-11-01",
        "2025-04-01",
        "2023-07-01",
        "2023-01-01-preview",
        "2022-12-01",
        "2021-09-01",
        "2019-05-01",
        "2017-10-01",
    ],
    name: NAMES.rule,
    verbs: &[
        Verb::Get,
        Verb::List,
        Verb::Put(201, 200),
        Verb::Patch,
        Verb::Delete(200),
    ],
    actions: &[
        Action::named("listCredentials"),
        Action::named("regenerateCredential"),
    ],
    ..Declaration::COMMON
};

static NAMES: HostName = HostName {
    resource_type: REGISTRIES,
    noun: "registry",
    rule: NameRule {
        min: 5,
        max: 50,
        first: |c| c.is_ascii_alphanumeric(),
        rest: |c| c.is_ascii_alphanumeric(),
        words: "5 to 50 letters and digits",
    },
    taken: ErrorCode::Conflict,
    invalid: "Invalid",
};

static PAIR: KeyPair = KeyPair {
    names: ["password", "password2"],
    make: api_key::generate,
};

const SHAPES: &[(&str, Shape)] = &[
    ("/properties/adminUserEnabled", Shape::Flag),
    ("/properties/dataEndpointEnabled", Shape::Flag),
    ("/properties/networkRuleSet", Shape::Object),
    ("/properties/policies", Shape::Object),
    ("/properties/publicNetworkAccess", ENABLED),
    ("/properties/zoneRedundancy", ENABLED),
];

/// The route of `checkNameAvailability`.
pub(super) fn availability() -> Route {
    let path = "/subscriptions/{subscription}/providers/Microsoft.ContainerRegistry/checkNameAvailability";
    NAMES.availability(path, "Microsoft.ContainerRegistry/checkNameAvailability/action")
}

impl Registries {
    pub(super) fn new(random: Arc<dyn Random>) -> Self {
        Self { random }
    }
}

#[async_trait]
impl ResourceType for Registries {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        let claim = NAMES.claim_for(cx.snapshot, &draft.id)?;
        shape::check(&draft.body, SHAPES)?;
        Fields(&draft.body).required("/sku/name")?;
        Fields(&draft.body).choice("/sku/name", &["Basic", "Standard", "Premium", "Classic"])?;
        let (own, also) = identity::write(cx, &draft)?;
        let secrets = match draft.existing {
            None => Secrets::Replace(Value::Object(PAIR.create(&*self.random))),
            Some(_) => Secrets::FromBody,
        };
        Ok(Written {
            own,
            secrets,
            claims: vec![claim],
            also,
            ..Written::plain(draft)
        })
    }

    fn view(&self, cx: &Cx<'_>, registry: &Resource) -> Value {
        let defaults = json!({
            "adminUserEnabled": false,
            "dataEndpointEnabled": false,
            "publicNetworkAccess": "Enabled",
            "zoneRedundancy": "Disabled",
        });
        let facts = json!({
            "creationDate": registry.history.created_at.to_string(),
            "loginServer": format!("{}.azurecr.{}", registry.id.name().to_lowercase(), cx.site.authority),
            "privateEndpointConnections": [],
            "provisioningState": "Succeeded",
        });
        let mut body = face::shown(registry, &defaults, facts);
        body["sku"]["tier"] = body["sku"]["name"].clone();
        assigned_identities::show(cx.snapshot, &mut body);
        body
    }

    fn erase(&self, _: &Cx<'_>, registry: &Resource) -> Result<Erased, ArmError> {
        Ok(identity::erase(registry))
    }

    async fn act(&self, action: &'static Action, call: ActCall) -> Result<Reply, ArmError> {
        check_administrator(&call.resource)?;
        if action.name == "listCredentials" {
            return Ok(answer(
                &call.resource,
                &keys::open(&call.engine, &call.grant, &call.resource)?,
            ));
        }
        let name = PAIR.named(Fields(&call.body).required("/name")?, "name")?;
        let change = |registry: &Resource, keys: &mut Map<String, Value>| {
            PAIR.renew(&*self.random, name, keys);
            Marks::of(registry)
        };
        let secrets = keys::replace(&call.engine, &call.grant, call.request.correlation_id, change).await?;
        Ok(answer(&call.resource, &secrets))
    }
}

fn check_administrator(registry: &Resource) -> Result<(), ArmError> {
    if Fields(&registry.sent).flag("/properties/adminUserEnabled")? == Some(true) {
        return Ok(());
    }
    let message = format!(
        "The administrator of the registry '{}' is switched off and has no password. Set \
         'properties.adminUserEnabled' to true first.",
        registry.id.name()
    );
    Err(ArmError::new(ErrorCode::InvalidParameter, message).on("properties.adminUserEnabled"))
}

fn answer(registry: &Resource, secrets: &Secret<Value>) -> Reply {
    let passwords = PAIR
        .names
        .map(|name| json!({ "name": name, "value": keys::shown(secrets, name) }));
    Reply::ok(json!({ "username": registry.id.name(), "passwords": passwords }))
}
