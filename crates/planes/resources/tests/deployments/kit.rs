//! Types to deploy, and short ways to deploy them.

use std::sync::{
    Arc, Condvar, Mutex,
    atomic::{AtomicUsize, Ordering},
    mpsc::Sender,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method};
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Caller, Registry, Reply, Request,
    decision::Need,
    declaration::{ActCall, Action, Asked, Cx, Declaration, Draft, Placement, ResourceType, Verb, Written},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::common::{HUB, Nave, RG};

pub(crate) const DEPLOYMENTS: &str = "providers/Microsoft.Resources/deployments";
const ALL: &[Verb] = &[Verb::Get, Verb::List, Verb::Put(201, 200), Verb::Delete(200)];

/// A resource with a password, whose body may ask to be refused.
struct Things;

static THINGS: Declaration = Declaration {
    resource_type: "Test.Kit/things",
    api_versions: &["2024-01-01"],
    verbs: ALL,
    actions: &[Action::named("listKeys")],
    secret: &["/properties/password"],
    ..Declaration::COMMON
};

#[async_trait]
impl ResourceType for Things {
    fn declaration(&self) -> &'static Declaration {
        &THINGS
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        if draft.body.pointer("/properties/bad") == Some(&json!(true)) {
            return Err(ArmError::new(ErrorCode::InvalidParameter, "The thing is bad.").on("properties.bad"));
        }
        let needs = draft.body.pointer("/properties/needs").and_then(Value::as_str);
        if let Some(needs) = needs
            && nave_arm::ResourceId::parse(needs).is_ok_and(|id| cx.snapshot.get(&id).is_none())
        {
            return Err(ArmError::new(
                ErrorCode::InvalidResourceReference,
                format!("There is no '{needs}'."),
            ));
        }
        let url = format!("{}/things/{}", cx.site.origin, draft.id.name());
        let mut written = Written::plain(draft);
        written.own = json!({"properties": {"url": url, "provisioningState": "Succeeded"}});
        Ok(written)
    }

    async fn act(&self, _: &'static Action, call: ActCall) -> Result<Reply, ArmError> {
        Ok(Reply::ok(
            json!({"key1": format!("key of {}", call.resource.id.name())}),
        ))
    }
}

/// Its child.
struct Parts;

static PARTS: Declaration = Declaration {
    resource_type: "Test.Kit/things/parts",
    api_versions: &["2024-01-01"],
    placement: Placement::Parent,
    verbs: ALL,
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for Parts {
    fn declaration(&self) -> &'static Declaration {
        &PARTS
    }
}

/// A type whose rows are not kept in memory.
struct Notes;

static NOTES: Declaration = Declaration {
    resource_type: "Test.Kit/things/notes",
    api_versions: &["2024-01-01"],
    placement: Placement::Parent,
    verbs: ALL,
    tracked: false,
    resident: false,
    ..Declaration::COMMON
};

impl ResourceType for Notes {
    fn declaration(&self) -> &'static Declaration {
        &NOTES
    }
}

/// Workspaces of which a project may be made by whoever may join its hub.
struct Workspaces;

static WORKSPACES: Declaration = Declaration {
    resource_type: "Microsoft.MachineLearningServices/workspaces",
    api_versions: &["2024-10-01"],
    verbs: ALL,
    ..Declaration::COMMON
};

impl ResourceType for Workspaces {
    fn declaration(&self) -> &'static Declaration {
        &WORKSPACES
    }

    fn ways(&self, _: &Cx<'_>, asked: &Asked<'_>, own: Need) -> Result<Vec<Vec<Need>>, ArmError> {
        let mut ways = vec![vec![own]];
        if let Asked::Write(draft) = asked
            && let Some(hub) = draft
                .body
                .pointer("/properties/hubResourceId")
                .and_then(Value::as_str)
            && let Ok(hub) = nave_arm::ResourceId::parse(hub)
        {
            ways.push(vec![Need::action(
                "Microsoft.MachineLearningServices/workspaces/hubs/join/action",
                hub,
            )]);
        }
        Ok(ways)
    }
}

/// A type whose writes wait until the gate is opened, but for the first: it is only a rehearsal.
pub(crate) struct Gates {
    pub(crate) gate: Arc<Gate>,
    pub(crate) reached: Mutex<Sender<()>>,
    writes: AtomicUsize,
    /// How many writes pass before one waits.
    pass: usize,
}

#[derive(Default)]
pub(crate) struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    pub(crate) fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn pass(&self) {
        drop(
            self.opened
                .wait_while(self.open.lock().unwrap(), |open| !*open)
                .unwrap(),
        );
    }
}

impl Gates {
    pub(crate) fn new(gate: Arc<Gate>, reached: Sender<()>) -> Self {
        Self::after(1, gate, reached)
    }

    /// With so many writes that pass.
    pub(crate) fn after(pass: usize, gate: Arc<Gate>, reached: Sender<()>) -> Self {
        Self {
            gate,
            reached: Mutex::new(reached),
            writes: AtomicUsize::new(0),
            pass,
        }
    }
}

static GATES: Declaration = Declaration {
    resource_type: "Test.Kit/gates",
    api_versions: &["2024-01-01"],
    verbs: ALL,
    ..Declaration::COMMON
};

impl ResourceType for Gates {
    fn declaration(&self) -> &'static Declaration {
        &GATES
    }

    fn write(&self, _: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        if self.writes.fetch_add(1, Ordering::SeqCst) >= self.pass {
            // who waits no more has seen enough
            let _ = self.reached.lock().unwrap().send(());
            self.gate.pass();
        }
        Ok(Written::plain(draft))
    }
}

macro_rules! plain_types {
    ($($name:ident $declaration:ident $kind:literal),+) => { $(
        struct $name;
        static $declaration: Declaration =
            Declaration { resource_type: $kind, api_versions: &["2024-01-01"], verbs: ALL, ..Declaration::COMMON };
        impl ResourceType for $name {
            fn declaration(&self) -> &'static Declaration {
                &$declaration
            }
        }
    )+ };
}
plain_types!(
    Storage STORAGE "Microsoft.Storage/storageAccounts",
    Vaults VAULTS "Microsoft.KeyVault/vaults",
    Components COMPONENTS "Microsoft.Insights/components",
    LogWorkspaces LOG_WORKSPACES "Microsoft.OperationalInsights/workspaces"
);

pub(crate) fn add_types(registry: &mut Registry, gates: Option<Gates>) {
    registry.add_type(Things);
    registry.add_type(Parts);
    registry.add_type(Notes);
    registry.add_type(Workspaces);
    registry.add_type(Storage);
    registry.add_type(Vaults);
    registry.add_type(Components);
    registry.add_type(LogWorkspaces);
    if let Some(gates) = gates {
        registry.add_type(gates);
    }
}

pub(crate) async fn start() -> Nave {
    start_with_gates(None).await
}

pub(crate) async fn start_with_gates(gates: Option<Gates>) -> Nave {
    let nave = Nave::start_with(|registry| add_types(registry, gates)).await;
    nave.delete(&Caller::system(), HUB).await;
    nave
}

/// A resource of a template.
pub(crate) fn thing(name: &str, needed: &[&str], properties: Value) -> Value {
    json!({"type": "Test.Kit/things", "apiVersion": "2024-01-01", "name": name, "dependsOn": needed, "properties": properties})
}

pub(crate) fn template(resources: &[Value]) -> Value {
    json!({"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
           "contentVersion": "1.0.0.0", "resources": resources})
}

pub(crate) fn body(template: Value, parameters: Value) -> Value {
    json!({"properties": {"mode": "Incremental", "template": template, "parameters": parameters}})
}

pub(crate) fn id_of(name: &str) -> String {
    format!("{RG}/{DEPLOYMENTS}/{name}")
}

pub(crate) fn thing_id(name: &str) -> String {
    format!("{RG}/providers/Test.Kit/things/{name}")
}

/// A request as it comes from the wire.
pub(crate) fn request(caller: &Caller, method: Method, path: &str, body: impl Into<Bytes>) -> Request {
    Request {
        method,
        path: path.to_owned(),
        query: vec![(String::from("api-version"), String::from("2020-06-01"))],
        headers: HeaderMap::new(),
        body: body.into(),
        caller: Some(caller.clone()),
        host: String::from("nave.test"),
        correlation_id: Uuid::new_v4(),
        peer: None,
    }
}

/// Deploys; the whole reply.
pub(crate) async fn deploy(nave: &Nave, caller: &Caller, name: &str, body: &Value) -> Reply {
    nave.engine
        .serve(request(caller, Method::PUT, &id_of(name), body.to_string()))
        .await
}

/// Posts to one of a deployment's actions.
pub(crate) async fn post(
    nave: &Nave,
    caller: &Caller,
    name: &str,
    action: &str,
    body: &Value,
) -> (u16, Value) {
    nave.send(
        caller,
        Method::POST,
        &format!("{}/{action}", id_of(name)),
        body.clone(),
    )
    .await
}

pub(crate) fn state(body: &Value) -> &str {
    body.pointer("/properties/provisioningState")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

pub(crate) fn header<'r>(reply: &'r Reply, name: &str) -> &'r str {
    reply
        .headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// The operations of a deployment as `Operation state last/of/its/id`.
pub(crate) async fn operations(nave: &Nave, caller: &Caller, name: &str) -> Vec<String> {
    let (status, list) = nave
        .get(caller, &format!("{RG}/deployments/{name}/operations"))
        .await;
    assert_eq!(status, 200, "{list}");
    let of = |operation: &Value| {
        let properties = &operation["properties"];
        let target = properties["targetResource"]["id"].as_str().unwrap_or_default();
        let text = |name: &str| properties[name].as_str().unwrap_or_default().to_owned();
        let short = target.rsplit("/providers/").next().unwrap_or_default();
        format!(
            "{} {} {short}",
            text("provisioningOperation"),
            text("provisioningState")
        )
    };
    list["value"].as_array().unwrap().iter().map(of).collect()
}
