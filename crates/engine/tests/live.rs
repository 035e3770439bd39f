//! What is held open ends with the right to it, at once and whoever took the right away.

mod common;

use common::*;
use futures::FutureExt;
use http::Method;
use jiff::SignedDuration;
use nave_engine::{
    Act, Caller, Change, Engine, Erase, EventQuery, Expect, Grant, Parts, Put, Registry,
    clock::{RealWorld, StillWorld},
    decision::Need,
    live::{Cause, Cut, Work},
    operation::Surface,
};
use nave_vault::KeyRing;
use serde_json::{Value, json};
use std::sync::Arc;

const READ: &str = "Microsoft.Resources/subscriptions/resourceGroups/read";

async fn granted(nave: &Nave, caller: &Caller) -> Grant<Act> {
    let need = Need::action(READ, id(RG));
    let request = request(Some(caller), Method::GET, RG, Value::Null);
    nave.engine
        .authorize(caller, Surface::Arm, vec![vec![need]], &id(RG), &request)
        .await
        .expect("granted")
}

fn cause(cut: &Cut) -> &Cause {
    cut.cause.as_deref().expect("a commit took it")
}

fn without(row: &str) -> Change {
    Change {
        erases: vec![Erase {
            id: id(row),
            expect: Expect::Any,
        }],
        ..Change::default()
    }
}

#[tokio::test]
async fn a_cut_has_come_when_the_commit_returns() {
    let nave = Nave::start().await;
    let joe = nave.user("joe@contoso.com").await;
    let assignment = nave.give(joe.object_id, READER, RG).await;
    let grant = granted(&nave, &joe).await;
    let mut held = nave.engine.hold(Work::of(&grant));
    nave.put(person(joe.object_id, "joe@contoso.com", true)).await;
    nave.give(joe.object_id, READER, S).await;
    assert!(held.cut().now_or_never().is_none(), "nothing was taken away");
    nave.change(without(&assignment)).await;
    assert!(
        held.cut().now_or_never().is_none(),
        "another assignment allows it"
    );

    let eve = nave.user_with("eve@contoso.com", READER, RG).await;
    let mut hers = nave.engine.hold(Work::of(&granted(&nave, &eve).await));
    nave.put(person(joe.object_id, "joe@contoso.com", false)).await;
    let cut = held
        .cut()
        .now_or_never()
        .expect("cut by the time the commit returned");
    assert!(!cut.decision.allowed);
    assert_eq!(cause(&cut).revision, nave.engine.snapshot().revision());
    assert!(hers.cut().now_or_never().is_none(), "it is not about her");
}

#[tokio::test]
async fn a_work_that_comes_after_its_right_was_taken_is_cut_at_once() {
    let nave = Nave::start().await;
    let joe = nave.user("joe@contoso.com").await;
    let assignment = nave.give(joe.object_id, READER, RG).await;
    let grant = granted(&nave, &joe).await;
    nave.change(without(&assignment)).await;
    let revoked_at = nave.engine.snapshot().revision();
    let mut held = nave.engine.hold(Work::of(&grant));
    let cut = held.cut().now_or_never().expect("cut");
    assert_eq!(cause(&cut).revision, revoked_at);
}

#[tokio::test]
async fn whatever_it_rests_on_ends_it() {
    let nave = Nave::start().await;
    let joe = nave.user_with("joe@contoso.com", READER, RG).await;
    let eve = nave.user("eve@contoso.com").await;
    let hers = nave.give(eve.object_id, READER, RG).await;
    let (first, second) = (granted(&nave, &joe).await, granted(&nave, &eve).await);
    let mut both = nave.engine.hold(Work::of(&first).and(&second));
    let mut place = nave.engine.hold(Work::of(&first).while_there(|snapshot| {
        snapshot
            .get(&id(&thing("a")))
            .map(drop)
            .ok_or_else(|| nave_arm::ArmError::new(nave_arm::ErrorCode::ResourceNotFound, "gone"))
    }));
    // what it looks for was not there when it was registered, so the first change finds that out
    nave.make(&thing("b"), json!({ "location": "eastus" })).await;
    assert_eq!(place.cut().now_or_never().expect("cut").refusal.message, "gone");
    assert!(both.cut().now_or_never().is_none());
    nave.change(without(&hers)).await;
    let cut = both.cut().now_or_never().expect("cut");
    assert_eq!(cut.decision.caller.object_id, eve.object_id);
}

#[tokio::test]
async fn another_process_takes_a_right_away() {
    let nave = Nave::start().await;
    let joe = nave.user("joe@contoso.com").await;
    let assignment = nave.give(joe.object_id, READER, RG).await;
    let parts = Parts {
        store: nave.store.clone(),
        vault: Arc::new(KeyRing::open_or_create(nave.folder.path()).expect("key ring")),
        site: nave.engine.site().clone(),
        world: Arc::new(RealWorld),
        registry: Registry::default(),
        authenticators: Vec::new(),
    };
    let other = Engine::open(parts).await.expect("engine");
    let mut held = nave.engine.hold(Work::of(&granted(&nave, &joe).await));
    let own = other.on_own_account::<Act>("revoked", &id(&assignment));
    other.commit(&own, without(&assignment)).await.expect("commit");
    let cut = held.cut().await;
    assert_eq!(cause(&cut).headline.operation, "revoked");
}

#[tokio::test]
async fn what_was_allowed_for_a_time_ends_with_it() {
    let noon = "2026-03-03T12:00:00Z";
    let world = StillWorld::at("2026-03-03T11:59:00Z".parse().expect("time"));
    let folder = Nave::start().await.folder;
    let nave = Nave::open_in(folder, Arc::new(world.clone())).await;
    let joe = nave.user("joe@contoso.com").await;
    let properties = json!({
        "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{READER}"),
        "principalId": joe.object_id, "conditionVersion": "2.0",
        "condition": format!("@Environment[UtcNow] DateTimeLessThan '{noon}'"),
    });
    let row = id(RG).extension(
        "Microsoft.Authorization/roleAssignments",
        &joe.object_id.to_string(),
    );
    nave.put(Put::new(row, json!({ "properties": properties }))).await;
    let grant = granted(&nave, &joe).await;
    let mut held = nave.engine.hold(Work::of(&grant));
    assert!(held.cut().now_or_never().is_none());
    world.advance(SignedDuration::from_mins(2));
    let cut = held.cut().await;
    assert!(cut.cause.is_none(), "no commit took it");
    nave.engine
        .record_cut(&grant, None, &cut, uuid::Uuid::nil(), json!({}))
        .await
        .expect("recorded");
}

#[tokio::test]
async fn what_was_cut_is_found_from_its_cause() {
    let nave = Nave::start().await;
    let joe = nave.user_with("joe@contoso.com", READER, RG).await;
    let grant = granted(&nave, &joe).await;
    let mut held = nave.engine.hold(Work::of(&grant));
    nave.put(person(joe.object_id, "joe@contoso.com", false)).await;
    let cut = held.cut().await;
    nave.engine
        .record_cut(&grant, None, &cut, uuid::Uuid::nil(), json!({ "bytes": 7 }))
        .await
        .expect("recorded");
    let query = EventQuery {
        cause: Some(cause(&cut).headline.event),
        ..EventQuery::default()
    };
    let [event] = nave.events(query).await.try_into().expect("one event");
    assert_eq!(
        (event.outcome.as_str(), event.decision, event.caller.as_str()),
        ("Cut", cut.decision.id, joe.object_id.to_string().as_str())
    );
    assert_eq!(event.detail["detail"]["bytes"], json!(7));
    assert_eq!(
        event.detail["detail"]["cut"]["allowedBy"],
        json!(grant.decision().id)
    );
    assert_eq!(event.detail["decision"]["allowed"], json!(false));
}
