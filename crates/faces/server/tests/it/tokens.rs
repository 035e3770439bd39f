//! Tokens that must not open anything.

use jiff::SignedDuration;
use nave_testkit::{Ask, Audience, Person, TestServer};
use nave_vault::SigningKeys;
use serde_json::{Value, json};

/// A server, its Owner, and the keys it signs with.
struct Gate {
    nave: TestServer,
    owner: Person,
    keys: SigningKeys,
    claims: Value,
}

impl Gate {
    async fn build() -> Self {
        let nave = TestServer::start().await;
        let owner = nave.administrator().await;
        let now = nave.engine.world().now().as_second();
        let keys = SigningKeys::open_or_create(nave.data(), now).unwrap();
        let claims = keys.verify(owner.token(Audience::Arm), now).unwrap().claims;
        Self {
            nave,
            owner,
            keys,
            claims,
        }
    }

    async fn ask(&self, token: &str) -> (u16, String) {
        let answer = self
            .nave
            .send(Ask::get("/subscriptions?api-version=2022-12-01").bearer(token))
            .await;
        (answer.status, answer.code())
    }

    /// A token with some claims changed, signed with the server's own key.
    fn with(&self, changes: &Value) -> String {
        let mut claims = self.claims.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.keys.sign(&claims).unwrap()
    }
}

fn base64(value: &Value) -> String {
    // Hand-made tokens need no more than the text of their parts.
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in value.to_string().as_bytes().chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for at in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * at) & 63) as usize]));
        }
    }
    text
}

#[tokio::test]
async fn the_real_one_opens() {
    let gate = Gate::build().await;
    assert_eq!(gate.ask(gate.owner.token(Audience::Arm)).await.0, 200);
    assert_eq!(
        gate.ask(&gate.with(&json!({}))).await.0,
        200,
        "a token re-signed unchanged is as good"
    );
}

#[tokio::test]
async fn claims_that_do_not_fit_are_refused() {
    let gate = Gate::build().await;
    let now = gate.nave.engine.world().now().as_second();
    let origin = gate.nave.origin().to_owned();
    let other = "11111111-1111-4111-8111-111111111111";
    let table = [
        ("expired", json!({ "exp": now }), "ExpiredAuthenticationToken"),
        (
            "not valid yet",
            json!({ "nbf": now + 60 }),
            "InvalidAuthenticationToken",
        ),
        (
            "for the directory",
            json!({ "aud": format!("{origin}/graph") }),
            "InvalidAuthenticationTokenAudience",
        ),
        (
            "for another server",
            json!({ "aud": "https://elsewhere.example" }),
            "InvalidAuthenticationTokenAudience",
        ),
        (
            "from another issuer",
            json!({ "iss": "https://elsewhere.example/v2.0" }),
            "InvalidAuthenticationTokenTenant",
        ),
        (
            "of another tenant",
            json!({ "tid": other }),
            "InvalidAuthenticationTokenTenant",
        ),
        ("of nobody", json!({ "oid": other }), "InvalidAuthenticationToken"),
        (
            "an id token",
            json!({ "idtyp": null }),
            "InvalidAuthenticationToken",
        ),
    ];
    for (what, changes, code) in table {
        assert_eq!(
            gate.ask(&gate.with(&changes)).await,
            (401, code.to_owned()),
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_token_that_was_seen_before_still_expires() {
    let gate = Gate::build().await;
    let token = gate.owner.token(Audience::Arm);
    assert_eq!(gate.ask(token).await.0, 200);
    gate.nave.world.advance(SignedDuration::from_secs(3600));
    assert_eq!(
        gate.ask(token).await,
        (401, String::from("ExpiredAuthenticationToken"))
    );
}

#[tokio::test]
async fn signatures_that_are_not_ours_are_refused() {
    let gate = Gate::build().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let other = SigningKeys::open_or_create(elsewhere.path(), 0).unwrap();
    let (claims, id) = (base64(&gate.claims), gate.keys.key_id());
    let real = gate.owner.token(Audience::Arm).to_owned();
    let signature = real.rsplit('.').next().unwrap().to_owned();
    let header = |algorithm: &str| base64(&json!({ "typ": "JWT", "alg": algorithm, "kid": id }));
    let more = base64(&json!({ "oid": gate.claims["oid"], "exp": i64::MAX }));
    let real_header = real.split('.').next().unwrap().to_owned();
    let table = [
        ("another key", other.sign(&gate.claims).unwrap()),
        ("no signature", format!("{}.{claims}.", header("none"))),
        (
            "no signature, oddly spelled",
            format!("{}.{claims}.", header("nOnE")),
        ),
        (
            "no signature, but one is there",
            format!("{}.{claims}.{signature}", header("none")),
        ),
        (
            "the public key as a shared one",
            format!("{}.{claims}.{signature}", header("HS256")),
        ),
        (
            "claims that were changed",
            format!("{real_header}.{more}.{signature}"),
        ),
        ("a signature that was cut", real[..real.len() - 4].to_owned()),
    ];
    for (what, token) in table {
        let (status, code) = gate.ask(&token).await;
        assert_eq!(
            (status, code.as_str()),
            (401, "InvalidAuthenticationToken"),
            "{what}"
        );
    }
    assert_eq!(gate.ask("not a token").await.0, 401);
}

#[tokio::test]
async fn who_is_disabled_or_gone_is_out_at_once() {
    let gate = Gate::build().await;
    let person = gate.nave.person("leaver").await;
    let token = person.token(Audience::Arm);
    assert_eq!(gate.ask(token).await.0, 200);
    let path = format!("/graph/v1.0/users/{}", person.id);
    gate.nave
        .make(http::Method::PATCH, &path, &json!({ "accountEnabled": false }))
        .await;
    assert_eq!(gate.ask(token).await.0, 401);
    gate.nave
        .make(http::Method::PATCH, &path, &json!({ "accountEnabled": true }))
        .await;
    gate.nave.make(http::Method::DELETE, &path, &Value::Null).await;
    assert_eq!(gate.ask(token).await.0, 401);
}
