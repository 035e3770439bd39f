//! Deployments that a server left under way when it was stopped, on the next one.

use std::{
    collections::HashMap,
    sync::{Arc, mpsc},
};

use http::Method;
use nave_engine::{Caller, EventQuery, Put, Read};
use serde_json::{Value, json};

use crate::{
    common::{CONTRIBUTOR, Nave, RG, code, id},
    kit::{
        Gate, Gates, add_types, body, deploy, id_of, operations, post, start, start_with_gates, state,
        template, thing, thing_id,
    },
};

/// A server that stands still in the middle of a deployment, for as long as its gate is shut.
struct Stopped {
    nave: Arc<Nave>,
    gate: Arc<Gate>,
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.gate.open();
    }
}

fn gate() -> Value {
    json!({"type": "Test.Kit/gates", "apiVersion": "2024-01-01", "name": "g", "dependsOn": ["before"]})
}

/// Things before a gate, one behind it, and a nested deployment that is half done.
fn wanted() -> Value {
    let mut template = template(&[
        thing(
            "before",
            &[],
            json!({"at": "[parameters('at')]", "password": "[parameters('secret')]"}),
        ),
        gate(),
        thing("after", &["g"], json!({"at": "[parameters('at')]"})),
        json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "inner", "properties": {
        "expressionEvaluationOptions": {"scope": "inner"}, "template": {"resources": [
            thing("inner-1", &[], json!({})),
            json!({"type": "Test.Kit/gates", "apiVersion": "2024-01-01", "name": "h", "dependsOn": ["inner-1"]}),
            thing("inner-2", &["h"], json!({"from": "[reference('inner-1').url]"})),
        ]}}}),
    ]);
    template["parameters"] = json!({
        "at": {"type": "string", "defaultValue": "[concat(newGuid(), utcNow())]"}, "secret": {"type": "securestring"},
    });
    template["outputs"] = json!({"at": {"type": "string", "value": "[parameters('at')]"}});
    body(template, json!({"secret": {"value": "CANARY"}}))
}

/// Deploys as far as the gates.
async fn stopped(caller: impl AsyncFnOnce(&Nave) -> Caller) -> (Stopped, Caller) {
    let gate = Arc::new(Gate::default());
    let (reached, arrival) = mpsc::channel();
    // both gates are passed once in the rehearsal
    let gates = Gates::after(2, gate.clone(), reached);
    let nave = Arc::new(start_with_gates(Some(gates)).await);
    let stopped = Stopped { nave, gate };
    let caller = caller(&stopped.nave).await;
    let (nave, by) = (stopped.nave.clone(), caller.clone());
    tokio::spawn(async move { deploy(&nave, &by, "d", &wanted()).await });
    let arrived = tokio::task::spawn_blocking(move || (arrival.recv(), arrival.recv()));
    arrived.await.unwrap().1.unwrap();
    (stopped, caller)
}

/// The next server, with gates that stand open.
async fn again(nave: &Nave) -> Nave {
    let gate = Arc::new(Gate::default());
    gate.open();
    let (reached, _) = mpsc::channel();
    nave.again(|registry| add_types(registry, Some(Gates::after(usize::MAX, gate, reached))))
        .await
}

async fn ended(nave: &Nave, name: &str) -> Value {
    loop {
        let (_, seen) = nave.get(&Caller::system(), &id_of(name)).await;
        if state(&seen) != "Running" {
            return seen;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// How often each thing was written.
async fn writes(nave: &Nave) -> HashMap<String, usize> {
    let grant = nave.engine.on_own_account::<Read>("test", &id("/"));
    let events = nave.engine.events(&grant, EventQuery::default()).await.unwrap();
    let mut writes = HashMap::new();
    for event in events
        .iter()
        .filter(|event| event.outcome == "Succeeded" && event.operation.starts_with("Test.Kit/"))
    {
        let name = event.resource.rsplit('/').next().unwrap_or_default();
        *writes.entry(name.to_owned()).or_default() += 1;
    }
    writes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_goes_on_and_makes_nothing_twice() {
    let (stopped, caller) =
        stopped(async |nave| nave.user_with("joe@contoso.com", CONTRIBUTOR, RG).await).await;
    let (_, before) = stopped.nave.get(&caller, &thing_id("before")).await;
    let next = again(&stopped.nave).await;
    next.deployments.resume(&next.engine).await.unwrap();
    let done = ended(&next, "d").await;
    assert_eq!(state(&done), "Succeeded", "{done}");
    let (_, after) = next.get(&caller, &thing_id("after")).await;
    assert_eq!(
        after["properties"]["at"], before["properties"]["at"],
        "the same guid and time"
    );
    assert_eq!(
        done["properties"]["outputs"]["at"]["value"],
        before["properties"]["at"]
    );
    let writes = writes(&next).await;
    let expected = ["before", "g", "after", "inner-1", "h", "inner-2"];
    assert_eq!(
        writes,
        expected.map(|name| (name.to_owned(), 1)).into(),
        "{writes:?}"
    );
    let mut listed = operations(&next, &caller, "d").await;
    listed.sort_unstable();
    assert_eq!(
        listed,
        [
            "Create Succeeded Microsoft.Resources/deployments/inner",
            "Create Succeeded Test.Kit/gates/g",
            "Create Succeeded Test.Kit/things/after",
            "Create Succeeded Test.Kit/things/before",
            "EvaluateDeploymentOutput Succeeded ",
        ]
    );
    assert_eq!(operations(&next, &caller, "inner").await.len(), 3);
    let row = next.engine.snapshot().get(&id(&id_of("d"))).cloned().unwrap();
    assert!(row.sealed.is_none(), "what was kept is gone at the end");
    assert!(!format!("{} {}", row.sent, row.own).contains("CANARY"));
    let (_, events) = next.get(&Caller::system(), &id_of("d")).await;
    assert!(!events.to_string().contains("CANARY"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_fails_where_its_caller_has_lost_the_right() {
    let (stopped, caller) =
        stopped(async |nave| nave.user_with("joe@contoso.com", CONTRIBUTOR, RG).await).await;
    let next = again(&stopped.nave).await;
    let assignment = next
        .engine
        .snapshot()
        .roles()
        .assignments_of(caller.object_id)
        .map(|assignment| assignment.id().to_string())
        .next()
        .unwrap();
    assert_eq!(next.delete(&Caller::system(), &assignment).await.0, 200);
    next.deployments.resume(&next.engine).await.unwrap();
    let failed = ended(&next, "d").await;
    assert_eq!(
        (state(&failed), failed["properties"]["error"]["code"].as_str()),
        ("Failed", Some("AuthorizationFailed"))
    );
    assert_eq!(next.get(&Caller::system(), &thing_id("after")).await.0, 404);
    let inner = ended(&next, "inner").await;
    assert_eq!(state(&inner), "Failed", "what was inside it is over, too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_cancelled_stays_cancelled() {
    let (stopped, _) = stopped(async |_| Caller::system()).await;
    assert_eq!(
        post(&stopped.nave, &Caller::system(), "d", "cancel", &Value::Null)
            .await
            .0,
        204
    );
    let next = again(&stopped.nave).await;
    next.deployments.resume(&next.engine).await.unwrap();
    let seen = ended(&next, "d").await;
    assert_eq!(state(&seen), "Canceled", "{seen}");
    assert_eq!(next.get(&Caller::system(), &thing_id("after")).await.0, 404);
    assert!(
        operations(&next, &Caller::system(), "d")
            .await
            .contains(&String::from("Create Succeeded Test.Kit/things/before"))
    );
    assert_eq!(next.delete(&Caller::system(), &id_of("d")).await.0, 204);
}

#[tokio::test]
async fn a_row_that_says_nothing_more_has_failed() {
    let nave = start().await;
    let caller = Caller::system();
    let mut put = Put::new(id(&id_of("d")), json!({}));
    put.own = json!({"run": "r", "operations": [], "properties": {"provisioningState": "Running"}});
    nave.put(put).await;
    nave.deployments.resume(&nave.engine).await.unwrap();
    let (_, status) = nave
        .get(&caller, &format!("{}/operationStatuses/r", id_of("d")))
        .await;
    assert_eq!(status["status"], "Failed");
    assert!(
        status["error"]["message"]
            .as_str()
            .unwrap()
            .contains("deploy the template again")
    );
    let again = body(template(&[thing("t", &[], json!({}))]), json!({}));
    assert_eq!(deploy(&nave, &caller, "d", &again).await.status, 200);
    assert_eq!(
        nave.send(&caller, Method::HEAD, &id_of("d"), Value::Null).await.0,
        204
    );
    let cancel = post(&nave, &caller, "d", "cancel", &Value::Null).await;
    assert_eq!((cancel.0, code(&cancel)), (409, "Conflict"));
}
