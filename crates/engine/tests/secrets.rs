//! A secret that came in is nowhere: not in rows, events, answers, `Debug`, nor in the files.

mod common;

use common::*;
use http::Method;
use nave_engine::{Caller, EventQuery};
use serde_json::{Value, json};

const CANARY: &str = "CANARY-7e1b";

#[tokio::test]
async fn a_canary_is_never_seen_again_but_by_who_may() {
    let nave = Nave::start().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let body = json!({ "properties": {
        "secret": CANARY, "Secret": format!("{CANARY}-2"), "nested": { "SECRET": { "key": CANARY } }, "shown": "shown",
    } });
    let mut seen = Vec::new();
    for (method, path, body) in [
        (Method::PUT, thing("a"), body.clone()),
        (Method::PUT, thing("a"), body.clone()),
        (
            Method::PATCH,
            thing("a"),
            json!({ "properties": { "secret": CANARY } }),
        ),
        (Method::GET, thing("a"), Value::Null),
        (
            Method::GET,
            format!("{RG}/providers/Test.Engine/things"),
            Value::Null,
        ),
        (
            Method::PUT,
            thing("b"),
            json!({ "location": "moon", "properties": { "secret": CANARY } }),
        ),
        (
            Method::POST,
            format!("{}/fail", thing("a")),
            json!({ "secret": CANARY }),
        ),
    ] {
        seen.push(format!("{:?}", nave.send(&owner, method, &path, body).await));
    }
    assert!(seen.iter().any(|answer| answer.contains("shown")));
    seen.push(format!("{:?}", nave.events(EventQuery::default()).await));
    seen.push(format!("{:?}", nave.engine.snapshot().get(&id(&thing("a")))));
    for text in &seen {
        assert!(!text.contains(CANARY), "{text}");
    }
    let revealed = nave
        .send(
            &owner,
            Method::POST,
            &format!("{}/reveal", thing("a")),
            Value::Null,
        )
        .await;
    assert_eq!(
        revealed.body["/properties/secret"], CANARY,
        "it is kept, and opened by the one action that may"
    );
    for (path, bytes) in files(nave.folder.path()) {
        let found = bytes
            .windows(CANARY.len())
            .any(|window| window == CANARY.as_bytes());
        assert!(!found, "{}", path.display());
    }
}

#[tokio::test]
async fn a_secret_stays_until_another_comes() {
    let nave = Nave::start().await;
    let reveal = async || {
        let answer = nave
            .send(
                &Caller::system(),
                Method::POST,
                &format!("{}/reveal", thing("a")),
                Value::Null,
            )
            .await;
        answer.body
    };
    nave.make(&thing("a"), json!({ "properties": { "secret": "one" } }))
        .await;
    nave.make(&thing("a"), json!({ "tags": { "a": "b" } })).await;
    assert_eq!(reveal().await, json!({ "/properties/secret": "one" }));
    nave.make(&thing("a"), json!({ "properties": { "secret": "two" } }))
        .await;
    assert_eq!(reveal().await, json!({ "/properties/secret": "two" }));
}

#[tokio::test]
async fn an_action_is_in_the_log_with_how_it_ended() {
    let nave = Nave::start().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let reader = nave.user_with("reader@contoso.com", READER, S).await;
    nave.make(&thing("a"), json!({ "properties": { "secret": CANARY } }))
        .await;
    let post = async |caller: &Caller, action: &str| {
        let answer = nave
            .send(
                caller,
                Method::POST,
                &format!("{}/{action}", thing("a")),
                Value::Null,
            )
            .await;
        (answer.status, answer.decision)
    };
    let (status, decision) = post(&owner, "reveal").await;
    let event = nave.explain(decision).await.remove(0);
    assert_eq!(
        (status, event.outcome.as_str(), event.operation.as_str()),
        (200, "Succeeded", "Test.Engine/things/reveal/action")
    );
    let (status, decision) = post(&reader, "reveal").await;
    assert_eq!(
        (status, nave.explain(decision).await[0].outcome.as_str()),
        (403, "Denied")
    );
    let (status, _) = post(&owner, "fail").await;
    let event = nave
        .events(EventQuery {
            limit: Some(1),
            ..EventQuery::default()
        })
        .await
        .remove(0);
    assert_eq!(
        (status, event.outcome.as_str(), &event.detail["detail"]["code"]),
        (409, "Failed", &json!("Conflict"))
    );
}
