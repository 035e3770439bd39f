//! Calls that another server answers, or does not.

mod common;

use std::time::Duration;

use common::{ACCOUNT, Answer, CHAT, Nave, Script, Upstream, V1_CHAT, hello, hello_with, key_holder};
use futures::StreamExt;
use http::Method;
use nave_engine::Body;
use nave_inference::Patience;
use serde_json::{Value, json};

const SECRET: &str = "canary-upstream-key";
const IMPATIENT: Patience = Patience {
    answer: Duration::from_millis(200),
    idle: Duration::from_millis(200),
};

const WHOLE: &str = r#"{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"theirs"}}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}"#;
const PIECE: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn reply(status: u16, body: &str) -> Script {
    Script::Reply(
        status,
        vec![("content-type", "application/json")],
        body.to_owned(),
    )
}

/// An account in front of a server with a script.
async fn before(script: Script, patience: Patience) -> (Nave, Upstream) {
    let upstream = Upstream::start(script).await;
    let nave = Nave::with(patience).await;
    nave.account_before(upstream.setting(SECRET)).await;
    (nave, upstream)
}

async fn call(script: Script, body: Value) -> (Nave, Upstream, Answer) {
    let (nave, upstream) = before(script, Patience::default()).await;
    let answer = nave.post(&key_holder(ACCOUNT), CHAT, body).await;
    (nave, upstream, answer)
}

fn streaming() -> Value {
    hello_with(json!({ "stream": true }))
}

/// The last call's outcome, status and completion tokens.
async fn settled(nave: &Nave) -> (String, Value, Value) {
    let calls = nave.calls().await;
    let last = calls.last().expect("a call");
    let detail = &last.detail["detail"];
    (
        last.outcome.clone(),
        detail["status"].clone(),
        detail["completionTokens"].clone(),
    )
}

#[tokio::test]
async fn a_call_passes_with_the_stored_key_and_the_servers_model() {
    let (nave, upstream, answer) = call(reply(200, WHOLE), hello_with(json!({"temperature": 0.50}))).await;
    assert_eq!((answer.status, answer.said().as_str()), (200, "theirs"));
    let arrived = upstream.only();
    assert_eq!(arrived.path, "/v1/chat/completions");
    assert_eq!(arrived.headers["authorization"], format!("Bearer {SECRET}"));
    assert_eq!(
        (&arrived.body["model"], &arrived.body["temperature"]),
        (&json!("gpt-4o"), &json!(0.50))
    );
    assert_eq!(arrived.body["messages"], hello()["messages"]);
    assert_eq!(
        settled(&nave).await,
        (String::from("Succeeded"), json!(200), json!(7))
    );
}

#[tokio::test]
async fn azure_is_asked_in_its_own_dialect() {
    let upstream = Upstream::start(reply(200, WHOLE)).await;
    let nave = Nave::start().await;
    nave.account_before(json!({"kind": "azureOpenAI", "endpoint": upstream.url, "apiVersion": "2024-10-21", "apiKey": SECRET})).await;
    nave.deployment(
        ACCOUNT,
        "chat",
        "gpt-4o",
        json!({"nave": {"upstream": {"model": "theirs"}}}),
    )
    .await;
    assert_eq!(
        nave.post(&key_holder(ACCOUNT), V1_CHAT, hello()).await.status,
        200
    );
    let arrived = upstream.only();
    assert_eq!(
        arrived.path,
        "/openai/deployments/theirs/chat/completions?api-version=2024-10-21"
    );
    assert_eq!(arrived.headers["api-key"], SECRET);
    assert!(!arrived.headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_stream_passes_and_its_usage_stays_with_who_asked() {
    let script = Script::Stream(vec![": ping\n\n", PIECE, PIECE, USAGE, DONE]);
    let upstream = Upstream::start(script).await;
    let nave = Nave::start().await;
    nave.account_before(upstream.setting(SECRET)).await;
    let body = nave
        .send(
            Some(&key_holder(ACCOUNT)),
            Method::POST,
            CHAT,
            streaming().to_string().into(),
        )
        .await
        .body;
    let Body::Stream(_, pieces) = body else {
        panic!("no stream")
    };
    let pieces: Vec<String> = pieces
        .map(|piece| String::from_utf8_lossy(&piece.expect("piece")).into_owned())
        .collect()
        .await;
    assert_eq!(pieces, [": ping\n\n", PIECE, PIECE, DONE]);
    assert_eq!(
        upstream.only().body["stream_options"],
        json!({"include_usage": true})
    );
    assert_eq!(
        settled(&nave).await,
        (String::from("Succeeded"), json!(200), json!(7))
    );
}

#[tokio::test]
async fn a_client_that_asks_sees_the_usage() {
    let body = hello_with(json!({"stream": true, "stream_options": {"include_usage": true}}));
    let (_, _, answer) = call(Script::Stream(vec![PIECE, USAGE, DONE]), body).await;
    assert_eq!(answer.events.len(), 3);
    assert!(answer.events[1].contains("\"usage\""));
}

#[tokio::test]
async fn events_cut_anywhere_arrive_whole() {
    let cut = vec![
        "data: {\"choi",
        "ces\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n",
        "\ndata: [DO",
        "NE]\n\n",
    ];
    let (_, _, answer) = call(Script::Stream(cut), streaming()).await;
    assert_eq!((answer.said().as_str(), answer.events.len()), ("one", 2));
}

#[track_caller]
fn check_broken(events: &[String], outcome: &(String, Value, Value)) {
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events[1].contains("\"BadGateway\""), "{events:?}");
    assert_eq!(*outcome, (String::from("Failed"), json!(502), json!(1)));
}

#[tokio::test]
async fn a_stream_without_its_end_says_so_in_its_last_event() {
    for script in [
        Script::Stream(vec![PIECE, "data: {\"choices\":[{\"ind"]),
        Script::Stream(vec![PIECE]),
    ] {
        let (nave, _, answer) = call(script, streaming()).await;
        check_broken(&answer.events, &settled(&nave).await);
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_says_so_in_its_last_event() {
    for script in [
        Script::Break(vec![PIECE, "data: {\"choices\":[{\"ind"]),
        Script::Break(vec![PIECE]),
    ] {
        let (nave, upstream) = before(script, Patience::default()).await;
        let reply = nave
            .send(
                Some(&key_holder(ACCOUNT)),
                Method::POST,
                CHAT,
                streaming().to_string().into(),
            )
            .await;
        let Body::Stream(_, mut pieces) = reply.body else {
            panic!("no stream")
        };
        let mut events = Vec::new();
        while let Some(piece) = pieces.next().await {
            events.push(String::from_utf8_lossy(&piece.expect("piece")).into_owned());
            upstream.break_off();
        }
        check_broken(&events, &settled(&nave).await);
    }
}

#[tokio::test]
async fn a_servers_word_that_it_failed_passes() {
    let error = "data: {\"error\":{\"message\":\"out of memory\"}}\n\n";
    let (nave, _, answer) = call(Script::Stream(vec![PIECE, error]), streaming()).await;
    assert!(answer.events[1].contains("out of memory"));
    assert_eq!(settled(&nave).await.0, "Failed");
}

#[tokio::test]
async fn a_stalled_stream_is_given_up() {
    let (nave, upstream) = before(Script::Stall(vec![PIECE]), IMPATIENT).await;
    let answer = nave.post(&key_holder(ACCOUNT), CHAT, streaming()).await;
    let last: Value = serde_json::from_str(&answer.events[1]).expect("JSON");
    assert_eq!(last["error"]["code"], json!("GatewayTimeout"));
    assert_eq!(
        settled(&nave).await,
        (String::from("Failed"), json!(504), json!(1))
    );
    upstream.hung_up().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_is_settled_and_frees_the_server() {
    let (nave, upstream) = before(Script::Stall(vec![PIECE, PIECE]), Patience::default()).await;
    let reply = nave
        .send(
            Some(&key_holder(ACCOUNT)),
            Method::POST,
            CHAT,
            streaming().to_string().into(),
        )
        .await;
    let Body::Stream(_, mut pieces) = reply.body else {
        panic!("no stream")
    };
    for _ in 0..2 {
        assert!(pieces.next().await.is_some());
    }
    drop(pieces);
    upstream.hung_up().await;
    assert_eq!(
        settled(&nave).await,
        (String::from("Canceled"), json!(499), json!(2))
    );
}

#[tokio::test]
async fn failures_of_the_server_are_told_in_the_envelope() {
    let ok = |status| reply(status, "{}");
    let cases = [
        (ok(500), 502, "BadGateway"),
        (ok(501), 502, "BadGateway"),
        (ok(502), 502, "BadGateway"),
        (ok(503), 503, "ServiceUnavailable"),
        (ok(504), 504, "GatewayTimeout"),
        (ok(401), 424, "UpstreamCredentialRejected"),
        (ok(403), 424, "UpstreamCredentialRejected"),
        (ok(404), 404, "InvalidRequestContent"),
        (reply(200, "<html>"), 502, "BadGateway"),
        (Script::Stream(vec!["{\"id\""]), 502, "BadGateway"),
    ];
    for (script, status, code) in cases {
        let (nave, upstream, answer) = call(script.clone(), hello()).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{script:?}");
        assert!(!answer.message().contains(&upstream.url), "{answer:?}");
        let (outcome, recorded, _) = settled(&nave).await;
        assert_eq!(
            (outcome.as_str(), recorded),
            ("Failed", json!(status)),
            "{script:?}"
        );
    }
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let elsewhere = Upstream::start(reply(200, WHOLE)).await;
    let location: &'static str = format!("{}/v1/chat/completions", elsewhere.url).leak();
    let (_, _, answer) = call(
        Script::Reply(307, vec![("location", location)], String::new()),
        hello(),
    )
    .await;
    assert_eq!((answer.status, answer.code()), (502, "BadGateway"));
    assert!(
        elsewhere.arrived().is_empty(),
        "what was said and the key must not go there"
    );
}

#[tokio::test]
async fn a_server_that_is_too_busy_says_when_to_come_back() {
    let headers = vec![
        ("retry-after", "7"),
        ("retry-after-ms", "7000"),
        ("set-cookie", "theirs=1"),
    ];
    let body = r#"{"error":{"code":"429","message":"Rate limit reached"}}"#;
    let (_, _, answer) = call(Script::Reply(429, headers, body.to_owned()), hello()).await;
    assert_eq!((answer.status, answer.message()), (429, "Rate limit reached"));
    assert_eq!(answer.headers["retry-after"], "7");
    assert_eq!(answer.headers["retry-after-ms"], "7000");
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn a_refusal_passes_without_the_key_it_repeats() {
    let body =
        r#"{"error":{"code":"content_filter","message":"no: canary-upstream-key","innererror":{"a":1}}}"#;
    let (nave, _, answer) = call(reply(400, body), hello()).await;
    assert_eq!(
        (answer.status, answer.code(), answer.message()),
        (400, "content_filter", "no: ***")
    );
    assert_eq!(answer.body["error"]["innererror"], json!({"a": 1}));
    assert!(!nave.log().await.contains(SECRET));
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_a_bad_gateway() {
    let nave = Nave::start().await;
    nave.account_before(json!({"kind": "openAI", "endpoint": "http://127.0.0.1:1/v1?sig=canary-signature"}))
        .await;
    let answer = nave.post(&key_holder(ACCOUNT), CHAT, hello()).await;
    assert_eq!((answer.status, answer.code()), (502, "BadGateway"));
    assert!(!format!("{answer:?}").contains("canary-signature"));
}

#[tokio::test]
async fn a_silent_server_is_waited_for_only_so_long() {
    for body in [hello(), streaming()] {
        let (nave, _upstream) = before(Script::Silence, IMPATIENT).await;
        let answer = nave.post(&key_holder(ACCOUNT), CHAT, body).await;
        assert_eq!((answer.status, answer.code()), (504, "GatewayTimeout"));
    }
}

#[tokio::test]
async fn a_stream_that_is_none_is_a_bad_gateway() {
    let (_, _, answer) = call(reply(200, WHOLE), streaming()).await;
    assert_eq!((answer.status, answer.code()), (502, "BadGateway"));
}

#[tokio::test]
async fn a_call_is_recorded_open_and_settled_and_without_a_word_of_it() {
    let (nave, upstream, _) = call(reply(200, WHOLE), hello()).await;
    let calls = nave.calls().await;
    let outcomes: Vec<&str> = calls.iter().map(|event| event.outcome.as_str()).collect();
    assert_eq!(outcomes, ["Started", "Succeeded"]);
    for event in &calls {
        assert_eq!(event.resource, ACCOUNT);
        assert_eq!(event.caller, format!("{ACCOUNT}#key1"));
        assert_eq!(
            event.operation,
            "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action"
        );
        assert_eq!(event.detail["detail"]["deployment"], json!("chat"));
        assert_eq!(event.detail["detail"]["call"], calls[0].detail["detail"]["call"]);
        assert_eq!(event.correlation_id, calls[0].correlation_id);
    }
    assert_eq!(calls[1].detail["detail"]["promptTokens"], json!(11));
    let log = nave.log().await;
    for secret in [
        "canary-prompt",
        "theirs",
        SECRET,
        common::KEY,
        upstream.url.as_str(),
    ] {
        assert!(!log.contains(secret), "{secret}");
    }
}
