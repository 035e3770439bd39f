//! The secrets of the directory: what people, programs, resources and providers show who they are with.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use nave_testkit::{Answer, Ask};
use serde_json::{Value, json};

use super::Canaries;
use crate::town::{APPLICATION, PASSWORD, Town};

const CLIENT: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const TOKEN: &str = "/organizations/oauth2/v2.0/token";

/// Makes each of them, and shows it once, in the right way and in a wrong one.
pub(super) async fn plant(town: &Town, canaries: &mut Canaries) {
    provider(town, canaries).await;
    provisioning_token(town, canaries).await;
    session(town, canaries).await;
    assertions(town, canaries).await;
    refresh_token(town, canaries).await;
    authenticator(town, canaries).await;
}

async fn provider(town: &Town, canaries: &mut Canaries) {
    let secret = canaries.plant("a provider's client secret");
    let body = json!({
        "id": "secretive", "displayName": "Secretive", "issuer": "http://127.0.0.1:9", "clientId": "c",
        "clientSecret": secret,
    });
    town.nave
        .make(Method::POST, "/graph/v1.0/identity/identityProviders", &body)
        .await;
}

async fn provisioning_token(town: &Town, canaries: &mut Canaries) {
    let body = json!({ "displayName": "secretive" });
    let path = "/graph/v1.0/identity/provisioningTokens";
    let made = town.nave.make(Method::POST, path, &body).await;
    let token = made["secretText"].as_str().unwrap();
    canaries.keep("a provisioning token", token);
    for (path, status) in [("/scim/v2/Users", 200), ("/graph/v1.0/users", 401)] {
        let answer = town.nave.send(Ask::get(path).bearer(token)).await;
        assert_eq!(answer.status, status, "{path} {}", answer.text());
    }
}

async fn session(town: &Town, canaries: &mut Canaries) {
    let identity = town.resource("Microsoft.ManagedIdentity/userAssignedIdentities", "identity");
    let opened = town
        .nave
        .make(Method::POST, &format!("{identity}/openSession"), &json!({}))
        .await;
    let secret = opened["environment"]["IDENTITY_HEADER"].as_str().unwrap();
    canaries.keep("a session's secret", secret);
    let resource = format!("resource={}&api-version=2019-08-01", town.nave.origin());
    let machine = format!("/msi/{secret}/metadata/identity/oauth2/token?{resource}");
    let app = Ask::get(format!("/msi/token?{resource}")).header("x-identity-header", secret);
    for (ask, status) in [
        (app, 200),
        (Ask::get(machine.clone()).header("metadata", "true"), 200),
        (Ask::get(machine), 400),
    ] {
        let answer = town.nave.send(ask).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        if let Some(token) = answer.json()["access_token"].as_str() {
            canaries.keep("a managed identity's token", token);
        }
    }
}

/// One that says that the application signed it, and one of somebody else; neither holds.
async fn assertions(town: &Town, canaries: &mut Canaries) {
    let path = format!("/graph/v1.0/applications/{APPLICATION}");
    let application = town.nave.make(Method::GET, &path, &Value::Null).await;
    let client = application["appId"].as_str().unwrap();
    for issuer in [client, "http://127.0.0.1:9"] {
        let part = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let header = part(json!({ "alg": "RS256", "typ": "JWT", "kid": "k" }));
        let claims = part(
            json!({ "iss": issuer, "sub": client, "aud": "a", "exp": 4_000_000_000_u64, "jti": issuer }),
        );
        let signature = URL_SAFE_NO_PAD.encode(canaries.plant("what signs a client assertion"));
        canaries.keep("a client assertion's signature", &signature);
        canaries.keep("a client assertion's claims", &claims);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", &format!("{header}.{claims}.{signature}")),
            ("scope", &format!("{}/.default", town.nave.origin())),
        ];
        let answer = town.nave.send(Ask::new(Method::POST, TOKEN).form(&form)).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert!(!answer.text().contains(&signature) && !answer.text().contains(&claims));
    }
}

async fn refresh_token(town: &Town, canaries: &mut Canaries) {
    let form = [
        ("grant_type", "password"),
        ("client_id", CLIENT),
        ("username", "user@contoso.com"),
        ("password", PASSWORD),
        (
            "scope",
            &format!("{}/.default offline_access", town.nave.origin()),
        ),
    ];
    let answer = town.nave.send(Ask::new(Method::POST, TOKEN).form(&form)).await;
    let token = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    canaries.keep("a refresh token", &token);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT),
        ("refresh_token", &token),
    ];
    for status in [200, 200] {
        let answer = town.nave.send(Ask::new(Method::POST, TOKEN).form(&form)).await;
        assert_eq!(answer.status, status, "within its grace: {}", answer.text());
    }
}

/// Somebody sets up an authenticator app and signs in with a recovery code.
async fn authenticator(town: &Town, canaries: &mut Canaries) {
    let body = json!({
        "accountEnabled": true, "displayName": "canary", "mailNickname": "canary", "userPrincipalName": "canary@contoso.com",
        "passwordProfile": { "password": PASSWORD, "forceChangePasswordNextSignIn": false },
    });
    town.nave.make(Method::POST, "/graph/v1.0/users", &body).await;
    let credentials = [("username", "canary@contoso.com"), ("password", PASSWORD)];
    let mut page = Page::open(town).await;
    page.send(&credentials).await;
    page.send(&[("do", "authenticator")]).await;
    let key = page.codes().remove(0);
    canaries.keep("the key of an authenticator app", &key);
    canaries.keep(
        "the key of an authenticator app, as it is sealed",
        &URL_SAFE_NO_PAD.encode(unbase32(&key)),
    );
    page.send(&[("code", "000000")]).await;
    let step = town.nave.engine.world().now().as_second() / 30;
    page.send(&[("code", &code(&unbase32(&key), step))]).await;
    let recovery = page.codes();
    assert_eq!(recovery.len(), 10, "{}", page.answer.text());
    for code in &recovery {
        canaries.keep("a recovery code", code);
    }
    let mut page = Page::open(town).await;
    page.send(&credentials).await;
    page.send(&[("code", &recovery[0])]).await;
    assert!(
        page.answer.text().contains("Signed in as"),
        "{}",
        page.answer.text()
    );
}

/// A page with a form, in a browser.
struct Page<'a> {
    town: &'a Town,
    cookie: String,
    answer: Answer,
}

impl<'a> Page<'a> {
    async fn open(town: &'a Town) -> Self {
        let answer = town.nave.send(Ask::get("/account")).await;
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        Self { town, cookie, answer }
    }

    async fn send(&mut self, fields: &[(&str, &str)]) {
        let text = self.answer.text();
        let (_, flow) = text.split_once("name=\"flow\" value=\"").unwrap();
        let flow = ("flow", flow.split('"').next().unwrap());
        let form: Vec<(&str, &str)> = [flow].into_iter().chain(fields.iter().copied()).collect();
        let ask = Ask::new(Method::POST, "/account").form(&form);
        self.answer = self.town.nave.send(ask.header("cookie", &self.cookie)).await;
    }

    /// The text of each `<code>`.
    fn codes(&self) -> Vec<String> {
        let text = self.answer.text();
        let parts = text.split("<code>").skip(1);
        parts
            .filter_map(|part| part.split("</code>").next())
            .map(str::to_owned)
            .collect()
    }
}

fn unbase32(text: &str) -> Vec<u8> {
    let digit = |c| {
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            .iter()
            .position(|letter| *letter == c)
            .unwrap()
    };
    let bits: Vec<usize> = text
        .bytes()
        .flat_map(|c| (0..5).rev().map(move |at| (digit(c) >> at) & 1))
        .collect();
    bits.chunks_exact(8)
        .map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit == 1)))
        .collect()
}

/// The code an app with this key shows (RFC 6238).
fn code(key: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes([tag[at], tag[at + 1], tag[at + 2], tag[at + 3]]) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}
