//! Applications prove themselves: with certificates, and with tokens of other identity providers.

mod common;

use std::sync::{Arc, Mutex};

use axum::{Json, Router, routing::get};
use common::*;
use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const EXCHANGE: &str = "api://AzureADTokenExchange";

/// A key with a certificate, as an application holds it.
struct Held {
    key: KeyPair,
    certificate: nave_vault::Certificate,
}

impl Held {
    fn rsa() -> Self {
        Self::of(
            KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("key"),
            2028,
        )
    }

    fn ec() -> Self {
        Self::of(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("key"), 2028)
    }

    fn of(key: KeyPair, until: i32) -> Self {
        let mut params = CertificateParams::new(vec![String::from("robot")]).expect("params");
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let der = params.self_signed(&key).expect("signed").der().to_vec();
        let certificate = nave_vault::Certificate::from_der(der).expect("certificate");
        Self { key, certificate }
    }

    fn credential(&self) -> Value {
        json!({ "type": "AsymmetricX509Cert", "usage": "Verify", "key": self.certificate.to_base64() })
    }

    fn sign(&self, algorithm: Algorithm, claims: &Value) -> String {
        self.sign_as(algorithm, claims, &self.certificate)
    }

    fn sign_as(&self, algorithm: Algorithm, claims: &Value, named: &nave_vault::Certificate) -> String {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE};
        let mut header = Header::new(algorithm);
        header.x5t = Some(URL_SAFE.encode(named.thumbprint()));
        header.x5t_s256 = Some(URL_SAFE.encode(named.thumbprint_sha256()));
        encode(&header, claims, &encoding(&self.key, algorithm)).expect("signed")
    }
}

fn encoding(key: &KeyPair, algorithm: Algorithm) -> EncodingKey {
    let pem = key.serialize_pem();
    match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_pem(pem.as_bytes()),
        _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
    }
    .expect("key")
}

/// What MSAL puts in an assertion, fractions included.
fn own_claims() -> Value {
    let now = start().as_second() as f64 + 0.25;
    let app = ROBOT_APP.to_string();
    json!({
        "aud": format!("{ORIGIN}/{TENANT}/oauth2/v2.0/token"), "iss": app, "sub": app,
        "exp": now + 600.0, "iat": now, "jti": uuid::Uuid::new_v4(),
    })
}

fn with(mut claims: Value, member: &str, value: Value) -> Value {
    claims[member] = value;
    claims
}

async fn show(nave: &Nave, client: &str, assertion: &str) -> Answer {
    nave.token(&[
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
        ("scope", ARM),
    ])
    .await
}

async fn robot(nave: &Nave, assertion: &str) -> Answer {
    show(nave, &ROBOT_APP.to_string(), assertion).await
}

async fn register(nave: &Nave, held: &[&Held]) {
    let list: Vec<Value> = held.iter().map(|held| held.credential()).collect();
    nave.graph(
        Method::PATCH,
        &format!("/applications/{APP}"),
        json!({ "keyCredentials": list }),
    )
    .await
    .expect(204);
}

#[tokio::test]
async fn a_registered_certificate_signs_its_application_in() {
    let nave = Nave::start().await;
    let (rsa, ec) = (Held::rsa(), Held::ec());
    register(&nave, &[&rsa, &ec]).await;
    for (held, algorithm) in [
        (&rsa, Algorithm::RS256),
        (&rsa, Algorithm::PS256),
        (&ec, Algorithm::ES256),
    ] {
        let tokens = robot(&nave, &held.sign(algorithm, &own_claims()))
            .await
            .expect(200);
        let claims = claims(&tokens["access_token"]);
        assert_eq!(
            (&claims["oid"], &claims["amr"]),
            (&json!(ROBOT), &json!(["cert"])),
            "{algorithm:?}"
        );
        let caller = nave.who(tokens["access_token"].as_str().expect("a token")).await;
        assert_eq!(caller.expect("good").expect("a caller").object_id, ROBOT);
    }
    let list = json!({ "keyCredentials": [Held::ec().credential()] });
    nave.graph(Method::PATCH, &format!("/servicePrincipals/{ROBOT}"), list)
        .await
        .expect(204);
    robot(&nave, &rsa.sign(Algorithm::RS256, &own_claims()))
        .await
        .expect(200);
}

#[tokio::test]
async fn an_assertion_that_is_not_right_in_every_part_is_refused() {
    let nave = Nave::start().await;
    let (held, other, weak) = (Held::rsa(), Held::rsa(), Held::ec());
    register(&nave, &[&held, &weak]).await;
    let (now, good) = (start().as_second(), own_claims);
    let sign = |claims: Value| held.sign(Algorithm::RS256, &claims);
    let table = [
        ("not a JWT", String::from("hello"), 50_027),
        (
            "another certificate",
            other.sign(Algorithm::RS256, &good()),
            700_027,
        ),
        (
            "another key under the certificate's name",
            other.sign_as(Algorithm::RS256, &good(), &held.certificate),
            700_027,
        ),
        (
            "an algorithm that is not served",
            held.sign(Algorithm::RS512, &good()),
            700_027,
        ),
        (
            "another subject",
            sign(with(good(), "sub", json!("somebody"))),
            700_021,
        ),
        (
            "another audience",
            sign(with(good(), "aud", json!("https://evil.test"))),
            700_023,
        ),
        ("no audience", sign(with(good(), "aud", json!(null))), 700_023),
        ("over", sign(with(good(), "exp", json!(now - 301))), 700_024),
        ("no end", sign(with(good(), "exp", json!(null))), 700_024),
        ("not yet", sign(with(good(), "nbf", json!(now + 301))), 700_024),
        (
            "for ever",
            sign(with(good(), "exp", json!(now + 90_000))),
            700_024,
        ),
    ];
    for (what, assertion, number) in table {
        let refused = robot(&nave, &assertion).await;
        assert_eq!(
            (refused.status, refused.number()),
            (401, number),
            "{what}: {}",
            refused.json
        );
    }
    let unknown = show(&nave, "00000000-0000-0000-0000-00000000dead", &sign(good())).await;
    assert_eq!(unknown.number(), 700_016);
    let other_type = nave
        .token(&[
            ("grant_type", "client_credentials"),
            ("client_id", &ROBOT_APP.to_string()),
            ("client_assertion_type", "saml"),
            ("client_assertion", &sign(good())),
            ("scope", ARM),
        ])
        .await;
    assert_eq!(other_type.number(), 70_002);
    nave.graph(
        Method::PATCH,
        &format!("/servicePrincipals/{ROBOT}"),
        json!({ "accountEnabled": false }),
    )
    .await
    .expect(204);
    assert_eq!(robot(&nave, &sign(good())).await.number(), 7_000_112);
}

#[tokio::test]
async fn an_assertion_belongs_to_the_address_that_showed_it_first() {
    let nave = Nave::start().await;
    let held = Held::rsa();
    register(&nave, &[&held]).await;
    let from = async |assertion: &str, address: &str, scope: &str| {
        let app = ROBOT_APP.to_string();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &app),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion),
            ("scope", scope),
        ];
        let ask = ask(Method::POST, &format!("/{TENANT}/oauth2/v2.0/token")).form(&form);
        nave.send(ask.from(address)).await
    };
    let claims = own_claims();
    let assertion = held.sign(Algorithm::RS256, &claims);
    from(&assertion, "192.0.2.1", ARM).await.expect(200);
    // MSAL shows the same one for the next resource.
    from(&assertion, "192.0.2.1", "https://vault.azure.net/.default")
        .await
        .expect(200);
    assert_eq!(from(&assertion, "192.0.2.2", ARM).await.number(), 50_013);
    let same_id = held.sign(Algorithm::RS256, &with(claims, "more", json!(1)));
    assert_eq!(from(&same_id, "192.0.2.1", ARM).await.number(), 50_013);
    from(&held.sign(Algorithm::RS256, &own_claims()), "192.0.2.2", ARM)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_certificate_is_good_between_its_dates_and_those_of_its_registration() {
    let nave = Nave::start().await;
    let held = Held::rsa();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("key");
    let mut short = held.credential();
    short["endDateTime"] = json!("2026-11-24T13:00:00Z");
    let list = json!({ "keyCredentials": [short] });
    nave.graph(Method::PATCH, &format!("/applications/{APP}"), list)
        .await
        .expect(204);
    robot(&nave, &held.sign(Algorithm::RS256, &own_claims()))
        .await
        .expect(200);
    nave.advance(3600);
    let later = with(own_claims(), "exp", json!(start().as_second() + 4000));
    let refused = robot(&nave, &held.sign(Algorithm::RS256, &later)).await;
    assert_eq!((refused.status, refused.number()), (401, 1_000_502));
    let over = Held::of(key, 2026);
    let list = json!({ "keyCredentials": [over.credential()] });
    let refused = nave
        .graph(Method::PATCH, &format!("/applications/{APP}"), list)
        .await;
    assert_eq!(
        refused.status, 400,
        "a certificate that was never valid is not taken"
    );
}

#[tokio::test]
async fn certificates_are_listed_by_thumbprint_and_kept_by_id_as_az_does() {
    let nave = Nave::start().await;
    let (one, two) = (Held::rsa(), Held::ec());
    register(&nave, &[&one]).await;
    let path = format!("/applications/{APP}");
    let shown = nave.get(&path).await.expect(200);
    let listed = &shown["keyCredentials"][0];
    assert_eq!(
        (&listed["key"], &listed["usage"]),
        (&json!(null), &json!("Verify"))
    );
    assert_eq!(listed["customKeyIdentifier"].as_str().map(str::len), Some(40));
    assert_eq!(listed["endDateTime"], json!("2028-01-01T00:00:00Z"));
    let selected = nave
        .get(&format!("{path}?$select=keyCredentials"))
        .await
        .expect(200);
    assert_eq!(
        selected["keyCredentials"][0]["key"],
        json!(one.certificate.to_base64())
    );

    let mut both = shown["keyCredentials"].as_array().expect("a list").clone();
    both.push(two.credential());
    nave.graph(Method::PATCH, &path, json!({ "keyCredentials": both }))
        .await
        .expect(204);
    for (held, algorithm) in [(&one, Algorithm::RS256), (&two, Algorithm::ES256)] {
        robot(&nave, &held.sign(algorithm, &own_claims()))
            .await
            .expect(200);
    }
    let mut left = nave.get(&path).await.expect(200)["keyCredentials"].take();
    left.as_array_mut().expect("a list").remove(0);
    nave.graph(Method::PATCH, &path, json!({ "keyCredentials": left }))
        .await
        .expect(204);
    let gone = robot(&nave, &one.sign(Algorithm::RS256, &own_claims())).await;
    assert_eq!(gone.number(), 700_027);
    robot(&nave, &two.sign(Algorithm::ES256, &own_claims()))
        .await
        .expect(200);

    for bad in [
        json!([{ "keyId": uuid::Uuid::new_v4() }]),
        json!([{ "key": "AAAA" }]),
        json!([{ "key": one.certificate.to_base64(), "usage": "Sign" }]),
        json!("x"),
    ] {
        let refused = nave
            .graph(Method::PATCH, &path, json!({ "keyCredentials": bad }))
            .await;
        assert_eq!(
            (refused.status, refused.code()),
            (400, "Request_BadRequest"),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn a_key_is_added_and_removed_with_a_proof() {
    let nave = Nave::start().await;
    let (one, two) = (Held::rsa(), Held::ec());
    register(&nave, &[&one]).await;
    let path = format!("/applications/{APP}");
    let proof = |held: &Held, algorithm| {
        let now = start().as_second();
        let aud = "00000002-0000-0000-c000-000000000000";
        held.sign(
            algorithm,
            &json!({ "iss": APP, "aud": aud, "nbf": now, "exp": now + 600 }),
        )
    };
    let (add_key, remove_key) = (format!("{path}/addKey"), format!("{path}/removeKey"));
    let add = |proof: String| {
        let body = json!({ "keyCredential": two.credential(), "proof": proof, "passwordCredential": null });
        nave.graph(Method::POST, &add_key, body)
    };
    assert_eq!(
        add(proof(&two, Algorithm::ES256)).await.status,
        400,
        "not proved by a key that is there"
    );
    let made = add(proof(&one, Algorithm::RS256)).await.expect(200);
    assert_eq!(made["key"], json!(null));
    robot(&nave, &two.sign(Algorithm::ES256, &own_claims()))
        .await
        .expect(200);
    let body = json!({ "keyId": made["keyId"], "proof": proof(&one, Algorithm::RS256) });
    nave.graph(Method::POST, &remove_key, body).await.expect(204);
    assert_eq!(
        robot(&nave, &two.sign(Algorithm::ES256, &own_claims()))
            .await
            .number(),
        700_027
    );
}

/// An identity provider on this machine, whose keys may change.
struct Issuer {
    address: String,
    keys: Arc<Mutex<Vec<(String, KeyPair)>>>,
}

impl Issuer {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address = format!("http://{}", listener.local_addr().expect("address"));
        let keys: Arc<Mutex<Vec<(String, KeyPair)>>> = Arc::default();
        let (document, published) = (address.clone(), keys.clone());
        let configuration = move || async move {
            Json(json!({ "issuer": document, "jwks_uri": format!("{document}/keys") }))
        };
        let published = move || async move {
            let keys = published.lock().expect("keys");
            let keys: Vec<Value> = keys.iter().map(|(id, key)| jwk(id, key)).collect();
            Json(json!({ "keys": keys }))
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(configuration))
            .route("/keys", get(published));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let issuer = Self { address, keys };
        issuer.rotate("first");
        issuer
    }

    fn rotate(&self, id: &str) {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("key");
        let mut keys = self.keys.lock().expect("keys");
        keys.clear();
        keys.push((id.to_owned(), key));
    }

    fn claims(&self) -> Value {
        let now = start().as_second();
        json!({ "iss": self.address, "sub": "repo:contoso/app:ref:main", "aud": EXCHANGE, "iat": now, "exp": now + 300 })
    }

    fn sign(&self, claims: &Value) -> String {
        let keys = self.keys.lock().expect("keys");
        let (id, key) = &keys[0];
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(id.clone());
        encode(&header, claims, &encoding(key, Algorithm::RS256)).expect("signed")
    }

    async fn trusted_by(&self, nave: &Nave) {
        let body = json!({
            "name": "pipeline", "issuer": self.address, "subject": "repo:contoso/app:ref:main", "audiences": [EXCHANGE],
        });
        nave.graph(
            Method::POST,
            &format!("/applications/{APP}/federatedIdentityCredentials"),
            body,
        )
        .await
        .expect(201);
    }
}

fn jwk(id: &str, key: &KeyPair) -> Value {
    let mut jwk =
        json!(Jwk::from_encoding_key(&encoding(key, Algorithm::RS256), Algorithm::RS256).expect("jwk"));
    jwk["kid"] = json!(id);
    jwk
}

#[tokio::test]
async fn a_workload_signs_in_with_its_own_provider_s_token() {
    let nave = Nave::start().await;
    let issuer = Issuer::start().await;
    assert_eq!(
        robot(&nave, &issuer.sign(&issuer.claims())).await.number(),
        70_025
    );
    issuer.trusted_by(&nave).await;
    let token = issuer.sign(&issuer.claims());
    for _ in 0..2 {
        let tokens = robot(&nave, &token).await.expect(200);
        let claims = claims(&tokens["access_token"]);
        assert_eq!((&claims["oid"], &claims["amr"]), (&json!(ROBOT), &json!(["fed"])));
    }
    let now = start().as_second();
    for (member, value, number) in [
        ("iss", json!("http://127.0.0.1:1"), 700_211),
        ("sub", json!("repo:contoso/app:pull_request"), 700_213),
        ("aud", json!("api://another"), 700_212),
        ("exp", json!(now - 301), 700_024),
        ("nbf", json!(now + 301), 700_024),
    ] {
        let refused = robot(&nave, &issuer.sign(&with(issuer.claims(), member, value))).await;
        assert_eq!(
            (refused.status, refused.number()),
            (401, number),
            "{member}: {}",
            refused.json
        );
    }
    let stranger = Issuer::start().await;
    let forged = stranger.sign(&issuer.claims());
    assert_eq!(robot(&nave, &forged).await.number(), 50_013);
}

#[tokio::test]
async fn an_issuer_s_new_key_is_fetched_and_one_that_is_away_is_said() {
    let nave = Nave::start().await;
    let issuer = Issuer::start().await;
    issuer.trusted_by(&nave).await;
    robot(&nave, &issuer.sign(&issuer.claims())).await.expect(200);
    issuer.rotate("second");
    let token = issuer.sign(&issuer.claims());
    assert_eq!(
        robot(&nave, &token).await.number(),
        50_013,
        "it is not asked again at once"
    );
    nave.advance(6);
    robot(&nave, &token).await.expect(200);

    let gone = json!({ "name": "gone", "issuer": "http://127.0.0.1:1", "subject": "s" });
    let path = format!("/applications/{APP}/federatedIdentityCredentials");
    nave.graph(Method::POST, &path, gone).await.expect(201);
    let mut claims = issuer.claims();
    (claims["iss"], claims["sub"]) = (json!("http://127.0.0.1:1"), json!("s"));
    let refused = robot(&nave, &issuer.sign(&claims)).await;
    assert_eq!(
        (refused.status, refused.number()),
        (401, 50_166),
        "{}",
        refused.json
    );
}

#[tokio::test]
async fn federated_credentials_are_managed_as_az_does() {
    let nave = Nave::start().await;
    let path = format!("/applications/{APP}/federatedIdentityCredentials");
    let body = |name: &str, subject: &str| json!({ "name": name, "issuer": "https://idp.test", "subject": subject, "description": "ci", "audiences": [EXCHANGE] });
    let made = nave
        .graph(Method::POST, &path, body("one", "a"))
        .await
        .expect(201);
    assert_eq!(
        (&made["name"], &made["description"]),
        (&json!("one"), &json!("ci"))
    );
    for key in ["one", made["id"].as_str().expect("an id")] {
        assert_eq!(nave.get(&format!("{path}/{key}")).await.expect(200), made);
    }
    assert_eq!(
        nave.graph(Method::POST, &path, body("one", "b")).await.status,
        409,
        "the name is taken"
    );
    assert_eq!(
        nave.graph(Method::POST, &path, body("two", "a")).await.status,
        409,
        "so is the subject"
    );
    assert_eq!(
        nave.graph(Method::POST, &path, body("no good", "b")).await.status,
        400
    );
    nave.graph(Method::PATCH, &format!("{path}/one"), json!({ "subject": "c" }))
        .await
        .expect(204);
    assert_eq!(nave.get(&path).await.each("subject"), ["c"]);
    assert_eq!(
        nave.graph(
            Method::PATCH,
            &format!("{path}/one"),
            json!({ "issuer": "ftp://x" })
        )
        .await
        .status,
        400
    );
    for number in 2..=20 {
        let name = format!("credential-{number}");
        nave.graph(Method::POST, &path, body(&name, &name))
            .await
            .expect(201);
    }
    assert_eq!(
        nave.graph(Method::POST, &path, body("one-too-many", "x"))
            .await
            .status,
        400
    );
    nave.graph(Method::DELETE, &format!("{path}/one"), Value::Null)
        .await
        .expect(204);
    assert_eq!(nave.get(&format!("{path}/one")).await.status, 404);
    assert_eq!(nave.get(&path).await.each("name").len(), 19);
    let shown = nave.get(&format!("/applications/{APP}")).await.expect(200);
    assert!(shown.get("federatedIdentityCredentials").is_none());
}
