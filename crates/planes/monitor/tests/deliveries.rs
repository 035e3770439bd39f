//! Diagnostic settings on an engine with this plane: what arrives where, and what happens when a destination fails.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, body::Bytes, extract::Request as HttpRequest, http::StatusCode};
use http::{HeaderMap, Method};
use nave_arm::ResourceId;
use nave_engine::{
    Act, Caller, CallerKind, Change, Engine, Parts, Put, Registry, Request, Store,
    clock::StillWorld,
    directory, principal_claim,
    site::{LOCATIONS, Site},
};
use nave_monitor::{Monitor, Round};
use nave_outbound::Outbound;
use nave_vault::KeyRing;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::{Uuid, uuid};

const ORIGIN: &str = "https://nave.test";
const S: &str = "/subscriptions/11111111-1111-1111-1111-111111111111";
const RG: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg";
const SINK: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Nave.Monitor/sinks/collector";
const ON_GROUP: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.Insights/diagnosticSettings/export";
const CONTRIBUTOR: Uuid = uuid!("b24988ac-6180-42a0-ab88-20f7382dd24c");
const MONITORING_CONTRIBUTOR: Uuid = uuid!("749f88d5-cbae-40b8-bcfc-e573ddc772fa");

struct Nave {
    engine: Arc<Engine>,
    monitor: Monitor,
    world: Arc<StillWorld>,
    store: Store,
    folder: TempDir,
}

impl Nave {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let world = Arc::new(StillWorld::at("2026-11-25T12:00:00Z".parse().expect("instant")));
        Self::start_in(folder, world).await
    }

    async fn start_in(folder: TempDir, world: Arc<StillWorld>) -> Self {
        let monitor = Monitor::new(
            Outbound::new().expect("outbound"),
            folder.path().join("diagnostics"),
        );
        let mut registry = Registry::default();
        monitor.register(&mut registry);
        let store = Store::open_in(folder.path()).await.expect("store");
        let parts = Parts {
            store: store.clone(),
            vault: Arc::new(KeyRing::open_or_create(folder.path()).expect("key ring")),
            site: Site {
                origin: String::from(ORIGIN),
                authority: String::from("nave.test"),
                tenant: Uuid::nil(),
                tenant_name: String::from("Contoso"),
                domain: String::from("contoso.com"),
                cloud: String::from("nave"),
                locations: LOCATIONS,
            },
            world: world.clone(),
            registry,
            authenticators: Vec::new(),
        };
        let nave = Self {
            engine: Engine::open(parts).await.expect("engine"),
            monitor,
            world,
            store,
            folder,
        };
        for scope in [S, RG] {
            nave.put(Put::new(
                id(scope),
                json!({ "location": "eastus", "displayName": "Team" }),
            ))
            .await;
        }
        nave
    }

    async fn put(&self, put: Put) {
        let grant = self.engine.on_own_account::<Act>("test", &put.id);
        let change = Change {
            puts: vec![put],
            ..Change::default()
        };
        self.engine.commit(&grant, change).await.expect("commit");
    }

    async fn user_with(&self, name: &str, role: Uuid) -> Caller {
        let object = Uuid::new_v4();
        let sent = json!({ "id": object, "userPrincipalName": name, "accountEnabled": true });
        let mut row = Put::new(directory::object_id(directory::USERS, object), sent);
        row.claims = vec![principal_claim(object)];
        self.put(row).await;
        let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{role}");
        let assigned = json!({ "properties": { "roleDefinitionId": role, "principalId": object, "principalType": "User" } });
        let assignment = id(S).extension(
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

    async fn send(&self, caller: &Caller, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = Request {
            method,
            path: path.to_owned(),
            query: vec![(String::from("api-version"), String::from("2021-05-01-preview"))],
            headers: HeaderMap::new(),
            body: if body.is_null() {
                Bytes::new()
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

    async fn make(&self, caller: &Caller, path: &str, body: Value) {
        let (status, body) = self.send(caller, Method::PUT, path, body).await;
        assert!((200..300).contains(&status), "{path}: {status} {body}");
    }

    async fn round(&self) -> Round {
        self.monitor.round(&self.engine).await.expect("round")
    }

    /// The records in the files below a place, in the order of their paths.
    fn records(&self, place: &str) -> Vec<Value> {
        let mut files = Vec::new();
        collect(&self.folder.path().join("diagnostics").join(place), &mut files);
        files.sort();
        let texts = files
            .iter()
            .map(|file| std::fs::read_to_string(file).expect("file"));
        texts
            .flat_map(|text| {
                let line = |line: &str| serde_json::from_str(line).expect("a record a line");
                text.lines().map(line).collect::<Vec<Value>>()
            })
            .collect()
    }
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        match path.is_dir() {
            true => collect(&path, files),
            false => files.push(path),
        }
    }
}

fn id(text: &str) -> ResourceId {
    ResourceId::parse(text).expect("id")
}

fn setting(destination: Value) -> Value {
    let mut properties = json!({ "logs": [{ "categoryGroup": "allLogs", "enabled": true }] });
    properties
        .as_object_mut()
        .expect("object")
        .extend(destination.as_object().expect("object").clone());
    json!({ "properties": properties })
}

fn to_sink() -> Value {
    setting(json!({ "marketplacePartnerId": SINK }))
}

/// Somewhere to send to: what it got, and whether it refuses.
#[derive(Clone, Default)]
struct Server {
    got: Arc<Mutex<Vec<Got>>>,
    refuses: Arc<AtomicBool>,
}

struct Got {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Server {
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
        let origin = format!("http://{}", listener.local_addr().expect("address"));
        let this = self.clone();
        let router =
            Router::new().fallback(move |request: HttpRequest| async move { this.answer(request).await });
        tokio::spawn(async move { axum::serve(listener, router).await });
        origin
    }

    async fn answer(&self, request: HttpRequest) -> StatusCode {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.expect("body");
        if self.refuses.load(Ordering::SeqCst) {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        self.got.lock().expect("lock").push(Got {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            headers: parts.headers,
            body,
        });
        StatusCode::OK
    }

    /// The operations in the logs a collector got.
    fn operations(&self) -> Vec<String> {
        let got = self.got.lock().expect("lock");
        let requests = got
            .iter()
            .map(|got| ExportLogsServiceRequest::decode(got.body.clone()).expect("protobuf"));
        let scopes = requests
            .flat_map(|request| request.resource_logs)
            .flat_map(|logs| logs.scope_logs);
        scopes
            .flat_map(|scope| scope.log_records)
            .map(|record| record.event_name)
            .collect()
    }
}

#[tokio::test]
async fn what_happens_in_a_group_is_appended_to_files() {
    let nave = Nave::start().await;
    let ada = nave.user_with("ada@contoso.com", CONTRIBUTOR).await;
    nave.make(&ada, SINK, json!({ "kind": "File", "location": "eastus" }))
        .await;
    nave.make(&ada, ON_GROUP, to_sink()).await;
    assert_eq!(
        nave.round().await,
        Round::default(),
        "nothing from before the setting"
    );
    let second = format!("{RG}/providers/Nave.Monitor/sinks/second");
    nave.make(&ada, &second, json!({ "kind": "File", "location": "eastus" }))
        .await;
    let eve = nave.user_with("eve@contoso.com", MONITORING_CONTRIBUTOR).await;
    let (status, _) = nave.send(&eve, Method::DELETE, &second, Value::Null).await;
    assert_eq!(status, 403);
    assert_eq!(nave.round().await.delivered, 2);
    let records = nave.records("sinks/collector");
    let told: Vec<_> = records
        .iter()
        .map(|record| {
            (
                &record["operationName"],
                &record["resultType"],
                &record["category"],
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                &json!("Nave.Monitor/sinks/write"),
                &json!("Success"),
                &json!("allLogs")
            ),
            (
                &json!("Nave.Monitor/sinks/delete"),
                &json!("Failure"),
                &json!("allLogs")
            ),
        ]
    );
    assert_eq!(records[1]["identity"]["claim"]["name"], "eve@contoso.com");
    assert!(records[0]["properties"]["hash"].is_string());
    assert_eq!(nave.round().await, Round::default(), "once is enough");
}

#[tokio::test]
async fn after_a_restart_nothing_is_left_out() {
    let nave = Nave::start().await;
    let ada = nave.user_with("ada@contoso.com", CONTRIBUTOR).await;
    nave.make(&ada, SINK, json!({ "kind": "File", "location": "eastus" }))
        .await;
    nave.make(&ada, ON_GROUP, to_sink()).await;
    nave.round().await;
    let third = format!("{RG}/providers/Nave.Monitor/sinks/third");
    nave.make(&ada, &third, json!({ "kind": "File", "location": "eastus" }))
        .await;
    nave.store.close().await;
    let Nave { folder, world, .. } = nave;
    let again = Nave::start_in(folder, world).await;
    again.round().await;
    let made = |record: &&Value| record["resourceId"].as_str() == Some(&*third);
    assert_eq!(again.records("sinks/collector").iter().filter(made).count(), 1);
}

#[tokio::test]
async fn a_collector_gets_everything_once_it_answers_again() {
    let nave = Nave::start().await;
    let ada = nave.user_with("ada@contoso.com", CONTRIBUTOR).await;
    let server = Server::default();
    let endpoint = server.start().await;
    let sink = json!({ "kind": "Otlp", "location": "eastus",
                       "properties": { "endpoint": endpoint, "headers": { "x-api-key": "canary-9" } } });
    nave.make(&ada, SINK, sink).await;
    let (_, shown) = nave.send(&ada, Method::GET, SINK, Value::Null).await;
    assert!(!shown.to_string().contains("canary-9"));
    nave.make(&ada, ON_GROUP, to_sink()).await;
    server.refuses.store(true, Ordering::SeqCst);
    nave.make(
        &ada,
        &format!("{RG}/providers/Nave.Monitor/sinks/b"),
        json!({ "kind": "File" }),
    )
    .await;
    assert_eq!(
        nave.round().await,
        Round {
            delivered: 0,
            failed: 1
        }
    );
    assert_eq!(
        nave.round().await,
        Round::default(),
        "it waits before it tries again"
    );
    let (_, failing) = nave.send(&ada, Method::GET, ON_GROUP, Value::Null).await;
    assert_eq!(failing["properties"]["deliveryStatus"]["state"], "Failing");
    server.refuses.store(false, Ordering::SeqCst);
    nave.world.advance(jiff::SignedDuration::from_secs(1));
    nave.make(
        &ada,
        &format!("{RG}/providers/Nave.Monitor/sinks/c"),
        json!({ "kind": "File" }),
    )
    .await;
    assert_eq!(
        nave.round().await,
        Round {
            delivered: 2,
            failed: 0
        }
    );
    assert_eq!(server.operations(), ["Nave.Monitor/sinks/write"; 2]);
    {
        let got = server.got.lock().expect("lock");
        assert_eq!(got[0].path, "/v1/logs");
        assert_eq!(got[0].headers["x-api-key"], "canary-9");
    }
    let (_, fine) = nave.send(&ada, Method::GET, ON_GROUP, Value::Null).await;
    assert_eq!(fine["properties"]["deliveryStatus"]["state"], "Delivering");
}

#[tokio::test]
async fn a_bucket_gets_signed_objects() {
    let nave = Nave::start().await;
    let ada = nave.user_with("ada@contoso.com", CONTRIBUTOR).await;
    let server = Server::default();
    let endpoint = server.start().await;
    let sink = json!({ "kind": "S3", "location": "eastus",
                       "properties": { "endpoint": endpoint, "bucket": "logs", "region": "eu-1", "prefix": "nave/",
                                       "accessKeyId": "AK", "secretAccessKey": "canary-8" } });
    nave.make(&ada, SINK, sink).await;
    nave.make(&ada, ON_GROUP, to_sink()).await;
    nave.make(
        &ada,
        &format!("{RG}/providers/Nave.Monitor/sinks/b"),
        json!({ "kind": "File" }),
    )
    .await;
    assert_eq!(nave.round().await.delivered, 1);
    let got = server.got.lock().expect("lock");
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].method, Method::PUT);
    assert!(
        got[0]
            .path
            .starts_with("/logs/nave/insights-logs-alllogs/resourceId"),
        "{}",
        got[0].path
    );
    let line: Value = serde_json::from_slice(&got[0].body).expect("a line");
    assert_eq!(line["operationName"], "Nave.Monitor/sinks/write");
}

#[tokio::test]
async fn no_signature_is_in_what_is_told_of_a_bucket_that_cannot_be_asked() {
    let nave = Nave::start().await;
    let ada = nave.user_with("ada@contoso.com", CONTRIBUTOR).await;
    // the bucket's name before that of this machine is the name of another
    let sink = json!({ "kind": "S3", "location": "eastus",
                       "properties": { "endpoint": "http://localhost:1", "bucket": "logs", "region": "eu-1", "pathStyle": false,
                                       "accessKeyId": "AK", "secretAccessKey": "canary-7" } });
    nave.make(&ada, SINK, sink).await;
    nave.make(&ada, ON_GROUP, to_sink()).await;
    nave.make(
        &ada,
        &format!("{RG}/providers/Nave.Monitor/sinks/b"),
        json!({ "kind": "File" }),
    )
    .await;
    assert_eq!(nave.round().await.failed, 1);
    let (_, failing) = nave.send(&ada, Method::GET, ON_GROUP, Value::Null).await;
    let told = failing["properties"]["deliveryStatus"]["lastFailure"]
        .as_str()
        .expect("a failure");
    assert!(
        told.contains("logs.localhost") && !told.contains("X-Amz"),
        "{told}"
    );
}

#[tokio::test]
async fn a_setting_is_refused_where_it_could_not_work() {
    let nave = Nave::start().await;
    let ada = nave.user_with("ada@contoso.com", CONTRIBUTOR).await;
    nave.make(&ada, SINK, json!({ "kind": "File" })).await;
    let gone = format!("{RG}/providers/Nave.Monitor/sinks/gone");
    let entry = |name: &str, value: &str| json!({ "properties": { "marketplacePartnerId": SINK, "logs": [{ name: value, "enabled": true }] } });
    let cases = [
        (setting(json!({})), 400, "needs a destination"),
        (setting(json!({ "eventHubName": "hub" })), 400, "no event hubs"),
        (
            setting(json!({ "marketplacePartnerId": gone })),
            404,
            "sinks/gone",
        ),
        (
            setting(json!({ "marketplacePartnerId": RG })),
            400,
            "is not of the type",
        ),
        (
            entry("category", "Nonsense"),
            400,
            "Category 'Nonsense' is not supported",
        ),
        (entry("categoryGroup", "some"), 400, "'allLogs', 'audit'"),
        (
            entry("colour", "red"),
            400,
            "either a 'category' or a 'categoryGroup'",
        ),
    ];
    for (body, expected, words) in cases {
        let (status, answer) = nave.send(&ada, Method::PUT, ON_GROUP, body.clone()).await;
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(status, expected, "{body}: {answer}");
        assert!(message.contains(words), "{body}: {message}");
    }
    let sinks = [
        json!({ "kind": "Pipe" }),
        json!({ "kind": "Otlp" }),
        json!({ "kind": "Otlp", "properties": { "endpoint": "http://10.0.0.1:4318" } }),
        json!({ "kind": "Otlp", "properties": { "endpoint": "https://c.test", "headers": { "a b": "c" } } }),
        json!({ "kind": "S3", "properties": { "endpoint": "https://s3.test", "bucket": "b", "region": "r", "accessKeyId": "k" } }),
    ];
    for body in sinks {
        let (status, answer) = nave.send(&ada, Method::PUT, &gone, body.clone()).await;
        assert_eq!(status, 400, "{body}: {answer}");
    }
}

#[tokio::test]
async fn who_sends_somewhere_must_be_allowed_to_put_something_there() {
    let nave = Nave::start().await;
    let ada = nave.user_with("ada@contoso.com", CONTRIBUTOR).await;
    let eve = nave.user_with("eve@contoso.com", MONITORING_CONTRIBUTOR).await;
    nave.make(&ada, SINK, json!({ "kind": "File" })).await;
    let (status, answer) = nave.send(&eve, Method::PUT, ON_GROUP, to_sink()).await;
    assert_eq!(status, 403, "{answer}");
    assert!(
        answer.to_string().contains("Nave.Monitor/sinks/join/action"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_subscription_has_the_activity_log_and_a_resource_its_own_categories() {
    let nave = Nave::start().await;
    let ada = nave.user_with("ada@contoso.com", CONTRIBUTOR).await;
    nave.make(&ada, SINK, json!({ "kind": "File" })).await;
    let at = |scope: &str| format!("{scope}/providers/Microsoft.Insights/diagnosticSettingsCategories");
    let (_, activity) = nave.send(&ada, Method::GET, &at(S), Value::Null).await;
    let names: Vec<_> = activity["value"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert!(names.contains(&&json!("Administrative")), "{names:?}");
    let (status, audit) = nave
        .send(&ada, Method::GET, &format!("{}/Audit", at(SINK)), Value::Null)
        .await;
    assert_eq!(
        (status, &audit["properties"]["categoryType"]),
        (200, &json!("Logs"))
    );
    let (status, _) = nave
        .send(&ada, Method::GET, &format!("{}/None", at(SINK)), Value::Null)
        .await;
    assert_eq!(status, 404);
}
