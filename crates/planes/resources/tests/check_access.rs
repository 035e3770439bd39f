//! The answers of `checkAccess`, and elevated access.

mod common;

use common::*;
use http::Method;
use nave_engine::Caller;
use serde_json::{Value, json};

const READ_HUB: &str = "Microsoft.MachineLearningServices/workspaces/read";
const WRITE_HUB: &str = "Microsoft.MachineLearningServices/workspaces/write";
const READ_BLOB: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";

fn question(subject: &Caller, actions: &[(&str, bool)]) -> Value {
    let actions: Vec<Value> = actions
        .iter()
        .map(|(id, data)| json!({ "Id": id, "IsDataAction": data }))
        .collect();
    json!({ "Subject": { "Attributes": { "ObjectId": subject.object_id } }, "Actions": actions, "Resource": { "Id": HUB } })
}

async fn ask(nave: &Nave, caller: &Caller, body: Value) -> Answer {
    let path = format!("{RG}/{AUTHORIZATION}/checkAccess");
    nave.send(caller, Method::POST, &path, body).await
}

fn verdicts(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.0, 200, "{}", answer.1);
    let items = answer.1.as_array().expect("a list");
    items
        .iter()
        .filter_map(|item| item["accessDecision"].as_str())
        .collect()
}

#[tokio::test]
async fn each_action_is_answered_with_what_grants_it() {
    let nave = Nave::with_hub().await;
    let reader = nave.user("reader@contoso.com").await;
    let assignment = nave.give(reader.object_id, READER, S).await;
    let body = question(
        &reader,
        &[(READ_HUB, false), (WRITE_HUB, false), (READ_BLOB, true)],
    );
    let answer = ask(&nave, &reader, body).await;
    assert_eq!(verdicts(&answer), ["Allowed", "NotAllowed", "NotAllowed"]);
    assert_eq!(answer.1[0]["roleAssignment"]["id"], json!(assignment));
    assert_eq!(answer.1[0]["actionId"], READ_HUB);
    assert_eq!(answer.1[2]["isDataAction"], true);
}

#[tokio::test]
async fn about_others_asks_only_who_may_read_the_assignments() {
    let nave = Nave::with_hub().await;
    let nobody = nave.user("nobody@contoso.com").await;
    let reader = nave.user_with("reader@contoso.com", READER, RG).await;
    let body = |subject| question(subject, &[(READ_HUB, false)]);
    assert_eq!(
        verdicts(&ask(&nave, &nobody, body(&nobody)).await),
        ["NotAllowed"],
        "himself he may"
    );
    let curious = ask(&nave, &nobody, body(&reader)).await;
    assert_eq!((curious.0, code(&curious)), (403, "AuthorizationFailed"));
    assert_eq!(
        verdicts(&ask(&nave, &reader, body(&nobody)).await),
        ["NotAllowed"]
    );
}

#[tokio::test]
async fn asking_about_oneself_does_not_tell_what_is_there() {
    let nave = Nave::with_hub().await;
    let nobody = nave.user("nobody@contoso.com").await;
    let missing = format!("{S}/resourceGroups/no-such-group");
    for scope in [
        RG,
        &missing,
        "/subscriptions/00000000-0000-0000-0000-00000000dead",
    ] {
        let path = format!("{scope}/{AUTHORIZATION}/checkAccess");
        let mut body = question(&nobody, &[(READ_HUB, false)]);
        body["Resource"] = Value::Null;
        let answer = nave.send(&nobody, Method::POST, &path, body).await;
        assert_eq!(verdicts(&answer), ["NotAllowed"], "{scope}");
    }
}

#[tokio::test]
async fn a_question_that_asks_nothing_is_refused() {
    let nave = Nave::with_hub().await;
    let reader = nave.user_with("reader@contoso.com", READER, RG).await;
    let elsewhere = json!({
        "Subject": { "Attributes": { "ObjectId": reader.object_id } }, "Actions": [{ "Id": READ_HUB }],
        "Resource": { "Id": OTHER },
    });
    for body in [json!({}), question(&reader, &[]), elsewhere] {
        let refused = ask(&nave, &reader, body).await;
        assert_eq!((refused.0, code(&refused)), (400, "InvalidRequestFormat"));
    }
}

#[tokio::test]
async fn who_owns_everything_may_elevate_and_nobody_else() {
    let nave = Nave::start().await;
    let path = "/providers/Microsoft.Authorization/elevateAccess";
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    assert_eq!(nave.send(&owner, Method::POST, path, Value::Null).await.0, 403);
    let global = nave.user_with("global@contoso.com", OWNER, "/").await;
    for _ in 0..2 {
        assert_eq!(nave.send(&global, Method::POST, path, Value::Null).await.0, 200);
    }
    let filter = format!(
        "/{AUTHORIZATION}/roleAssignments?$filter=principalId eq '{}'",
        global.object_id
    );
    let held = nave.get(&global, &filter).await;
    let roles = each(&held, "/properties/roleDefinitionId");
    assert_eq!(roles.len(), 2, "{roles:?}");
    assert!(
        roles
            .iter()
            .any(|role| role.ends_with(&USER_ACCESS_ADMINISTRATOR.to_string()))
    );
}
