//! Input that cannot be right: an answer with ARM's envelope and the right code, and nothing changed.

use http::Method;
use nave_testkit::{Answer, Ask, Person};
use serde_json::{Value, json};

use crate::town::{ASSIGNMENT, ROLE, Town, USER, role_assignment};

const VERSION: &str = "api-version=2024-10-01";

/// One case: what it is, the request, the status and code it gets.
type Case = (&'static str, Ask, u16, &'static str);

async fn all_are_refused(town: &Town, by: &Person, cases: Vec<Case>) {
    let mut wrong = Vec::new();
    for (what, ask, status, code) in cases {
        let answer = town.nave.send(ask.by(by)).await;
        if (answer.status, answer.code().as_str()) != (status, code) {
            wrong.push(format!(
                "{what}: expected {status} {code}, got {} {}",
                answer.status,
                answer.text()
            ));
        }
        if !has_envelope(&answer) {
            wrong.push(format!("{what}: no error envelope: {}", answer.text()));
        }
        let changed = town.changes();
        if !changed.is_empty() {
            wrong.push(format!("{what}: changed {changed:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn has_envelope(answer: &Answer) -> bool {
    let body = answer.json();
    let is_text = |pointer: &str| {
        body.pointer(pointer)
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty())
    };
    is_text("/error/code") && is_text("/error/message")
}

fn put(path: &str, body: &Value) -> Ask {
    Ask::put(format!("{path}?{VERSION}"), body)
}

fn raw(path: &str, body: &str) -> Ask {
    Ask::new(Method::PUT, format!("{path}?{VERSION}"))
        .header("content-type", "application/json")
        .bytes(body.to_owned())
}

#[tokio::test]
async fn bodies() {
    let town = Town::build().await;
    let owner = &town.people.owner;
    let vault = town.resource("Microsoft.KeyVault/vaults", "bad-vault");
    let account = town.resource("Microsoft.CognitiveServices/accounts", "bad-account");
    let group = format!("{}/resourceGroups/bad-rg", town.nave.subscription());
    let too_long = format!(
        "{{\"location\": \"eastus\", \"tags\": {{\"a\": \"{}\"}}}}",
        "x".repeat(5 * 1024 * 1024)
    );
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deeper_than_kept = (0..120).fold(json!(1), |inner, _| json!({ "a": inner }));
    let deeper_than_kept = json!({ "location": "eastus", "properties": deeper_than_kept });
    let cases = vec![
        (
            "cut off",
            raw(&group, "{\"location\": "),
            400,
            "InvalidRequestContent",
        ),
        (
            "not JSON",
            raw(&group, "location: eastus"),
            400,
            "InvalidRequestContent",
        ),
        (
            "not UTF-8",
            Ask::new(Method::PUT, format!("{group}?{VERSION}")).bytes(&b"{\"location\": \"\xff\"}"[..]),
            400,
            "InvalidRequestContent",
        ),
        ("a list", raw(&group, "[]"), 400, "InvalidRequestFormat"),
        ("a text", raw(&group, "\"eastus\""), 400, "InvalidRequestFormat"),
        ("nothing", raw(&group, ""), 400, "InvalidRequestFormat"),
        ("too deep", raw(&group, &deep), 400, "InvalidRequestContent"),
        (
            "too deep to be kept",
            put(&vault, &deeper_than_kept),
            400,
            "InvalidRequestContent",
        ),
        ("too long", raw(&group, &too_long), 413, "RequestEntityTooLarge"),
        ("no location", put(&group, &json!({})), 400, "LocationRequired"),
        (
            "a location of another type",
            put(&group, &json!({ "location": 7 })),
            400,
            "InvalidRequestFormat",
        ),
        (
            "a location nobody has",
            put(&group, &json!({ "location": "atlantis" })),
            400,
            "LocationNotAvailableForResourceType",
        ),
        (
            "tags of another type",
            put(&group, &json!({ "location": "eastus", "tags": ["a"] })),
            400,
            "InvalidRequestFormat",
        ),
        (
            "properties of another type",
            put(&vault, &json!({ "location": "eastus", "properties": "none" })),
            400,
            "InvalidRequestFormat",
        ),
        (
            "a kind of another type",
            put(
                &account,
                &json!({ "location": "eastus", "kind": 7, "sku": { "name": "S0" } }),
            ),
            400,
            "InvalidRequestFormat",
        ),
    ];
    all_are_refused(&town, owner, cases).await;
}

#[tokio::test]
async fn paths_and_versions() {
    let town = Town::build().await;
    let owner = &town.people.owner;
    let subscription = town.nave.subscription();
    let group = town.group();
    let located = json!({ "location": "eastus" });
    let long = "x".repeat(91);
    let very_long = "x".repeat(2100);
    let get = |path: String| Ask::get(format!("{path}?{VERSION}"));
    let cases = vec![
        (
            "no api-version",
            Ask::get(group.clone()),
            400,
            "MissingApiVersionParameter",
        ),
        (
            "no date",
            Ask::get(format!("{group}?api-version=latest")),
            400,
            "InvalidApiVersionParameter",
        ),
        (
            "an empty one",
            Ask::get(format!("{group}?api-version=")),
            400,
            "InvalidApiVersionParameter",
        ),
        (
            "a name too long",
            put(&format!("{subscription}/resourceGroups/{long}"), &located),
            400,
            "InvalidResourceName",
        ),
        (
            "an id too long",
            put(&format!("{subscription}/resourceGroups/{very_long}"), &located),
            400,
            "InvalidResourceId",
        ),
        (
            "a name with a star",
            put(&format!("{subscription}/resourceGroups/a*b"), &located),
            400,
            "InvalidResourceName",
        ),
        (
            "dots",
            get(format!("{subscription}/resourceGroups/%2e%2e/resourceGroups/rg")),
            400,
            "InvalidResourceId",
        ),
        (
            "a NUL",
            get(format!("{subscription}/resourceGroups/a%00b")),
            400,
            "InvalidResourceId",
        ),
        (
            "no UTF-8",
            get(format!("{subscription}/resourceGroups/%ff")),
            400,
            "InvalidResourceId",
        ),
        (
            "an unknown provider",
            get(format!("{group}/providers/Microsoft.Nothing/things/x")),
            404,
            "InvalidResourceNamespace",
        ),
        (
            "an unknown type",
            get(format!("{group}/providers/Microsoft.Storage/things/x")),
            404,
            "InvalidResourceType",
        ),
        (
            "an unknown subscription",
            get(String::from(
                "/subscriptions/11111111-1111-4111-8111-111111111111",
            )),
            404,
            "SubscriptionNotFound",
        ),
        (
            "an unknown group",
            get(format!("{subscription}/resourceGroups/none")),
            404,
            "ResourceGroupNotFound",
        ),
        (
            "an unknown resource",
            get(town.workspace("none")),
            404,
            "ResourceNotFound",
        ),
        (
            "in an unknown group",
            put(
                &format!("{subscription}/resourceGroups/none/providers/Microsoft.KeyVault/vaults/kv"),
                &located,
            ),
            404,
            "ResourceGroupNotFound",
        ),
        (
            "below an unknown parent",
            put(
                &format!("{}/connections/c", town.workspace("none")),
                &json!({ "properties": {} }),
            ),
            404,
            "ParentResourceNotFound",
        ),
        ("nowhere", get(String::from("/nowhere/at/all")), 404, "NotFound"),
        (
            "a verb it does not have",
            Ask::post(format!("{group}?{VERSION}"), &json!({})),
            405,
            "MethodNotAllowed",
        ),
    ];
    all_are_refused(&town, owner, cases).await;
}

#[tokio::test]
async fn state() {
    let town = Town::build().await;
    let owner = &town.people.owner;
    let assignment = |name: &str| {
        format!(
            "{}/providers/Microsoft.Authorization/roleAssignments/{name}",
            town.group()
        )
    };
    let role_body = role_assignment(USER, ROLE);
    let group = town.group();
    let hub = town.workspace("hub");
    let matches = |ask: Ask| ask.header("if-match", "\"another\"");
    let located = json!({ "location": "eastus" });
    let cases = vec![
        (
            "a duplicate assignment",
            put(&assignment("cccccccc-0000-4000-8000-000000000001"), &role_body),
            409,
            "RoleAssignmentExists",
        ),
        (
            "an assignment under another role",
            put(
                &assignment(&ASSIGNMENT.to_string()),
                &role_assignment(USER, nave_engine::rbac::built_in::READER),
            ),
            400,
            "RoleAssignmentUpdateNotPermitted",
        ),
        (
            "an assignment's name",
            put(&assignment("not-a-guid"), &role_body),
            400,
            "InvalidResourceName",
        ),
        (
            "an etag that does not match on PUT",
            matches(put(&group, &located)),
            412,
            "PreconditionFailed",
        ),
        (
            "an etag that does not match on DELETE",
            matches(Ask::delete(format!("{hub}?{VERSION}"))),
            412,
            "PreconditionFailed",
        ),
        (
            "one that must not be there",
            put(&group, &located).header("if-none-match", "*"),
            412,
            "PreconditionFailed",
        ),
        (
            "another location",
            put(
                &hub,
                &json!({ "location": "westus", "kind": "Hub", "properties": {} }),
            ),
            409,
            "InvalidResourceLocation",
        ),
    ];
    all_are_refused(&town, owner, cases).await;
}

#[tokio::test]
async fn the_last_owner_of_a_subscription_stays() {
    let nave = nave_testkit::TestServer::start().await;
    let owner = nave.person("owner").await;
    let role = nave_engine::rbac::built_in::OWNER;
    let last = nave.assign(owner.id, role, &nave.subscription()).await;
    let delete = || Ask::delete(format!("{last}?{VERSION}")).by(&owner);
    let answer = nave.send(delete()).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (412, "CannotDeleteLastRbacAdminAssignment")
    );
    nave.person_with("another", role, &nave.subscription()).await;
    assert_eq!(nave.send(delete()).await.status, 200, "one of two may go");
}
