//! Sessions: what their tokens say, how refresh tokens rotate, and how a session ends.

mod common;

use common::*;
use http::Method;
use nave_engine::Proof;
use serde_json::{Value, json};

const SECOND_FACTOR: &str = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;

async fn refresh(nave: &Nave, token: &Value, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", "refresh_token"),
        ("client_id", CLI),
        ("refresh_token", token.as_str().expect("a refresh token")),
        ("scope", ARM),
    ];
    form.extend_from_slice(more);
    nave.token(&form).await
}

async fn is_accepted(nave: &Nave, tokens: &Value) -> bool {
    nave.who(tokens["access_token"].as_str().expect("token"))
        .await
        .is_ok()
}

#[tokio::test]
async fn a_token_says_in_which_session_how_and_when_its_holder_signed_in() {
    let nave = Nave::start().await;
    let tokens = nave.joe(ARM).await;
    let says = claims(&tokens["access_token"]);
    assert_eq!(says["amr"], json!(["pwd"]));
    assert_eq!(says["auth_time"], start().as_second());
    assert_eq!(says.get("acrs"), None);
    nave.advance(1000);
    let later = refresh(&nave, &tokens["refresh_token"], &[]).await.expect(200);
    let again = claims(&later["access_token"]);
    assert_eq!(
        (&again["sid"], &again["auth_time"]),
        (&says["sid"], &says["auth_time"])
    );
    assert_eq!(claims(&later["id_token"])["sid"], says["sid"]);
    let caller = nave
        .who(later["access_token"].as_str().expect("token"))
        .await
        .expect("good")
        .expect("somebody");
    assert_eq!(
        caller
            .sign_in
            .session
            .map(|session| session.to_string())
            .as_deref(),
        says["sid"].as_str()
    );
    assert_eq!(&*caller.sign_in.methods, [String::from("pwd")]);
    assert_eq!(caller.sign_in.proof, Proof::Epoch(0));
    let other = nave.joe(ARM).await;
    assert_ne!(
        claims(&other["access_token"])["sid"],
        says["sid"],
        "each sign-in is its own session"
    );
}

#[tokio::test]
async fn each_use_of_a_refresh_token_gives_a_new_one_and_an_old_one_ends_the_session() {
    let nave = Nave::start().await;
    let first = nave.joe(ARM).await;
    let second = refresh(&nave, &first["refresh_token"], &[]).await.expect(200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    // programs side by side: the first token is still good for a moment
    nave.advance(60);
    let beside = refresh(&nave, &first["refresh_token"], &[]).await.expect(200);
    let third = refresh(&nave, &beside["refresh_token"], &[]).await.expect(200);
    nave.advance(1);
    let elsewhere = nave.joe(ARM).await;
    assert!(is_accepted(&nave, &third).await);
    let reused = refresh(&nave, &first["refresh_token"], &[]).await;
    assert_eq!((reused.status, reused.number()), (400, 50_173));
    assert_eq!(reused.json["error"], "invalid_grant");
    assert!(
        reused.json["error_description"]
            .as_str()
            .is_some_and(|text| text.contains("used before"))
    );
    for tokens in [&first, &second, &third] {
        assert!(!is_accepted(&nave, tokens).await, "the whole session is over");
        assert_eq!(
            refresh(&nave, &tokens["refresh_token"], &[]).await.number(),
            50_173
        );
    }
    assert!(is_accepted(&nave, &elsewhere).await, "and no other");
}

#[tokio::test]
async fn many_programs_may_refresh_at_once() {
    let nave = Nave::start().await;
    let mut tokens = nave.joe(ARM).await;
    for _ in 0..3 {
        let token = &tokens["refresh_token"];
        let (one, two, three) = tokio::join!(
            refresh(&nave, token, &[]),
            refresh(&nave, token, &[]),
            refresh(&nave, token, &[])
        );
        for answer in [one, two, three] {
            tokens = answer.expect(200);
        }
    }
    nave.advance(3600);
    refresh(&nave, &tokens["refresh_token"], &[]).await.expect(200);
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it_and_after_its_longest_time() {
    let nave = Nave::start().await;
    let day = 86_400;
    let unused = nave.joe(ARM).await;
    let mut used = nave.joe(ARM).await;
    for _ in 0..2 {
        nave.advance(89 * day);
        used = refresh(&nave, &used["refresh_token"], &[]).await.expect(200);
    }
    assert_eq!(
        refresh(&nave, &unused["refresh_token"], &[]).await.number(),
        700_082
    );
    nave.advance(2 * day);
    assert_eq!(
        refresh(&nave, &used["refresh_token"], &[]).await.number(),
        700_082
    );
}

#[tokio::test]
async fn revoking_disabling_and_a_new_password_refuse_every_token_at_once() {
    let nave = Nave::start().await;
    let path = format!("/users/{JOE}");
    let revoke = format!("{path}/revokeSignInSessions");
    let steps = [
        (Method::POST, revoke.as_str(), Value::Null),
        (Method::PATCH, path.as_str(), json!({ "accountEnabled": false })),
    ];
    for (method, path, body) in steps {
        let tokens = nave.joe(ARM).await;
        assert!(is_accepted(&nave, &tokens).await);
        let done = nave.graph(method, path, body).await;
        assert!((200..300).contains(&done.status), "{}", done.json);
        assert!(!is_accepted(&nave, &tokens).await);
        assert_eq!(refresh(&nave, &tokens["refresh_token"], &[]).await.status, 400);
    }
}

#[tokio::test]
async fn a_challenge_for_a_second_factor_is_told_back_to_who_cannot_give_one_here() {
    let nave = Nave::start().await;
    let tokens = nave.joe(ARM).await;
    let refused = refresh(&nave, &tokens["refresh_token"], &[("claims", SECOND_FACTOR)]).await;
    assert_eq!((refused.status, refused.number()), (400, 50_076));
    assert_eq!(refused.json["error"], "interaction_required");
    assert_eq!(refused.json["claims"], SECOND_FACTOR);
    let form = [
        ("grant_type", "password"),
        ("client_id", CLI),
        ("username", "joe@contoso.com"),
        ("password", PASSWORD),
        ("scope", ARM),
        ("claims", SECOND_FACTOR),
    ];
    let refused = nave.token(&form).await;
    assert_eq!(
        (refused.number(), &refused.json["claims"]),
        (50_079, &json!(SECOND_FACTOR))
    );
    assert_eq!(
        refresh(&nave, &tokens["refresh_token"], &[]).await.status,
        200,
        "the token was not used up"
    );
}
