//! Work that goes on when the client has its answer, and what it comes to in both of ARM's styles.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use http::{HeaderMap, Method};
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Act, Caller, Grant, Reply, Request,
    decision::Need,
    long_running::{Style, Told},
    operation::Surface,
};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use common::{Nave, ORIGIN, OWNER, READER, RG, S, id, request};

const AT_ONCE_ACCEPTED: Told = Told {
    namespace: "Test.Engine",
    by: Style::Both,
    patience: Duration::ZERO,
};

/// Work that ends as it is told to.
struct Slow {
    end: oneshot::Sender<Result<Reply, ArmError>>,
    accepted: Reply,
}

async fn leave(nave: &Nave, caller: &Caller, request: &Request) -> Grant<Act> {
    let group = id(RG);
    let ways = vec![vec![Need::action(
        "Test.Engine/things/slow/action",
        group.clone(),
    )]];
    let asked = nave.engine.authorize(caller, Surface::Arm, ways, &group, request);
    asked.await.unwrap()
}

async fn start(nave: &Nave, caller: &Caller, told: Told) -> Slow {
    let asked = request(Some(caller), Method::POST, RG, Value::Null);
    let grant = leave(nave, caller, &asked).await;
    let (end, ended) = oneshot::channel();
    let work = async move { ended.await.expect("an end") };
    let accepted = nave
        .engine
        .long_running(&grant, &asked, told, work)
        .await
        .unwrap();
    Slow { end, accepted }
}

fn address(headers: &HeaderMap, name: &str) -> String {
    let url = headers[name].to_str().unwrap();
    url.strip_prefix(ORIGIN)
        .expect("an absolute address here")
        .to_owned()
}

/// Looks until the work is over.
async fn ended(nave: &Nave, caller: &Caller, path: &str) -> common::Answer {
    loop {
        let answer = nave.send(caller, Method::GET, path, Value::Null).await;
        if answer.status != 202 && answer.body["status"] != "Running" {
            return answer;
        }
        assert_eq!(answer.headers["retry-after"], "1");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_takes_long_is_accepted_and_its_answer_is_kept_in_both_styles() {
    let nave = Nave::start().await;
    let owner = nave.user_with("owner", OWNER, S).await;
    let slow = start(&nave, &owner, AT_ONCE_ACCEPTED).await;
    assert_eq!(
        (slow.accepted.status, &slow.accepted.headers["retry-after"]),
        (202, &"1".parse().unwrap())
    );
    let location = address(&slow.accepted.headers, "location");
    let status = address(&slow.accepted.headers, "azure-asyncoperation");
    let place = format!("{S}/providers/Test.Engine/locations/eastus");
    assert!(
        location.starts_with(&format!("{place}/operationResults/")),
        "{location}"
    );
    assert!(
        status.starts_with(&format!("{place}/operationsStatus/")),
        "{status}"
    );

    let running = nave.send(&owner, Method::GET, &status, Value::Null).await;
    assert_eq!(
        (running.status, &running.body["status"]),
        (200, &json!("Running"))
    );
    assert_eq!(running.headers["retry-after"], "1");
    let waiting = nave.send(&owner, Method::GET, &location, Value::Null).await;
    assert_eq!((waiting.status, &waiting.body), (202, &Value::Null));

    let body = json!({ "moved": 3 });
    slow.end
        .send(Ok(
            Reply::json(201, body.clone()).with("x-said".parse().unwrap(), "so")
        ))
        .ok()
        .unwrap();
    let done = ended(&nave, &owner, &location).await;
    assert_eq!(
        (done.status, &done.body, done.headers["x-said"].to_str().unwrap()),
        (201, &body, "so")
    );
    let done = nave.send(&owner, Method::GET, &status, Value::Null).await;
    assert_eq!(
        (done.status, &done.body["status"], &done.body["properties"]),
        (200, &json!("Succeeded"), &body)
    );
    assert!(
        done.body["startTime"].is_string() && done.body["endTime"].is_string(),
        "{}",
        done.body
    );
}

#[tokio::test]
async fn a_failure_is_the_one_the_synchronous_call_would_have_told() {
    let nave = Nave::start().await;
    let owner = nave.user_with("owner", OWNER, S).await;
    let slow = start(&nave, &owner, AT_ONCE_ACCEPTED).await;
    slow.end
        .send(Err(ArmError::new(ErrorCode::Conflict, "It cannot be.")))
        .ok()
        .unwrap();
    let failed = ended(&nave, &owner, &address(&slow.accepted.headers, "location")).await;
    assert_eq!(failed.refusal(), (409, "Conflict"));
    let status = ended(
        &nave,
        &owner,
        &address(&slow.accepted.headers, "azure-asyncoperation"),
    )
    .await;
    assert_eq!(
        (
            status.status,
            &status.body["status"],
            &status.body["error"]["message"]
        ),
        (200, &json!("Failed"), &json!("It cannot be."))
    );
}

#[tokio::test]
async fn what_is_over_soon_is_answered_at_once_and_leaves_nothing() {
    let nave = Nave::start().await;
    let owner = nave.user_with("owner", OWNER, S).await;
    let asked = request(Some(&owner), Method::POST, RG, Value::Null);
    let grant = leave(&nave, &owner, &asked).await;
    let told = Told {
        patience: Duration::from_secs(60),
        ..AT_ONCE_ACCEPTED
    };
    let before = nave.engine.snapshot().revision();
    let reply = nave
        .engine
        .long_running(&grant, &asked, told, async { Ok(Reply::ok(json!(1))) })
        .await;
    assert_eq!(reply.unwrap().status, 200);
    assert_eq!(nave.engine.snapshot().revision(), before);
}

#[tokio::test]
async fn it_is_read_by_who_started_it_and_by_who_may_read_there() {
    let nave = Nave::start().await;
    let owner = nave.user_with("owner", OWNER, RG).await;
    let reader = nave.user_with("reader", READER, RG).await;
    let stranger = nave.user("stranger").await;
    let slow = start(
        &nave,
        &owner,
        Told {
            by: Style::Location,
            ..AT_ONCE_ACCEPTED
        },
    )
    .await;
    assert!(!slow.accepted.headers.contains_key("azure-asyncoperation"));
    slow.end.send(Ok(Reply::empty(204))).ok().unwrap();
    let location = address(&slow.accepted.headers, "location");
    for caller in [&owner, &reader] {
        assert_eq!(
            ended(&nave, caller, &location).await.status,
            204,
            "{}",
            caller.name
        );
    }
    let refused = nave.send(&stranger, Method::GET, &location, Value::Null).await;
    assert_eq!(refused.refusal(), (403, "AuthorizationFailed"));
    let elsewhere = location.replace("Test.Engine", "Test.Other");
    assert_eq!(
        nave.send(&owner, Method::GET, &elsewhere, Value::Null)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn what_a_stopped_server_left_unfinished_has_failed() {
    let nave = Nave::start().await;
    let owner = nave.user_with("owner", OWNER, S).await;
    let slow = start(&nave, &owner, AT_ONCE_ACCEPTED).await;
    let (location, status) = (
        address(&slow.accepted.headers, "location"),
        address(&slow.accepted.headers, "azure-asyncoperation"),
    );
    let folder = nave.folder.clone();
    drop(nave);
    let nave = Nave::open(folder).await;
    let told = nave.send(&owner, Method::GET, &status, Value::Null).await;
    assert_eq!((told.status, &told.body["status"]), (200, &json!("Failed")));
    let told = nave.send(&owner, Method::GET, &location, Value::Null).await;
    assert_eq!(told.refusal(), (409, "OperationInterrupted"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_looks_while_it_ends_does_not_take_it_for_interrupted() {
    let nave = std::sync::Arc::new(Nave::start().await);
    let owner = nave.user_with("owner", OWNER, S).await;
    for _ in 0..100 {
        let slow = start(&nave, &owner, AT_ONCE_ACCEPTED).await;
        let location = address(&slow.accepted.headers, "location");
        let looking = [(); 4].map(|()| {
            let (nave, owner, location) = (nave.clone(), owner.clone(), location.clone());
            tokio::spawn(async move { ended(&nave, &owner, &location).await.status })
        });
        assert!(slow.end.send(Ok(Reply::empty(204))).is_ok());
        for one in looking {
            assert_eq!(one.await.unwrap(), 204);
        }
    }
}
