//! A deployment while it runs, when it is cancelled, and when its client hangs up.

use std::sync::{Arc, mpsc};

use nave_engine::Caller;
use serde_json::{Value, json};

use crate::{
    common::{Nave, code},
    kit::{
        Gate, Gates, body, deploy, id_of, operations, post, start_with_gates, state, template, thing,
        thing_id,
    },
};

/// A server on which a deployment stands before its gate.
struct Standing {
    nave: Arc<Nave>,
    gate: Arc<Gate>,
    put: tokio::task::JoinHandle<(u16, Value)>,
}

fn wanted() -> Value {
    let gate = json!({"type": "Test.Kit/gates", "apiVersion": "2024-01-01", "name": "g"});
    body(template(&[gate, thing("after", &["g"], json!({}))]), json!({}))
}

async fn standing() -> Standing {
    let gate = Arc::new(Gate::default());
    let (reached, arrival) = mpsc::channel();
    let nave = Arc::new(start_with_gates(Some(Gates::new(gate.clone(), reached))).await);
    let put = tokio::spawn({
        let nave = nave.clone();
        async move {
            let reply = deploy(&nave, &Caller::system(), "d", &wanted()).await;
            (reply.status, reply.as_json().cloned().unwrap_or_default())
        }
    });
    tokio::task::spawn_blocking(move || arrival.recv())
        .await
        .unwrap()
        .unwrap();
    Standing { nave, gate, put }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_running_deployment_is_seen_and_protected() {
    let Standing { nave, gate, put } = standing().await;
    let caller = Caller::system();
    let (_, seen) = nave.get(&caller, &id_of("d")).await;
    assert_eq!(state(&seen), "Running");
    assert_eq!(
        operations(&nave, &caller, "d").await,
        ["Create Running Test.Kit/gates/g"]
    );
    let again = nave.put_as(&caller, &id_of("d"), wanted()).await;
    assert_eq!((again.0, code(&again)), (409, "DeploymentActive"));
    let delete = nave.delete(&caller, &id_of("d")).await;
    assert_eq!((delete.0, code(&delete)), (409, "DeploymentActive"));
    gate.open();
    let (status, ended) = put.await.unwrap();
    assert_eq!((status, state(&ended)), (201, "Succeeded"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_cancelled_deployment_starts_nothing_new() {
    let Standing { nave, gate, put } = standing().await;
    assert_eq!(
        post(&nave, &Caller::system(), "d", "cancel", &Value::Null)
            .await
            .0,
        204
    );
    gate.open();
    assert_eq!(state(&put.await.unwrap().1), "Canceled");
    assert_eq!(
        operations(&nave, &Caller::system(), "d").await,
        ["Create Succeeded Test.Kit/gates/g"]
    );
    assert_eq!(nave.get(&Caller::system(), &thing_id("after")).await.0, 404);
    let late = post(&nave, &Caller::system(), "d", "cancel", &Value::Null).await;
    assert_eq!((late.0, code(&late)), (409, "Conflict"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn the_work_goes_on_when_the_client_hangs_up() {
    let Standing { nave, gate, put } = standing().await;
    put.abort();
    let _ = put.await;
    gate.open();
    loop {
        let (_, seen) = nave.get(&Caller::system(), &id_of("d")).await;
        match state(&seen) {
            "Running" => tokio::task::yield_now().await,
            ended => break assert_eq!(ended, "Succeeded"),
        }
    }
    assert_eq!(nave.get(&Caller::system(), &thing_id("after")).await.0, 200);
}
