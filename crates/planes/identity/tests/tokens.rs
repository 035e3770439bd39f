//! Who is who: good tokens, and every kind of bad one.

mod common;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::*;
use http::Method;
use nave_arm::ErrorCode;
use nave_engine::CallerKind;
use nave_vault::SigningKeys;
use serde_json::{Value, json};

const GRAPH: &str = "https://nave.test/graph/.default";

async fn access(nave: &Nave, scope: &str) -> String {
    nave.joe(scope).await["access_token"]
        .as_str()
        .expect("a token")
        .to_owned()
}

async fn code(nave: &Nave, token: &str) -> ErrorCode {
    nave.who(token).await.expect_err("refused").code
}

/// Joe's claims, changed, signed with our key.
async fn signed(nave: &Nave, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims(&nave.joe(ARM).await["access_token"]);
    change(&mut claims);
    nave.keys.sign(&claims).expect("signed")
}

#[tokio::test]
async fn a_good_token_names_its_caller_as_the_directory_does_now() {
    let nave = Nave::start().await;
    let token = access(&nave, "https://nave.test/graph//.default").await;
    let caller = nave.who(&token).await.expect("good").expect("a caller");
    assert_eq!(
        (caller.object_id, caller.name.as_str(), caller.kind),
        (JOE, "joe@contoso.com", CallerKind::User)
    );
    assert_eq!(caller.audience, "https://nave.test/graph", "without its slash");
    let renamed = json!({ "userPrincipalName": "joseph@contoso.com" });
    nave.graph(Method::PATCH, "/users/joe@contoso.com", renamed)
        .await
        .expect(204);
    let caller = nave.who(&token).await.expect("good").expect("a caller");
    assert_eq!(caller.name, "joseph@contoso.com");
}

#[tokio::test]
async fn what_is_no_jwt_is_left_to_whoever_comes_next() {
    let nave = Nave::start().await;
    for text in [
        "0123456789abcdef0123456789abcdef",
        "a.b.c",
        "sk-1.2.3",
        "e30.e30.x",
        "",
    ] {
        assert_eq!(nave.who(text).await, Ok(None), "{text}");
    }
    let basic = ask(Method::GET, "/x")
        .header(http::header::AUTHORIZATION, "Basic eDp5")
        .request();
    assert_eq!(nave.engine.authenticate(&basic).await, Ok(None));
}

#[tokio::test]
async fn a_token_ends_also_when_it_was_seen_before() {
    let nave = Nave::start().await;
    let token = access(&nave, ARM).await;
    assert!(nave.who(&token).await.is_ok());
    nave.advance(3598);
    assert!(nave.who(&token).await.is_ok());
    nave.advance(1);
    assert_eq!(code(&nave, &token).await, ErrorCode::ExpiredAuthenticationToken);
    let restarted = nave.restart().await;
    restarted.advance(3599);
    assert_eq!(
        code(&restarted, &token).await,
        ErrorCode::ExpiredAuthenticationToken
    );
}

#[tokio::test]
async fn a_token_that_is_not_ours_or_not_whole_is_refused() {
    let nave = Nave::start().await;
    let token = access(&nave, ARM).await;
    let parts: Vec<&str> = token.split('.').collect();
    let encode = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());

    let unsigned = format!("{}.{}.", encode(json!({ "alg": "none", "typ": "JWT" })), parts[1]);
    assert_eq!(
        code(&nave, &unsigned).await,
        ErrorCode::InvalidAuthenticationToken
    );
    let none_with_key = format!(
        "{}.{}.{}",
        encode(json!({ "alg": "none", "kid": nave.keys.key_id() })),
        parts[1],
        parts[2]
    );
    assert_eq!(
        code(&nave, &none_with_key).await,
        ErrorCode::InvalidAuthenticationToken
    );

    let mut admin = claims(&json!(token));
    admin["oid"] = json!(ADMIN);
    let altered = format!("{}.{}.{}", parts[0], encode(admin.clone()), parts[2]);
    assert_eq!(code(&nave, &altered).await, ErrorCode::InvalidAuthenticationToken);

    let folder = tempfile::tempdir().expect("folder");
    let theirs = SigningKeys::open_or_create(folder.path(), 0)
        .expect("keys")
        .sign(&admin)
        .expect("signed");
    let error = nave.who(&theirs).await.expect_err("refused");
    assert_eq!(error.code, ErrorCode::InvalidAuthenticationToken);
    assert!(error.message.contains("key"), "{}", error.message);
    assert_eq!(error.status(), 401);
}

#[tokio::test]
async fn a_token_with_a_wrong_claim_is_refused_though_we_signed_it() {
    let nave = Nave::start().await;
    let issuer = signed(&nave, |claims| {
        claims["iss"] = "https://elsewhere.test/v2.0".into()
    })
    .await;
    assert_eq!(
        code(&nave, &issuer).await,
        ErrorCode::InvalidAuthenticationTokenTenant
    );
    let tenant = signed(&nave, |claims| {
        claims["tid"] = "11111111-1111-1111-1111-111111111111".into()
    })
    .await;
    assert_eq!(
        code(&nave, &tenant).await,
        ErrorCode::InvalidAuthenticationTokenTenant
    );
    let early = signed(&nave, |claims| claims["nbf"] = (start().as_second() + 60).into()).await;
    assert_eq!(code(&nave, &early).await, ErrorCode::InvalidAuthenticationToken);
    let nobody = signed(&nave, |claims| claims["oid"] = "joe".into()).await;
    assert_eq!(code(&nave, &nobody).await, ErrorCode::InvalidAuthenticationToken);
    let id = nave.joe(ARM).await["id_token"]
        .as_str()
        .expect("an id token")
        .to_owned();
    assert_eq!(code(&nave, &id).await, ErrorCode::InvalidAuthenticationToken);
}

#[tokio::test]
async fn a_token_for_another_audience_is_refused_when_it_is_used() {
    let nave = Nave::start().await;
    let me = async |token: &str| nave.send(ask(Method::GET, "/graph/v1.0/me").bearer(token)).await;
    assert_eq!(
        me(&access(&nave, GRAPH).await).await.expect(200)["id"],
        json!(JOE)
    );
    let wrong = me(&access(&nave, ARM).await).await;
    assert_eq!(
        (wrong.status, wrong.code()),
        (401, "InvalidAuthenticationTokenAudience")
    );
    assert_eq!(me("not-a-token").await.status, 401);
    assert_eq!(
        nave.send(ask(Method::GET, "/graph/v1.0/me")).await.code(),
        "AuthenticationFailed"
    );
}

#[tokio::test]
async fn tokens_are_called_back_at_once() {
    let nave = Nave::start().await;
    let me = async |token: &str| nave.send(ask(Method::GET, "/graph/v1.0/me").bearer(token)).await;
    let changes = [
        (
            "PATCH",
            "/users/joe@contoso.com",
            json!({ "passwordProfile": { "password": PASSWORD } }),
        ),
        ("POST", "/users/joe@contoso.com/revokeSignInSessions", Value::Null),
        (
            "PATCH",
            "/users/joe@contoso.com",
            json!({ "accountEnabled": false }),
        ),
    ];
    for (method, path, body) in changes {
        let token = access(&nave, GRAPH).await;
        assert_eq!(me(&token).await.status, 200);
        let changed = nave.graph(method.parse().expect("method"), path, body).await;
        assert!(changed.status < 300, "{}", changed.json);
        let refused = me(&token).await;
        assert_eq!(
            (refused.status, refused.code()),
            (401, "InvalidAuthenticationToken"),
            "{method} {path}"
        );
    }
    nave.graph(
        Method::PATCH,
        "/users/joe@contoso.com",
        json!({ "accountEnabled": true }),
    )
    .await
    .expect(204);
    let token = access(&nave, GRAPH).await;
    nave.graph(Method::DELETE, "/users/joe@contoso.com", Value::Null)
        .await
        .expect(204);
    assert_eq!(me(&token).await.status, 401);
}

#[tokio::test]
async fn tokens_outlive_a_rotation_and_end_with_their_key() {
    let nave = Nave::start().await;
    let token = access(&nave, ARM).await;
    let now = start().as_second();
    assert!(nave.who(&token).await.is_ok());
    nave.keys.rotate(now, now).expect("rotated");
    assert!(nave.who(&token).await.is_ok());
    let published = nave
        .send(ask(Method::GET, &format!("/{TENANT}/discovery/v2.0/keys")))
        .await;
    assert_eq!(published.expect(200)["keys"].as_array().map(Vec::len), Some(2));
    let new = access(&nave, ARM).await;
    nave.keys.replace_all(now).expect("replaced");
    for token in [&token, &new] {
        assert_eq!(
            code(&nave, token).await,
            ErrorCode::InvalidAuthenticationToken,
            "remembered or not"
        );
    }
    assert!(nave.who(&access(&nave, ARM).await).await.is_ok());
}
