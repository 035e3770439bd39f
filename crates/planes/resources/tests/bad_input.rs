//! What is wrong with a request is said with the status and code ARM says it with, and changes nothing.

mod common;

use common::*;
use http::{HeaderName, HeaderValue, Method};
use nave_engine::{Caller, Request};
use serde_json::{Value, json};
use uuid::Uuid;

/// An admin of everything, so that nothing but the request itself is at fault.
async fn scene() -> (Nave, Caller) {
    let nave = Nave::with_hub().await;
    let admin = nave.user_with("admin@contoso.com", OWNER, "/").await;
    nave.make(HUB, json!({ "location": "eastus", "kind": "Hub" }))
        .await;
    (nave, admin)
}

fn group(name: &str) -> String {
    format!("{S}/resourceGroups/{name}")
}

fn assignment() -> String {
    assignment_id(RG, Uuid::from_u128(7))
}

fn definition() -> String {
    role_id(S, Uuid::from_u128(8))
}

fn tags() -> String {
    format!("{RG}/providers/Microsoft.Resources/tags/default")
}

/// What is stored: every id with its version.
fn state(nave: &Nave) -> Vec<(String, String)> {
    let snapshot = nave.engine.snapshot();
    let rows = snapshot.below(&id("/"));
    rows.map(|row| (row.id.to_string(), row.etag.clone())).collect()
}

fn with(mut request: Request, header: &'static str, value: &'static str) -> Request {
    let name = HeaderName::from_static(header);
    request.headers.insert(name, HeaderValue::from_static(value));
    request
}

#[tokio::test]
async fn a_body_that_is_wrong_is_refused_and_changes_nothing() {
    let (nave, admin) = scene().await;
    let before = state(&nave);
    let (put, patch) = (Method::PUT, Method::PATCH);
    let content = "InvalidRequestContent";
    let format = "InvalidRequestFormat";
    let long = |length: usize| "x".repeat(length);
    for (method, path, body, expected) in [
        (put.clone(), group("new"), String::from("{"), (400, content)),
        (put.clone(), group("new"), String::from("{\"location\": }"), (400, content)),
        (patch.clone(), RG.to_owned(), String::from("tags: {}"), (400, content)),
        (put.clone(), assignment(), String::from("{'properties'}"), (400, content)),
        (put.clone(), definition(), String::from("{\"a\"}"), (400, content)),
        (put.clone(), tags(), String::from("{,}"), (400, content)),
        (patch.clone(), tags(), String::from("\u{0}"), (400, content)),
        (put.clone(), group("new"), String::new(), (400, format)),
        (put.clone(), group("new"), String::from("[]"), (400, format)),
        (put.clone(), assignment(), String::from("\"text\""), (400, format)),
        (put.clone(), definition(), String::from("7"), (400, format)),
        (put.clone(), definition(), json!({ "properties": [] }).to_string(), (400, format)),
        (put.clone(), assignment(), json!({ "properties": "x" }).to_string(), (400, format)),
        (put.clone(), tags(), String::new(), (400, format)),
        (put.clone(), tags(), json!({ "properties": {} }).to_string(), (400, format)),
        (put.clone(), tags(), json!({ "properties": { "tags": [] } }).to_string(), (400, format)),
        (put.clone(), group("new"), json!({ "location": 1 }).to_string(), (400, format)),
        (put.clone(), group("new"), json!({ "location": "eastus", "tags": [] }).to_string(), (400, format)),
        (put.clone(), group("new"), json!({ "location": "eastus", "tags": { "a": {} } }).to_string(), (400, format)),
        (put.clone(), group("new"), json!({ "location": "eastus", "properties": 1 }).to_string(), (400, format)),
        (put.clone(), group("new"), json!({}).to_string(), (400, "LocationRequired")),
        (put.clone(), group("new"), json!({ "location": "atlantis" }).to_string(), (400, "LocationNotAvailableForResourceType")),
        (put.clone(), RG.to_owned(), json!({ "location": "westus" }).to_string(), (409, "InvalidResourceLocation")),
        (put.clone(), group("new"), json!({ "location": "eastus", "tags": { "a": long(257) } }).to_string(), (400, "InvalidParameter")),
        (put.clone(), group("new"), json!({ "location": "eastus", "tags": { long(513): "a" } }).to_string(), (400, "InvalidParameter")),
        (put.clone(), definition(), json!({ "properties": { "roleName": 1 } }).to_string(), (400, format)),
        (put.clone(), definition(), json!({ "properties": { "roleName": "r", "assignableScopes": S } }).to_string(), (400, format)),
        (put.clone(), definition(), json!({ "properties": { "roleName": "r", "assignableScopes": [S], "permissions": {} } }).to_string(), (400, format)),
        (put.clone(), definition(), json!({ "properties": { "roleName": "r", "assignableScopes": [S], "permissions": [{ "actions": [1] }] } }).to_string(), (400, format)),
        (put.clone(), assignment(), json!({ "properties": { "principalId": 1, "roleDefinitionId": role_id(S, READER) } }).to_string(), (400, format)),
        (put.clone(), assignment(), json!({ "properties": { "principalId": Uuid::nil(), "roleDefinitionId": {} } }).to_string(), (400, format)),
        (put.clone(), assignment(), assigns(READER, Uuid::from_u128(1)).to_string(), (400, "PrincipalNotFound")),
        (patch.clone(), group("none"), json!({ "tags": {} }).to_string(), (404, "ResourceGroupNotFound")),
    ] {
        let shown = body.chars().take(120).collect::<String>();
        let answer = nave.ask(request(&admin, method.clone(), &path, body)).await;
        assert_eq!((answer.0, code(&answer)), expected, "{method} {path} {shown}: {}", answer.1);
        assert!(answer.1["error"]["message"].as_str().is_some_and(|text| text.len() > 10), "{}", answer.1);
    }
    assert_eq!(state(&nave), before);
}

#[tokio::test]
async fn a_path_that_is_wrong_is_refused_and_changes_nothing() {
    let (nave, admin) = scene().await;
    let before = state(&nave);
    let location = json!({ "location": "eastus" });
    let workspaces = "providers/Microsoft.MachineLearningServices/workspaces";
    let unknown = "/subscriptions/33333333-3333-3333-3333-333333333333";
    for (method, path, expected) in [
        (Method::PUT, group(&"x".repeat(91)), (400, "InvalidResourceName")),
        (Method::PUT, group("a b"), (400, "InvalidResourceName")),
        (Method::PUT, group("dot."), (400, "InvalidResourceName")),
        (Method::PUT, group("a<b"), (400, "InvalidResourceId")),
        (Method::PUT, group("a%b"), (400, "InvalidResourceId")),
        (Method::PUT, group(".."), (400, "InvalidResourceId")),
        (Method::GET, format!("{S}/../{RG}"), (400, "InvalidResourceId")),
        (
            Method::GET,
            format!("/subscriptions/../{AUTHORIZATION}/roleAssignments"),
            (400, "InvalidResourceId"),
        ),
        (
            Method::GET,
            format!("{RG}/../{AUTHORIZATION}/permissions"),
            (400, "InvalidResourceId"),
        ),
        (
            Method::PUT,
            format!("{RG}/./{workspaces}/w"),
            (400, "InvalidResourceId"),
        ),
        (
            Method::PUT,
            format!("{RG}/{workspaces}/{}", "w".repeat(300)),
            (400, "InvalidResourceId"),
        ),
        (
            Method::GET,
            format!("{RG}/{}", "what/ever/".repeat(400)),
            (400, "InvalidResourceId"),
        ),
        (
            Method::PUT,
            format!("{S}/{AUTHORIZATION}/roleAssignments/hello"),
            (400, "InvalidResourceName"),
        ),
        (
            Method::PUT,
            format!("{S}/{AUTHORIZATION}/roleDefinitions/hello"),
            (400, "InvalidResourceName"),
        ),
        (
            Method::GET,
            format!("{RG}/providers/Contoso.Robots/robots/r"),
            (404, "InvalidResourceNamespace"),
        ),
        (
            Method::PUT,
            format!("{RG}/providers/Microsoft.MachineLearningServices/robots/r"),
            (404, "InvalidResourceType"),
        ),
        (
            Method::GET,
            format!("{RG}/providers/Microsoft.MachineLearningServices/robots"),
            (404, "InvalidResourceType"),
        ),
        (Method::GET, String::from("/nothing/here"), (404, "NotFound")),
        (Method::GET, format!("{S}/nothing/here/either"), (404, "NotFound")),
        (
            Method::PUT,
            format!("{}/{workspaces}/w", group("none")),
            (404, "ResourceGroupNotFound"),
        ),
        (
            Method::GET,
            format!("{RG}/{workspaces}/none"),
            (404, "ResourceNotFound"),
        ),
        (Method::GET, String::from(unknown), (404, "SubscriptionNotFound")),
        (
            Method::GET,
            format!("{unknown}/resourceGroups"),
            (404, "SubscriptionNotFound"),
        ),
        (
            Method::PUT,
            format!("{unknown}/resourceGroups/g"),
            (404, "SubscriptionNotFound"),
        ),
        (
            Method::GET,
            format!("{unknown}/{AUTHORIZATION}/roleAssignments"),
            (404, "SubscriptionNotFound"),
        ),
        (
            Method::GET,
            format!("{unknown}/{AUTHORIZATION}/permissions"),
            (404, "SubscriptionNotFound"),
        ),
        (
            Method::GET,
            format!("{RG}/{AUTHORIZATION}/roleAssignments/{}", Uuid::nil()),
            (404, "ResourceNotFound"),
        ),
        (
            Method::GET,
            format!("{RG}/{AUTHORIZATION}/roleDefinitions/{}", Uuid::nil()),
            (404, "ResourceNotFound"),
        ),
        (Method::DELETE, S.to_owned(), (405, "MethodNotAllowed")),
        (Method::PUT, S.to_owned(), (405, "MethodNotAllowed")),
        (Method::PUT, String::from("/tenants"), (405, "MethodNotAllowed")),
        (
            Method::POST,
            format!("{RG}/{AUTHORIZATION}/roleAssignments"),
            (405, "MethodNotAllowed"),
        ),
        (Method::POST, format!("{HUB}/dance"), (405, "MethodNotAllowed")),
        (
            Method::GET,
            format!("{S}/resources?$filter=color eq 'red'"),
            (400, "InvalidFilterInQueryString"),
        ),
        (
            Method::GET,
            format!("{S}/resources?$filter=name eq"),
            (400, "InvalidFilterInQueryString"),
        ),
        (
            Method::GET,
            format!("{S}/resources?$skipToken=xyz"),
            (400, "InvalidSkipToken"),
        ),
        (
            Method::GET,
            format!("{S}/resourceGroups?$skipToken=xyz"),
            (400, "InvalidSkipToken"),
        ),
        (
            Method::GET,
            format!("{S}/providers/Microsoft.Insights/eventtypes/management/values?$skipToken=61"),
            (400, "InvalidSkipToken"),
        ),
        (
            Method::GET,
            format!("{RG}?api-version=latest"),
            (400, "InvalidApiVersionParameter"),
        ),
        (
            Method::GET,
            format!("{RG}?api-version=2022-13-01-next"),
            (400, "InvalidApiVersionParameter"),
        ),
        (
            Method::GET,
            format!("{S}/resources?api-version=v1"),
            (400, "InvalidApiVersionParameter"),
        ),
        (
            Method::PUT,
            format!("{}?api-version=v1", definition()),
            (400, "InvalidApiVersionParameter"),
        ),
    ] {
        let answer = nave.send(&admin, method.clone(), &path, location.clone()).await;
        let shown: String = path.chars().take(160).collect();
        assert_eq!(
            (answer.0, code(&answer)),
            expected,
            "{method} {shown}: {}",
            answer.1
        );
    }
    for path in [RG, "/subscriptions", HUB] {
        let mut bare = request(&admin, Method::GET, path, "");
        bare.query.clear();
        let answer = nave.ask(bare).await;
        assert_eq!(
            (answer.0, code(&answer)),
            (400, "MissingApiVersionParameter"),
            "{path}"
        );
    }
    assert_eq!(state(&nave), before);
}

#[tokio::test]
async fn an_etag_that_does_not_match_changes_nothing() {
    let (nave, admin) = scene().await;
    let before = state(&nave);
    let body = json!({ "location": "eastus" }).to_string();
    for (method, path, header, value) in [
        (Method::PUT, RG.to_owned(), "if-match", "\"other\""),
        (Method::PATCH, RG.to_owned(), "if-match", "\"other\""),
        (Method::DELETE, RG.to_owned(), "if-match", "\"other\""),
        (Method::PUT, RG.to_owned(), "if-none-match", "*"),
        (Method::PUT, group("new"), "if-match", "*"),
        (Method::PUT, HUB.to_owned(), "if-match", "\"other\""),
    ] {
        let asked = with(
            request(&admin, method.clone(), &path, body.clone()),
            header,
            value,
        );
        let answer = nave.ask(asked).await;
        assert_eq!(
            (answer.0, code(&answer)),
            (412, "PreconditionFailed"),
            "{method} {path} {header}"
        );
    }
    assert_eq!(state(&nave), before);
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_of_the_state_changes_nothing() {
    let (nave, admin) = scene().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let held = nave.give(owner.object_id, READER, RG).await;
    let last = nave
        .engine
        .snapshot()
        .roles()
        .assignments_at_or_above(&id(S))
        .next()
        .map(|one| one.id().to_string());
    let last = last.expect("the owner's");
    let before = state(&nave);
    for (what, caller, method, path, body, expected) in [
        (
            "the same again",
            &admin,
            Method::PUT,
            assignment(),
            assigns(READER, owner.object_id),
            (409, "RoleAssignmentExists"),
        ),
        (
            "another role",
            &admin,
            Method::PUT,
            held.clone(),
            assigns(OWNER, owner.object_id),
            (400, "RoleAssignmentUpdateNotPermitted"),
        ),
        (
            "the last owner",
            &owner,
            Method::DELETE,
            last,
            Value::Null,
            (412, "CannotDeleteLastRbacAdminAssignment"),
        ),
        (
            "a built-in role",
            &admin,
            Method::PUT,
            role_id(S, READER),
            json!({ "properties": {} }),
            (409, "RoleDefinitionExists"),
        ),
        (
            "a built-in role",
            &admin,
            Method::DELETE,
            role_id(S, READER),
            Value::Null,
            (409, "RoleDefinitionExists"),
        ),
    ] {
        let answer = nave.send(caller, method, &path, body).await;
        assert_eq!((answer.0, code(&answer)), expected, "{what}: {}", answer.1);
    }
    assert_eq!(state(&nave), before);
}

/// A path of the route table with something in every placeholder.
fn filled(path: &str) -> String {
    let subscription = S.rsplit('/').next().unwrap_or_default();
    path.replace("/{scope}", RG)
        .replace("{subscription}", subscription)
        .replace("{group}", "rg")
        .replace("{namespace}", "Microsoft.MachineLearningServices")
        .replace("{name}", &Uuid::from_u128(9).to_string())
        .replace("{name0}", "hub")
        .replace("{name1}", "child")
        .replace("{rest}", "rest")
}

#[tokio::test]
async fn nothing_a_client_sends_is_the_servers_fault() {
    let (nave, admin) = scene().await;
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let bodies = [
        "",
        "{",
        "[]",
        "null",
        "1",
        "\"x\"",
        "{\"properties\": null}",
        "{\"properties\": []}",
        "{\"properties\": {\"properties\": {}}}",
        "{\"location\": {}, \"tags\": 1, \"identity\": [], \"sku\": \"x\", \"kind\": 1}",
        "{\"id\": 1, \"name\": [], \"type\": {}, \"location\": \"eastus\", \"properties\": {\"a\": [null]}}",
        deep.as_str(),
    ];
    for operation in nave.engine.registry().operations() {
        // the group itself is left alone, so that the rest has a place
        if operation.method == Method::DELETE && operation.path.ends_with("/resourceGroups/{group}") {
            continue;
        }
        for body in bodies {
            for query in [
                "",
                "?$filter=x",
                "?$top=-1&$expand=%&$skipToken=zz",
                "?api-version=\u{1}",
            ] {
                let path = format!("{}{query}", filled(&operation.path));
                let (status, answer) = nave
                    .ask(request(&admin, operation.method.clone(), &path, body.to_owned()))
                    .await;
                let known = status < 500 || answer["error"]["code"] == "NotImplemented";
                assert!(known, "{} {path} {body}: {status} {answer}", operation.method);
            }
        }
    }
}
