//! Who presents a token.
//!
//! A text that is no JWT may be somebody's key, so it is left to whoever comes next; a JWT that is not good is
//! refused here. What a signature says is remembered for a while by the token's hash; everything else is looked at
//! each time: its end, whether its key is still there, its session, and whether its holder's tokens were called back.
//! For whom it was made is decided later, with everything else.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use moka::sync::Cache;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{Authenticator, Caller, CallerKind, Engine, Proof, Request, SignIn, challenge};
use nave_vault::TokenError;
use serde_json::Value;
use uuid::Uuid;

use crate::{Identity, one_time, paths, principal, sessions, tokens::EPOCH};

/// How many tokens are remembered.
const REMEMBERED: u64 = 10_000;
/// For how long.
const REMEMBERED_FOR: Duration = Duration::from_secs(300);

/// What signatures said, by the token's hash.
pub(crate) struct Verified(Cache<[u8; 32], Arc<Claims>>);

/// The claims a caller is made of.
struct Claims {
    key_id: String,
    object_id: Uuid,
    name: String,
    is_user: bool,
    audience: String,
    epoch: u64,
    session: Option<Uuid>,
    /// The unique name of the session, made once.
    session_claim: String,
    methods: Arc<[String]>,
    heeds_challenges: bool,
    expires: i64,
}

impl Verified {
    pub(crate) fn new() -> Self {
        Self(
            Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(REMEMBERED_FOR)
                .build(),
        )
    }
}

/// Reads `Authorization: Bearer`.
pub struct TokenAuthenticator(Identity);

impl TokenAuthenticator {
    pub(crate) fn new(identity: Identity) -> Self {
        Self(identity)
    }

    fn claims(&self, engine: &Engine, token: &str) -> Result<Arc<Claims>, ArmError> {
        let inner = &self.0.0;
        let (hash, now) = (one_time::hash(token), engine.world().now().as_second());
        if let Some(claims) = inner.verified.0.get(&hash) {
            return if now >= claims.expires {
                Err(refuse(TokenError::Expired))
            } else if !inner.keys.has(&claims.key_id) {
                Err(refuse(TokenError::UnknownKey))
            } else {
                Ok(claims)
            };
        }
        let verified = inner.keys.verify(token, now).map_err(refuse)?;
        if verified.issuer() != Some(&paths::issuer(engine.site())) {
            return Err(wrong_tenant(engine, verified.issuer().unwrap_or_default()));
        }
        let claims = Arc::new(read(engine, &verified)?);
        inner.verified.0.insert(hash, claims.clone());
        Ok(claims)
    }
}

#[async_trait]
impl Authenticator for TokenAuthenticator {
    async fn authenticate(&self, engine: &Engine, request: &Request) -> Result<Option<Caller>, ArmError> {
        let Some(token) = request
            .header("authorization")
            .and_then(bearer)
            .filter(|token| is_jwt(token))
        else {
            return Ok(None);
        };
        let claims = self.claims(engine, token)?;
        caller(engine, &claims).map(Some)
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Three parts, the first of which is a JSON object that names an algorithm: also an unsigned one.
fn is_jwt(token: &str) -> bool {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, _, _] = parts.as_slice() else {
        return false;
    };
    let header = URL_SAFE_NO_PAD
        .decode(header.trim_end_matches('='))
        .unwrap_or_default();
    serde_json::from_slice::<Value>(&header).is_ok_and(|header| header.get("alg").is_some())
}

fn read(engine: &Engine, verified: &nave_vault::Verified) -> Result<Claims, ArmError> {
    let claims = &verified.claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    if Uuid::parse_str(text("tid")).ok() != Some(engine.site().tenant) {
        return Err(wrong_tenant(engine, text("tid")));
    }
    let object_id = Uuid::parse_str(text("oid")).ok();
    let (Some(object_id), "user" | "app") = (object_id, text("idtyp")) else {
        return Err(ArmError::new(
            ErrorCode::InvalidAuthenticationToken,
            "The token is not an access token. An id token tells an application who signed in; it opens nothing.",
        ));
    };
    let session = Uuid::parse_str(text("sid")).ok();
    let methods = claims.get("amr").and_then(Value::as_array).into_iter().flatten();
    Ok(Claims {
        key_id: verified.key_id.clone(),
        object_id,
        session,
        session_claim: session.map(sessions::claim).unwrap_or_default(),
        methods: methods.filter_map(Value::as_str).map(str::to_owned).collect(),
        name: text("name").to_owned(),
        is_user: text("idtyp") == "user",
        audience: text("aud").trim_end_matches('/').to_owned(),
        epoch: claims.get(EPOCH).and_then(Value::as_u64).unwrap_or_default(),
        heeds_challenges: claims
            .get("xms_cc")
            .and_then(Value::as_array)
            .is_some_and(|can| can.iter().any(|word| word == "CP1")),
        expires: claims.get("exp").and_then(Value::as_i64).unwrap_or_default(),
    })
}

/// The caller as the directory knows him now. Who is gone from it is refused when a request is decided.
fn caller(engine: &Engine, claims: &Claims) -> Result<Caller, ArmError> {
    let snapshot = engine.snapshot();
    let caller = |name: &str, kind| Caller {
        object_id: claims.object_id,
        name: name.to_owned(),
        kind,
        audience: claims.audience.clone(),
        sign_in: SignIn {
            session: claims.session,
            methods: claims.methods.clone(),
            proof: Proof::Epoch(claims.epoch),
            heeds_challenges: claims.heeds_challenges,
            ..SignIn::default()
        },
    };
    let Some(found) = snapshot.principal(claims.object_id) else {
        let kind = if claims.is_user {
            CallerKind::User
        } else {
            CallerKind::ServicePrincipal
        };
        return Ok(caller(&claims.name, kind));
    };
    let has_ended = claims.session.is_some() && snapshot.claimed(&claims.session_claim).is_none();
    if has_ended || principal::epoch(found) != claims.epoch {
        let refusal = ArmError::new(
            ErrorCode::InvalidAuthenticationToken,
            format!(
                "The access token of '{}' was called back: the password changed, the account was disabled, or its \
                 sessions were ended. Sign in again.",
                principal::name(found)
            ),
        );
        return Err(match claims.heeds_challenges {
            true => challenge::newer_token(engine.site(), engine.world().now(), refusal),
            false => refusal,
        });
    }
    Ok(caller(principal::name(found), principal::kind(found)))
}

fn refuse(error: TokenError) -> ArmError {
    let code = match error {
        TokenError::Expired => ErrorCode::ExpiredAuthenticationToken,
        _ => ErrorCode::InvalidAuthenticationToken,
    };
    ArmError::new(
        code,
        format!("The access token is not accepted: {error}. Ask for a new one, or sign in again."),
    )
}

fn wrong_tenant(engine: &Engine, from: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidAuthenticationTokenTenant,
        format!(
            "The access token is from the wrong issuer '{from}'. It must be issued by '{}'; sign in to this tenant.",
            paths::issuer(engine.site())
        ),
    )
}
