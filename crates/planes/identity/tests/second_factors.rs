//! Second factors: an authenticator app with recovery codes, passkeys, who must have one, and passwords that must change.

mod common;

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ciborium::Value as Cbor;
use common::*;
use http::{Method, header};
use serde_json::{Value, json};

const AUTHORIZE: &str = "/99999999-9999-9999-9999-999999999999/oauth2/v2.0/authorize";
const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";
const CHALLENGE: &str = "IdFsue1MJJJtybEPX0invmHHuW1I7Ai5LXVlXpENjsk";
const BACK: &str = "http://localhost:8400/done";
const SECOND_FACTOR: &str = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;

/// A browser: one cookie, and the page it shows.
struct Browser<'a> {
    nave: &'a Nave,
    path: &'static str,
    cookie: String,
    page: Answer,
}

impl<'a> Browser<'a> {
    async fn at(nave: &'a Nave, path: &'static str, query: &[(&str, &str)]) -> Self {
        let page = nave.send(ask(Method::GET, path).query(query)).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let cookie = page.cookie();
        Self {
            nave,
            path,
            cookie,
            page,
        }
    }

    async fn account(nave: &'a Nave) -> Self {
        Self::at(nave, "/account", &[]).await
    }

    async fn program(nave: &'a Nave, claims: &str) -> Self {
        let query = [
            ("client_id", CLI),
            ("response_type", "code"),
            ("redirect_uri", BACK),
            (
                "scope",
                "https://nave.test/.default offline_access openid profile",
            ),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("claims", claims),
        ];
        Self::at(nave, AUTHORIZE, &query).await
    }

    async fn send(&mut self, fields: &[(&str, &str)]) -> u16 {
        let flow = self.page.hidden("flow");
        let form: Vec<(&str, &str)> = [("flow", flow.as_str())]
            .into_iter()
            .chain(fields.iter().copied())
            .collect();
        let post = ask(Method::POST, self.path)
            .form(&form)
            .header(header::COOKIE, &self.cookie);
        self.page = self.nave.send(post).await;
        self.page.status
    }

    async fn password(&mut self, password: &str) -> u16 {
        self.send(&[("username", "joe@contoso.com"), ("password", password)])
            .await
    }

    fn shows(&self, text: &str) -> bool {
        self.page.text.contains(text)
    }

    /// The text of each `<code>`.
    fn codes(&self) -> Vec<String> {
        let parts = self.page.text.split("<code>").skip(1);
        parts
            .filter_map(|part| part.split("</code>").next())
            .map(str::to_owned)
            .collect()
    }

    /// The value of the first button that does something of this kind.
    fn button(&self, kind: &str) -> String {
        let start = format!("value=\"{kind}:");
        let (_, rest) = self.page.text.split_once(&start).expect("a button");
        format!("{kind}:{}", rest.split('"').next().unwrap_or_default())
    }

    /// What the page's script is to ask the browser for.
    fn options(&self, what: &str) -> Value {
        let text = self.page.hidden("options").replace("&quot;", "\"");
        serde_json::from_str::<Value>(&text).expect("options")[what].clone()
    }

    /// The tokens of the program that was sent back.
    async fn tokens(&self) -> Value {
        assert_eq!(self.page.status, 303, "{}", self.page.text);
        let location = self.page.header("location").to_owned();
        let code = location
            .split_once("code=")
            .expect("a code")
            .1
            .split('&')
            .next()
            .unwrap_or_default();
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", CLI),
            ("code", code),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ];
        self.nave.token(&form).await.expect(200)
    }
}

fn unbase32(text: &str) -> Vec<u8> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for c in text.bytes() {
        let five = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            .iter()
            .position(|letter| *letter == c)
            .expect("base 32");
        bits = (bits << 5) | u32::try_from(five).expect("five bits");
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).expect("a byte"));
        }
    }
    bytes
}

/// The code an app shows now.
fn code(key: &str, nave: &Nave) -> String {
    let step = nave.engine.world().now().as_second() / 30;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &unbase32(key));
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes([tag[at], tag[at + 1], tag[at + 2], tag[at + 3]]) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// Joe sets up an app; its key and his recovery codes.
async fn set_up(nave: &Nave) -> (String, Vec<String>) {
    let mut browser = Browser::account(nave).await;
    assert_eq!(browser.password(PASSWORD).await, 200);
    browser.send(&[("do", "authenticator")]).await;
    let key = browser.codes().remove(0);
    assert!(browser.shows("<svg"));
    assert_eq!(browser.send(&[("code", "000000")]).await, 401);
    assert_eq!(
        browser.codes(),
        std::slice::from_ref(&key),
        "the key stays the same"
    );
    assert_eq!(browser.send(&[("code", &code(&key, nave))]).await, 200);
    let recovery = browser.codes();
    assert_eq!(recovery.len(), 10);
    browser.send(&[]).await;
    assert!(
        browser.shows("Remove: authenticator app"),
        "{}",
        browser.page.text
    );
    (key, recovery)
}

#[tokio::test]
async fn an_app_is_asked_for_from_then_on_and_each_code_works_once() {
    let nave = Nave::start().await;
    let (key, recovery) = set_up(&nave).await;
    let used = code(&key, &nave);
    let mut browser = Browser::program(&nave, "").await;
    assert_eq!(browser.password(PASSWORD).await, 200);
    assert!(browser.shows("authenticator app shows") && browser.shows("autocomplete=\"one-time-code\""));
    assert_eq!(
        browser.send(&[("code", &used)]).await,
        401,
        "it set the app up, so it was used"
    );
    nave.advance(30);
    assert_eq!(browser.send(&[("code", &code(&key, &nave))]).await, 303);
    let tokens = browser.tokens().await;
    let says = claims(&tokens["access_token"]);
    assert_eq!(
        (&says["amr"], &says["acrs"]),
        (&json!(["pwd", "otp", "mfa"]), &json!(["c1"]))
    );
    let refreshed = nave
        .token(&[
            ("grant_type", "refresh_token"),
            ("client_id", CLI),
            ("refresh_token", tokens["refresh_token"].as_str().expect("token")),
            ("claims", SECOND_FACTOR),
        ])
        .await
        .expect(200);
    assert_eq!(claims(&refreshed["access_token"])["acrs"], json!(["c1"]));

    let refused = nave.sign_in("joe@contoso.com", PASSWORD, ARM).await;
    assert_eq!(
        (refused.number(), refused.json["error"].as_str()),
        (50_076, Some("interaction_required"))
    );

    for (entered, status) in [
        (&recovery[3], 303),
        (&recovery[3], 401),
        (&recovery[4].to_uppercase(), 303),
    ] {
        let mut browser = Browser::program(&nave, "").await;
        browser.password(PASSWORD).await;
        assert_eq!(
            browser.send(&[("code", entered)]).await,
            status,
            "{}",
            browser.page.text
        );
    }
}

#[tokio::test]
async fn a_program_that_demands_a_second_factor_gets_one_set_up() {
    let nave = Nave::start().await;
    let mut browser = Browser::program(&nave, SECOND_FACTOR).await;
    assert_eq!(browser.password(PASSWORD).await, 200);
    assert!(browser.shows("Set up an authenticator app"));
    let key = browser.codes().remove(0);
    browser.send(&[("code", &code(&key, &nave))]).await;
    assert_eq!(browser.send(&[]).await, 303);
    assert_eq!(
        claims(&browser.tokens().await["access_token"])["acrs"],
        json!(["c1"])
    );
}

#[tokio::test]
async fn an_administrator_demands_second_factors_and_resets_them() {
    let nave = Nave::start().await;
    let mine = format!("/users/{JOE}/authentication");
    let demand = format!("{mine}/requirements");
    assert_eq!(nave.get(&demand).await.expect(200)["perUserMfaState"], "disabled");
    nave.graph(Method::PATCH, &demand, json!({ "perUserMfaState": "enforced" }))
        .await
        .expect(204);
    assert_eq!(
        nave.sign_in("joe@contoso.com", PASSWORD, ARM).await.number(),
        50_079
    );
    nave.sign_in("admin@contoso.com", PASSWORD, ARM).await.expect(200);
    let policy = "/policies/identitySecurityDefaultsEnforcementPolicy";
    nave.graph(Method::PATCH, policy, json!({ "isEnabled": true }))
        .await
        .expect(204);
    assert_eq!(nave.get(policy).await.expect(200)["isEnabled"], true);
    assert_eq!(
        nave.sign_in("admin@contoso.com", PASSWORD, ARM).await.number(),
        50_079
    );
    for (path, body) in [
        (policy, json!({ "isEnabled": false })),
        (demand.as_str(), json!({ "perUserMfaState": "disabled" })),
    ] {
        nave.graph(Method::PATCH, path, body).await.expect(204);
    }
    nave.sign_in("joe@contoso.com", PASSWORD, ARM).await.expect(200);

    set_up(&nave).await;
    let methods = nave.get(&format!("{mine}/methods")).await;
    assert_eq!(
        methods.each("@odata.type"),
        [
            "#microsoft.graph.passwordAuthenticationMethod",
            "#microsoft.graph.softwareOathAuthenticationMethod"
        ]
    );
    let id = methods.json["value"][1]["id"].as_str().expect("id").to_owned();
    let joe = person(JOE, "joe@contoso.com");
    let own = format!("/me/authentication/softwareOathMethods/{id}");
    let refused = nave.graph_as(&joe, Method::DELETE, &own, Value::Null).await;
    assert_eq!(
        (refused.status, refused.code()),
        (403, "Authorization_RequestDenied"),
        "he showed no second factor"
    );
    let path = format!("{mine}/softwareOathMethods/{id}");
    assert_eq!(
        nave.graph_as(&joe, Method::DELETE, &path, Value::Null)
            .await
            .status,
        403
    );
    nave.graph(Method::DELETE, &path, Value::Null).await.expect(204);
    assert_eq!(nave.graph(Method::DELETE, &path, Value::Null).await.status, 404);
    nave.sign_in("joe@contoso.com", PASSWORD, ARM).await.expect(200);
}

#[tokio::test]
async fn a_password_that_somebody_else_set_must_be_changed() {
    let nave = Nave::start().await;
    let given = "a first password for joe's friend";
    let profile = json!({ "passwordProfile": { "password": given, "forceChangePasswordNextSignIn": true } });
    let path = format!("/users/{JOE}");
    let refused = nave.graph(Method::PATCH, &path, profile).await;
    assert_eq!(refused.status, 204, "{}", refused.json);
    assert_eq!(nave.sign_in("joe@contoso.com", given, ARM).await.number(), 50_055);
    let mut browser = Browser::program(&nave, "").await;
    assert_eq!(browser.password(given).await, 200);
    assert!(browser.shows("New password"));
    for (bad, why) in [
        ("short", "at least 15"),
        ("passwordpassword", "many people"),
        (given, "the present one"),
    ] {
        assert_eq!(browser.send(&[("new_password", bad)]).await, 400);
        assert!(browser.shows(why), "{}", browser.page.text);
    }
    let own = "a second one that only I know";
    assert_eq!(
        browser.send(&[("new_password", own)]).await,
        303,
        "{}",
        browser.page.text
    );
    browser.tokens().await;
    nave.sign_in("joe@contoso.com", own, ARM).await.expect(200);
}

#[tokio::test]
async fn guessing_takes_longer_and_longer_and_locks_nobody_out() {
    let nave = Nave::start().await;
    for _ in 0..5 {
        assert_eq!(
            nave.sign_in("joe@contoso.com", "wrong", ARM).await.number(),
            50_126
        );
    }
    let refused = nave.sign_in("joe@contoso.com", PASSWORD, ARM).await;
    assert_eq!((refused.status, refused.number()), (429, 50_053));
    nave.advance(1);
    nave.sign_in("joe@contoso.com", PASSWORD, ARM).await.expect(200);
    let (key, _) = set_up(&nave).await;
    let mut browser = Browser::program(&nave, "").await;
    browser.password(PASSWORD).await;
    for _ in 0..5 {
        assert_eq!(browser.send(&[("code", "000000")]).await, 401);
    }
    nave.advance(1);
    assert_eq!(browser.send(&[("code", "000000")]).await, 401);
    nave.advance(1);
    assert_eq!(browser.send(&[("code", &code(&key, &nave))]).await, 429);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_on_the_account_page() {
    let nave = Nave::start().await;
    let tokens = nave.joe(ARM).await;
    let token = tokens["access_token"].as_str().expect("token");
    let mut browser = Browser::account(&nave).await;
    assert_eq!(browser.password(PASSWORD).await, 200);
    assert!(
        browser.shows("End the session of Microsoft Azure CLI"),
        "{}",
        browser.page.text
    );
    let end = browser.button("end");
    browser.send(&[("do", &end)]).await;
    assert!(!browser.shows("End the session"));
    assert!(nave.who(token).await.is_err());
}

/// An authenticator: one key, and a counter.
struct Authenticator {
    key: EcdsaKeyPair,
    counter: u32,
}

impl Authenticator {
    fn new() -> Self {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).expect("key");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).expect("key");
        Self { key, counter: 0 }
    }

    fn client(kind: &str, challenge: &Value, origin: &str) -> Vec<u8> {
        json!({ "type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false })
            .to_string()
            .into_bytes()
    }

    fn data(&mut self, party: &str, flags: u8) -> Vec<u8> {
        self.counter += 1;
        let mut data = digest(&SHA256, party.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn make(&mut self, options: &Value, origin: &str) -> Value {
        let client = Self::client("webauthn.create", &options["challenge"], origin);
        let mut data = self.data(options["rp"]["id"].as_str().expect("rp"), 0x45);
        data.extend([0; 16]);
        data.extend([0, 2, b'i', b'd']);
        let point = self.key.public_key().as_ref();
        let parts = [
            (1, Cbor::from(2)),
            (3, Cbor::from(-7)),
            (-1, Cbor::from(1)),
            (-2, Cbor::from(&point[1..33])),
            (-3, Cbor::from(&point[33..])),
        ];
        let key = Cbor::Map(parts.map(|(label, value)| (Cbor::from(label), value)).to_vec());
        ciborium::into_writer(&key, &mut data).expect("cbor");
        let object = Cbor::Map(vec![
            (Cbor::from("fmt"), Cbor::from("none")),
            (Cbor::from("attStmt"), Cbor::Map(Vec::new())),
            (Cbor::from("authData"), Cbor::Bytes(data)),
        ]);
        let mut attestation = Vec::new();
        ciborium::into_writer(&object, &mut attestation).expect("cbor");
        json!({
            "id": URL_SAFE_NO_PAD.encode("id"), "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
            "attestationObject": URL_SAFE_NO_PAD.encode(attestation),
        })
    }

    fn sign(&mut self, options: &Value, origin: &str, party: &str, flags: u8) -> Value {
        let client = Self::client("webauthn.get", &options["challenge"], origin);
        let data = self.data(party, flags);
        let signed = [data.as_slice(), digest(&SHA256, &client).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("signature");
        json!({
            "id": URL_SAFE_NO_PAD.encode("id"), "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature), "userHandle": URL_SAFE_NO_PAD.encode(JOE.as_bytes()),
        })
    }
}

#[tokio::test]
async fn a_passkey_is_added_and_signs_in_by_itself() {
    let nave = Nave::start().await;
    let mut device = Authenticator::new();
    let mut browser = Browser::account(&nave).await;
    browser.password(PASSWORD).await;
    browser.send(&[("do", "passkey")]).await;
    let policy = browser.page.header("content-security-policy");
    assert!(
        policy.ends_with("; script-src https://nave.test/signin/passkey.js"),
        "{policy}"
    );
    let foreign = device
        .make(&browser.options("create"), "https://evil.test")
        .to_string();
    assert_eq!(browser.send(&[("answer", &foreign)]).await, 401);
    assert!(browser.shows("which is not this server"));
    let answer = device.make(&browser.options("create"), ORIGIN).to_string();
    assert_eq!(browser.send(&[("answer", &answer)]).await, 200);
    assert!(browser.shows("Remove: passkey"), "{}", browser.page.text);
    let listed = nave
        .get(&format!("/users/{JOE}/authentication/fido2Methods"))
        .await;
    assert_eq!(listed.each("displayName"), ["Passkey"]);

    let mut browser = Browser::program(&nave, SECOND_FACTOR).await;
    browser.send(&[("with", "passkey")]).await;
    for (origin, party, flags, why) in [
        ("https://evil.test", "nave.test", 0x05, "which is not this server"),
        (ORIGIN, "evil.test", 0x05, "is not for"),
        (ORIGIN, "nave.test", 0x01, "recognised you"),
    ] {
        let answer = device
            .sign(&browser.options("get"), origin, party, flags)
            .to_string();
        assert_eq!(browser.send(&[("answer", &answer)]).await, 401);
        assert!(browser.shows(why), "{}", browser.page.text);
    }
    let stranger = Authenticator::new()
        .sign(&browser.options("get"), ORIGIN, "nave.test", 5)
        .to_string();
    assert_eq!(browser.send(&[("answer", &stranger)]).await, 401);
    assert!(browser.shows("signature is not right"));
    let old = browser.options("get");
    assert_eq!(browser.send(&[("answer", "")]).await, 401);
    let answer = device.sign(&old, ORIGIN, "nave.test", 5).to_string();
    assert_eq!(browser.send(&[("answer", &answer)]).await, 401);
    assert!(browser.shows("another question"));
    let answer = device
        .sign(&browser.options("get"), ORIGIN, "nave.test", 5)
        .to_string();
    assert_eq!(
        browser.send(&[("answer", &answer)]).await,
        303,
        "{}",
        browser.page.text
    );
    let says = claims(&browser.tokens().await["access_token"]);
    assert_eq!(
        (&says["amr"], &says["acrs"]),
        (&json!(["fido", "mfa"]), &json!(["c1"]))
    );

    device.counter = 0;
    let mut browser = Browser::program(&nave, "").await;
    browser.password(PASSWORD).await;
    assert_eq!(
        browser.options("get")["allowCredentials"][0]["id"],
        URL_SAFE_NO_PAD.encode("id")
    );
    let answer = device
        .sign(&browser.options("get"), ORIGIN, "nave.test", 5)
        .to_string();
    assert_eq!(
        browser.send(&[("answer", &answer)]).await,
        401,
        "a copy that counts anew"
    );
    assert!(browser.shows("counted back"));
    device.counter = 100;
    let answer = device
        .sign(&browser.options("get"), ORIGIN, "nave.test", 5)
        .to_string();
    assert_eq!(browser.send(&[("answer", &answer)]).await, 303);
    assert_eq!(
        claims(&browser.tokens().await["access_token"])["amr"],
        json!(["pwd", "fido", "mfa"])
    );
}

#[tokio::test]
async fn the_right_password_gives_no_new_guesses_at_the_code() {
    let nave = Nave::start().await;
    set_up(&nave).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        let mut browser = Browser::program(&nave, "").await;
        assert_eq!(browser.password(PASSWORD).await, 200);
        for _ in 0..4 {
            answers.push(browser.send(&[("code", "000000")]).await);
        }
    }
    assert_eq!(answers[..5], [401; 5]);
    assert_eq!(
        answers[5..],
        [429; 7],
        "whoever has the password has to wait for the code"
    );
    assert_eq!(
        nave.sign_in("joe@contoso.com", PASSWORD, ARM).await.number(),
        50_076,
        "codes that were guessed do not stand in the way of the password"
    );
}

#[tokio::test]
async fn many_guesses_at_once_are_not_more_guesses() {
    let nave = Nave::start().await;
    let guess = async || nave.sign_in("joe@contoso.com", "wrong", ARM).await.number();
    let guess = &guess;
    let pair = async || <[u64; 2]>::from(tokio::join!(guess(), guess()));
    let pair = &pair;
    let four = async || <[[u64; 2]; 2]>::from(tokio::join!(pair(), pair())).concat();
    let (a, b, c, d) = tokio::join!(four(), four(), four(), four());
    let answers = [a, b, c, d].concat();
    let looked_at = answers.iter().filter(|number| **number == 50_126).count();
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    assert!((5..=5 + at_once).contains(&looked_at), "{answers:?}");
}

#[tokio::test]
async fn a_page_from_before_the_second_factor_opens_nothing_after_it() {
    let nave = Nave::start().await;
    let mut account = Browser::account(&nave).await;
    account.password(PASSWORD).await;
    let mut enrolling = Browser::account(&nave).await;
    enrolling.password(PASSWORD).await;
    enrolling.send(&[("do", "authenticator")]).await;
    let another = enrolling.codes().remove(0);
    let mut password = Browser::account(&nave).await;
    password.password(PASSWORD).await;
    password.send(&[("do", "password")]).await;

    let (key, _) = set_up(&nave).await;
    nave.advance(30);
    account.send(&[("do", "password")]).await;
    enrolling.send(&[("code", &code(&another, &nave))]).await;
    password
        .send(&[("new_password", "four words nobody would join")])
        .await;
    for browser in [&account, &enrolling, &password] {
        assert!(browser.shows("authenticator app shows"), "{}", browser.page.text);
    }
    assert_eq!(account.send(&[("code", &code(&key, &nave))]).await, 200);
    assert!(
        account.shows("Remove: authenticator app"),
        "{}",
        account.page.text
    );
}
