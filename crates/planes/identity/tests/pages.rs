//! Signing in with a browser: the device page, and the sign-in page with its code.

mod common;

use common::*;
use http::{Method, header};
use serde_json::Value;

const AUTHORIZE: &str = "/99999999-9999-9999-9999-999999999999/oauth2/v2.0/authorize";
const BACK: &str = "http://localhost:8400/done";
const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";
/// The S256 challenge of [`VERIFIER`].
const CHALLENGE: &str = "IdFsue1MJJJtybEPX0invmHHuW1I7Ai5LXVlXpENjsk";

fn asked(mode: &str) -> Vec<(&str, &str)> {
    vec![
        ("client_id", CLI),
        ("response_type", "code"),
        ("redirect_uri", BACK),
        (
            "scope",
            "https://nave.test/.default offline_access openid profile",
        ),
        ("state", "s&1"),
        ("nonce", "n1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("response_mode", mode),
        ("prompt", "select_account"),
    ]
}

async fn open(nave: &Nave, query: &[(&str, &str)]) -> Answer {
    nave.send(ask(Method::GET, AUTHORIZE).query(query)).await
}

async fn enter(nave: &Nave, flow: &str, cookie: &str, name: &str, password: &str) -> Answer {
    let form = [("flow", flow), ("username", name), ("password", password)];
    nave.send(
        ask(Method::POST, AUTHORIZE)
            .form(&form)
            .header(header::COOKIE, cookie),
    )
    .await
}

/// Joe signs in; the code.
async fn code(nave: &Nave) -> String {
    let page = open(nave, &asked("query")).await;
    let answer = enter(
        nave,
        &page.hidden("flow"),
        &page.cookie(),
        "joe@contoso.com",
        PASSWORD,
    )
    .await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let location = answer.header("location").to_owned();
    let (address, query) = location.split_once('?').expect("a query");
    assert_eq!(address, BACK);
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    assert_eq!(pairs[1], (String::from("state"), String::from("s&1")));
    assert_eq!(pairs[0].0, "code");
    pairs[0].1.clone()
}

async fn exchange(nave: &Nave, code: &str, verifier: &str, back: &str) -> Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", CLI),
        ("code", code),
        ("redirect_uri", back),
        ("code_verifier", verifier),
        (
            "scope",
            "https://nave.test/.default offline_access openid profile",
        ),
    ];
    nave.token(&form).await
}

#[tokio::test]
async fn a_program_signs_a_person_in_through_the_browser() {
    let nave = Nave::start().await;
    let code = code(&nave).await;
    let body = exchange(&nave, &code, VERIFIER, BACK).await.expect(200);
    assert_eq!(claims(&body["id_token"])["nonce"], "n1");
    assert_eq!(claims(&body["access_token"])["upn"], "joe@contoso.com");
    assert!(body["refresh_token"].is_string() && body["client_info"].is_string());
    let again = exchange(&nave, &code, VERIFIER, BACK).await;
    assert_eq!((again.status, again.number()), (400, 54_005));
}

#[tokio::test]
async fn a_code_is_worth_nothing_to_anybody_else() {
    let nave = Nave::start().await;
    for (verifier, back, number) in [
        ("wrong", BACK, 501_481),
        ("", BACK, 501_481),
        (VERIFIER, "http://localhost:1", 500_112),
    ] {
        let code = code(&nave).await;
        assert_eq!(exchange(&nave, &code, verifier, back).await.number(), number);
        assert_eq!(
            exchange(&nave, &code, VERIFIER, BACK).await.number(),
            54_005,
            "it is used up"
        );
    }
    let stolen = code(&nave).await;
    let by_another = [
        ("grant_type", "authorization_code"),
        ("client_id", "1950a258-227b-4e31-a9cf-719495945fc2"),
        ("code", &stolen),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(nave.token(&by_another).await.number(), 54_005);
    let code = code(&nave).await;
    nave.advance(601);
    assert_eq!(exchange(&nave, &code, VERIFIER, BACK).await.number(), 54_005);
}

#[tokio::test]
async fn an_answer_can_travel_in_a_form() {
    let nave = Nave::start().await;
    let page = open(&nave, &asked("form_post")).await;
    let answer = enter(
        &nave,
        &page.hidden("flow"),
        &page.cookie(),
        "joe@contoso.com",
        PASSWORD,
    )
    .await;
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .text
            .contains(&format!("<form method=\"post\" action=\"{BACK}\">")),
        "{}",
        answer.text
    );
    assert_eq!(answer.hidden("state"), "s&amp;1");
    let policy = answer.header("content-security-policy");
    assert!(
        policy.contains("form-action 'self' http://localhost:8400") && policy.contains("script-src 'sha256-")
    );
    let body = exchange(&nave, &answer.hidden("code"), VERIFIER, BACK)
        .await
        .expect(200);
    assert_eq!(claims(&body["id_token"])["nonce"], "n1");
}

#[tokio::test]
async fn the_page_is_plain_and_strict() {
    let nave = Nave::start().await;
    let mut query = asked("query");
    query.push(("login_hint", "\"><script>alert(1)</script>"));
    let page = open(&nave, &query).await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe") && !policy.contains("script-src"),
        "{policy}"
    );
    assert_eq!(page.header("cache-control"), "no-store");
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("__Host-") && cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"));
    assert!(
        !page.text.contains("<script") && !page.text.contains("src="),
        "{}",
        page.text
    );
    for field in ["username", "password"] {
        assert!(page.text.contains(&format!("<label for=\"{field}\">")), "{field}");
    }
    assert!(page.text.contains("Microsoft Azure CLI"));
}

#[tokio::test]
async fn a_wrong_password_shows_the_page_again_without_it() {
    let nave = Nave::start().await;
    let page = open(&nave, &asked("query")).await;
    let answer = enter(
        &nave,
        &page.hidden("flow"),
        &page.cookie(),
        "joe@contoso.com",
        "hunter2-wrong",
    )
    .await;
    assert_eq!(answer.status, 401);
    assert!(answer.text.contains("role=\"alert\"") && answer.text.contains("AADSTS50126"));
    assert!(answer.text.contains("value=\"joe@contoso.com\"") && !answer.text.contains("hunter2-wrong"));
    assert_eq!(answer.cookie(), page.cookie(), "the browser stays the same");
    let second = enter(
        &nave,
        &answer.hidden("flow"),
        &page.cookie(),
        "joe@contoso.com",
        PASSWORD,
    )
    .await;
    assert_eq!(second.status, 303);
}

#[tokio::test]
async fn a_form_works_once_and_in_its_own_browser() {
    let nave = Nave::start().await;
    let page = open(&nave, &asked("query")).await;
    let flow = page.hidden("flow");
    let other = open(&nave, &asked("query")).await.cookie();
    assert_ne!(other, page.cookie());
    assert_eq!(
        enter(&nave, &flow, &other, "joe@contoso.com", PASSWORD)
            .await
            .status,
        400
    );
    assert_eq!(
        enter(&nave, &flow, &page.cookie(), "joe@contoso.com", PASSWORD)
            .await
            .status,
        400
    );
    let page = open(&nave, &asked("query")).await;
    assert_eq!(
        enter(&nave, &page.hidden("flow"), "", "joe@contoso.com", PASSWORD)
            .await
            .status,
        400
    );
    let page = open(&nave, &asked("query")).await;
    nave.advance(901);
    assert_eq!(
        enter(
            &nave,
            &page.hidden("flow"),
            &page.cookie(),
            "joe@contoso.com",
            PASSWORD
        )
        .await
        .status,
        400
    );
    assert_eq!(
        enter(&nave, "", "", "joe@contoso.com", PASSWORD).await.status,
        400
    );
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_the_programs() {
    let nave = Nave::start().await;
    let with = |name: &'static str, value: &'static str| {
        asked("query")
            .into_iter()
            .map(|(key, old)| (key, if key == name { value } else { old }))
            .collect::<Vec<_>>()
    };
    for query in [
        with("redirect_uri", "https://evil.test/"),
        with("redirect_uri", "http://localhost.evil.test/"),
        with("client_id", "33333333-3333-3333-3333-333333333333"),
        with("response_mode", "web_message"),
    ] {
        let page = open(&nave, &query).await;
        assert_eq!(page.status, 400, "{query:?}");
        assert_eq!(page.header("location"), "");
        assert!(page.text.contains("AADSTS") && !page.text.contains("<form"));
    }
    for (query, error) in [
        (with("response_type", "token"), "unsupported_response_type"),
        (with("code_challenge_method", "plain"), "invalid_request"),
        (with("code_challenge", ""), "invalid_request"),
        (with("scope", "https://evil.test/.default"), "invalid_resource"),
        (with("prompt", "none"), "login_required"),
    ] {
        let answer = open(&nave, &query).await;
        assert_eq!(answer.status, 303, "{query:?}");
        let location = answer.header("location");
        assert!(
            location.starts_with(&format!("{BACK}?error={error}&")) && location.ends_with("&state=s%261")
        );
    }
}

#[tokio::test]
async fn a_server_registers_its_address_and_shows_its_secret() {
    let nave = Nave::start().await;
    let app = ROBOT_APP.to_string();
    let query = [
        ("client_id", app.as_str()),
        ("response_type", "code"),
        ("redirect_uri", WEB),
        ("scope", "openid"),
        ("response_mode", "query"),
    ];
    let code = async || {
        let page = open(&nave, &query).await;
        assert!(
            page.header("content-security-policy")
                .ends_with("form-action 'self' https://app.test")
        );
        let answer = enter(
            &nave,
            &page.hidden("flow"),
            &page.cookie(),
            "joe@contoso.com",
            PASSWORD,
        )
        .await;
        let location = answer.header("location").to_owned();
        location
            .strip_prefix("https://app.test/callback?code=")
            .expect("a code")
            .to_owned()
    };
    let exchange = async |code: &str, secret: Option<&str>| {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", &app),
            ("code", code),
            ("redirect_uri", WEB),
        ];
        form.extend(secret.map(|secret| ("client_secret", secret)));
        nave.token(&form).await
    };
    let downgraded = code().await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &app),
        ("code", &downgraded),
        ("redirect_uri", WEB),
        ("client_secret", SECRET),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(
        nave.token(&form).await.number(),
        501_481,
        "a verifier, and no challenge was made"
    );
    assert_eq!(exchange(&code().await, None).await.number(), 7_000_218);
    assert_eq!(exchange(&code().await, Some("wrong")).await.number(), 7_000_215);
    let body = exchange(&code().await, Some(SECRET)).await.expect(200);
    assert_eq!(claims(&body["access_token"])["aud"], "https://nave.test/graph");
    assert!(body.get("refresh_token").is_none(), "it did not ask for one");
}

#[tokio::test]
async fn a_device_waits_until_a_person_signs_in_elsewhere() {
    let nave = Nave::start().await;
    let start = ask(Method::POST, "/organizations/oauth2/v2.0/devicecode");
    let scope = "https://nave.test/.default offline_access openid profile";
    let started = nave
        .send(start.form(&[("client_id", CLI), ("scope", scope)]))
        .await
        .expect(200);
    let (device, user) = (
        started["device_code"].as_str().expect("code"),
        started["user_code"].as_str().expect("code"),
    );
    let message = started["message"].as_str().expect("message");
    assert!(message.contains("https://nave.test/devicelogin") && message.contains(&format!("code {user} ")));
    let poll = async |client: &str| {
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        nave.token(&[
            ("grant_type", grant),
            ("client_id", client),
            ("device_code", device),
            ("code", device),
        ])
        .await
    };
    let pending = poll(CLI).await;
    assert_eq!(
        (pending.status, pending.json["error"].as_str()),
        (400, Some("authorization_pending"))
    );

    let enter = async |user_code: &str, name: &str, password: &str| {
        let page = nave.send(ask(Method::GET, "/devicelogin")).await;
        let (flow, cookie) = (page.hidden("flow"), page.cookie());
        let form = [
            ("flow", flow.as_str()),
            ("user_code", user_code),
            ("username", name),
            ("password", password),
        ];
        nave.send(
            ask(Method::POST, "/devicelogin")
                .form(&form)
                .header(header::COOKIE, &cookie),
        )
        .await
    };
    assert_eq!(enter(user, "joe@contoso.com", "wrong").await.status, 401);
    assert_eq!(enter("BCDF-GHJK", "joe@contoso.com", PASSWORD).await.status, 400);
    assert_eq!(poll(CLI).await.json["error"], "authorization_pending");
    let done = enter(&user.to_lowercase(), "joe@contoso.com", PASSWORD).await;
    assert_eq!(done.status, 200);
    assert!(
        done.text
            .contains("signed in to Microsoft Azure CLI as joe@contoso.com"),
        "{}",
        done.text
    );
    assert_eq!(
        enter(user, "joe@contoso.com", PASSWORD).await.status,
        400,
        "the code is used up"
    );

    assert_eq!(
        poll("1950a258-227b-4e31-a9cf-719495945fc2").await.number(),
        70_000
    );
    let body = poll(CLI).await.expect(200);
    assert_eq!(claims(&body["access_token"])["aud"], ORIGIN);
    assert_eq!(body["scope"], scope);
    assert!(body["refresh_token"].is_string());
    assert_eq!(poll(CLI).await.json["error"], "expired_token");
}

#[tokio::test]
async fn a_device_gets_nothing_from_a_sign_in_that_was_called_back() {
    let nave = Nave::start().await;
    let start =
        ask(Method::POST, "/common/oauth2/v2.0/devicecode").form(&[("client_id", CLI), ("scope", ARM)]);
    let started = nave.send(start).await.expect(200);
    let text = |name: &str| started[name].as_str().expect(name).to_owned();
    let page = nave.send(ask(Method::GET, "/devicelogin")).await;
    let form = [
        ("flow", page.hidden("flow")),
        ("user_code", text("user_code")),
        ("username", String::from("joe@contoso.com")),
        ("password", PASSWORD.to_owned()),
    ];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    let enter = ask(Method::POST, "/devicelogin").form(&form);
    let entered = nave.send(enter.header(header::COOKIE, &page.cookie())).await;
    assert_eq!(entered.status, 200, "{}", entered.text);
    let revoke = format!("/users/{JOE}/revokeSignInSessions");
    assert_eq!(nave.graph(Method::POST, &revoke, Value::Null).await.status, 200);
    let collected = nave
        .token(&[
            ("grant_type", "device_code"),
            ("client_id", CLI),
            ("device_code", &text("device_code")),
        ])
        .await;
    assert_eq!((collected.status, collected.number()), (400, 50_057));
}

/// What waits is kept in memory, and anybody may let something wait.
#[tokio::test]
async fn nobody_lets_much_wait() {
    let nave = Nave::start().await;
    let scope = "openid ".repeat(600);
    let start =
        ask(Method::POST, "/common/oauth2/v2.0/devicecode").form(&[("client_id", CLI), ("scope", &scope)]);
    assert_eq!(nave.send(start).await.number(), 70_011);
    let state = "s".repeat(9000);
    let mut query = asked("query");
    query.push(("state", &state));
    assert_eq!(open(&nave, &query).await.status, 400);
}

#[tokio::test]
async fn a_device_does_not_wait_for_ever_and_its_page_is_not_forged() {
    let nave = Nave::start().await;
    let start = ask(Method::POST, "/adfs/oauth2/v2.0/devicecode").form(&[("client_id", CLI), ("scope", ARM)]);
    let started = nave.send(start).await.expect(200);
    let form = [
        ("user_code", started["user_code"].as_str().unwrap_or_default()),
        ("username", "joe@contoso.com"),
        ("password", PASSWORD),
    ];
    let forged = nave.send(ask(Method::POST, "/devicelogin").form(&form)).await;
    assert_eq!(forged.status, 400);
    let filled = nave
        .send(ask(Method::GET, "/devicelogin?user_code=BCDF-GHJK"))
        .await;
    assert!(filled.text.contains("value=\"BCDF-GHJK\""));
    nave.advance(901);
    let device = started["device_code"].as_str().unwrap_or_default();
    let late = nave
        .token(&[
            ("grant_type", "device_code"),
            ("client_id", CLI),
            ("device_code", device),
        ])
        .await;
    assert_eq!(late.json["error"], "expired_token");
    let stranger =
        ask(Method::POST, "/common/oauth2/v2.0/devicecode").form(&[("client_id", "x"), ("scope", ARM)]);
    assert_eq!(nave.send(stranger).await.number(), 700_016);
    assert_eq!(late.json.get("access_token"), None::<&Value>);
}
