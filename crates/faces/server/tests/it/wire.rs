//! What every answer has, whatever it is about.

use nave_testkit::{Ask, TestServer};
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
    assert_eq!((zone.status, zone.text()), (path.status, path.text()));
    assert_ne!(zone.text(), nave.send(at("localhost:8443")).await.text());
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
async fn over_tls_it_serves_both_versions_of_http_and_stops_when_told() {
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
