//! The server and what a test does with it.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use http::Method;
use jiff::Timestamp;
use nave_engine::{
    Engine,
    clock::{RealWorld, StillWorld, World},
    rbac::built_in::{AI_DEVELOPER, CONTRIBUTOR, OWNER, READER},
};
use nave_server::{
    Face,
    setup::{DataDirectory, Installation, Sources, Wishes},
};
use nave_tls::TlsListener;
use nave_vault::{Purpose, Random, SeededRandom, SystemRandom};
use reqwest::{Certificate, Client};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot};
use uuid::Uuid;

use crate::{Answer, Ask, Audience, Everybody, Person};

/// The first administrator's name.
const ADMINISTRATOR: &str = "admin@contoso.com";
/// The password of everybody a test makes.
pub const PASSWORD: &str = "Correct-Horse-7-Battery";
/// The client id of `az`.
const CLIENT: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// A whole nave.
pub struct TestServer {
    /// Its engine.
    pub engine: Arc<Engine>,
    /// The time it lives in; it does not move a server that runs in real time.
    pub world: StillWorld,
    installation: Installation,
    face: Face,
    address: SocketAddr,
    folder: Arc<TempDir>,
}

/// A server that is being listened for, and a client that trusts it.
pub struct Listening {
    /// Its address with the scheme: `https://localhost:{port}`.
    pub origin: String,
    /// A client that trusts its certificate authority and nothing else.
    pub client: Client,
    stop: Option<oneshot::Sender<()>>,
    serving: tokio::task::JoinHandle<()>,
}

impl TestServer {
    /// A new nave in a time that stands still.
    pub async fn start() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::still(folder, ([127, 0, 0, 1], 8443).into()).await
    }

    /// The same data, opened again by a new server. This one ends first.
    pub async fn restart(self) -> Self {
        let (folder, address) = (self.folder.clone(), self.address);
        drop(self);
        Self::still(folder, address).await
    }

    /// A new nave in real time, as clients need it that look at certificates, and the listener for it.
    pub async fn start_in_real_time() -> (Self, Listening) {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let tcp = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = tcp.local_addr().unwrap();
        let server = Self::open(
            folder,
            address,
            Arc::new(RealWorld),
            StillWorld::at(noon()),
            Arc::new(SystemRandom),
        )
        .await;
        let listening = server.listen(tcp);
        (server, listening)
    }

    async fn still(folder: Arc<TempDir>, address: SocketAddr) -> Self {
        let world = StillWorld::at(noon());
        Self::open(
            folder,
            address,
            Arc::new(world.clone()),
            world,
            Arc::new(SeededRandom::new(7)),
        )
        .await
    }

    async fn open(
        folder: Arc<TempDir>,
        address: SocketAddr,
        time: Arc<dyn World>,
        world: StillWorld,
        random: Arc<dyn Random>,
    ) -> Self {
        let wishes = Wishes {
            domain: Some(String::from("contoso.com")),
            ..Wishes::default()
        };
        let directory = DataDirectory::open(&folder.path().join("data")).unwrap();
        let sources = Sources { world: time, random };
        let installation = Installation::open(directory, address, &wishes, &sources)
            .await
            .unwrap();
        let engine = installation.engine.clone();
        Self {
            face: Face::new(engine.clone()),
            engine,
            world,
            installation,
            address,
            folder,
        }
    }

    /// Serves it over TLS.
    fn listen(&self, tcp: TcpListener) -> Listening {
        let (authority, _) = self.installation.tls().unwrap();
        let listener = TlsListener::new(tcp, authority.server_config().unwrap());
        let root = Certificate::from_pem(authority.ca_pem().as_bytes()).unwrap();
        let (stop, told) = oneshot::channel();
        let told = async move { drop(told.await) };
        Listening {
            origin: self.origin().to_owned(),
            client: Client::builder()
                .tls_certs_only([root])
                .no_proxy()
                .build()
                .unwrap(),
            stop: Some(stop),
            serving: tokio::spawn(nave_server::listen(
                listener,
                self.engine.clone(),
                Arc::default(),
                nave_server::Limits::default(),
                told,
                Duration::ZERO,
            )),
        }
    }

    /// Its public address.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.engine.site().origin
    }

    /// Its data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.installation.directory().path()
    }

    /// The path of its subscription.
    #[must_use]
    pub fn subscription(&self) -> String {
        format!("/subscriptions/{}", self.installation.settings.subscription)
    }

    /// Sends a request.
    pub async fn send(&self, ask: Ask) -> Answer {
        let request = ask.into_http(&self.engine.site().authority);
        let (parts, body) = self.face.answer(request).await.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            bytes,
        }
    }

    /// The first administrator, Owner of everything.
    pub async fn administrator(&self) -> Person {
        let password = self.installation.made_up_password().unwrap().unwrap();
        let id = self
            .engine
            .snapshot()
            .claimed(&nave_engine::directory::upn_claim(ADMINISTRATOR))
            .unwrap()
            .id
            .clone();
        self.signed_in(
            ADMINISTRATOR,
            id.name().parse().unwrap(),
            password.expose(&Purpose::Check),
        )
        .await
    }

    /// Somebody new in the directory, without any role.
    pub async fn person(&self, name: &str) -> Person {
        let upn = format!("{name}@contoso.com");
        let user = json!({
            "accountEnabled": true, "displayName": name, "mailNickname": name, "userPrincipalName": upn,
            "passwordProfile": { "password": PASSWORD, "forceChangePasswordNextSignIn": false },
        });
        let made = self.make(Method::POST, "/graph/v1.0/users", &user).await;
        self.signed_in(&upn, made["id"].as_str().unwrap().parse().unwrap(), PASSWORD)
            .await
    }

    /// Somebody new with a role.
    pub async fn person_with(&self, name: &str, role: Uuid, scope: &str) -> Person {
        let person = self.person(name).await;
        self.assign(person.id, role, scope).await;
        person
    }

    /// One person for each role, at the tenant.
    pub async fn everybody(&self) -> Everybody {
        Everybody {
            stranger: self.person("stranger").await,
            reader: self.person_with("reader", READER, "/").await,
            ai_developer: self.person_with("ai-developer", AI_DEVELOPER, "/").await,
            contributor: self.person_with("contributor", CONTRIBUTOR, "/").await,
            owner: self.person_with("owner", OWNER, "/").await,
        }
    }

    /// Gives somebody a role, on the server's own account; the assignment's id.
    pub async fn assign(&self, principal: Uuid, role: Uuid, scope: &str) -> String {
        let scope = scope.trim_end_matches('/');
        let id = format!(
            "{scope}/providers/Microsoft.Authorization/roleAssignments/{}",
            Uuid::new_v4()
        );
        let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{role}");
        self.make(
            Method::PUT,
            &id,
            &json!({ "properties": { "roleDefinitionId": role, "principalId": principal } }),
        )
        .await;
        id
    }

    /// Makes something on the server's own account.
    pub async fn make(&self, method: Method, path: &str, body: &Value) -> Value {
        let (status, answer) = self.try_make(method.clone(), path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// The same where it may not work out.
    pub async fn try_make(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = nave_engine::Request {
            method,
            path: path.to_owned(),
            query: vec![(String::from("api-version"), String::from("2024-10-01"))],
            headers: http::HeaderMap::new(),
            body: if body.is_null() {
                bytes::Bytes::new()
            } else {
                body.to_string().into()
            },
            caller: Some(nave_engine::Caller::system()),
            host: self.engine.site().authority.clone(),
            correlation_id: Uuid::nil(),
            peer: None,
        };
        let reply = self.engine.serve(request).await;
        (reply.status, reply.as_json().cloned().unwrap_or_default())
    }

    async fn signed_in(&self, upn: &str, id: Uuid, password: &str) -> Person {
        let mut tokens = std::collections::HashMap::new();
        for audience in Audience::ALL {
            tokens.insert(
                audience,
                self.token(upn, password, &audience.resource(self.origin())).await,
            );
        }
        Person {
            upn: upn.to_owned(),
            id,
            password: password.to_owned(),
            tokens,
        }
    }

    /// A token by password for any resource.
    pub async fn token(&self, upn: &str, password: &str, resource: &str) -> String {
        let path = format!("/{}/oauth2/v2.0/token", self.engine.site().tenant);
        let scope = format!("{resource}/.default");
        let form = [
            ("grant_type", "password"),
            ("client_id", CLIENT),
            ("username", upn),
            ("password", password),
            ("scope", &scope),
        ];
        let answer = self.send(Ask::new(Method::POST, path).form(&form)).await;
        answer.done()["access_token"].as_str().unwrap().to_owned()
    }
}

impl Listening {
    /// Stops it and waits until it has stopped.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        self.serving.await.unwrap();
    }
}

fn noon() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}
