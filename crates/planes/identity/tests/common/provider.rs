//! An OpenID Connect provider that says what a test tells it to say, true or not.

use std::sync::{Arc, Mutex};

use axum::{Form, Json, Router, extract::State, http::StatusCode, routing};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the provider does.
pub(crate) struct Script {
    /// The key its tokens are signed with, and that key's id.
    pub(crate) key: (KeyPair, String),
    /// The keys it publishes.
    pub(crate) published: Value,
    /// What its document says besides.
    pub(crate) document: Value,
    /// The claims of the id token.
    pub(crate) claims: Value,
    /// The whole id token, where it is not made of the claims.
    pub(crate) id_token: Option<String>,
    /// What the userinfo endpoint says.
    pub(crate) userinfo: Value,
    /// The last form that came to the token endpoint.
    pub(crate) asked: Vec<(String, String)>,
}

/// The running provider.
pub(crate) struct Double {
    pub(crate) issuer: String,
    pub(crate) script: Arc<Mutex<Script>>,
}

pub(crate) fn key(id: &str) -> (KeyPair, String) {
    (
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key"),
        id.to_owned(),
    )
}

/// A key as it is published.
pub(crate) fn published((key, id): &(KeyPair, String)) -> Value {
    let encoding = EncodingKey::from_ec_pem(key.serialize_pem().as_bytes()).expect("a key");
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&encoding, Algorithm::ES256).expect("a JWK"))
        .expect("JSON");
    jwk["kid"] = id.as_str().into();
    jwk["use"] = "sig".into();
    jwk
}

pub(crate) fn signed((key, id): &(KeyPair, String), claims: &Value) -> String {
    let encoding = EncodingKey::from_ec_pem(key.serialize_pem().as_bytes()).expect("a key");
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(id.clone());
    encode(&header, claims, &encoding).expect("a token")
}

impl Double {
    pub(crate) async fn start() -> Self {
        let tcp = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let issuer = format!("http://{}", tcp.local_addr().expect("an address"));
        let key = key("one");
        let script = Arc::new(Mutex::new(Script {
            published: json!({ "keys": [published(&key)] }),
            key,
            document: json!({}),
            claims: json!({}),
            id_token: None,
            userinfo: Value::Null,
            asked: Vec::new(),
        }));
        let state = (issuer.clone(), script.clone());
        let app = Router::new()
            .route("/.well-known/openid-configuration", routing::get(document))
            .route("/keys", routing::get(keys))
            .route("/token", routing::post(token))
            .route("/userinfo", routing::get(userinfo))
            .with_state(state);
        tokio::spawn(async move { axum::serve(tcp, app).await });
        Self { issuer, script }
    }

    /// Tells it what to do.
    pub(crate) fn tell(&self, told: impl FnOnce(&mut Script)) {
        told(&mut self.script.lock().expect("script"));
    }
}

type Told = State<(String, Arc<Mutex<Script>>)>;

async fn document(State((issuer, script)): Told) -> Json<Value> {
    let mut document = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"), "userinfo_endpoint": format!("{issuer}/userinfo"),
    });
    let more = script.lock().expect("script").document.clone();
    document
        .as_object_mut()
        .expect("object")
        .extend(more.as_object().expect("object").clone());
    Json(document)
}

async fn keys(State((_, script)): Told) -> Json<Value> {
    Json(script.lock().expect("script").published.clone())
}

async fn token(
    State((_, script)): Told,
    Form(form): Form<Vec<(String, String)>>,
) -> (StatusCode, Json<Value>) {
    let mut script = script.lock().expect("script");
    let code = form
        .iter()
        .find(|(name, _)| name == "code")
        .map(|(_, code)| code.clone());
    script.asked = form;
    if code.as_deref() != Some("good") {
        let body = json!({ "error": "invalid_grant", "error_description": "the code is not one of ours" });
        return (StatusCode::BAD_REQUEST, Json(body));
    }
    let id_token = script
        .id_token
        .clone()
        .unwrap_or_else(|| signed(&script.key, &script.claims));
    (
        StatusCode::OK,
        Json(json!({ "access_token": "access", "token_type": "Bearer", "id_token": id_token })),
    )
}

async fn userinfo(State((_, script)): Told) -> Json<Value> {
    Json(script.lock().expect("script").userinfo.clone())
}
