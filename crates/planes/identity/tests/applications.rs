//! The Graph subset: applications, their secrets, and their service principals.

mod common;

use common::*;
use http::Method;
use serde_json::{Value, json};

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

async fn new_application(nave: &Nave, body: Value) -> (String, String) {
    let made = nave.graph(Method::POST, "/applications", body).await.expect(201);
    assert_eq!(
        (&made["passwordCredentials"], &made["keyCredentials"]),
        (&json!([]), &json!([]))
    );
    (text(&made["id"]).to_owned(), text(&made["appId"]).to_owned())
}

async fn sign_in(nave: &Nave, app: &str, secret: &str) -> Answer {
    nave.token(&[
        ("grant_type", "client_credentials"),
        ("client_id", app),
        ("client_secret", secret),
        ("scope", ARM),
    ])
    .await
}

#[tokio::test]
async fn az_makes_a_service_principal_as_create_for_rbac_does() {
    let nave = Nave::start().await;
    assert!(
        nave.get("/servicePrincipals?$filter=displayName eq 'ci'")
            .await
            .each("id")
            .is_empty()
    );
    assert!(
        nave.get("/applications?$filter=startswith(displayName,'ci')")
            .await
            .each("id")
            .is_empty()
    );
    let (id, app) = new_application(&nave, json!({ "displayName": "ci", "keyCredentials": [] })).await;
    let body = json!({ "passwordCredential": { "displayName": "rbac", "startDateTime": "2026-11-24T12:00:00+00:00",
                                               "endDateTime": "2027-11-24T12:00:00.123456+00:00" } });
    let added = nave
        .graph(Method::POST, &format!("/applications/{id}/addPassword"), body)
        .await
        .expect(200);
    let secret = text(&added["secretText"]).to_owned();
    assert_eq!(secret.len(), 40);
    assert_eq!(text(&added["hint"]), &secret[..3]);
    assert_eq!(added["displayName"], "rbac");

    let made = nave
        .graph(
            Method::POST,
            "/servicePrincipals",
            json!({ "appId": app, "accountEnabled": true }),
        )
        .await;
    let made = made.expect(201);
    assert_eq!(
        (&made["servicePrincipalNames"], &made["displayName"]),
        (&json!([app]), &json!("ci"))
    );
    let token = sign_in(&nave, &app, &secret).await.expect(200);
    assert_eq!(claims(&token["access_token"])["oid"], made["id"]);

    let shown = nave.get(&format!("/applications/{id}")).await.expect(200);
    assert_eq!(shown["passwordCredentials"][0]["keyId"], added["keyId"]);
    assert_eq!(shown["passwordCredentials"][0]["secretText"], Value::Null);
    let rows = nave.engine.snapshot();
    let stored = rows
        .of_type("Microsoft.Graph/applications")
        .map(|row| format!("{:?}", row.sent));
    assert!(!stored.collect::<String>().contains(&secret));

    let again = nave
        .graph(Method::POST, "/servicePrincipals", json!({ "appId": app }))
        .await;
    assert_eq!(
        (again.status, again.code()),
        (409, "Request_MultipleObjectsWithSameKeyValue")
    );
    let unknown = nave
        .graph(Method::POST, "/servicePrincipals", json!({ "appId": JOE }))
        .await;
    assert_eq!((unknown.status, unknown.code()), (400, "Request_BadRequest"));
    let message = text(&unknown.json["error"]["message"]).to_owned();
    assert!(
        !message.contains("does not reference") && !message.contains("does not exist"),
        "az would retry: {message}"
    );
}

#[tokio::test]
async fn secrets_come_and_go() {
    let nave = Nave::start().await;
    let app = ROBOT_APP.to_string();
    for holder in [
        format!("/applications/{APP}"),
        format!("/servicePrincipals/{ROBOT}"),
    ] {
        let added = nave
            .graph(Method::POST, &format!("{holder}/addPassword"), Value::Null)
            .await
            .expect(200);
        assert_eq!(added["endDateTime"], "2028-11-23T12:00:00Z", "two years");
        sign_in(&nave, &app, text(&added["secretText"])).await.expect(200);
        sign_in(&nave, &app, SECRET).await.expect(200);
        let key = json!({ "keyId": added["keyId"] });
        let remove = format!("{holder}/removePassword");
        assert_eq!(nave.graph(Method::POST, &remove, key.clone()).await.status, 204);
        assert_eq!(
            sign_in(&nave, &app, text(&added["secretText"])).await.number(),
            7_000_215
        );
        assert_eq!(nave.graph(Method::POST, &remove, key).await.status, 400);
    }
    let past = json!({ "passwordCredential": { "endDateTime": "2020-01-01T00:00:00Z" } });
    assert_eq!(
        nave.graph(Method::POST, &format!("/applications/{APP}/addPassword"), past)
            .await
            .status,
        400
    );
    let garbage = json!({ "passwordCredential": { "endDateTime": "soon" } });
    assert_eq!(
        nave.graph(Method::POST, &format!("/applications/{APP}/addPassword"), garbage)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn an_application_and_its_principal_bear_the_same_names() {
    let nave = Nave::start().await;
    let patch = json!({ "displayName": "android", "identifierUris": ["api://android"],
                        "web": { "redirectUris": ["https://app.test/new"] } });
    nave.graph(Method::PATCH, &format!("/applications/{APP}"), patch)
        .await
        .expect(204);
    let shown = nave.get(&format!("/servicePrincipals/{ROBOT}")).await.expect(200);
    assert_eq!(shown["displayName"], "android");
    assert_eq!(
        shown["servicePrincipalNames"],
        json!([ROBOT_APP, "api://android"])
    );
    let token = nave.joe("api://android/.default").await;
    assert_eq!(claims(&token["access_token"])["aud"], "api://android");
    sign_in(&nave, &ROBOT_APP.to_string(), SECRET).await.expect(200);
    let taken = json!({ "displayName": "x", "identifierUris": ["api://ANDROID"] });
    let taken = nave.graph(Method::POST, "/applications", taken).await;
    assert_eq!((taken.status, taken.code()), (400, "Request_BadRequest"));
    for address in ["javascript:alert(1)", "data:x", "no address", "https://a b", ""] {
        let body = json!({ "web": { "redirectUris": [address] } });
        let answer = nave
            .graph(Method::PATCH, &format!("/applications/{APP}"), body)
            .await;
        assert_eq!(answer.status, 400, "{address}");
    }
    let read_only = json!({ "passwordCredentials": [{ "secretText": "mine" }] });
    let answer = nave
        .graph(Method::PATCH, &format!("/applications/{APP}"), read_only)
        .await;
    assert_eq!((answer.status, answer.code()), (400, "Request_BadRequest"));
}

#[tokio::test]
async fn a_deleted_application_takes_its_principal_with_it() {
    let nave = Nave::start().await;
    let body = json!({ "displayName": "team",
                       "members@odata.bind": [format!("https://nave.test/graph/v1.0/servicePrincipals/{ROBOT}")] });
    let team = nave.graph(Method::POST, "/groups", body).await.expect(201);
    nave.graph(Method::DELETE, &format!("/applications/{APP}"), Value::Null)
        .await
        .expect(204);
    nave.get(&format!("/servicePrincipals/{ROBOT}")).await.expect(404);
    assert!(
        nave.get(&format!("/groups/{}/members", text(&team["id"])))
            .await
            .each("id")
            .is_empty()
    );
    assert_eq!(
        sign_in(&nave, &ROBOT_APP.to_string(), SECRET).await.number(),
        700_016
    );
}

#[tokio::test]
async fn a_service_principal_is_switched_off_and_deleted() {
    let nave = Nave::start().await;
    let app = ROBOT_APP.to_string();
    let token = text(&sign_in(&nave, &app, SECRET).await.expect(200)["access_token"]).to_owned();
    let off = json!({ "accountEnabled": false });
    nave.graph(Method::PATCH, &format!("/servicePrincipals/{ROBOT}"), off)
        .await
        .expect(204);
    assert!(nave.who(&token).await.is_err());
    assert_eq!(sign_in(&nave, &app, SECRET).await.number(), 7_000_112);
    nave.graph(
        Method::DELETE,
        &format!("/servicePrincipals/{ROBOT}"),
        Value::Null,
    )
    .await
    .expect(204);
    nave.get(&format!("/applications/{APP}")).await.expect(200);
    assert_eq!(sign_in(&nave, &app, SECRET).await.number(), 700_016);
}

#[tokio::test]
async fn a_managed_identity_lives_with_its_resource() {
    let nave = Nave::start().await;
    let hub = nave_arm::ResourceId::parse("/subscriptions/s/resourceGroups/g/providers/P/t/hub").expect("id");
    let (object, app) = (uuid::Uuid::from_u128(7), uuid::Uuid::from_u128(8));
    nave.put(nave_engine::directory::managed_identity(object, app, "hub", &hub))
        .await;
    let shown = nave.get("/servicePrincipals?$filter=displayName eq 'hub'").await;
    assert_eq!(shown.each("servicePrincipalType"), ["ManagedIdentity"]);
    let answer = nave
        .graph(
            Method::DELETE,
            &format!("/servicePrincipals/{object}"),
            Value::Null,
        )
        .await;
    assert_eq!((answer.status, answer.code()), (400, "Request_BadRequest"));
}

#[tokio::test]
async fn what_nobody_has_is_an_empty_list() {
    let nave = Nave::start().await;
    let federated = nave
        .get(&format!("/applications/{APP}/federatedIdentityCredentials"))
        .await;
    assert!(federated.each("id").is_empty());
    assert!(nave.get("/oauth2PermissionGrants").await.each("id").is_empty());
    assert!(
        nave.get(&format!("/servicePrincipals/{ROBOT}/owners"))
            .await
            .each("id")
            .is_empty()
    );
    let any = nave.get(&format!("/directoryObjects/{ROBOT}")).await.expect(200);
    assert_eq!(any["@odata.type"], "#microsoft.graph.servicePrincipal");
    let missing = nave
        .get("/directoryObjects/30000000-0000-0000-0000-000000000000")
        .await;
    assert_eq!(
        (missing.status, missing.code()),
        (404, "Request_ResourceNotFound")
    );
}
