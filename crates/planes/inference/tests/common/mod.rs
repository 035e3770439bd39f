//! An engine with this plane, an account, a hub with a project, and people to call models.

#![allow(dead_code, unused_imports, reason = "each test file uses a part of it")]

mod upstream;

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, Method};
use nave_arm::ResourceId;
use nave_engine::{
    Act, Body, Caller, CallerKind, Change, Engine, Erase, Event, EventQuery, Expect, Parts, Put, PutSecrets,
    Read, Registry, Reply, Request, Store, accounts,
    clock::StillWorld,
    directory, principal_claim,
    site::{LOCATIONS, Site},
    workspaces,
};
use nave_inference::{Inference, Patience};
use nave_vault::{KeyRing, api_key};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::{Uuid, uuid};

pub(crate) use upstream::{Script, Upstream};

pub(crate) const ORIGIN: &str = "https://nave.test";
pub(crate) const RG: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg";
pub(crate) const ACCOUNT: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/ai1";
pub(crate) const OTHER_ACCOUNT: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/ai2";
pub(crate) const HUB: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/hub";
pub(crate) const PROJECT: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/p1";

pub(crate) const CONTRIBUTOR: Uuid = uuid!("b24988ac-6180-42a0-ab88-20f7382dd24c");
pub(crate) const AI_DEVELOPER: Uuid = uuid!("64702f94-c441-49e6-a78b-ef80e0188fee");
pub(crate) const OPENAI_USER: Uuid = uuid!("5e0bd9bd-7b93-4f28-af87-19fc36ad61bd");

pub(crate) const CHAT: &str = "/ai/ai1/openai/deployments/chat/chat/completions?api-version=2024-10-21";
pub(crate) const V1_CHAT: &str = "/ai/ai1/openai/v1/chat/completions";
pub(crate) const PROJECT_CHAT: &str = "/api/projects/p1/openai/v1/chat/completions";

/// The keys of the first account. Whatever they open, they must not turn up in an event.
pub(crate) const KEY: &str = "11112222333344445555666677778888";
pub(crate) const OTHER_KEY: &str = "99990000999900009999000099990000";

pub(crate) struct Nave {
    pub(crate) engine: Arc<Engine>,
    pub(crate) inference: Arc<Inference>,
    _folder: TempDir,
}

impl Nave {
    /// Two accounts: `ai1` with the deployments `chat` and `embed`, `ai2` with `other`, all of the built-in model.
    pub(crate) async fn start() -> Self {
        Self::with(Patience::default()).await
    }

    pub(crate) async fn with(patience: Patience) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let inference = Inference::new(nave_inference::client().expect("client"), patience);
        let mut registry = Registry::default();
        nave_inference::register(&mut registry, &inference);
        let parts = Parts {
            store: Store::open_in(folder.path()).await.expect("store"),
            vault: Arc::new(KeyRing::open_or_create(folder.path()).expect("key ring")),
            site: site(),
            world: Arc::new(StillWorld::at("2026-11-24T12:00:00Z".parse().expect("instant"))),
            registry,
            authenticators: Vec::new(),
        };
        let nave = Self {
            engine: Engine::open(parts).await.expect("engine"),
            inference,
            _folder: folder,
        };
        nave.account(ACCOUNT, KEY, json!({})).await;
        nave.account(OTHER_ACCOUNT, OTHER_KEY, json!({})).await;
        nave.deployment(ACCOUNT, "chat", "gpt-4o", json!({})).await;
        nave.deployment(ACCOUNT, "embed", "text-embedding-3-small", json!({}))
            .await;
        nave.deployment(OTHER_ACCOUNT, "other", "gpt-4o", json!({})).await;
        nave
    }

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

    pub(crate) async fn erase(&self, id: &ResourceId) {
        let erase = Erase {
            id: id.clone(),
            expect: Expect::Any,
        };
        let change = Change {
            erases: vec![erase],
            ..Change::default()
        };
        let grant = self.engine.on_own_account::<Act>("test", id);
        self.engine.commit(&grant, change).await.expect("commit");
    }

    /// An account with one key, and properties of its own.
    pub(crate) async fn account(&self, id: &str, key: &str, properties: Value) {
        let id = self::id(id);
        let claim = accounts::key_claim(&api_key::fingerprint(self.engine.vault(), key));
        let mut secrets = json!({ "key1": key });
        let mut properties = properties;
        if let Some(upstream) = properties
            .pointer_mut("/nave/upstream")
            .and_then(Value::as_object_mut)
            && let Some(key) = upstream.shift_remove("apiKey")
        {
            secrets[accounts::UPSTREAM_KEY] = key;
        }
        let mut put = Put::new(
            id.clone(),
            json!({ "kind": "AIServices", "properties": properties }),
        );
        put.own = json!({ "keys": { "key1": claim } });
        put.secrets = PutSecrets::Plain(secrets);
        put.claims = vec![claim, accounts::subdomain_claim(id.name())];
        self.put(put).await;
    }

    /// The first account, in front of another server.
    pub(crate) async fn account_before(&self, upstream: Value) {
        self.account(ACCOUNT, KEY, json!({ "nave": { "upstream": upstream } }))
            .await;
    }

    pub(crate) async fn deployment(&self, account: &str, name: &str, model: &str, more: Value) {
        let can = if model.contains("embed") {
            "embeddings"
        } else {
            "chatCompletion"
        };
        let mut properties =
            json!({ "model": { "format": "OpenAI", "name": model }, "capabilities": { can: "true" } });
        nave_engine::fill(&mut properties, &more);
        self.put(Put::new(
            id(account).child("deployments", name),
            json!({ "properties": properties }),
        ))
        .await;
    }

    /// The hub, and the project `p1` in it; answers the project's guid.
    pub(crate) async fn hub_and_project(&self) -> String {
        self.put(Put::new(id(HUB), json!({ "kind": "Hub", "properties": {} })))
            .await;
        self.project(PROJECT).await
    }

    pub(crate) async fn project(&self, project: &str) -> String {
        let guid = Uuid::new_v4().to_string();
        let mut put = Put::new(
            id(project),
            json!({ "kind": "Project", "properties": { "hubResourceId": HUB } }),
        );
        put.own = json!({ "properties": { "workspaceId": guid } });
        put.claims = vec![workspaces::guid_claim(&guid)];
        self.put(put).await;
        guid
    }

    /// A connection with a key.
    pub(crate) async fn connection(&self, workspace: &str, name: &str, properties: Value, key: &str) {
        let mut put = Put::new(
            id(workspace).child("connections", name),
            json!({ "properties": properties }),
        );
        if !key.is_empty() {
            put.secrets = PutSecrets::Plain(json!({ workspaces::CREDENTIALS: { "key": key } }));
        }
        self.put(put).await;
    }

    /// The hub's connection to the first account.
    pub(crate) async fn shared_connection(&self, key: &str) {
        let properties =
            json!({ "category": "AzureOpenAI", "authType": "ApiKey", "target": "https://nave.test/ai/ai1/" });
        self.connection(HUB, "shared", properties, key).await;
    }

    pub(crate) async fn user(&self, name: &str) -> Caller {
        let object_id = Uuid::new_v4();
        let sent = json!({ "id": object_id, "userPrincipalName": name, "accountEnabled": true });
        let mut put = Put::new(directory::object_id(directory::USERS, object_id), sent);
        put.claims = vec![principal_claim(object_id)];
        self.put(put).await;
        let audience = String::from("https://cognitiveservices.azure.com");
        Caller {
            object_id,
            name: name.to_owned(),
            kind: CallerKind::User,
            audience,
            sign_in: nave_engine::SignIn::default(),
        }
    }

    pub(crate) async fn user_with(&self, name: &str, role: Uuid, scope: &str) -> Caller {
        let user = self.user(name).await;
        self.give(user.object_id, role, scope).await;
        user
    }

    /// Gives a role; answers the assignment.
    pub(crate) async fn give(&self, principal: Uuid, role: Uuid, scope: &str) -> ResourceId {
        let name = Uuid::new_v4().to_string();
        let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{role}");
        let assignment = id(scope).extension("Microsoft.Authorization/roleAssignments", &name);
        self.put(Put::new(
            assignment.clone(),
            json!({ "properties": { "roleDefinitionId": role, "principalId": principal } }),
        ))
        .await;
        assignment
    }

    /// A custom role; answers its id.
    pub(crate) async fn role(&self, data_actions: &[&str]) -> Uuid {
        let role = Uuid::new_v4();
        let permissions =
            json!([{ "actions": [], "notActions": [], "dataActions": data_actions, "notDataActions": [] }]);
        let properties = json!({
            "roleName": "custom", "type": "CustomRole", "assignableScopes": [RG], "permissions": permissions,
        });
        self.put(Put::new(
            ResourceId::tenant().extension("Microsoft.Authorization/roleDefinitions", &role.to_string()),
            json!({ "properties": properties }),
        ))
        .await;
        role
    }

    pub(crate) async fn send(
        &self,
        caller: Option<&Caller>,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Reply {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query = query.split('&').filter_map(|pair| pair.split_once('='));
        let request = Request {
            method,
            path: path.to_owned(),
            query: query
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            headers: HeaderMap::new(),
            body,
            caller: caller.cloned(),
            host: String::from("nave.test"),
            correlation_id: Uuid::new_v4(),
            peer: None,
        };
        self.engine.serve(request).await
    }

    pub(crate) async fn post(&self, caller: &Caller, path: &str, body: Value) -> Answer {
        Answer::of(
            self.send(Some(caller), Method::POST, path, body.to_string().into())
                .await,
        )
        .await
    }

    pub(crate) async fn get(&self, caller: &Caller, path: &str) -> Answer {
        Answer::of(self.send(Some(caller), Method::GET, path, Bytes::new()).await).await
    }

    /// The model calls in the log, the oldest first, when all are settled.
    pub(crate) async fn calls(&self) -> Vec<Event> {
        self.inference.settled().await;
        let grant = self.engine.on_own_account::<Read>("test", &ResourceId::tenant());
        let mut events = self
            .engine
            .events(&grant, EventQuery::default())
            .await
            .expect("events");
        events.retain(|event| event.operation.contains("/OpenAI/") && event.outcome != "Denied");
        events.reverse();
        events
    }

    /// Events of the log.
    pub(crate) async fn events(&self, query: EventQuery) -> Vec<Event> {
        let grant = self.engine.on_own_account::<Read>("test", &ResourceId::tenant());
        self.engine.events(&grant, query).await.expect("events")
    }

    /// Every event as text: what must not be in any of them is looked for here.
    pub(crate) async fn log(&self) -> String {
        self.inference.settled().await;
        let grant = self.engine.on_own_account::<Read>("test", &ResourceId::tenant());
        format!(
            "{:?}",
            self.engine
                .events(&grant, EventQuery::default())
                .await
                .expect("events")
        )
    }
}

/// A reply, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    /// The data of each event of a stream.
    pub(crate) events: Vec<String>,
}

impl Answer {
    pub(crate) async fn of(reply: Reply) -> Self {
        let Reply {
            status,
            headers,
            body,
        } = reply;
        let mut events = Vec::new();
        let body = match body {
            Body::Json(body) => body,
            Body::Bytes(_, bytes) => serde_json::from_slice(&bytes).expect("JSON"),
            Body::Empty => Value::Null,
            Body::Stream(kind, mut pieces) => {
                assert_eq!(kind, "text/event-stream");
                let mut text = String::new();
                while let Some(piece) = pieces.next().await {
                    text.push_str(std::str::from_utf8(&piece.expect("piece")).expect("text"));
                }
                let parts = text.split("\n\n").filter(|event| !event.is_empty());
                events = parts
                    .map(|event| event.strip_prefix("data: ").expect("data").to_owned())
                    .collect();
                Value::Null
            }
        };
        Self {
            status,
            headers,
            body,
            events,
        }
    }

    /// The code of a refusal; the empty text for anything else.
    pub(crate) fn code(&self) -> &str {
        self.body
            .pointer("/error/code")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(crate) fn message(&self) -> &str {
        self.body
            .pointer("/error/message")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// What the assistant said, whole or in pieces.
    pub(crate) fn said(&self) -> String {
        if let Some(text) = self
            .body
            .pointer("/choices/0/message/content")
            .and_then(Value::as_str)
        {
            return text.to_owned();
        }
        let chunks = self
            .events
            .iter()
            .filter_map(|event| serde_json::from_str::<Value>(event).ok());
        chunks
            .filter_map(|chunk| {
                chunk
                    .pointer("/choices/0/delta/content")?
                    .as_str()
                    .map(str::to_owned)
            })
            .collect()
    }
}

/// The holder of the first account's key.
pub(crate) fn key_holder(account: &str) -> Caller {
    let kind = CallerKind::AccountKey {
        account: id(account),
        key: String::from("key1"),
    };
    Caller {
        object_id: Uuid::nil(),
        name: String::from("key1"),
        kind,
        audience: String::new(),
        sign_in: nave_engine::SignIn::default(),
    }
}

/// A chat request that names the deployment `chat`.
pub(crate) fn hello() -> Value {
    json!({ "model": "chat", "messages": [{ "role": "user", "content": "hello canary-prompt" }] })
}

/// The same, with more members.
pub(crate) fn hello_with(more: Value) -> Value {
    let mut body = more;
    nave_engine::fill(&mut body, &hello());
    body
}

pub(crate) fn id(text: &str) -> ResourceId {
    ResourceId::parse(text).expect("id")
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
