//! Locks: what they stop, for whom, and where (rest-surface 3.7, 4.3).

mod common;

use std::sync::{Arc, Mutex};

use common::*;
use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Caller, Resource,
    declaration::{Cx, Declaration, Erased, ResourceType, Verb},
};
use serde_json::{Value, json};

const STORAGE: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/other";

fn lock(scope: &str, name: &str) -> String {
    format!("{scope}/{AUTHORIZATION}/locks/{name}")
}

fn level(word: &str) -> Value {
    json!({ "properties": { "level": word } })
}

async fn lock_at(nave: &Nave, scope: &str, word: &str) -> String {
    let id = lock(scope, "keep");
    nave.make(&id, level(word)).await;
    id
}

/// An answer that names a lock which is in the way.
#[track_caller]
fn assert_locked(answer: &Answer, word: &str, scope: &str) {
    assert_eq!((answer.0, code(answer)), (409, "ScopeLocked"), "{}", answer.1);
    let message = answer.1["error"]["message"].as_str().expect("message");
    assert!(
        message.contains(&format!("cannot perform {word} operation")),
        "{message}"
    );
    assert!(message.contains(&format!("are locked: '{scope}'")), "{message}");
    assert!(
        message.contains("Please remove the lock and try again."),
        "{message}"
    );
}

async fn owner(nave: &Nave) -> Caller {
    nave.user_with("owner@contoso.com", OWNER, S).await
}

#[tokio::test]
async fn a_lock_is_what_was_put_and_is_shown_at_every_scope_it_matters_to() {
    let nave = Nave::with_hub().await;
    let owner = owner(&nave).await;
    let body = json!({ "properties": { "level": "canNotDelete", "notes": "the books", "owners": [{ "applicationId": "app" }] } });
    let (status, made) = nave.put_as(&owner, &lock(S, "all"), body).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["properties"]["level"], "CanNotDelete");
    assert_eq!(made["properties"]["notes"], "the books");
    assert_eq!(made["type"], "Microsoft.Authorization/locks");
    assert_eq!(made["name"], "all");
    assert_eq!(nave.get(&owner, &lock(S, "all")).await, (200, made.clone()));
    let (status, again) = nave.put_as(&owner, &lock(S, "all"), level("ReadOnly")).await;
    assert_eq!(
        (status, &again["properties"]),
        (200, &json!({ "level": "ReadOnly" }))
    );
    for scope in [RG, HUB] {
        nave.make(&lock(scope, "own"), level("CanNotDelete")).await;
    }
    let listed = async |path: &str| nave.get(&owner, path).await;
    let locks = |scope: &str| format!("{scope}/{AUTHORIZATION}/locks");
    let ids = [lock(S, "all"), lock(RG, "own"), lock(HUB, "own")];
    for scope in [S, RG, HUB] {
        assert_eq!(each(&listed(&locks(scope)).await, "/id"), ids, "{scope}");
    }
    let at_scope = listed(&format!("{}?$filter=atScope()", locks(RG))).await;
    assert_eq!(each(&at_scope, "/id"), ids[..2]);
    let named = listed(&format!("{}?$filter=level eq 'ReadOnly'", locks(S))).await;
    assert_eq!(each(&named, "/name"), ["all"]);
    let odd = listed(&format!("{}?$filter=notes eq 'x'", locks(S))).await;
    assert_eq!(code(&odd), "InvalidFilterInQueryString");
}

#[tokio::test]
async fn what_is_no_lock_is_refused() {
    let nave = Nave::with_hub().await;
    let system = Caller::system();
    let put = async |path: &str, body: Value| nave.put_as(&system, path, body).await;
    let group = lock(RG, "keep");
    let long = "n".repeat(513);
    for (path, body, expected) in [
        (group.as_str(), level("NotSpecified"), (400, "InvalidParameter")),
        (&group, level("Tight"), (400, "InvalidParameter")),
        (&group, json!({ "properties": {} }), (400, "InvalidRequestFormat")),
        (&group, json!({}), (400, "InvalidRequestFormat")),
        (
            &group,
            json!({ "properties": { "level": "ReadOnly", "notes": long } }),
            (400, "InvalidParameter"),
        ),
        (
            &group,
            json!({ "properties": { "level": "ReadOnly", "owners": "me" } }),
            (400, "InvalidRequestFormat"),
        ),
        (&lock(RG, "dot."), level("ReadOnly"), (400, "InvalidResourceName")),
        (
            &lock(RG, "a lock"),
            level("ReadOnly"),
            (400, "InvalidResourceName"),
        ),
        (
            &lock(RG, &"n".repeat(91)),
            level("ReadOnly"),
            (400, "InvalidResourceName"),
        ),
        (
            "/providers/Microsoft.Authorization/locks/all",
            level("ReadOnly"),
            (400, "InvalidScope"),
        ),
        (
            &lock(&format!("{S}/resourceGroups/none"), "keep"),
            level("ReadOnly"),
            (404, "ResourceGroupNotFound"),
        ),
        (
            &lock(STORAGE, "keep"),
            level("ReadOnly"),
            (404, "ResourceNotFound"),
        ),
    ] {
        let answer = put(path, body).await;
        assert_eq!((answer.0, code(&answer)), expected, "{path}: {}", answer.1);
    }
    for number in 0..20 {
        nave.make(&lock(RG, &format!("lock{number}")), level("CanNotDelete"))
            .await;
    }
    let one_more = put(&group, level("CanNotDelete")).await;
    assert_eq!((one_more.0, code(&one_more)), (409, "ResourceQuotaExceeded"));
    assert_eq!(
        put(&lock(RG, "lock0"), level("ReadOnly")).await.0,
        200,
        "one that is there may change"
    );
    assert_eq!(
        put(&lock(HUB, "keep"), level("CanNotDelete")).await.0,
        201,
        "each scope has its own"
    );
}

#[tokio::test]
async fn nobody_deletes_what_must_not_be_deleted() {
    let nave = Nave::with_hub().await;
    let owner = owner(&nave).await;
    let member = nave.user("joe@contoso.com").await;
    let assignment = nave.give(member.object_id, READER, HUB).await;
    let keep = lock_at(&nave, RG, "CanNotDelete").await;
    assert_locked(&nave.delete(&owner, HUB).await, "delete", RG);
    assert_locked(&nave.delete(&owner, RG).await, "delete", RG);
    assert_locked(&nave.delete(&owner, &assignment).await, "delete", RG);
    let written = nave
        .put_as(&owner, HUB, json!({ "location": "eastus", "tags": { "a": "b" } }))
        .await;
    assert_eq!(written.0, 200, "{}", written.1);
    assert_eq!(
        nave.send(&owner, Method::POST, &format!("{HUB}/listKeys"), Value::Null)
            .await
            .0,
        501
    );
    assert_eq!(nave.get(&owner, HUB).await.0, 200);
    assert_eq!(nave.delete(&owner, &keep).await.0, 200, "locks are not locked");
    assert_eq!(nave.delete(&owner, &assignment).await.0, 200);
    assert_eq!(nave.delete(&owner, HUB).await.0, 200);
}

#[tokio::test]
async fn nothing_changes_where_all_is_read_only() {
    let nave = Nave::with_hub().await;
    let owner = owner(&nave).await;
    let keep = lock_at(&nave, RG, "ReadOnly").await;
    let ask = async |method: Method, path: &str, body: Value| nave.send(&owner, method, path, body).await;
    let place = json!({ "location": "eastus" });
    let role = assignment_id(HUB, uuid::Uuid::new_v4());
    let tags = json!({ "properties": { "tags": {} } });
    for (method, path, body, word) in [
        (Method::PUT, HUB, place.clone(), "write"),
        (Method::PUT, STORAGE, place.clone(), "write"),
        (Method::PATCH, HUB, json!({ "tags": {} }), "write"),
        (Method::PUT, RG, place, "write"),
        (Method::POST, &format!("{HUB}/listKeys"), Value::Null, "write"),
        (Method::PUT, &role, assigns(READER, owner.object_id), "write"),
        (
            Method::PUT,
            &format!("{RG}/providers/Microsoft.Resources/tags/default"),
            tags,
            "write",
        ),
        (Method::DELETE, HUB, Value::Null, "delete"),
    ] {
        assert_locked(&ask(method, path, body).await, word, RG);
    }
    assert_eq!(nave.get(&owner, HUB).await.0, 200);
    assert_eq!(nave.get(&owner, &format!("{RG}/resources")).await.0, 200);
    assert_eq!(
        ask(Method::PUT, &keep, level("CanNotDelete")).await.0,
        200,
        "locks are not locked"
    );
    assert_eq!(ask(Method::PATCH, HUB, json!({ "tags": {} })).await.0, 200);
}

#[tokio::test]
async fn one_locked_thing_keeps_the_whole_group() {
    let nave = Nave::with_hub().await;
    let owner = owner(&nave).await;
    nave.make(STORAGE, json!({ "location": "eastus" })).await;
    lock_at(&nave, STORAGE, "CanNotDelete").await;
    let before = nave.engine.snapshot().revision();
    assert_locked(&nave.delete(&owner, RG).await, "delete", STORAGE);
    assert_eq!(nave.get(&owner, HUB).await.0, 200, "nothing was deleted");
    assert_eq!(
        nave.engine.snapshot().revision(),
        before + 1,
        "the refusal is in the log"
    );
    assert_eq!(
        nave.delete(&owner, HUB).await.0,
        200,
        "its neighbour is not locked"
    );
}

#[tokio::test]
async fn who_may_not_is_told_that_and_nothing_of_locks() {
    let nave = Nave::with_hub().await;
    let reader = nave.user_with("reader@contoso.com", READER, RG).await;
    let contributor = nave.user_with("contributor@contoso.com", CONTRIBUTOR, RG).await;
    let keep = lock_at(&nave, HUB, "ReadOnly").await;
    let refused = nave.delete(&reader, HUB).await;
    assert_eq!((refused.0, code(&refused)), (403, "AuthorizationFailed"));
    assert!(!refused.1.to_string().contains("keep"), "{}", refused.1);
    for method in [Method::DELETE, Method::PUT] {
        let refused = nave
            .send(&contributor, method, &keep, level("CanNotDelete"))
            .await;
        assert_eq!(
            code(&refused),
            "AuthorizationFailed",
            "a contributor manages no locks: {}",
            refused.1
        );
    }
}

#[tokio::test]
async fn a_refusal_says_which_lock_and_who_may_remove_it() {
    let nave = Nave::with_hub().await;
    let contributor = nave.user_with("contributor@contoso.com", CONTRIBUTOR, RG).await;
    let owner = owner(&nave).await;
    let keep = lock_at(&nave, RG, "CanNotDelete").await;
    let explained = async |caller: &Caller| {
        let refused = nave.delete(caller, HUB).await;
        let info = refused.1["error"]["additionalInfo"]
            .as_array()
            .expect("info")
            .clone();
        let locks = info.iter().find(|one| one["type"] == "Locks").expect("locks");
        assert_eq!(
            locks["info"]["locks"],
            json!([{ "id": keep, "level": "CanNotDelete" }])
        );
        let decision = info
            .iter()
            .find(|one| one["type"] == "Decision")
            .expect("decision");
        let id = decision["info"]["id"].as_str().expect("id").to_owned();
        nave.get(caller, &format!("/providers/Nave.Access/decisions/{id}"))
            .await
            .1["properties"]
            .clone()
    };
    let told = explained(&contributor).await;
    assert_eq!(told["allowed"], false);
    assert_eq!(told["needs"][0]["outcome"], "locked");
    let summary = told["summary"].as_str().expect("summary");
    assert!(
        summary.contains("the lock keep (CanNotDelete) at") && summary.contains("a role grants it"),
        "{summary}"
    );
    let advice = told["remedy"]["advice"][0].as_str().expect("advice");
    assert!(
        advice.contains("contributor@contoso.com may not") && advice.contains(&keep),
        "{advice}"
    );
    assert_eq!(told["remedy"]["grants"], json!([]));
    let told = explained(&owner).await;
    let advice = told["remedy"]["advice"][0].as_str().expect("advice");
    assert!(advice.contains("owner@contoso.com may remove it"), "{advice}");
    assert!(
        advice.contains(&format!("az lock delete --ids {keep}")),
        "{advice}"
    );
}

#[tokio::test]
async fn a_dry_run_tells_what_goes_and_deletes_nothing() {
    let nave = Nave::with_hub().await;
    let owner = owner(&nave).await;
    let member = nave.user("joe@contoso.com").await;
    let assignment = nave.give(member.object_id, READER, HUB).await;
    let dry = async |caller: &Caller, path: &str| nave.delete(caller, &format!("{path}?dryRun=true")).await;
    let (status, told) = dry(&owner, RG).await;
    assert_eq!(status, 200, "{told}");
    let ids: Vec<&str> = told["deleted"]
        .as_array()
        .expect("list")
        .iter()
        .filter_map(|one| one["id"].as_str())
        .collect();
    for id in [RG, HUB, &assignment] {
        assert!(
            ids.iter().any(|told| told.eq_ignore_ascii_case(id)),
            "{id}: {told}"
        );
    }
    assert_eq!((&told["changed"], &told["notShown"]), (&json!([]), &json!(0)));
    assert_eq!(nave.get(&owner, HUB).await.0, 200);
    let reader = nave.user_with("reader@contoso.com", READER, RG).await;
    assert_eq!(code(&dry(&reader, RG).await), "AuthorizationFailed");
    lock_at(&nave, HUB, "CanNotDelete").await;
    assert_locked(&dry(&owner, RG).await, "delete", HUB);
    assert_eq!(
        nave.delete(&owner, &format!("{STORAGE}?dryRun=true")).await.0,
        204,
        "nothing is there"
    );
    let tags = format!("{RG}/providers/Microsoft.Resources/tags/default?dryRun=true");
    assert_eq!(
        code(&nave.delete(&owner, &tags).await),
        "InvalidParameter",
        "never done by mistake"
    );
    let put = nave
        .put_as(
            &owner,
            &format!("{RG}?dryRun=true"),
            json!({ "location": "eastus" }),
        )
        .await;
    assert_eq!(code(&put), "InvalidParameter");
}

/// What happens once, in the middle of the next deletion.
type Interruption = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A type whose deletions can be interrupted.
struct Slow(Interruption);

static SLOW: Declaration = Declaration {
    resource_type: "Test.Locks/slow",
    api_versions: &["2024-01-01"],
    verbs: &[Verb::Get, Verb::Put(201, 200), Verb::Delete(200)],
    ..Declaration::COMMON
};

impl ResourceType for Slow {
    fn declaration(&self) -> &'static Declaration {
        &SLOW
    }

    fn erase(&self, _: &Cx<'_>, _: &Resource) -> Result<Erased, ArmError> {
        let interruption = self.0.lock().expect("lock").take();
        if let Some(interrupt) = interruption {
            interrupt();
        }
        Ok(Erased::default())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_lock_and_a_deletion_at_the_same_moment_one_happens() {
    for place in [S, RG, &format!("{RG}/providers/Test.Locks/slow/a")] {
        let interruption = Interruption::default();
        let slow = Slow(interruption.clone());
        let nave = Arc::new(Nave::start_with(|registry| registry.add_type(slow)).await);
        let id = format!("{RG}/providers/Test.Locks/slow/a");
        nave.make(&id, json!({ "location": "eastus" })).await;
        let owner = owner(&nave).await;
        let (locker, keep) = (nave.clone(), lock(place, "keep"));
        let meanwhile = move || {
            let made = async { locker.make(&keep, level("CanNotDelete")).await };
            tokio::task::block_in_place(|| drop(tokio::runtime::Handle::current().block_on(made)));
        };
        *interruption.lock().expect("lock") = Some(Box::new(meanwhile));
        assert_locked(&nave.delete(&owner, &id).await, "delete", place);
        assert_eq!(nave.get(&owner, &id).await.0, 200, "{place}");
    }
}

#[tokio::test]
async fn rights_are_told_whatever_is_locked() {
    let nave = Nave::with_hub().await;
    let owner = owner(&nave).await;
    lock_at(&nave, RG, "ReadOnly").await;
    let asked = json!({
        "Subject": { "Attributes": { "ObjectId": owner.object_id } },
        "Actions": [{ "Id": "Microsoft.MachineLearningServices/workspaces/write" }],
    });
    let path = format!("{HUB}/{AUTHORIZATION}/checkAccess");
    let (status, answer) = nave.send(&owner, Method::POST, &path, asked).await;
    assert_eq!(
        (status, &answer[0]["accessDecision"]),
        (200, &json!("Allowed")),
        "{answer}"
    );
}
