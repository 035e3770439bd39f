//! PUT, PATCH, DELETE: what is checked, what races do, and what is left.

mod common;

use std::sync::Arc;

use common::*;
use futures::future::join_all;
use http::Method;
use nave_engine::{Act, Caller, Change, Erase, Expect, Put};
use serde_json::{Value, json};

/// Runs in the middle of a write, on the same engine.
fn meanwhile(nave: &Arc<Nave>, change: Change) -> impl FnOnce() + Send + 'static {
    let nave = nave.clone();
    move || {
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(nave.change(change)));
    }
}

fn erase(text: &str) -> Change {
    Change {
        erases: vec![Erase {
            id: id(text),
            expect: Expect::Any,
        }],
        ..Change::default()
    }
}

fn put(text: &str, sent: Value) -> Change {
    Change {
        puts: vec![Put::new(id(text), sent)],
        ..Change::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raced_write_is_made_again_on_the_newer_state() {
    let nave = Arc::new(Nave::start().await);
    nave.make(&thing("a"), json!({ "properties": { "n": 0 } })).await;
    nave.interrupt(meanwhile(
        &nave,
        put(
            &thing("a"),
            json!({ "location": "eastus", "properties": { "n": 1, "theirs": true } }),
        ),
    ));
    let patch = json!({ "properties": { "n": 2 } });
    let answer = nave
        .send(&Caller::system(), Method::PATCH, &thing("a"), patch)
        .await;
    assert_eq!(
        (answer.status, &answer.body["properties"]),
        (200, &json!({ "n": 2, "theirs": true }))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raced_write_under_a_precondition_is_refused() {
    let nave = Arc::new(Nave::start().await);
    let etag = nave.make(&thing("a"), json!({})).await["etag"]
        .as_str()
        .expect("etag")
        .to_owned();
    nave.interrupt(meanwhile(
        &nave,
        put(&thing("a"), json!({ "location": "eastus" })),
    ));
    let request = with_header(
        request(Some(&Caller::system()), Method::PUT, &thing("a"), json!({})),
        "if-match",
        &etag,
    );
    assert_eq!(nave.ask(request).await.refusal(), (412, "PreconditionFailed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_of_many_at_once_is_lost() {
    let nave = Arc::new(Nave::start().await);
    nave.make(&thing("a"), json!({})).await;
    let writes = (0..24).map(|n| {
        let nave = nave.clone();
        tokio::spawn(async move {
            nave.send(
                &Caller::system(),
                Method::PUT,
                &thing("a"),
                json!({ "tags": { "n": n.to_string() } }),
            )
            .await
        })
    });
    let answers: Vec<Answer> = join_all(writes)
        .await
        .into_iter()
        .map(|answer| answer.expect("task"))
        .collect();
    let written = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer.refusal(), (200, "") | (409, "Conflict"))),
        "{answers:?}"
    );
    let now = nave
        .send(&Caller::system(), Method::GET, &thing("a"), Value::Null)
        .await;
    assert_eq!(now.body["writes"], json!(written + 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_created_below_what_is_deleted_meanwhile() {
    let nave = Arc::new(Nave::start().await);
    nave.interrupt(meanwhile(&nave, erase(RG)));
    let answer = nave
        .send(
            &Caller::system(),
            Method::PUT,
            &thing("a"),
            json!({ "location": "eastus" }),
        )
        .await;
    assert_eq!(answer.refusal(), (404, "ResourceGroupNotFound"));
    assert_eq!(
        nave.engine
            .snapshot()
            .get(&id(&thing("a")))
            .map(|found| found.id.clone()),
        None
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletions_and_creations_at_once_leave_no_orphan() {
    let nave = Arc::new(Nave::start().await);
    let system = Caller::system();
    for round in 0..12 {
        nave.make(&thing("a"), json!({})).await;
        let requests = (0..6).map(|n| {
            let (method, path, body) = match n {
                3 => (Method::DELETE, thing("a"), Value::Null),
                _ if n % 2 == 0 => (Method::PUT, format!("{}/parts/p{n}", thing("a")), json!({})),
                _ => (Method::PUT, format!("{}/records/r{n}", thing("a")), json!({})),
            };
            let (nave, system) = (nave.clone(), system.clone());
            tokio::spawn(async move { nave.send(&system, method, &path, body).await })
        });
        for answer in join_all(requests).await {
            let answer = answer.expect("task");
            assert!(matches!(answer.status, 200 | 201 | 204 | 404 | 409), "{answer:?}");
        }
        let (below, _) = nave
            .engine
            .rows_below(
                &nave.engine.on_own_account::<Act>("test", &id(&thing("a"))),
                None,
                None,
                100,
            )
            .await
            .expect("rows");
        let there = nave.engine.snapshot().get(&id(&thing("a"))).is_some();
        assert!(there || below.is_empty(), "round {round}: {below:?}");
        assert!(
            nave.send(&system, Method::DELETE, &thing("a"), Value::Null)
                .await
                .status
                < 300
        );
    }
}

#[tokio::test]
async fn a_deletion_takes_what_is_below_wherever_it_is_kept() {
    let nave = Nave::start().await;
    for below in ["", "/parts/p", "/records/r", "/parts/p2"] {
        nave.make(&format!("{}{below}", thing("a")), json!({})).await;
    }
    nave.make(&thing("a-b"), json!({})).await;
    let assignment = nave.give(uuid::Uuid::new_v4(), READER, &thing("a")).await;
    let answer = nave
        .send(
            &Caller::system(),
            Method::DELETE,
            &thing("A")
                .to_uppercase()
                .replace("/SUBSCRIPTIONS", "/subscriptions")
                .replace("/RESOURCEGROUPS", "/resourceGroups")
                .replace("/PROVIDERS", "/providers"),
            Value::Null,
        )
        .await;
    assert_eq!(answer.status, 200);
    for gone in [
        thing("a"),
        format!("{}/parts/p", thing("a")),
        format!("{}/records/r", thing("a")),
        assignment.clone(),
    ] {
        assert_eq!(
            nave.send(&Caller::system(), Method::GET, &gone, Value::Null)
                .await
                .status,
            404,
            "{gone}"
        );
    }
    assert_eq!(nave.engine.snapshot().roles().assignment(&id(&assignment)), None);
    assert_eq!(
        nave.send(&Caller::system(), Method::GET, &thing("a-b"), Value::Null)
            .await
            .status,
        200
    );
    assert_eq!(
        nave.send(&Caller::system(), Method::DELETE, &thing("a"), Value::Null)
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn a_unique_name_is_of_one() {
    let nave = Nave::start().await;
    let named = |name: &str| json!({ "properties": { "unique": name } });
    nave.make(&thing("a"), named("n")).await;
    let answer = nave
        .send(&Caller::system(), Method::PUT, &thing("b"), named("n"))
        .await;
    assert_eq!(answer.refusal(), (409, "Conflict"));
    assert_eq!(
        nave.engine
            .snapshot()
            .claimed("unique:n")
            .map(|found| found.id.name().to_owned())
            .as_deref(),
        Some("a")
    );
    nave.make(&thing("a"), named("m")).await;
    nave.make(&thing("b"), named("n")).await;
    assert_eq!(
        nave.engine
            .snapshot()
            .claimed("unique:n")
            .map(|found| found.id.name().to_owned())
            .as_deref(),
        Some("b")
    );
}

#[tokio::test]
async fn two_rows_exchange_names_in_one_change() {
    let nave = Nave::start().await;
    let claiming = |name: &str, claim: &str| {
        let mut put = Put::new(id(&thing(name)), json!({}));
        put.claims = vec![claim.to_owned()];
        put
    };
    let holder = |claim: &str| {
        nave.engine
            .snapshot()
            .claimed(claim)
            .map(|found| found.id.name().to_owned())
    };
    for (a, b) in [("n", "m"), ("m", "n")] {
        nave.change(Change {
            puts: vec![claiming("a", a), claiming("b", b)],
            ..Change::default()
        })
        .await;
        assert_eq!(
            (holder(a).as_deref(), holder(b).as_deref()),
            (Some("a"), Some("b"))
        );
    }
}

#[tokio::test]
async fn what_is_deleted_is_not_written_as_well() {
    let nave = Nave::start().await;
    nave.make(&thing("a"), json!({})).await;
    let both = Change {
        puts: vec![Put::new(id(&thing("a")), json!({ "tags": {} }))],
        ..erase(&thing("A"))
    };
    nave.change(both).await;
    assert_eq!(
        nave.send(&Caller::system(), Method::GET, &thing("a"), Value::Null)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn preconditions_are_those_of_the_headers() {
    let nave = Nave::start().await;
    let system = Caller::system();
    let send = async |method: Method, header: &'static str, value: &str| {
        nave.ask(with_header(
            request(Some(&system), method, &thing("a"), json!({})),
            header,
            value,
        ))
        .await
        .status
    };
    assert_eq!(send(Method::PUT, "if-match", "*").await, 412);
    assert_eq!(send(Method::PUT, "if-none-match", "*").await, 201);
    assert_eq!(send(Method::PUT, "if-none-match", "*").await, 412);
    assert_eq!(send(Method::PUT, "if-match", "\"other\"").await, 412);
    assert_eq!(send(Method::DELETE, "if-match", "\"other\"").await, 412);
    assert_eq!(send(Method::PUT, "if-match", "*").await, 200);
    assert_eq!(send(Method::DELETE, "if-match", "*").await, 200);
}

#[tokio::test]
async fn bad_input_is_refused_and_changes_nothing() {
    let nave = Nave::start().await;
    let joe = nave.user_with("joe@contoso.com", OWNER, S).await;
    nave.make(&thing("a"), json!({ "properties": { "fixed": "One" } }))
        .await;
    let before = nave.send(&joe, Method::GET, &thing("a"), Value::Null).await.body;
    let revision = nave.engine.snapshot().revision();
    let long = "x".repeat(25);
    let version = |text: &str| format!("{}?api-version={text}", thing("a"));
    let tags: serde_json::Map<String, Value> = (0..51).map(|n| (n.to_string(), json!("t"))).collect();
    let cases = [
        (Method::PUT, thing(&long), json!({}), (400, "InvalidResourceName")),
        (Method::PUT, thing("b_c"), json!({}), (400, "InvalidResourceName")),
        (
            Method::PUT,
            thing("a..b"),
            json!({}),
            (400, "InvalidResourceName"),
        ),
        (Method::GET, thing(".."), Value::Null, (400, "InvalidResourceId")),
        (
            Method::GET,
            thing(&"x".repeat(3000)),
            Value::Null,
            (400, "InvalidResourceId"),
        ),
        (
            Method::GET,
            format!("{}?a=b", thing("a")),
            Value::Null,
            (400, "MissingApiVersionParameter"),
        ),
        (
            Method::GET,
            version("yesterday"),
            Value::Null,
            (400, "InvalidApiVersionParameter"),
        ),
        (
            Method::GET,
            format!("{RG}/providers/Test.Engine/nothings/a"),
            Value::Null,
            (404, "InvalidResourceType"),
        ),
        (
            Method::GET,
            format!("{RG}/providers/No.Where/things/a"),
            Value::Null,
            (404, "InvalidResourceNamespace"),
        ),
        (
            Method::GET,
            format!("{S}/providers/Test.Engine/things/a"),
            Value::Null,
            (400, "InvalidResourceId"),
        ),
        (
            Method::GET,
            String::from("/what/is/this"),
            Value::Null,
            (404, "NotFound"),
        ),
        (Method::GET, thing("none"), Value::Null, (404, "ResourceNotFound")),
        (Method::PATCH, thing("none"), json!({}), (404, "ResourceNotFound")),
        (
            Method::PUT,
            format!("{}/parts/p", thing("none")),
            json!({}),
            (404, "ParentResourceNotFound"),
        ),
        (
            Method::PUT,
            format!("{S}/resourceGroups/none/providers/Test.Engine/things/a"),
            json!({ "location": "eastus" }),
            (404, "ResourceGroupNotFound"),
        ),
        (
            Method::POST,
            format!("{}/explode", thing("a")),
            json!({}),
            (405, "MethodNotAllowed"),
        ),
        (Method::POST, thing("a"), json!({}), (405, "MethodNotAllowed")),
        (Method::PUT, thing("a"), json!([]), (400, "InvalidRequestFormat")),
        (
            Method::PUT,
            thing("a"),
            json!("text"),
            (400, "InvalidRequestFormat"),
        ),
        (
            Method::PUT,
            thing("a"),
            json!({ "properties": [] }),
            (400, "InvalidRequestFormat"),
        ),
        (
            Method::PUT,
            thing("a"),
            json!({ "location": 7 }),
            (400, "InvalidRequestFormat"),
        ),
        (
            Method::PUT,
            thing("a"),
            json!({ "location": "moon" }),
            (409, "InvalidResourceLocation"),
        ),
        (
            Method::PUT,
            thing("b"),
            json!({ "location": "moon" }),
            (400, "LocationNotAvailableForResourceType"),
        ),
        (
            Method::PUT,
            thing("a"),
            json!({ "tags": { "a": 1 } }),
            (400, "InvalidRequestFormat"),
        ),
        (
            Method::PUT,
            thing("a"),
            json!({ "tags": tags }),
            (400, "InvalidParameter"),
        ),
        (
            Method::PUT,
            thing("a"),
            json!({ "properties": { "fixed": "Two" } }),
            (400, "PropertyChangeNotAllowed"),
        ),
    ];
    for (method, path, body, expected) in cases {
        let answer = nave.send(&joe, method.clone(), &path, body.clone()).await;
        assert_eq!(answer.refusal(), expected, "{method} {path} {body} {answer:?}");
    }
    let mut torn = request(Some(&joe), Method::PUT, &thing("a"), Value::Null);
    torn.body = "{\"properties\": {".into();
    assert_eq!(nave.ask(torn).await.refusal(), (400, "InvalidRequestContent"));
    assert_eq!(
        nave.engine.snapshot().revision(),
        revision,
        "nothing was committed"
    );
    assert_eq!(
        nave.send(&joe, Method::GET, &thing("a"), Value::Null).await.body,
        before
    );
    let same = json!({ "properties": { "fixed": "oNE" } });
    assert_eq!(nave.send(&joe, Method::PUT, &thing("a"), same).await.status, 200);
}

#[tokio::test]
async fn ids_compare_without_case_and_stay_as_first_written() {
    let nave = Nave::start().await;
    nave.make(&thing("Mine"), json!({})).await;
    let other = format!("{S}/RESOURCEGROUPS/RG/PROVIDERS/test.engine/THINGS/mINE");
    let answer = nave
        .send(&Caller::system(), Method::PUT, &other, json!({ "tags": {} }))
        .await;
    assert_eq!(
        (answer.status, &answer.body["id"], &answer.body["name"]),
        (200, &json!(thing("Mine")), &json!("Mine"))
    );
}
