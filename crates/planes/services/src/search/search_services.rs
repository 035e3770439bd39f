//! `Microsoft.Search/searchServices`: an endpoint, two administrator keys and a query key.

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Fields, Reply, Resource, assigned_identities,
    declaration::{
        ActCall, Action, Cx, Declaration, Draft, Erased, NameRule, ResourceType, Secrets, Verb, Written,
    },
    operation::{Access, Surface},
    route::{Call, Route},
};
use nave_vault::{Purpose, Random, Secret, api_key};
use serde_json::{Map, Value, json};

use crate::{
    face,
    host_name::HostName,
    identity,
    keys::{self, KeyPair, Marks},
    place,
    shape::{self, Shape},
};

/// Search services; their keys are made of this randomness.
pub(super) struct SearchServices {
    random: Arc<dyn Random>,
}

const SEARCH_SERVICES: &str = "Microsoft.Search/searchServices";

static DECLARATION: Declaration = Declaration {
    resource_type: SEARCH_SERVICES,
    api_versions: &[
        "2026-03-01-preview",
        "2025-05-01",
        "2025-02-01-preview",
        "2024-06-01-preview",
        "2024-03-01-preview",
        "2023-11-01",
        "2022-09-01",
        "2020-08-01",
    ],
    name: NAMES.rule,
    verbs: &[
        Verb::Get,
        Verb::List,
        Verb::Put(201, 200),
        Verb::Patch,
        Verb::Delete(200),
    ],
    actions: &[Action::named("listAdminKeys"), Action::named("listQueryKeys")],
    ..Declaration::COMMON
};

static NAMES: HostName = HostName {
    resource_type: SEARCH_SERVICES,
    noun: "search service",
    rule: NameRule {
        min: 2,
        max: 60,
        first: |c| c.is_ascii_lowercase() || c.is_ascii_digit(),
        rest: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
        words: "2 to 60 lower-case letters, digits and hyphens, the first a letter or digit",
    },
    taken: ErrorCode::Conflict,
    invalid: "Invalid",
};

static PAIR: KeyPair = KeyPair {
    names: ["primaryKey", "secondaryKey"],
    make: api_key::generate,
};

/// The name of the query key in the sealed secrets.
const QUERY_KEY: &str = "queryKey";

const SKUS: &[&str] = &[
    "free",
    "basic",
    "standard",
    "standard2",
    "standard3",
    "storage_optimized_l1",
    "storage_optimized_l2",
];

const SHAPES: &[(&str, Shape)] = &[
    ("/properties/authOptions", Shape::Object),
    ("/properties/disableLocalAuth", Shape::Flag),
    (
        "/properties/hostingMode",
        Shape::Word(&["default", "highDensity"]),
    ),
    ("/properties/networkRuleSet", Shape::Object),
    ("/properties/partitionCount", Shape::Integer(1, 12)),
    (
        "/properties/publicNetworkAccess",
        Shape::Word(&["enabled", "disabled", "securedByPerimeter"]),
    ),
    ("/properties/replicaCount", Shape::Integer(1, 12)),
    (
        "/properties/semanticSearch",
        Shape::Word(&["disabled", "free", "standard"]),
    ),
];

/// `checkNameAvailability`, and the action whose key stands in the path.
pub(super) fn routes(random: &Arc<dyn Random>) -> [Route; 2] {
    let names = "/subscriptions/{subscription}/providers/Microsoft.Search/checkNameAvailability";
    let key = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Search/searchServices/{name}/regenerateAdminKey/{key}";
    let access = Access::action("Microsoft.Search/searchServices/regenerateAdminKey/action");
    let random = random.clone();
    let regenerate = Route::new(Method::POST, key, Surface::Arm, access, move |call| {
        regenerate(random.clone(), call)
    });
    [
        NAMES.availability(names, "Microsoft.Search/checkNameAvailability/action"),
        place::about(regenerate, SEARCH_SERVICES),
    ]
}

impl SearchServices {
    pub(super) fn new(random: Arc<dyn Random>) -> Self {
        Self { random }
    }
}

#[async_trait]
impl ResourceType for SearchServices {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        let claim = NAMES.claim_for(cx.snapshot, &draft.id)?;
        shape::check(&draft.body, SHAPES)?;
        Fields(&draft.body).required("/sku/name")?;
        Fields(&draft.body).choice("/sku/name", SKUS)?;
        let (own, also) = identity::write(cx, &draft)?;
        let secrets = match draft.existing {
            None => Secrets::Replace(new_keys(&*self.random)),
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

    fn view(&self, cx: &Cx<'_>, service: &Resource) -> Value {
        let defaults = json!({
            "authOptions": { "apiKeyOnly": {} },
            "disableLocalAuth": false,
            "hostingMode": "default",
            "networkRuleSet": { "ipRules": [], "bypass": "None" },
            "partitionCount": 1,
            "publicNetworkAccess": "enabled",
            "replicaCount": 1,
            "semanticSearch": "disabled",
        });
        let facts = json!({
            "endpoint": format!("https://{}.search.{}", service.id.name(), cx.site.authority),
            "privateEndpointConnections": [],
            "provisioningState": "succeeded",
            "sharedPrivateLinkResources": [],
            "status": "running",
            "statusDetails": "",
        });
        let mut body = face::shown(service, &defaults, facts);
        assigned_identities::show(cx.snapshot, &mut body);
        body
    }

    fn erase(&self, _: &Cx<'_>, service: &Resource) -> Result<Erased, ArmError> {
        Ok(identity::erase(service))
    }

    async fn act(&self, action: &'static Action, call: ActCall) -> Result<Reply, ArmError> {
        let secrets = keys::open(&call.engine, &call.grant, &call.resource)?;
        Ok(match action.name {
            "listQueryKeys" => Reply::ok(json!({ "value": [{ "key": keys::shown(&secrets, QUERY_KEY) }] })),
            _ => answer(&secrets),
        })
    }
}

fn new_keys(random: &dyn Random) -> Value {
    let mut keys = PAIR.create(random);
    let query = api_key::generate(random);
    keys.insert(QUERY_KEY.to_owned(), query.expose(&Purpose::Seal).as_str().into());
    Value::Object(keys)
}

async fn regenerate(random: Arc<dyn Random>, call: Call) -> Result<Reply, ArmError> {
    place::resource(&call)?;
    let name = PAIR.named(&format!("{}Key", call.params.get("key")), "keyKind")?;
    let change = |service: &Resource, keys: &mut Map<String, Value>| {
        PAIR.renew(&*random, name, keys);
        Marks::of(service)
    };
    let correlation = call.request.correlation_id;
    Ok(answer(
        &keys::replace(&call.engine, &call.grant, correlation, change).await?,
    ))
}

fn answer(secrets: &Secret<Value>) -> Reply {
    let [primary, secondary] = PAIR.names;
    Reply::ok(json!({ primary: keys::shown(secrets, primary), secondary: keys::shown(secrets, secondary) }))
}
