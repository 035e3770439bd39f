//! A whole engine with this plane in a temporary folder, and clients that speak to it as real ones do.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{net::IpAddr, path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, Method};
use jiff::{SignedDuration, Timestamp};
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Act, Authenticator, Body, Caller, CallerKind, Change, Engine, Erase, Parts, Put, Registry, Reply,
    Request, Store,
    clock::StillWorld,
    site::{LOCATIONS, Site},
};
use nave_identity::{
    Identity,
    bootstrap::{NewApplication, NewSecret, NewUser, application_rows, user_row},
};
use nave_outbound::Outbound;
use nave_vault::{KeyRing, Secret, SigningKeys, SystemRandom};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::{Uuid, uuid};

pub(crate) const ORIGIN: &str = "https://nave.test";
pub(crate) const TENANT: Uuid = uuid!("99999999-9999-9999-9999-999999999999");
pub(crate) const CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
pub(crate) const JOE: Uuid = uuid!("10000000-0000-0000-0000-000000000001");
pub(crate) const ADMIN: Uuid = uuid!("10000000-0000-0000-0000-000000000002");
pub(crate) const APP: Uuid = uuid!("20000000-0000-0000-0000-000000000001");
pub(crate) const ROBOT: Uuid = uuid!("20000000-0000-0000-0000-000000000002");
pub(crate) const ROBOT_APP: Uuid = uuid!("20000000-0000-0000-0000-000000000003");
pub(crate) const KEY: Uuid = uuid!("20000000-0000-0000-0000-000000000004");
pub(crate) const PASSWORD: &str = "every good boy deserves";
pub(crate) const SECRET: &str = "the robot's own secret";
pub(crate) const WEB: &str = "https://app.test/callback";
pub(crate) const OWNER: Uuid = uuid!("8e3af657-a8ff-443c-a75c-2fe8c4bcb635");
pub(crate) const CONTRIBUTOR: Uuid = uuid!("b24988ac-6180-42a0-ab88-20f7382dd24c");
pub(crate) const READER: Uuid = uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7");
pub(crate) const ARM: &str = "https://nave.test/.default";

/// An engine with this plane, Joe, an administrator (Owner of the tenant) and an application.
pub(crate) struct Nave {
    pub(crate) engine: Arc<Engine>,
    pub(crate) identity: Identity,
    pub(crate) keys: Arc<SigningKeys>,
    pub(crate) world: StillWorld,
    folder: Arc<TempDir>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
    pub(crate) text: String,
}

/// A request being made.
pub(crate) struct Ask {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: String,
    caller: Option<Caller>,
    peer: Option<IpAddr>,
}

pub(crate) fn ask(method: Method, path: &str) -> Ask {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    Ask {
        method,
        path: path.to_owned(),
        query: query
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        headers: HeaderMap::new(),
        body: String::new(),
        caller: None,
        peer: None,
    }
}

impl Ask {
    pub(crate) fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        self.query.extend(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.insert(name, value.parse().expect("header"));
        self
    }

    pub(crate) fn form(mut self, pairs: &[(&str, &str)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        self.body = form.extend_pairs(pairs).finish();
        self
    }

    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = body.to_string();
        self
    }

    pub(crate) fn by(mut self, caller: &Caller) -> Self {
        self.caller = Some(caller.clone());
        self
    }

    pub(crate) fn from(mut self, address: &str) -> Self {
        self.peer = Some(address.parse().expect("an address"));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header(http::header::AUTHORIZATION, &format!("Bearer {token}"))
    }

    pub(crate) fn request(self) -> Request {
        Request {
            method: self.method,
            path: self.path,
            query: self.query,
            headers: self.headers,
            body: self.body.into(),
            caller: self.caller,
            host: String::from("nave.test"),
            correlation_id: Uuid::new_v4(),
            peer: self.peer,
        }
    }
}

impl Nave {
    pub(crate) async fn start() -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("folder"));
        let nave = Self::open(folder).await;
        nave.put(user_row(&SystemRandom, &new_user(JOE, "joe@contoso.com")))
            .await;
        nave.put(user_row(&SystemRandom, &new_user(ADMIN, "admin@contoso.com")))
            .await;
        let secret = Secret::new(SECRET.to_owned());
        let ends = "2027-01-01T00:00:00Z".parse().expect("instant");
        let robot = NewApplication {
            id: APP,
            app_id: ROBOT_APP,
            service_principal_id: ROBOT,
            display_name: "robot",
            secret: Some(NewSecret {
                key_id: KEY,
                text: &secret,
                ends,
            }),
            web_redirect_uris: &[WEB],
        };
        for row in application_rows(&SystemRandom, &robot) {
            nave.put(row).await;
        }
        nave.give(ADMIN, OWNER).await;
        nave
    }

    async fn open(folder: Arc<TempDir>) -> Self {
        let keys = Arc::new(SigningKeys::open_or_create(folder.path(), start().as_second()).expect("keys"));
        let outbound = Outbound::new().expect("outbound");
        let identity = Identity::new(keys.clone(), Arc::new(SystemRandom), outbound);
        let mut registry = Registry::default();
        identity.register(&mut registry);
        let world = StillWorld::at(start());
        let parts = Parts {
            store: open_store(folder.path()).await,
            vault: Arc::new(KeyRing::open_or_create(folder.path()).expect("key ring")),
            site: site(),
            world: Arc::new(world.clone()),
            registry,
            authenticators: vec![Box::new(identity.authenticator())],
        };
        Self {
            engine: Engine::open(parts).await.expect("engine"),
            identity,
            keys,
            world,
            folder,
        }
    }

    /// The same installation after a restart.
    pub(crate) async fn restart(self) -> Self {
        let folder = self.folder.clone();
        drop(self);
        Self::open(folder).await
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.world.advance(SignedDuration::from_secs(seconds));
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

    /// Deletes a row, as the installation does.
    pub(crate) async fn erase(&self, erase: Erase) {
        let grant = self.engine.on_own_account::<Act>("test", &erase.id);
        let change = Change {
            erases: vec![erase],
            ..Change::default()
        };
        self.engine.commit(&grant, change).await.expect("commit");
    }

    /// Every byte that is stored.
    pub(crate) fn files(&self) -> Vec<u8> {
        let entries = std::fs::read_dir(self.folder.path()).expect("folder").flatten();
        entries
            .filter_map(|entry| std::fs::read(entry.path()).ok())
            .flatten()
            .collect()
    }

    /// Gives a role at the tenant.
    pub(crate) async fn give(&self, principal: Uuid, role: Uuid) {
        let tenant = ResourceId::tenant();
        let id = tenant.extension(
            "Microsoft.Authorization/roleAssignments",
            &Uuid::new_v4().to_string(),
        );
        let role = tenant.extension("Microsoft.Authorization/roleDefinitions", &role.to_string());
        let properties = json!({
            "roleDefinitionId": role, "principalId": principal, "principalType": "User", "scope": "/",
        });
        self.put(Put::new(id, json!({ "properties": properties }))).await;
    }

    /// Sends a request as a face does: who is asking is found out first.
    pub(crate) async fn send(&self, ask: Ask) -> Answer {
        let mut request = ask.request();
        if request.caller.is_none() {
            match self.engine.authenticate(&request).await {
                Ok(caller) => request.caller = caller,
                Err(error) => return answer(error.into()),
            }
        }
        answer(self.engine.serve(request).await)
    }

    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> Answer {
        self.send(ask(Method::POST, &format!("/{TENANT}/oauth2/v2.0/token")).form(form))
            .await
    }

    /// Joe's tokens for a scope.
    pub(crate) async fn joe(&self, scope: &str) -> Value {
        self.sign_in("joe@contoso.com", PASSWORD, scope).await.expect(200)
    }

    pub(crate) async fn sign_in(&self, name: &str, password: &str, scope: &str) -> Answer {
        let scope = format!("{scope} offline_access openid profile");
        let form = [
            ("grant_type", "password"),
            ("client_id", CLI),
            ("username", name),
            ("password", password),
            ("scope", &scope),
        ];
        self.token(&form).await
    }

    /// The administrator, on Graph.
    pub(crate) fn admin(&self) -> Caller {
        person(ADMIN, "admin@contoso.com")
    }

    pub(crate) async fn who(&self, token: &str) -> Result<Option<Caller>, ArmError> {
        let request = ask(Method::GET, "/x").bearer(token).request();
        self.identity
            .authenticator()
            .authenticate(&self.engine, &request)
            .await
    }

    pub(crate) async fn graph(&self, method: Method, path: &str, body: Value) -> Answer {
        self.graph_as(&self.admin(), method, path, body).await
    }

    pub(crate) async fn graph_as(&self, caller: &Caller, method: Method, path: &str, body: Value) -> Answer {
        let request = ask(method, &format!("/graph/v1.0{path}")).by(caller);
        self.send(if body.is_null() {
            request
        } else {
            request.json(body)
        })
        .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.graph(Method::GET, path, Value::Null).await
    }
}

impl Answer {
    /// The body, where the status is the expected one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{} {}", self.json, self.text);
        self.json
    }

    /// The number in `AADSTS…`.
    pub(crate) fn number(&self) -> u64 {
        let number = self.json["error_codes"][0].as_u64().unwrap_or_default();
        let description = self.json["error_description"].as_str().unwrap_or_default();
        assert!(
            description.starts_with(&format!("AADSTS{number}: ")),
            "{description}"
        );
        number
    }

    /// The code in Graph's and ARM's envelope.
    pub(crate) fn code(&self) -> &str {
        self.json
            .pointer("/error/code")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// A hidden field of a page.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let start = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
        let (_, rest) = self
            .text
            .split_once(&start)
            .unwrap_or_else(|| panic!("no {name} in {}", self.text));
        rest.split('"').next().unwrap_or_default().to_owned()
    }

    /// The cookie it sets, as a browser sends it back.
    pub(crate) fn cookie(&self) -> String {
        self.header("set-cookie")
            .split(';')
            .next()
            .unwrap_or_default()
            .to_owned()
    }

    /// A text member of each item of a list, in order.
    #[track_caller]
    pub(crate) fn each(&self, member: &str) -> Vec<&str> {
        assert_eq!(self.status, 200, "{}", self.json);
        let items = self.json["value"].as_array().expect("a list");
        items.iter().filter_map(|item| item[member].as_str()).collect()
    }
}

fn answer(reply: Reply) -> Answer {
    let Reply {
        status,
        headers,
        body,
    } = reply;
    let (json, text) = match body {
        Body::Json(json) => (json, String::new()),
        Body::Bytes(_, bytes) => (Value::Null, String::from_utf8(bytes.to_vec()).expect("text")),
        _ => (Value::Null, String::new()),
    };
    Answer {
        status,
        headers,
        json,
        text,
    }
}

pub(crate) fn start() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().expect("instant")
}

pub(crate) fn person(id: Uuid, name: &str) -> Caller {
    Caller {
        object_id: id,
        name: name.to_owned(),
        kind: CallerKind::User,
        audience: format!("{ORIGIN}/graph"),
        sign_in: nave_engine::SignIn::default(),
    }
}

/// A JWT's claims, not verified.
pub(crate) fn claims(token: &Value) -> Value {
    let payload = token
        .as_str()
        .and_then(|token| token.split('.').nth(1))
        .expect("a JWT");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("claims")
}

fn new_user(id: Uuid, name: &'static str) -> NewUser<'static> {
    static PASSWORDS: std::sync::OnceLock<Secret<String>> = std::sync::OnceLock::new();
    let password = PASSWORDS.get_or_init(|| Secret::new(PASSWORD.to_owned()));
    NewUser {
        id,
        user_principal_name: name,
        display_name: name.split('@').next().unwrap_or(name),
        password,
    }
}

async fn open_store(folder: &Path) -> Store {
    Store::open_in(folder).await.expect("store")
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
