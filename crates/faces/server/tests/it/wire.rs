//! What every answer has, whatever it is about.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use axum::body::{Body, to_bytes};
use nave_arm::ArmError;
use nave_engine::{
    Engine, Parts, Registry, Reply, Store,
    operation::{Access, Surface},
    route::{Call, Route},
};
use nave_server::Face;
use nave_testkit::{Answer, Ask, Scripted, TestServer, Upstream};
use nave_vault::KeyRing;
use serde_json::json;

use crate::logs;

#[tokio::test]
async fn every_answer_carries_its_ids_and_may_not_be_stored() {
    let nave = TestServer::start().await;
    let correlation = "12345678-1234-4123-8123-123456789012";
    for target in [
        "/metadata/endpoints?api-version=2022-09-01",
        "/subscriptions?api-version=2022-12-01",
        "/%ff",
        "/nowhere",
    ] {
        let ask = Ask::get(target)
            .header("x-ms-correlation-request-id", correlation)
            .header("x-ms-return-client-request-id", "true")
            .header("x-ms-client-request-id", "call-7");
        let answer = nave.send(ask).await;
        assert_eq!(
            answer.header("x-ms-correlation-request-id"),
            correlation,
            "{target}"
        );
        assert_eq!(answer.header("x-ms-client-request-id"), "call-7", "{target}");
        assert_eq!(answer.header("x-ms-request-id").len(), 36, "{target}");
        assert_eq!(answer.header("cache-control"), "no-store", "{target}");
    }
}

#[tokio::test]
async fn a_client_gets_its_own_id_back_only_when_it_asks_for_it() {
    let nave = TestServer::start().await;
    let ask =
        Ask::get("/metadata/endpoints?api-version=2022-09-01").header("x-ms-client-request-id", "call-9");
    let answer = nave.send(ask).await;
    assert_eq!(answer.header("x-ms-client-request-id"), "");
    let routing = answer.header("x-ms-routing-request-id");
    assert!(
        routing.starts_with("EASTUS:") && routing.ends_with(answer.header("x-ms-request-id")),
        "{routing}"
    );
}

#[tokio::test]
async fn who_calls_too_often_is_told_when_to_come_again() {
    let nave = TestServer::start().await;
    let everybody = nave.everybody().await;
    let limits = nave_server::Limits {
        reads: 2,
        ..nave_server::Limits::default()
    };
    let face = Face::new(nave.engine.clone()).limited(limits);
    let ask = |path: &str| {
        let token = everybody.owner.token(nave_testkit::Audience::Arm);
        http::Request::builder()
            .uri(format!("{path}?api-version=2022-12-01"))
            .header("host", "localhost:8443")
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap()
    };
    let left =
        |answer: &http::Response<Body>, header: &str| answer.headers()[header].to_str().unwrap().to_owned();
    let subscription = &nave.subscription();
    for expected in ["1", "0"] {
        let answer = face.answer(ask(subscription)).await;
        assert_eq!(
            left(&answer, "x-ms-ratelimit-remaining-subscription-reads"),
            expected
        );
    }
    let refused = face.answer(ask(subscription)).await;
    assert_eq!(
        (refused.status().as_u16(), left(&refused, "retry-after")),
        (429, String::from("1800"))
    );
    let elsewhere = face.answer(ask("/subscriptions")).await;
    assert_eq!(left(&elsewhere, "x-ms-ratelimit-remaining-tenant-reads"), "1");
    nave.world.advance(jiff::SignedDuration::from_mins(30));
    assert_eq!(face.answer(ask(subscription)).await.status().as_u16(), 200);
}

#[tokio::test]
async fn who_is_not_signed_in_is_told_where_to() {
    let nave = TestServer::start().await;
    let answer = nave.send(Ask::get("/subscriptions?api-version=2022-12-01")).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (401, "AuthenticationFailed")
    );
    let expected = format!(
        "Bearer authorization_uri=\"{}/{}\"",
        nave.origin(),
        nave.engine.site().tenant
    );
    assert!(
        answer.header("www-authenticate").starts_with(&expected),
        "{}",
        answer.header("www-authenticate")
    );
    let no_token = Ask::get("/subscriptions?api-version=2022-12-01").header("authorization", "Basic YTpi");
    let answer = nave.send(no_token).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (401, "InvalidAuthenticationToken"),
        "it came with something, which is not to be called missing"
    );
}

#[tokio::test]
async fn head_has_no_body_and_the_path_may_be_untidy() {
    let nave = TestServer::start().await;
    let owner = nave.administrator().await;
    let group = format!("{}/resourceGroups/rg", nave.subscription());
    nave.make(http::Method::PUT, &group, &json!({ "location": "eastus" }))
        .await;
    let untidy = group.replace("/resourceGroups/", "//resourcegroups/");
    for (target, status) in [
        (format!("{untidy}/?api-version=2024-11-01"), 204),
        (format!("{group}2?api-version=2024-11-01"), 404),
    ] {
        let answer = nave.send(Ask::new(http::Method::HEAD, target).by(&owner)).await;
        assert_eq!((answer.status, answer.bytes.len()), (status, 0));
    }
}

#[tokio::test]
async fn a_zone_host_is_the_account() {
    let nave = TestServer::start().await;
    let at = |host: &str| {
        Ask::get("/openai/v1/models")
            .header("host", host)
            .header("api-key", "none")
    };
    let zone = nave.send(at("ai1.openai.localhost:8443")).await;
    let path = nave
        .send(Ask::get("/ai/ai1/openai/v1/models").header("api-key", "none"))
        .await;
    let elsewhere = nave.send(at("localhost:8443")).await;
    // all of a refusal but the id of its decision
    let told = |answer: &Answer| (answer.status, answer.json()["error"]["message"].to_string());
    assert_eq!(told(&zone), told(&path));
    assert_ne!(told(&zone), told(&elsewhere));
}

#[tokio::test]
async fn a_bad_token_is_refused_in_the_words_of_the_protocol() {
    let nave = TestServer::start().await;
    for token in ["nave-scim-nobody-has-this", "eyJhbGciOiJub25lIn0.e30."] {
        let answer = nave.send(Ask::get("/scim/v2/Users").bearer(token)).await;
        let body = answer.json();
        assert_eq!(answer.status, 401, "{body}");
        assert_eq!(
            (body["schemas"][0].as_str(), body["status"].as_str()),
            (Some("urn:ietf:params:scim:api:messages:2.0:Error"), Some("401"))
        );
        assert_eq!(answer.header("content-type"), "application/scim+json");
        let arm = nave
            .send(Ask::get("/subscriptions?api-version=2022-12-01").bearer(token))
            .await;
        assert_eq!(
            (arm.status, arm.code().as_str()),
            (401, "InvalidAuthenticationToken")
        );
    }
}

#[tokio::test]
async fn the_log_has_the_path_and_not_the_query() {
    logs::start();
    let nave = TestServer::start().await;
    let mark = "a-path-to-find-in-the-log";
    nave.send(
        Ask::get(format!("/{mark}?code=a-code-nobody-should-find")).bearer("a-token-nobody-should-find"),
    )
    .await;
    let log = String::from_utf8_lossy(&logs::so_far()).into_owned();
    assert!(log.contains(mark));
    assert!(!log.contains("nobody-should-find"));
}

#[tokio::test]
async fn over_tls_it_serves_and_stops_when_told() {
    let (nave, listening) = TestServer::start_in_real_time().await;
    let url = format!("{}/metadata/endpoints?api-version=2022-09-01", listening.origin);
    let answer = listening.client.get(&url).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert!(answer.headers().contains_key("date"));
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(
        body["resourceManager"].as_str().unwrap().trim_end_matches('/'),
        nave.origin()
    );
    let client = listening.client.clone();
    listening.stop().await;
    assert!(client.get(&url).send().await.is_err());
}

#[tokio::test]
async fn what_was_made_is_there_after_a_restart() {
    let nave = TestServer::start().await;
    let group = format!("{}/resourceGroups/rg", nave.subscription());
    nave.make(http::Method::PUT, &group, &json!({ "location": "eastus" }))
        .await;
    let before = (nave.subscription(), nave.engine.site().tenant);
    let nave = nave.restart().await;
    assert_eq!((nave.subscription(), nave.engine.site().tenant), before);
    let owner = nave.administrator().await;
    assert_eq!(
        nave.send(Ask::get(format!("{group}?api-version=2024-11-01")).by(&owner))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_stream_that_never_ends_does_not_keep_it_from_stopping() {
    let (nave, listening) = TestServer::start_in_real_time().await;
    let upstream = Upstream::start().await;
    let chunk = json!({ "id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [{ "index": 0, "delta": { "content": "on and on" } }] });
    upstream.says(Scripted::Stalls(vec![chunk.to_string()]));
    let group = format!("{}/resourceGroups/rg", nave.subscription());
    let account = format!("{group}/providers/Microsoft.CognitiveServices/accounts/models");
    let make = async |path: &str, body| nave.make(http::Method::PUT, path, &body).await;
    make(&group, json!({ "location": "eastus" })).await;
    let upstream = json!({ "upstream": { "kind": "openAI", "endpoint": upstream.url() } });
    let properties = json!({ "customSubDomainName": "models", "nave": upstream });
    make(
        &account,
        json!({ "location": "eastus", "kind": "OpenAI", "sku": { "name": "S0" }, "properties": properties }),
    )
    .await;
    make(
        &format!("{account}/deployments/chat"),
        crate::town::model("gpt-4o"),
    )
    .await;
    let keys = nave
        .make(http::Method::POST, &format!("{account}/listKeys"), &json!(null))
        .await;
    let url = format!("{}/ai/models/openai/v1/chat/completions", listening.origin);
    let call = json!({ "model": "chat", "stream": true, "messages": [{ "role": "user", "content": "go" }] });
    let request = listening
        .client
        .post(url)
        .header("api-key", keys["key1"].as_str().unwrap())
        .json(&call);
    let mut answer = request.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert!(String::from_utf8_lossy(&answer.chunk().await.unwrap().unwrap()).contains("on and on"));
    listening.stop().await;
    let rest = loop {
        match answer.chunk().await {
            Ok(Some(_)) => {}
            other => break other,
        }
    };
    assert!(rest.is_err(), "a client must see that the answer was cut off");
}

#[tokio::test]
async fn a_panic_is_one_answer_and_not_the_end() {
    let nave = TestServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut registry = Registry::default();
    let route = |path, handler: fn(Call) -> Ready<Result<Reply, ArmError>>| {
        Route::new(http::Method::GET, path, Surface::Arm, Access::Public, handler)
    };
    registry.add_routes([
        route("/panics", |_| panic!("a test asked for it")),
        route("/works", |_| ready(Ok(Reply::empty(204)))),
    ]);
    let engine = Engine::open(Parts {
        store: Store::open_in(folder.path()).await.unwrap(),
        vault: Arc::new(KeyRing::open_or_create(folder.path()).unwrap()),
        site: nave.engine.site().clone(),
        world: Arc::new(nave.world.clone()),
        registry,
        authenticators: Vec::new(),
    });
    let face = Face::new(engine.await.unwrap());
    let ask = |path: &str| {
        http::Request::builder()
            .uri(path)
            .header("x-ms-return-client-request-id", "true")
            .header("x-ms-client-request-id", "call-8")
            .body(Body::empty())
            .unwrap()
    };
    let answer = face.answer(ask("/panics")).await;
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.headers()["x-ms-client-request-id"].to_str().unwrap()
        ),
        (500, "call-8")
    );
    let body = String::from_utf8(to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap();
    assert!(
        body.contains("InternalServerError") && !body.contains("a test asked for it"),
        "{body}"
    );
    assert_eq!(face.answer(ask("/works")).await.status().as_u16(), 204);
}
