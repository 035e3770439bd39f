//! A whole engine in a temporary folder with this plane alone, and people to ask it things.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{path::Path, sync::Arc};

use http::{HeaderMap, Method};
use nave_arm::ResourceId;
use nave_engine::{
    Act, Caller, CallerKind, Change, Engine, Parts, Put, Registry, Reply, Request, Store,
    clock::StillWorld,
    directory, principal_claim,
    request::Body,
    site::{LOCATIONS, Site},
};
use nave_services::KeyAuthenticator;
use nave_vault::{KeyRing, Random, SeededRandom};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::{Uuid, uuid};

pub(crate) const ORIGIN: &str = "https://nave.test";
pub(crate) const TENANT: Uuid = uuid!("99999999-9999-9999-9999-999999999999");
pub(crate) const S: &str = "/subscriptions/11111111-1111-1111-1111-111111111111";
pub(crate) const RG: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg";
pub(crate) const OTHER_RG: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/other";

pub(crate) const CONTRIBUTOR: Uuid = uuid!("b24988ac-6180-42a0-ab88-20f7382dd24c");
pub(crate) const READER: Uuid = uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7");
pub(crate) const COGNITIVE_SERVICES_USER: Uuid = uuid!("a97b65f3-24c7-4388-baec-2e87135dc908");
pub(crate) const OPENAI_USER: Uuid = uuid!("5e0bd9bd-7b93-4f28-af87-19fc36ad61bd");

/// A status and a body.
pub(crate) type Answer = (u16, Value);

/// An engine with this plane, a subscription and two groups.
pub(crate) struct Nave {
    pub(crate) engine: Arc<Engine>,
    pub(crate) world: StillWorld,
    folder: TempDir,
}

impl Nave {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let world = StillWorld::at("2026-11-24T12:00:00Z".parse().expect("instant"));
        let nave = Self {
            engine: open(&folder, &world).await,
            world,
            folder,
        };
        for scope in [S, RG, OTHER_RG] {
            nave.put(Put::new(
                id(scope),
                json!({ "location": "eastus", "displayName": "Team" }),
            ))
            .await;
        }
        nave
    }

    /// The same data directory in another process.
    pub(crate) async fn restart(self) -> Self {
        let Self {
            engine,
            world,
            folder,
        } = self;
        drop(engine);
        Self {
            engine: open(&folder, &world).await,
            world,
            folder,
        }
    }

    /// Stores a row, as the installation does.
    pub(crate) async fn put(&self, put: Put) {
        let grant = self.engine.on_own_account::<Act>("test", &put.id);
        let change = Change {
            puts: vec![put],
            ..Change::default()
        };
        self.engine.commit(&grant, change).await.expect("commit");
    }

    /// Somebody in the directory with a role at a scope.
    pub(crate) async fn user_with(&self, name: &str, role: Uuid, scope: &str) -> Caller {
        let object = Uuid::new_v4();
        let sent = json!({ "id": object, "userPrincipalName": name, "accountEnabled": true });
        let mut row = Put::new(directory::object_id(directory::USERS, object), sent);
        row.claims = vec![principal_claim(object)];
        self.put(row).await;
        let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{role}");
        let assigned = json!({ "properties": { "roleDefinitionId": role, "principalId": object, "principalType": "User" } });
        let assignment = id(scope).extension(
            "Microsoft.Authorization/roleAssignments",
            &Uuid::new_v4().to_string(),
        );
        self.put(Put::new(assignment, assigned)).await;
        Caller {
            object_id: object,
            name: name.to_owned(),
            kind: CallerKind::User,
            audience: ORIGIN.to_owned(),
            sign_in: nave_engine::SignIn::default(),
        }
    }

    /// Somebody who may do everything in the groups.
    pub(crate) async fn contributor(&self) -> Caller {
        self.user_with("ada@contoso.com", CONTRIBUTOR, S).await
    }

    pub(crate) async fn get(&self, caller: &Caller, path: &str) -> Answer {
        self.send(caller, Method::GET, path, Value::Null).await
    }

    pub(crate) async fn put_as(&self, caller: &Caller, path: &str, body: Value) -> Answer {
        self.send(caller, Method::PUT, path, body).await
    }

    pub(crate) async fn patch(&self, caller: &Caller, path: &str, body: Value) -> Answer {
        self.send(caller, Method::PATCH, path, body).await
    }

    pub(crate) async fn post(&self, caller: &Caller, path: &str, body: Value) -> Answer {
        self.send(caller, Method::POST, path, body).await
    }

    pub(crate) async fn delete(&self, caller: &Caller, path: &str) -> Answer {
        self.send(caller, Method::DELETE, path, Value::Null).await
    }

    pub(crate) async fn send(&self, caller: &Caller, method: Method, path: &str, body: Value) -> Answer {
        let reply = self.reply(Some(caller), method, path, body).await;
        (reply.status, reply.as_json().cloned().unwrap_or_default())
    }

    pub(crate) async fn reply(
        &self,
        caller: Option<&Caller>,
        method: Method,
        path: &str,
        body: Value,
    ) -> Reply {
        self.engine.serve(request(caller, method, path, body)).await
    }

    /// Whether a text is anywhere in the data directory.
    pub(crate) fn holds(&self, text: &str) -> bool {
        files_below(self.folder.path()).iter().any(|file| {
            let bytes = std::fs::read(file).unwrap_or_default();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        })
    }
}

async fn open(folder: &TempDir, world: &StillWorld) -> Arc<Engine> {
    let mut registry = Registry::default();
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
    nave_services::register(&mut registry, &random);
    let parts = Parts {
        store: Store::open_in(folder.path()).await.expect("store"),
        vault: Arc::new(KeyRing::open_or_create(folder.path()).expect("key ring")),
        site: site(),
        world: Arc::new(world.clone()),
        registry,
        authenticators: vec![Box::new(KeyAuthenticator)],
    };
    Engine::open(parts).await.expect("engine")
}

fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .expect("folder")
        .filter_map(Result::ok)
        .map(|entry| entry.path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// A request with a path and, after `?`, unescaped parameters.
pub(crate) fn request(caller: Option<&Caller>, method: Method, path: &str, body: Value) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let given = query.split('&').filter_map(|pair| pair.split_once('='));
    let version = ("api-version", "2025-06-01");
    Request {
        method,
        path: path.to_owned(),
        query: [version]
            .into_iter()
            .chain(given)
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

fn site() -> Site {
    Site {
        origin: String::from(ORIGIN),
        authority: String::from("nave.test"),
        tenant: TENANT,
        tenant_name: String::from("Contoso"),
        domain: String::from("contoso.com"),
        cloud: String::from("nave"),
        locations: LOCATIONS,
    }
}

pub(crate) fn id(text: &str) -> ResourceId {
    ResourceId::parse(text).expect("id")
}

/// The code of a refusal; the empty text for anything else.
pub(crate) fn code(answer: &Answer) -> &str {
    answer
        .1
        .pointer("/error/code")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// What a reply says, whatever its form.
pub(crate) fn text(reply: &Reply) -> String {
    match &reply.body {
        Body::Json(body) => body.to_string(),
        Body::Bytes(_, bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Body::Empty | Body::Stream(..) => String::new(),
    }
}
