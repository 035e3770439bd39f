//! A whole engine in a temporary folder with this plane in it, stand-ins for the types of others, and people.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use http::{HeaderMap, Method};
use nave_arm::ResourceId;
use nave_engine::{
    Act, Caller, CallerKind, Change, Engine, Parts, Put, PutSecrets, Registry, Request, Store, accounts,
    clock::StillWorld,
    declaration::{Declaration, NameRule, Placement, ResourceType, Verb},
    directory, principal_claim,
    site::{LOCATIONS, Site},
};
use nave_vault::{KeyRing, api_key};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::{Uuid, uuid};

pub(crate) const ORIGIN: &str = "https://nave.test";
pub(crate) const S: &str = "/subscriptions/11111111-1111-1111-1111-111111111111";
pub(crate) const RG: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg";
pub(crate) const OTHER_RG: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/other";

pub(crate) const OWNER: Uuid = uuid!("8e3af657-a8ff-443c-a75c-2fe8c4bcb635");
pub(crate) const CONTRIBUTOR: Uuid = uuid!("b24988ac-6180-42a0-ab88-20f7382dd24c");
pub(crate) const READER: Uuid = uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7");
pub(crate) const AI_DEVELOPER: Uuid = uuid!("64702f94-c441-49e6-a78b-ef80e0188fee");
pub(crate) const AI_ADMINISTRATOR: Uuid = uuid!("b78c5d69-af96-48a3-bf8d-a8b4d589de94");
pub(crate) const DEPLOYMENT_OPERATOR: Uuid = uuid!("3afb7f49-54cb-416e-8c09-6dc049efa503");
pub(crate) const BLOB_CONTRIBUTOR: Uuid = uuid!("ba92f5b4-2d11-453d-a403-e96b0029c9fe");
/// Everything, and yet no role that creates hubs.
pub(crate) const CUSTOM_ALL: Uuid = uuid!("c0000000-0000-4000-8000-000000000001");
/// To join hubs and nothing else.
pub(crate) const CUSTOM_JOIN: Uuid = uuid!("c0000000-0000-4000-8000-000000000002");
/// To join hubs, as the documents abbreviate it.
pub(crate) const CUSTOM_JOIN_SHORT: Uuid = uuid!("c0000000-0000-4000-8000-000000000003");
/// To write workspaces and nothing else.
pub(crate) const CUSTOM_WRITE: Uuid = uuid!("c0000000-0000-4000-8000-000000000004");

/// A status and a body.
pub(crate) type Answer = (u16, Value);

pub(crate) struct Nave {
    pub(crate) engine: Arc<Engine>,
    pub(crate) world: StillWorld,
    folder: TempDir,
}

/// A stand-in for a type of another plane, which does what the engine does by itself.
struct Plain(&'static Declaration);

impl ResourceType for Plain {
    fn declaration(&self) -> &'static Declaration {
        self.0
    }
}

const VERBS: &[Verb] = &[Verb::Get, Verb::List, Verb::Put(201, 200), Verb::Delete(200)];

const fn plain(resource_type: &'static str) -> Declaration {
    Declaration {
        resource_type,
        api_versions: &["2024-01-01"],
        verbs: VERBS,
        ..Declaration::COMMON
    }
}

static GROUPS: Declaration = Declaration {
    placement: Placement::Subscription,
    ..plain("Microsoft.Resources/subscriptions/resourceGroups")
};
static STORAGE: Declaration = plain("Microsoft.Storage/storageAccounts");
static VAULTS: Declaration = plain("Microsoft.KeyVault/vaults");
static INSIGHTS: Declaration = plain("Microsoft.Insights/components");
static ASSIGNMENTS: Declaration = Declaration {
    placement: Placement::Anywhere,
    name: NameRule::GUID,
    tracked: false,
    ..plain("Microsoft.Authorization/roleAssignments")
};

impl Nave {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let world = StillWorld::at("2026-11-24T12:00:00Z".parse().expect("instant"));
        let nave = Self {
            engine: open(&folder, &world).await,
            world,
            folder,
        };
        nave.put(Put::new(id(S), json!({ "displayName": "Team" }))).await;
        for group in [RG, OTHER_RG] {
            nave.put(Put::new(id(group), json!({ "location": "eastus" })))
                .await;
        }
        for (role, actions) in [
            (CUSTOM_ALL, "*"),
            (
                CUSTOM_JOIN,
                "Microsoft.MachineLearningServices/workspaces/hubs/join/action",
            ),
            (
                CUSTOM_JOIN_SHORT,
                "Microsoft.MachineLearningServices/workspaces/hubs/join",
            ),
            (CUSTOM_WRITE, "Microsoft.MachineLearningServices/workspaces/write"),
        ] {
            nave.put(custom_role(role, actions)).await;
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

    /// Somebody in the directory without any role.
    pub(crate) async fn user(&self, name: &str) -> Caller {
        let object = Uuid::new_v4();
        let sent =
            json!({ "id": object, "displayName": name, "userPrincipalName": name, "accountEnabled": true });
        let mut put = Put::new(directory::object_id(directory::USERS, object), sent);
        put.claims = vec![principal_claim(object)];
        self.put(put).await;
        Caller {
            object_id: object,
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

    /// Assigns a role; answers the assignment's id.
    pub(crate) async fn give(&self, principal: Uuid, role: Uuid, scope: &str) -> String {
        let assignment = format!(
            "{scope}/providers/Microsoft.Authorization/roleAssignments/{}",
            Uuid::new_v4()
        );
        let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{role}");
        self.make(
            &assignment,
            json!({ "properties": { "roleDefinitionId": role, "principalId": principal } }),
        )
        .await;
        assignment
    }

    /// Creates something, as the installation does.
    pub(crate) async fn make(&self, path: &str, body: Value) -> Value {
        let answer = self.ask(&Caller::system(), Method::PUT, path, body).await;
        assert!(matches!(answer.0, 200 | 201), "{path}: {answer:?}");
        answer.1
    }

    /// A hub made by the installation.
    pub(crate) async fn hub(&self, name: &str) -> String {
        let hub = workspace(RG, name);
        self.make(&hub, json!({ "location": "eastus", "kind": "Hub" }))
            .await;
        hub
    }

    /// A project made by the installation.
    pub(crate) async fn project(&self, name: &str, hub: &str) -> String {
        let project = workspace(RG, name);
        self.make(&project, project_of(hub)).await;
        project
    }

    /// An account of another plane, with one key and one deployment.
    pub(crate) async fn account(&self, name: &str, key: &str) -> String {
        let account = format!("{RG}/providers/Microsoft.CognitiveServices/accounts/{name}");
        let claim = accounts::key_claim(&api_key::fingerprint(self.engine.vault(), key));
        let mut put = Put::new(
            id(&account),
            json!({ "location": "eastus", "kind": "AIServices" }),
        );
        put.own = json!({ "keys": { "key1": claim } });
        put.secrets = PutSecrets::Plain(json!({ "key1": key }));
        put.claims = vec![accounts::subdomain_claim(name), claim];
        self.put(put).await;
        let model = json!({ "sku": { "name": "Standard" }, "properties": { "model": { "name": "gpt-4o", "format": "OpenAI" } } });
        self.put(Put::new(id(&format!("{account}/deployments/chat")), model))
            .await;
        account
    }

    pub(crate) async fn get(&self, caller: &Caller, path: &str) -> Answer {
        self.ask(caller, Method::GET, path, Value::Null).await
    }

    pub(crate) async fn put_as(&self, caller: &Caller, path: &str, body: Value) -> Answer {
        self.ask(caller, Method::PUT, path, body).await
    }

    pub(crate) async fn patch(&self, caller: &Caller, path: &str, body: Value) -> Answer {
        self.ask(caller, Method::PATCH, path, body).await
    }

    pub(crate) async fn post(&self, caller: &Caller, path: &str, body: Value) -> Answer {
        self.ask(caller, Method::POST, path, body).await
    }

    pub(crate) async fn delete(&self, caller: &Caller, path: &str) -> Answer {
        self.ask(caller, Method::DELETE, path, Value::Null).await
    }

    /// Asks with a path and, after `?`, unescaped parameters.
    pub(crate) async fn ask(&self, caller: &Caller, method: Method, path: &str, body: Value) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let given = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut query = vec![(String::from("api-version"), String::from("2024-10-01"))];
        query.extend(given.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let request = Request {
            method,
            path: path.to_owned(),
            query,
            headers: HeaderMap::new(),
            body: if body.is_null() {
                bytes::Bytes::new()
            } else {
                body.to_string().into()
            },
            caller: Some(caller.clone()),
            host: String::from("nave.test"),
            correlation_id: Uuid::new_v4(),
            peer: None,
        };
        let reply = self.engine.serve(request).await;
        (reply.status, reply.as_json().cloned().unwrap_or_default())
    }

    /// Whether a text is anywhere in the data directory.
    pub(crate) fn holds(&self, text: &str) -> bool {
        files_below(self.folder.path()).iter().any(|file| {
            let bytes = std::fs::read(file).unwrap_or_default();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        })
    }

    /// Whether a principal has a role assigned at exactly a scope.
    pub(crate) fn assigned(&self, principal: Uuid, role: Uuid, scope: &str) -> bool {
        self.engine
            .snapshot()
            .roles()
            .assignment_of(principal, role, &id(scope))
            .is_some()
    }
}

async fn open(folder: &TempDir, world: &StillWorld) -> Arc<Engine> {
    let mut registry = Registry::default();
    nave_hub::register(&mut registry);
    for declaration in [&GROUPS, &STORAGE, &VAULTS, &INSIGHTS, &ASSIGNMENTS] {
        registry.add_type(Plain(declaration));
    }
    let parts = Parts {
        store: Store::open_in(folder.path()).await.expect("store"),
        vault: Arc::new(KeyRing::open_or_create(folder.path()).expect("key ring")),
        site: site(),
        world: Arc::new(world.clone()),
        registry,
        authenticators: Vec::new(),
    };
    Engine::open(parts).await.expect("engine")
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("folder");
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files_below(&path),
            false => vec![path],
        })
        .collect()
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

fn custom_role(role: Uuid, action: &str) -> Put {
    let row = ResourceId::tenant().extension("Microsoft.Authorization/roleDefinitions", &role.to_string());
    let permissions =
        json!([{ "actions": [action], "notActions": [], "dataActions": [], "notDataActions": [] }]);
    Put::new(
        row,
        json!({ "properties": {
        "roleName": format!("Only {action}"), "type": "CustomRole", "assignableScopes": [S], "permissions": permissions,
    } }),
    )
}

pub(crate) fn id(text: &str) -> ResourceId {
    ResourceId::parse(text).expect("id")
}

/// The id of a workspace in a group.
pub(crate) fn workspace(group: &str, name: &str) -> String {
    format!("{group}/providers/Microsoft.MachineLearningServices/workspaces/{name}")
}

/// The smallest body of a project.
pub(crate) fn project_of(hub: &str) -> Value {
    json!({ "kind": "Project", "properties": { "hubResourceId": hub } })
}

/// The code of a refusal; the empty text for anything else.
pub(crate) fn code(answer: &Answer) -> &str {
    answer
        .1
        .pointer("/error/code")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The names in a list, sorted.
pub(crate) fn names(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.0, 200, "{}", answer.1);
    let mut names: Vec<&str> = answer.1["value"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|item| item["name"].as_str())
        .collect();
    names.sort_unstable();
    names
}

/// The object id of a workspace's own identity.
pub(crate) fn principal(workspace: &Value) -> Uuid {
    workspace["identity"]["principalId"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("a principal id")
}
