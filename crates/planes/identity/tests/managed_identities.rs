//! Managed identities: sessions, the token endpoints in the shapes that Azure's libraries expect, and what ends them.

mod common;

use common::*;
use http::{HeaderName, Method};
use nave_arm::{ErrorCode, ResourceId};
use nave_engine::{Act, Caller, CallerKind, Erase, Expect, Put, directory, federation::AUDIENCE};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

const SUBSCRIPTION: &str = "/subscriptions/30000000-0000-0000-0000-000000000001";
const MINE: Uuid = uuid!("40000000-0000-0000-0000-000000000001");
const MINE_APP: Uuid = uuid!("40000000-0000-0000-0000-000000000002");
const OWN: Uuid = uuid!("40000000-0000-0000-0000-000000000003");
const OWN_APP: Uuid = uuid!("40000000-0000-0000-0000-000000000004");

fn identity() -> ResourceId {
    let text = format!(
        "{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mine"
    );
    ResourceId::parse(&text).expect("an id")
}

fn account() -> ResourceId {
    let text = format!("{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/ai");
    ResourceId::parse(&text).expect("an id")
}

/// An identity that is a resource, and an account that has one of its own and was given the other.
async fn with_identities() -> Nave {
    let nave = Nave::start().await;
    let group = ResourceId::parse(&format!("{SUBSCRIPTION}/resourceGroups/rg")).expect("an id");
    nave.put(Put::new(
        ResourceId::parse(SUBSCRIPTION).expect("an id"),
        json!({}),
    ))
    .await;
    nave.put(Put::new(group, json!({ "location": "eastus" }))).await;
    nave.put(directory::managed_identity(MINE, MINE_APP, "mine", &identity()))
        .await;
    nave.put(directory::managed_identity(OWN, OWN_APP, "ai", &account()))
        .await;
    let mut row = Put::new(identity(), json!({ "location": "eastus" }));
    row.own = json!({ "properties": { "principalId": MINE, "clientId": MINE_APP } });
    nave.put(row).await;
    let given = json!({ "type": "SystemAssigned,UserAssigned", "userAssignedIdentities": { identity().as_str(): {} } });
    let mut row = Put::new(account(), json!({ "location": "eastus", "identity": given }));
    row.own = json!({ "identity": { "principalId": OWN } });
    nave.put(row).await;
    nave
}

fn admin() -> Caller {
    Caller {
        audience: String::from(ORIGIN),
        ..person(ADMIN, "admin@contoso.com")
    }
}

fn opener(id: &ResourceId) -> String {
    if id.resource_type().ends_with("userAssignedIdentities") {
        format!("{id}/openSession?api-version=2024-11-30")
    } else {
        format!(
            "{id}/providers/Microsoft.ManagedIdentity/identities/default/openSession?api-version=2024-11-30"
        )
    }
}

async fn open(nave: &Nave, id: &ResourceId, body: Value) -> Answer {
    nave.send(ask(Method::POST, &opener(id)).json(body).by(&admin()))
        .await
}

async fn environment(nave: &Nave, id: &ResourceId) -> Value {
    open(nave, id, json!({})).await.expect(200)["environment"].take()
}

/// As App Service's clients ask.
async fn app_service(nave: &Nave, environment: &Value, more: &[(&str, &str)]) -> Answer {
    let path = environment["IDENTITY_ENDPOINT"].as_str().expect("an endpoint");
    let header = environment["IDENTITY_HEADER"].as_str().expect("a header");
    let ask = ask(Method::GET, path.strip_prefix(ORIGIN).expect("ours"))
        .query(&[("api-version", "2019-08-01"), ("resource", ORIGIN)])
        .query(more)
        .header(HeaderName::from_static("x-identity-header"), header);
    nave.send(ask).await
}

fn who(answer: Value) -> Value {
    claims(&answer["access_token"])["oid"].clone()
}

#[tokio::test]
async fn a_session_gives_tokens_in_each_shape() {
    let nave = with_identities().await;
    let environment = environment(&nave, &identity()).await;
    let issued = app_service(&nave, &environment, &[]).await.expect(200);
    let end = start().as_second() + 86_399;
    assert_eq!(
        (&issued["client_id"], &issued["expires_on"], &issued["expires_in"]),
        (&json!(MINE_APP), &json!(end.to_string()), &json!("86399"))
    );
    let token = issued["access_token"].as_str().expect("a token");
    let caller = nave.who(token).await.expect("good").expect("a caller");
    assert_eq!(
        (caller.object_id, caller.kind),
        (MINE, CallerKind::ManagedIdentity)
    );

    let host = environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"]
        .as_str()
        .expect("a host");
    let path = format!(
        "{}/metadata/identity/oauth2/token",
        host.strip_prefix(ORIGIN).expect("ours")
    );
    let imds = || ask(Method::GET, &path).query(&[("api-version", "2018-02-01"), ("resource", ORIGIN)]);
    let metadata = HeaderName::from_static("metadata");
    assert_eq!(
        who(nave
            .send(imds().header(metadata.clone(), "true"))
            .await
            .expect(200)),
        json!(MINE)
    );
    let refused = nave.send(imds()).await.expect(400);
    assert_eq!(
        refused["error"], "invalid_request",
        "a browser that another site makes ask"
    );

    let secret = environment["MSI_SECRET"].as_str().expect("a secret");
    let ml = ask(Method::GET, "/msi/token")
        .query(&[
            ("api-version", "2017-09-01"),
            ("resource", ORIGIN),
            ("clientid", &MINE_APP.to_string()),
        ])
        .header(HeaderName::from_static("secret"), secret);
    assert_eq!(who(nave.send(ml).await.expect(200)), json!(MINE));

    for (query, what) in [
        (&[("resource", ORIGIN)][..], "no api-version"),
        (&[("api-version", "2018-02-01")], "no resource"),
        (
            &[("api-version", "2018-02-01"), ("resource", "https://evil.test")],
            "no audience of ours",
        ),
    ] {
        let ask = ask(Method::GET, &path)
            .query(query)
            .header(metadata.clone(), "true");
        assert_eq!(nave.send(ask).await.status, 400, "{what}");
    }
}

#[tokio::test]
async fn a_resource_s_session_uses_its_identities_and_no_other() {
    let nave = with_identities().await;
    let environment = environment(&nave, &account()).await;
    let ask = |name: &'static str, value: String| {
        let (nave, environment) = (&nave, &environment);
        async move { app_service(nave, environment, &[(name, &value)]).await }
    };
    assert_eq!(
        who(app_service(&nave, &environment, &[]).await.expect(200)),
        json!(OWN),
        "its own by default"
    );
    for (name, value, found) in [
        ("client_id", MINE_APP.to_string(), MINE),
        ("object_id", MINE.to_string(), MINE),
        ("mi_res_id", identity().as_str().to_uppercase(), MINE),
        ("msi_res_id", identity().to_string(), MINE),
        ("client_id", OWN_APP.to_string(), OWN),
    ] {
        assert_eq!(who(ask(name, value).await.expect(200)), json!(found), "{name}");
    }
    for other in [ROBOT_APP, Uuid::nil()] {
        let refused = ask("client_id", other.to_string()).await.expect(400);
        assert_eq!(refused["statusCode"], 400);
    }
    // Taken away: the session of the account no longer reaches it, the others stay.
    let mut row = Put::new(account(), json!({ "identity": { "type": "SystemAssigned" } }));
    row.own = json!({ "identity": { "principalId": OWN } });
    nave.put(row).await;
    assert_eq!(ask("client_id", MINE_APP.to_string()).await.status, 400);
    assert_eq!(
        who(app_service(&nave, &environment, &[]).await.expect(200)),
        json!(OWN)
    );
}

#[tokio::test]
async fn a_session_ends_with_its_time_its_identity_and_its_epoch() {
    let nave = with_identities().await;
    let short = open(&nave, &identity(), json!({ "expiresInSeconds": 60 }))
        .await
        .expect(200);
    let (short, usual) = (&short["environment"], environment(&nave, &identity()).await);
    app_service(&nave, short, &[]).await.expect(200);
    nave.advance(60);
    assert_eq!(app_service(&nave, short, &[]).await.status, 401);
    let token = app_service(&nave, &usual, &[]).await.expect(200)["access_token"].take();
    for bad in [json!(0), json!(-1), json!(86_401), json!("soon")] {
        assert_eq!(
            open(&nave, &identity(), json!({ "expiresInSeconds": bad }))
                .await
                .status,
            400,
            "{bad}"
        );
    }

    let path = format!("/servicePrincipals/{MINE}");
    let switch = |on: bool| nave.graph(Method::PATCH, &path, json!({ "accountEnabled": on }));
    switch(false).await.expect(204);
    assert_eq!(app_service(&nave, &usual, &[]).await.status, 401);
    switch(true).await.expect(204);
    assert_eq!(
        app_service(&nave, &usual, &[]).await.status,
        401,
        "its epoch moved on"
    );
    assert!(
        nave.who(token.as_str().expect("a token")).await.is_err(),
        "and its tokens are called back"
    );
    let again = environment(&nave, &identity()).await;
    app_service(&nave, &again, &[]).await.expect(200);

    let gone = [
        identity(),
        directory::object_id(directory::SERVICE_PRINCIPALS, MINE),
    ];
    for id in gone {
        nave.erase(Erase {
            id,
            expect: Expect::Any,
        })
        .await;
    }
    assert_eq!(app_service(&nave, &again, &[]).await.status, 401);
    assert_eq!(
        open(&nave, &identity(), json!({})).await.code(),
        "ResourceNotFound"
    );
}

#[tokio::test]
async fn sessions_survive_a_restart_and_are_kept_as_hashes() {
    let nave = with_identities().await;
    let environment = environment(&nave, &identity()).await;
    let secret = environment["IDENTITY_HEADER"]
        .as_str()
        .expect("a secret")
        .to_owned();
    let nave = nave.restart().await;
    app_service(&nave, &environment, &[]).await.expect(200);
    let stored = nave.files();
    assert!(
        !stored
            .windows(secret.len())
            .any(|bytes| bytes == secret.as_bytes())
    );
}

#[tokio::test]
async fn whoever_may_assign_an_identity_or_change_its_resource_opens_a_session() {
    let nave = with_identities().await;
    let joe = Caller {
        audience: String::from(ORIGIN),
        ..person(JOE, "joe@contoso.com")
    };
    let ask = |id: &ResourceId| nave.send(ask(Method::POST, &opener(id)).json(json!({})).by(&joe));
    for id in [identity(), account()] {
        assert_eq!(ask(&id).await.code(), "AuthorizationFailed", "{id}");
    }
    // Managed Identity Operator: may read and assign identities, and change nothing.
    nave.give(JOE, uuid!("f1a07417-d97a-45cb-824c-7a7467783830"))
        .await;
    ask(&identity()).await.expect(200);
    assert_eq!(ask(&account()).await.code(), "AuthorizationFailed");
    nave.give(JOE, CONTRIBUTOR).await;
    ask(&account()).await.expect(200);
}

#[tokio::test]
async fn an_executor_opens_and_closes_a_session() {
    let nave = with_identities().await;
    let grant = nave.engine.on_own_account::<Act>("test", &account());
    let opened = nave
        .identity
        .open_session(&nave.engine, &grant, &account(), None, Uuid::nil())
        .await
        .expect("opened");
    let environment: Value = opened
        .environment(nave.engine.site())
        .into_iter()
        .map(|(name, value)| {
            let text = value.expose(&nave_vault::Purpose::ListSecrets);
            (name.to_owned(), json!(text))
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    assert_eq!(
        who(app_service(&nave, &environment, &[]).await.expect(200)),
        json!(OWN)
    );
    for _ in 0..2 {
        let closed = nave
            .identity
            .close_session(&nave.engine, &grant, opened.id, Uuid::nil())
            .await;
        closed.expect("closed");
    }
    assert_eq!(app_service(&nave, &environment, &[]).await.status, 401);
    let group = ResourceId::parse(&format!("{SUBSCRIPTION}/resourceGroups/rg")).expect("an id");
    let none = nave
        .identity
        .open_session(&nave.engine, &grant, &group, None, Uuid::nil())
        .await;
    assert_eq!(none.expect_err("no identity").code, ErrorCode::ResourceNotFound);
}

#[tokio::test]
async fn a_resource_says_who_it_is() {
    let nave = with_identities().await;
    let path = format!(
        "{}/providers/Microsoft.ManagedIdentity/identities/default?api-version=2024-11-30",
        account()
    );
    let shown = nave.send(ask(Method::GET, &path).by(&admin())).await.expect(200);
    assert_eq!(
        shown["properties"],
        json!({ "tenantId": TENANT, "principalId": OWN, "clientId": OWN_APP })
    );
    let group = format!(
        "{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/identities/default?api-version=2024-11-30"
    );
    let none = nave.send(ask(Method::GET, &group).by(&admin())).await;
    assert_eq!((none.status, none.code()), (404, "ResourceNotFound"));
}

#[tokio::test]
async fn a_managed_identity_signs_an_application_in() {
    let nave = with_identities().await;
    let body = json!({ "name": "by-identity", "issuer": format!("{ORIGIN}/{TENANT}/v2.0"), "subject": MINE });
    let path = format!("/applications/{APP}/federatedIdentityCredentials");
    nave.graph(Method::POST, &path, body).await.expect(201);
    let environment = environment(&nave, &identity()).await;
    let issued = app_service(&nave, &environment, &[]).await;
    let app = ROBOT_APP.to_string();
    let show = |assertion: String| {
        let (nave, app) = (&nave, &app);
        async move {
            nave.token(&[
                ("grant_type", "client_credentials"),
                ("client_id", app),
                (
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                ),
                ("client_assertion", &assertion),
                ("scope", ARM),
            ])
            .await
        }
    };
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let wrong = show(text(&issued.expect(200)["access_token"])).await;
    assert_eq!(wrong.number(), 700_212, "it was made for something else");
    let header = text(&environment["IDENTITY_HEADER"]);
    let exchange = ask(Method::GET, "/msi/token")
        .query(&[("api-version", "2019-08-01"), ("resource", AUDIENCE)])
        .header(HeaderName::from_static("x-identity-header"), &header);
    let issued = nave.send(exchange).await.expect(200);
    let tokens = show(text(&issued["access_token"])).await.expect(200);
    assert_eq!(claims(&tokens["access_token"])["oid"], json!(ROBOT));
    nave.graph(
        Method::PATCH,
        &format!("/servicePrincipals/{MINE}"),
        json!({ "accountEnabled": false }),
    )
    .await
    .expect(204);
    assert_eq!(show(text(&issued["access_token"])).await.number(), 700_222);
}
