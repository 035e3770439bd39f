//! The grants of the token endpoint, as clients send them.

mod common;

use common::*;
use http::{Method, header};
use nave_engine::Put;
use serde_json::{Value, json};

fn robot<'a>(secret: &'a str, scope: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("grant_type", "client_credentials"),
        ("client_id", "20000000-0000-0000-0000-000000000003"),
        ("client_secret", secret),
        ("scope", scope),
        ("client_info", "1"),
    ]
}

async fn switch_off(nave: &Nave, object: uuid::Uuid) {
    let row = nave.engine.snapshot().principal(object).cloned().expect("a row");
    let mut put = Put::new(row.id.clone(), row.sent.clone());
    put.sent["accountEnabled"] = false.into();
    put.claims.clone_from(&row.claims);
    put.secrets = nave_engine::PutSecrets::Sealed(row.sealed.as_deref().map(<[u8]>::to_vec));
    nave.put(put).await;
}

#[tokio::test]
async fn an_application_signs_in_with_its_secret() {
    let nave = Nave::start().await;
    let answer = nave.token(&robot(SECRET, ARM)).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("retry-after"), "");
    let body = answer.expect(200);
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&json!("Bearer"), &json!(3599))
    );
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());
    let claims = claims(&body["access_token"]);
    for (claim, value) in [
        ("iss", json!(format!("{ORIGIN}/{TENANT}/v2.0"))),
        ("aud", json!(ORIGIN)),
        ("tid", json!(TENANT)),
        ("oid", json!(ROBOT)),
        ("sub", json!(ROBOT)),
        ("appid", json!(ROBOT_APP)),
        ("idtyp", json!("app")),
        ("ver", json!("2.0")),
        ("nbf", json!(start().as_second())),
        ("exp", json!(start().as_second() + 3599)),
    ] {
        assert_eq!(claims[claim], value, "{claim}");
    }
    assert!(claims.get("roles").is_none());
}

#[tokio::test]
async fn an_application_may_use_http_basic_and_any_case_of_its_id() {
    let nave = Nave::start().await;
    let pair = format!("{ROBOT_APP}:the+robot%27s+own+secret")
        .to_uppercase()
        .replace("THE+ROBOT%27S+OWN+SECRET", "the+robot%27s+own+secret");
    let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pair);
    let form = [("grant_type", "client_credentials"), ("scope", ARM)];
    let request = ask(Method::POST, "/common/oauth2/v2.0/token").form(&form);
    nave.send(request.header(header::AUTHORIZATION, &format!("Basic {basic}")))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_wrong_application_credential_is_401_and_says_which() {
    let nave = Nave::start().await;
    let wrong = nave.token(&robot("wrong", ARM)).await;
    assert_eq!((wrong.status, wrong.number()), (401, 7_000_215));
    assert_eq!(wrong.json["error"], "invalid_client");
    let stranger = [
        ("grant_type", "client_credentials"),
        ("client_id", CLI),
        ("client_secret", "x"),
        ("scope", ARM),
    ];
    let stranger = nave.token(&stranger).await;
    assert_eq!((stranger.status, stranger.number()), (401, 700_016));
    let bare = [
        ("grant_type", "client_credentials"),
        ("client_id", CLI),
        ("scope", ARM),
    ];
    assert_eq!(nave.token(&bare).await.number(), 7_000_218);
    let app = ROBOT_APP.to_string();
    let assertion = [
        ("grant_type", "client_credentials"),
        ("client_id", app.as_str()),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", "a.b.c"),
        ("scope", ARM),
    ];
    let assertion = nave.token(&assertion).await;
    assert_eq!((assertion.status, assertion.number()), (401, 50_027));
    nave.advance(60 * 86_400);
    let expired = nave.token(&robot(SECRET, ARM)).await;
    assert_eq!((expired.status, expired.number()), (401, 7_000_222));
}

#[tokio::test]
async fn an_application_that_is_switched_off_does_not_sign_in() {
    let nave = Nave::start().await;
    switch_off(&nave, ROBOT).await;
    let answer = nave.token(&robot(SECRET, ARM)).await;
    assert_eq!((answer.status, answer.number()), (401, 7_000_112));
}

#[tokio::test]
async fn a_person_signs_in_with_a_password() {
    let nave = Nave::start().await;
    let body = nave.joe(ARM).await;
    assert_eq!(body["scope"], format!("{ARM} offline_access openid profile"));
    let access = claims(&body["access_token"]);
    for (claim, value) in [
        ("aud", json!(ORIGIN)),
        ("oid", json!(JOE)),
        ("appid", json!(CLI)),
        ("upn", json!("joe@contoso.com")),
        ("unique_name", json!("joe@contoso.com")),
        ("idtyp", json!("user")),
    ] {
        assert_eq!(access[claim], value, "{claim}");
    }
    let id = claims(&body["id_token"]);
    for (claim, value) in [
        ("aud", json!(CLI)),
        ("preferred_username", json!("joe@contoso.com")),
        ("name", json!("joe")),
        ("oid", json!(JOE)),
        ("tid", json!(TENANT)),
    ] {
        assert_eq!(id[claim], value, "{claim}");
    }
    let info = base64::Engine::decode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        body["client_info"].as_str().expect("client_info"),
    );
    let info: Value = serde_json::from_slice(&info.expect("base64")).expect("JSON");
    assert_eq!(info, json!({ "uid": JOE, "utid": TENANT }));
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_get_the_same_401() {
    let nave = Nave::start().await;
    let mut messages = Vec::new();
    for (name, password) in [
        ("joe@contoso.com", "wrong"),
        ("nobody@contoso.com", PASSWORD),
        ("robot", SECRET),
    ] {
        let answer = nave.sign_in(name, password, ARM).await;
        assert_eq!((answer.status, answer.number()), (401, 50_126), "{name}");
        assert_eq!(answer.json["error"], "invalid_grant");
        let text = answer.json["error_description"].as_str().unwrap_or_default();
        messages.push(text.split(" Trace ID").next().unwrap_or_default().to_owned());
        assert!(!text.contains(password));
    }
    messages.dedup();
    assert_eq!(messages.len(), 1);
    switch_off(&nave, JOE).await;
    assert_eq!(
        nave.sign_in("joe@contoso.com", PASSWORD, ARM).await.number(),
        50_057
    );
    assert_eq!(
        nave.sign_in("joe@contoso.com", "wrong", ARM).await.number(),
        50_126
    );
}

#[tokio::test]
async fn tokens_are_for_what_this_server_offers() {
    let nave = Nave::start().await;
    for resource in [
        "https://nave.test/graph/",
        "https://storage.azure.com",
        "https://vault.nave.test",
        "https://cognitiveservices.azure.com",
        "https://ai.azure.com",
        "https://ml.azure.com",
        "https://search.azure.com",
        "https://containerregistry.azure.net",
        "https://management.azure.com",
        "https://management.core.windows.net/",
        "20000000-0000-0000-0000-000000000003",
        "api://20000000-0000-0000-0000-000000000003",
    ] {
        let body = nave.joe(&format!("{resource}/.default")).await;
        assert_eq!(claims(&body["access_token"])["aud"], resource);
    }
    let answer = nave
        .sign_in("joe@contoso.com", PASSWORD, "https://elsewhere.test/.default")
        .await;
    assert_eq!((answer.status, answer.number()), (400, 500_011));
}

#[tokio::test]
async fn claims_that_a_client_announces_are_in_the_token() {
    let nave = Nave::start().await;
    let mut form = robot(SECRET, ARM).to_vec();
    form.push(("claims", r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#));
    let body = nave.token(&form).await.expect(200);
    assert_eq!(claims(&body["access_token"])["xms_cc"], json!(["CP1"]));
}

#[tokio::test]
async fn a_refresh_token_is_good_for_any_resource_and_outlives_a_restart() {
    let nave = Nave::start().await;
    let first = nave.joe(ARM).await["refresh_token"]
        .as_str()
        .expect("a refresh token")
        .to_owned();
    assert!(!first.contains('.'), "it says nothing");
    let nave = nave.restart().await;
    let refresh = async |token: &str, client: &str, scope: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", client),
            ("refresh_token", token),
            ("scope", scope),
        ];
        nave.token(&form).await
    };
    let body = refresh(&first, CLI, "https://nave.test/graph//.default")
        .await
        .expect(200);
    assert_eq!(claims(&body["access_token"])["aud"], "https://nave.test/graph/");
    assert_eq!(claims(&body["id_token"])["preferred_username"], "joe@contoso.com");
    let second = body["refresh_token"].as_str().expect("another one");
    assert_eq!(
        claims(&refresh(second, CLI, ARM).await.expect(200)["access_token"])["oid"],
        json!(JOE)
    );
    let other = "1950a258-227b-4e31-a9cf-719495945fc2";
    let stolen = refresh(&first, other, ARM).await;
    assert_eq!((stolen.status, stolen.number()), (400, 70_000));
    for garbage in ["x", "", "AAAA", &first[1..]] {
        let answer = refresh(garbage, CLI, ARM).await;
        assert!(
            matches!((answer.status, answer.number()), (400, 9_002_313 | 900_144)),
            "{garbage}"
        );
    }
    nave.advance(91 * 86_400);
    assert_eq!(refresh(&first, CLI, ARM).await.number(), 700_082);
}

#[tokio::test]
async fn a_refresh_token_ends_with_the_password_and_with_the_person() {
    let nave = Nave::start().await;
    let token = nave.joe(ARM).await["refresh_token"]
        .as_str()
        .expect("a refresh token")
        .to_owned();
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", CLI),
        ("refresh_token", &token),
        ("scope", ARM),
    ];
    let body = json!({ "passwordProfile": { "password": "another password that nobody knows" } });
    nave.graph(Method::PATCH, "/users/joe@contoso.com", body)
        .await
        .expect(204);
    assert_eq!(nave.token(&form).await.number(), 50_173);
    nave.sign_in("joe@contoso.com", PASSWORD, ARM).await.expect(401);
    nave.sign_in("joe@contoso.com", "another password that nobody knows", ARM)
        .await
        .expect(200);
    nave.graph(Method::DELETE, "/users/joe@contoso.com", Value::Null)
        .await
        .expect(204);
    let answer = nave.token(&form).await;
    assert_eq!((answer.status, answer.number()), (400, 50_057));
}

#[tokio::test]
async fn requests_that_make_no_sense_are_told_so() {
    let nave = Nave::start().await;
    assert_eq!(nave.token(&[]).await.number(), 900_144);
    let other = nave
        .token(&[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")])
        .await;
    assert_eq!((other.status, other.number()), (400, 70_003));
    assert_eq!(other.json["error"], "unsupported_grant_type");
    let form = robot(SECRET, ARM);
    let elsewhere = ask(
        Method::POST,
        "/11111111-1111-1111-1111-111111111111/oauth2/v2.0/token",
    )
    .form(&form);
    let elsewhere = nave.send(elsewhere).await;
    assert_eq!((elsewhere.status, elsewhere.number()), (400, 90_002));
    for form_of_authority in [
        "/adfs",
        "/adfs/nave",
        &format!("/adfs/nave/{TENANT}"),
        "/organizations",
    ] {
        let request = ask(Method::POST, &format!("{form_of_authority}/oauth2/v2.0/token")).form(&form);
        nave.send(request).await.expect(200);
    }
    let client = [
        ("grant_type", "password"),
        ("client_id", "x"),
        ("username", "joe@contoso.com"),
        ("scope", ARM),
    ];
    assert_eq!(nave.token(&client).await.number(), 700_016);
    nave.send(ask(Method::GET, &format!("/{TENANT}/oauth2/v2.0/token")))
        .await
        .expect(405);
}

#[tokio::test]
async fn a_resource_gets_a_token_for_its_own_identity() {
    let nave = Nave::start().await;
    let (object, app) = (uuid::Uuid::from_u128(7), uuid::Uuid::from_u128(8));
    let hub = nave_arm::ResourceId::parse("/subscriptions/s/resourceGroups/g/providers/P/t/hub").expect("id");
    nave.put(nave_engine::directory::managed_identity(object, app, "hub", &hub))
        .await;
    let issued = nave
        .identity
        .issue_for(&nave.engine, object, "https://storage.azure.com/")
        .expect("a token");
    assert_eq!(
        (issued.client_id, issued.resource.as_str()),
        (app.to_string(), "https://storage.azure.com/")
    );
    assert_eq!(
        issued.expires_on.as_second() - issued.not_before.as_second(),
        86_399
    );
    let token = json!(issued.access_token.expose(&nave_vault::Purpose::Check));
    assert_eq!(claims(&token)["xms_mirid"], hub.as_str());
    let caller = nave
        .who(token.as_str().unwrap_or_default())
        .await
        .expect("good")
        .expect("a caller");
    assert_eq!(
        (caller.kind, caller.object_id),
        (nave_engine::CallerKind::ManagedIdentity, object)
    );
    assert!(
        nave.identity
            .issue_for(&nave.engine, JOE, "https://storage.azure.com")
            .is_err()
    );
    assert!(
        nave.identity
            .issue_for(&nave.engine, object, "https://elsewhere.test")
            .is_err()
    );
}

#[tokio::test]
async fn a_server_proves_itself_when_somebody_signs_in_and_whenever_it_refreshes() {
    let nave = Nave::start().await;
    let app = ROBOT_APP.to_string();
    let scope = format!("{ARM} offline_access");
    let sign_in = |secret: &'static str| {
        let form = [
            ("grant_type", "password"),
            ("client_id", &app),
            ("username", "joe@contoso.com"),
            ("password", PASSWORD),
            ("scope", &scope),
            ("client_secret", secret),
        ];
        let form = form.map(|(name, value)| (name, value.to_owned()));
        let nave = &nave;
        async move {
            let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
            nave.token(&form).await
        }
    };
    let refresh = |token: String, secret: &'static str| {
        let (nave, app) = (&nave, &app);
        async move {
            nave.token(&[
                ("grant_type", "refresh_token"),
                ("client_id", app),
                ("refresh_token", &token),
                ("client_secret", secret),
            ])
            .await
        }
    };
    let text = |answer: &Value| {
        answer["refresh_token"]
            .as_str()
            .expect("a refresh token")
            .to_owned()
    };
    assert_eq!(sign_in("").await.number(), 7_000_218);
    assert_eq!(sign_in("wrong").await.number(), 7_000_215);
    let first = text(&sign_in(SECRET).await.expect(200));
    let refused = refresh(first.clone(), "").await;
    assert_eq!((refused.status, refused.number()), (401, 7_000_218));
    let second = text(&refresh(first, SECRET).await.expect(200));
    assert_eq!(refresh(second, "").await.number(), 7_000_218, "and so on");

    // An application that says it is a program people run needs no secret, and then none to refresh.
    let public = json!({ "isFallbackPublicClient": true });
    nave.graph(Method::PATCH, &format!("/applications/{APP}"), public)
        .await
        .expect(204);
    let token = text(&sign_in("").await.expect(200));
    refresh(token, "").await.expect(200);
}
