//! An engine in a temporary folder with a few types of its own, and people to ask it things.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Act, Caller, CallerKind, Change, Engine, Event, EventQuery, Parts, Put, Registry, Reply, Request, Store,
    clock,
    declaration::{
        ActCall, Action, Cx, Declaration, Draft, NameRule, Placement, ResourceType, Verb, Written,
    },
    directory,
    operation::{Access, Surface},
    principal_claim,
    request::DECISION,
    route::Route,
    site::{LOCATIONS, Site},
};
use nave_vault::{KeyRing, Purpose};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::{Uuid, uuid};

pub(crate) const ORIGIN: &str = "https://nave.test";
pub(crate) const S: &str = "/subscriptions/11111111-1111-1111-1111-111111111111";
pub(crate) const RG: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg";
pub(crate) const OWNER: Uuid = uuid!("8e3af657-a8ff-443c-a75c-2fe8c4bcb635");
pub(crate) const READER: Uuid = uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7");
pub(crate) const COGNITIVE_USER: Uuid = uuid!("5e0bd9bd-7b93-4f28-af87-19fc36ad61bd");

/// What happens once, in the middle of the next write of a [`Thing`].
pub(crate) type Interruption = Box<dyn FnOnce() + Send>;

/// A resource with a secret, something immutable, actions and a count of its writes.
pub(crate) struct Things(pub(crate) Arc<Mutex<Option<Interruption>>>);

static THINGS: Declaration = Declaration {
    resource_type: "Test.Engine/things",
    api_versions: &["2024-01-01"],
    name: NameRule {
        min: 1,
        max: 24,
        first: |c| c.is_ascii_alphanumeric(),
        rest: |c| c.is_ascii_alphanumeric() || c == '-',
        words: "1 to 24 letters, digits and dashes",
    },
    verbs: &[
        Verb::Get,
        Verb::List,
        Verb::Put(201, 200),
        Verb::Patch,
        Verb::Delete(200),
    ],
    actions: &[Action::named("reveal"), Action::named("fail")],
    immutable: &["/properties/fixed"],
    secret: &["/properties/secret", "/properties/nested/secret"],
    ..Declaration::COMMON
};

#[async_trait]
impl ResourceType for Things {
    fn declaration(&self) -> &'static Declaration {
        &THINGS
    }

    fn write(&self, _: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        let interruption = self.0.lock().expect("lock").take();
        if let Some(interrupt) = interruption {
            interrupt();
        }
        let before = draft
            .existing
            .as_ref()
            .and_then(|existing| existing.value("/writes")?.as_u64());
        let unique = draft
            .body
            .pointer("/properties/unique")
            .and_then(Value::as_str)
            .map(|name| format!("unique:{name}"));
        let mut written = Written::plain(draft);
        written.own["writes"] = (before.unwrap_or(0) + 1).into();
        written.claims = unique.into_iter().collect();
        Ok(written)
    }

    async fn act(&self, action: &'static Action, call: ActCall) -> Result<Reply, ArmError> {
        if action.name == "fail" {
            return Err(ArmError::new(ErrorCode::Conflict, "It is meant to fail."));
        }
        let secrets = call.engine.open_secrets(&call.grant, &call.resource);
        Ok(Reply::ok(secrets.map_or(Value::Null, |secrets| {
            secrets.expose(&Purpose::Check).clone()
        })))
    }
}

/// A plain type.
struct Plain(&'static Declaration);

impl ResourceType for Plain {
    fn declaration(&self) -> &'static Declaration {
        self.0
    }
}

const ALL: &[Verb] = &[
    Verb::Get,
    Verb::List,
    Verb::Put(201, 200),
    Verb::Patch,
    Verb::Delete(200),
];

static SUBSCRIPTIONS: Declaration = Declaration {
    resource_type: "Microsoft.Resources/subscriptions",
    placement: Placement::Tenant,
    verbs: ALL,
    tracked: false,
    ..Declaration::COMMON
};
static GROUPS: Declaration = Declaration {
    resource_type: "Microsoft.Resources/subscriptions/resourceGroups",
    placement: Placement::Subscription,
    verbs: ALL,
    ..Declaration::COMMON
};
static PARTS: Declaration = Declaration {
    resource_type: "Test.Engine/things/parts",
    placement: Placement::Parent,
    verbs: ALL,
    tracked: false,
    ..Declaration::COMMON
};
static RECORDS: Declaration = Declaration {
    resource_type: "Test.Engine/things/records",
    placement: Placement::Parent,
    verbs: ALL,
    tracked: false,
    resident: false,
    ..Declaration::COMMON
};
static ASSIGNMENTS: Declaration = Declaration {
    resource_type: "Microsoft.Authorization/roleAssignments",
    placement: Placement::Anywhere,
    name: NameRule::GUID,
    verbs: ALL,
    tracked: false,
    ..Declaration::COMMON
};

fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/open",
            Surface::Token,
            Access::Public,
            |call| async move {
                let grant = call.grant;
                let id = ResourceId::parse(RG).expect("id");
                let tried = call.engine.decide(
                    grant.caller(),
                    Surface::Arm,
                    vec![vec![nave_engine::decision::Need::action("a/b/read", id)]],
                );
                Ok(Reply::ok(
                    json!({ "caller": grant.caller().name, "may": tried.allowed }),
                ))
            },
        ),
        Route::new(
            Method::GET,
            "/signedin",
            Surface::Arm,
            Access::SignedIn,
            |call| async move { Ok(Reply::ok(json!({ "caller": call.grant.caller().name }))) },
        ),
        Route::new(
            Method::POST,
            "/{scope}/call",
            Surface::Inference,
            Access::DataAction(String::from(
                "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action",
            )),
            |call| async move {
                call.engine
                    .record(
                        &call.grant,
                        "Started",
                        call.request.correlation_id,
                        json!({ "tokens": 1 }),
                    )
                    .await?;
                Ok(Reply::empty(204).decided(call.grant.decision()))
            },
        ),
    ]
}

/// An engine with a subscription and a group.
pub(crate) struct Nave {
    pub(crate) engine: Arc<Engine>,
    pub(crate) store: Store,
    pub(crate) interruption: Arc<Mutex<Option<Interruption>>>,
    pub(crate) folder: Arc<TempDir>,
}

impl Nave {
    pub(crate) async fn start() -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("folder"));
        let nave = Self::open(folder).await;
        nave.put(Put::new(id(S), json!({ "displayName": "Team" }))).await;
        nave.make(RG, json!({ "location": "eastus" })).await;
        nave
    }

    /// Opens what is in a folder.
    pub(crate) async fn open(folder: Arc<TempDir>) -> Self {
        Self::open_in(folder, Arc::new(World)).await
    }

    /// The same, in a world of its own.
    pub(crate) async fn open_in(folder: Arc<TempDir>, world: Arc<dyn clock::World>) -> Self {
        let interruption = Arc::default();
        let store = Store::open_in(folder.path()).await.expect("store");
        let parts = Parts {
            store: store.clone(),
            vault: Arc::new(KeyRing::open_or_create(folder.path()).expect("key ring")),
            site: site(),
            world,
            registry: registry(&interruption),
            authenticators: Vec::new(),
        };
        Self {
            engine: Engine::open(parts).await.expect("engine"),
            store,
            interruption,
            folder,
        }
    }

    /// Stores a row, as the installation does.
    pub(crate) async fn put(&self, put: Put) {
        self.change(Change {
            puts: vec![put],
            ..Change::default()
        })
        .await;
    }

    pub(crate) async fn change(&self, change: Change) {
        let grant = self.engine.on_own_account::<Act>("test", &ResourceId::tenant());
        self.engine.commit(&grant, change).await.expect("commit");
    }

    /// Somebody in the directory without any role.
    pub(crate) async fn user(&self, name: &str) -> Caller {
        let object = Uuid::new_v4();
        self.put(person(object, name, true)).await;
        caller(object, name)
    }

    /// Somebody with a role.
    pub(crate) async fn user_with(&self, name: &str, role: Uuid, scope: &str) -> Caller {
        let user = self.user(name).await;
        self.give(user.object_id, role, scope).await;
        user
    }

    /// Assigns a role, as the installation does; answers the assignment's id.
    pub(crate) async fn give(&self, principal: Uuid, role: Uuid, scope: &str) -> String {
        let id = assignment_id(scope);
        self.make(&id, assigns(role, principal)).await;
        id
    }

    /// Creates something, as the installation does.
    pub(crate) async fn make(&self, id: &str, body: Value) -> Value {
        let answer = self.send(&Caller::system(), Method::PUT, id, body).await;
        assert!(matches!(answer.status, 200 | 201), "{id}: {answer:?}");
        answer.body
    }

    pub(crate) async fn send(&self, caller: &Caller, method: Method, path: &str, body: Value) -> Answer {
        self.ask(request(Some(caller), method, path, body)).await
    }

    pub(crate) async fn ask(&self, request: Request) -> Answer {
        let reply = self.engine.serve(request).await;
        let decision = reply
            .headers
            .get(DECISION)
            .map(|id| id.to_str().expect("text").parse().expect("guid"));
        Answer {
            status: reply.status,
            headers: reply.headers.clone(),
            body: reply.as_json().cloned().unwrap_or_default(),
            decision,
        }
    }

    /// The events that rest on a decision.
    pub(crate) async fn explain(&self, decision: Option<Uuid>) -> Vec<Event> {
        self.events(EventQuery {
            decision: Some(decision.expect("a decision")),
            ..EventQuery::default()
        })
        .await
    }

    pub(crate) async fn events(&self, query: EventQuery) -> Vec<Event> {
        let grant = self.engine.on_own_account::<Act>("test", &ResourceId::tenant());
        self.engine.events(&grant, query).await.expect("events")
    }

    /// Lets something happen in the middle of the next write of a thing.
    pub(crate) fn interrupt(&self, what: impl FnOnce() + Send + 'static) {
        *self.interruption.lock().expect("lock") = Some(Box::new(what));
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) decision: Option<Uuid>,
}

impl Answer {
    /// The status and the code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (
            self.status,
            self.body
                .pointer("/error/code")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        )
    }
}

fn registry(interruption: &Arc<Mutex<Option<Interruption>>>) -> Registry {
    let mut registry = Registry::default();
    registry.add_type(Things(interruption.clone()));
    for declaration in [&SUBSCRIPTIONS, &GROUPS, &PARTS, &RECORDS, &ASSIGNMENTS] {
        registry.add_type(Plain(declaration));
    }
    registry.add_routes(routes());
    registry.add_routes(nave_engine::long_running::routes());
    registry
}

fn site() -> Site {
    Site {
        origin: String::from(ORIGIN),
        authority: String::from("nave.test"),
        tenant: uuid!("99999999-9999-9999-9999-999999999999"),
        tenant_name: String::from("Contoso"),
        domain: String::from("contoso.com"),
        cloud: String::from("nave"),
        locations: LOCATIONS,
    }
}

/// Time stands still; ids are new even after opening again.
struct World;

impl clock::World for World {
    fn now(&self) -> jiff::Timestamp {
        "2026-11-24T12:00:00Z".parse().expect("instant")
    }

    fn new_id(&self) -> Uuid {
        Uuid::new_v4()
    }
}

pub(crate) fn request(caller: Option<&Caller>, method: Method, path: &str, body: Value) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, "api-version=2024-01-01"));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    Request {
        method,
        path: path.to_owned(),
        query: query
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        headers: HeaderMap::new(),
        body: if body.is_null() {
            bytes::Bytes::new()
        } else {
            body.to_string().into()
        },
        caller: caller.cloned(),
        host: String::from("nave.test"),
        correlation_id: Uuid::new_v4(),
        peer: None,
    }
}

pub(crate) fn with_header(mut request: Request, name: &'static str, value: &str) -> Request {
    let value = HeaderValue::from_str(value).expect("a header value");
    request.headers.insert(HeaderName::from_static(name), value);
    request
}

pub(crate) fn id(text: &str) -> ResourceId {
    ResourceId::parse(text).expect("id")
}

pub(crate) fn thing(name: &str) -> String {
    format!("{RG}/providers/Test.Engine/things/{name}")
}

pub(crate) fn assignment_id(scope: &str) -> String {
    format!(
        "{}/providers/Microsoft.Authorization/roleAssignments/{}",
        scope.trim_end_matches('/'),
        Uuid::new_v4()
    )
}

pub(crate) fn assigns(role: Uuid, principal: Uuid) -> Value {
    let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{role}");
    json!({ "properties": { "roleDefinitionId": role, "principalId": principal } })
}

pub(crate) fn caller(object: Uuid, name: &str) -> Caller {
    Caller {
        object_id: object,
        name: name.to_owned(),
        kind: CallerKind::User,
        audience: ORIGIN.to_owned(),
        sign_in: nave_engine::SignIn::default(),
    }
}

/// The row of somebody in the directory.
pub(crate) fn person(object: Uuid, name: &str, enabled: bool) -> Put {
    let mut put = Put::new(
        directory::object_id(directory::USERS, object),
        json!({ "id": object, "userPrincipalName": name, "displayName": name, "accountEnabled": enabled }),
    );
    put.claims = vec![principal_claim(object), directory::upn_claim(name)];
    put
}

/// The row of a group.
pub(crate) fn group(object: Uuid, members: &[Uuid]) -> Put {
    let mut put = Put::new(
        directory::object_id(directory::GROUPS, object),
        json!({ "id": object, "displayName": "group", "members": members }),
    );
    put.claims = vec![principal_claim(object)];
    put
}

/// All files below a folder, as bytes.
pub(crate) fn files(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), std::fs::read(path).expect("file")));
        }
    }
    found
}
