//! A whole engine in a temporary folder, and people to ask it things.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;

use http::{HeaderMap, Method};
use nave_arm::ResourceId;
use nave_engine::{
    Act, Caller, CallerKind, Change, Engine, Parts, Put, Registry, Request, Store,
    clock::{StillWorld, World},
    declaration::{Action, Declaration, ResourceType, Verb},
    directory, principal_claim,
    site::{LOCATIONS, Site},
};
use nave_resources::deployments::Deployments;
use nave_vault::KeyRing;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::{Uuid, uuid};

pub(crate) const ORIGIN: &str = "https://nave.test";
pub(crate) const S: &str = "/subscriptions/11111111-1111-1111-1111-111111111111";
pub(crate) const RG: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg";
pub(crate) const OTHER: &str = "/subscriptions/22222222-2222-2222-2222-222222222222";
pub(crate) const HUB: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/hub";
pub(crate) const AUTHORIZATION: &str = "providers/Microsoft.Authorization";

pub(crate) const OWNER: Uuid = uuid!("8e3af657-a8ff-443c-a75c-2fe8c4bcb635");
pub(crate) const CONTRIBUTOR: Uuid = uuid!("b24988ac-6180-42a0-ab88-20f7382dd24c");
pub(crate) const READER: Uuid = uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7");
pub(crate) const USER_ACCESS_ADMINISTRATOR: Uuid = uuid!("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9");
pub(crate) const RBAC_ADMINISTRATOR: Uuid = uuid!("f58310d9-a9f6-439a-9e8d-f62e7b41a168");
pub(crate) const AI_DEVELOPER: Uuid = uuid!("64702f94-c441-49e6-a78b-ef80e0188fee");

/// A status and a body.
pub(crate) type Answer = (u16, Value);

/// An engine with this plane, one workspace type, two subscriptions and a group.
pub(crate) struct Nave {
    pub(crate) engine: Arc<Engine>,
    pub(crate) deployments: Deployments,
    /// The time it lives in.
    pub(crate) world: StillWorld,
    folder: Arc<TempDir>,
}

/// A world whose time stands still. Its ids are new after a restart, too.
struct RealIds(StillWorld);

impl World for RealIds {
    fn now(&self) -> jiff::Timestamp {
        self.0.now()
    }

    fn new_id(&self) -> Uuid {
        Uuid::new_v4()
    }
}

/// A stand-in for the types of other planes.
struct Workspaces;

static WORKSPACES: Declaration = Declaration {
    resource_type: "Microsoft.MachineLearningServices/workspaces",
    api_versions: &["2024-10-01-preview", "2024-10-01", "2024-04-01"],
    verbs: &[
        Verb::Get,
        Verb::List,
        Verb::Put(201, 200),
        Verb::Patch,
        Verb::Delete(200),
    ],
    actions: &[Action::named("listKeys")],
    secret: &["/properties/key"],
    ..Declaration::COMMON
};

impl ResourceType for Workspaces {
    fn declaration(&self) -> &'static Declaration {
        &WORKSPACES
    }
}

impl Nave {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With more types and routes.
    pub(crate) async fn start_with(add: impl FnOnce(&mut Registry)) -> Self {
        let nave = Self::open(Arc::new(tempfile::tempdir().expect("folder")), add).await;
        for subscription in [S, OTHER] {
            let guid = subscription
                .rsplit('/')
                .next()
                .and_then(|guid| guid.parse().ok())
                .expect("guid");
            nave.put(nave_resources::subscriptions::row(guid, "Team")).await;
        }
        nave.make(RG, json!({ "location": "eastus" })).await;
        nave
    }

    /// A server on the same data, as after a restart: this one is taken to be stopped.
    pub(crate) async fn again(&self, add: impl FnOnce(&mut Registry)) -> Self {
        Self::open(self.folder.clone(), add).await
    }

    async fn open(folder: Arc<TempDir>, add: impl FnOnce(&mut Registry)) -> Self {
        let mut registry = Registry::default();
        let deployments = nave_resources::register(&mut registry);
        registry.add_type(Workspaces);
        add(&mut registry);
        let world = StillWorld::at("2026-11-24T12:00:00Z".parse().expect("instant"));
        let parts = Parts {
            store: open_store(&folder).await,
            vault: Arc::new(KeyRing::open_or_create(folder.path()).expect("key ring")),
            site: site(),
            world: Arc::new(RealIds(world.clone())),
            registry,
            authenticators: Vec::new(),
        };
        Self {
            engine: Engine::open(parts).await.expect("engine"),
            deployments,
            world,
            folder,
        }
    }

    /// The same with a hub in the group.
    pub(crate) async fn with_hub() -> Self {
        let nave = Self::start().await;
        nave.make(HUB, json!({ "location": "eastus" })).await;
        nave
    }

    /// Stores a row, as the installation does.
    pub(crate) async fn put(&self, put: Put) {
        let grant = self.engine.on_own_account::<Act>("test", &put.id);
        self.engine
            .commit(
                &grant,
                Change {
                    puts: vec![put],
                    ..Change::default()
                },
            )
            .await
            .expect("commit");
    }

    async fn object(&self, kind: &str, name: &str, more: Value) -> Uuid {
        let id = Uuid::new_v4();
        let mut sent = json!({ "id": id, "displayName": name, "accountEnabled": true });
        for (member, value) in more.as_object().into_iter().flatten() {
            sent[member] = value.clone();
        }
        let mut put = Put::new(directory::object_id(kind, id), sent);
        put.claims = vec![principal_claim(id)];
        self.put(put).await;
        id
    }

    /// Somebody in the directory without any role.
    pub(crate) async fn user(&self, name: &str) -> Caller {
        let id = self
            .object(directory::USERS, name, json!({ "userPrincipalName": name }))
            .await;
        Caller {
            object_id: id,
            name: name.to_owned(),
            kind: CallerKind::User,
            audience: ORIGIN.to_owned(),
            sign_in: nave_engine::SignIn::default(),
        }
    }

    /// Somebody with a role.
    pub(crate) async fn user_with(&self, name: &str, role: Uuid, scope: &str) -> Caller {
        let user = self.user(name).await;
        self.give(user.object_id, role, scope).await;
        user
    }

    pub(crate) async fn group(&self, members: &[Uuid]) -> Uuid {
        self.object(directory::GROUPS, "group", json!({ "members": members }))
            .await
    }

    pub(crate) async fn application(&self) -> Uuid {
        self.object(directory::SERVICE_PRINCIPALS, "application", json!({}))
            .await
    }

    /// Assigns a role, as the installation does; answers the assignment's id.
    pub(crate) async fn give(&self, principal: Uuid, role: Uuid, scope: &str) -> String {
        let id = assignment_id(scope, Uuid::new_v4());
        self.make(&id, assigns(role, principal)).await;
        id
    }

    /// Creates something, as the installation does.
    pub(crate) async fn make(&self, id: &str, body: Value) -> Value {
        let (status, answer) = self.send(&Caller::system(), Method::PUT, id, body).await;
        assert!(matches!(status, 200 | 201), "{id}: {status} {answer}");
        answer
    }

    pub(crate) async fn get(&self, caller: &Caller, path: &str) -> Answer {
        self.send(caller, Method::GET, path, Value::Null).await
    }

    pub(crate) async fn put_as(&self, caller: &Caller, path: &str, body: Value) -> Answer {
        self.send(caller, Method::PUT, path, body).await
    }

    pub(crate) async fn delete(&self, caller: &Caller, path: &str) -> Answer {
        self.send(caller, Method::DELETE, path, Value::Null).await
    }

    /// Asks with a path and, after `?`, unescaped parameters.
    pub(crate) async fn send(&self, caller: &Caller, method: Method, path: &str, body: Value) -> Answer {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.ask(request(caller, method, path, text)).await
    }

    pub(crate) async fn ask(&self, request: Request) -> Answer {
        let reply = self.engine.serve(request).await;
        (reply.status, reply.as_json().cloned().unwrap_or_default())
    }
}

/// A request with a path and, after `?`, unescaped parameters; an api-version is added where none is given.
pub(crate) fn request(caller: &Caller, method: Method, path: &str, body: impl Into<bytes::Bytes>) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut query: Vec<(String, String)> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    if !query.iter().any(|(name, _)| name == "api-version") {
        query.push((String::from("api-version"), String::from("2022-04-01")));
    }
    Request {
        method,
        path: path.to_owned(),
        query,
        headers: HeaderMap::new(),
        body: body.into(),
        caller: Some(caller.clone()),
        host: String::from("nave.test"),
        correlation_id: Uuid::new_v4(),
        peer: None,
    }
}

/// The one place that knows how a store is opened.
async fn open_store(folder: &TempDir) -> Store {
    Store::open_in(folder.path()).await.expect("store")
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

pub(crate) fn id(text: &str) -> ResourceId {
    ResourceId::parse(text).expect("id")
}

pub(crate) fn assignment_id(scope: &str, name: Uuid) -> String {
    format!(
        "{}/{AUTHORIZATION}/roleAssignments/{name}",
        scope.trim_end_matches('/')
    )
}

pub(crate) fn role_id(scope: &str, role: Uuid) -> String {
    format!(
        "{}/{AUTHORIZATION}/roleDefinitions/{role}",
        scope.trim_end_matches('/')
    )
}

/// The body of an assignment.
pub(crate) fn assigns(role: Uuid, principal: Uuid) -> Value {
    json!({ "properties": { "roleDefinitionId": role_id("", role), "principalId": principal } })
}

/// The code of a refusal; the empty text for anything else.
pub(crate) fn code(answer: &Answer) -> &str {
    answer
        .1
        .pointer("/error/code")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A text member of each item of a list.
pub(crate) fn each<'a>(answer: &'a Answer, pointer: &str) -> Vec<&'a str> {
    assert_eq!(answer.0, 200, "{}", answer.1);
    let items = answer.1["value"].as_array().expect("a list");
    let mut texts: Vec<&str> = items
        .iter()
        .filter_map(|item| item.pointer(pointer)?.as_str())
        .collect();
    texts.sort_unstable();
    texts
}
