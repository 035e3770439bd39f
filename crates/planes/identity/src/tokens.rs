//! What is in a token, and making one.
//!
//! An access token is a JWT that says who (`oid`, `sub`), through which application (`appid`), for whom (`aud`) and
//! until when. Roles are never in it: they are looked up when a request is decided.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{CallerKind, Engine, Resource};
use nave_vault::Secret;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Inner, audience, paths, principal, refusal::Refusal, signin::state};

/// The claim that carries the principal's epoch.
pub(crate) const EPOCH: &str = "nave_epoch";

/// How long a token lives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetime(pub(crate) i64);

impl Lifetime {
    /// An access token, in seconds: what Entra's clients expect.
    pub(crate) const ACCESS: Self = Self(3599);
    /// A managed identity's access token.
    pub(crate) const MANAGED_IDENTITY: Self = Self(86_399);
    /// A refresh token.
    pub(crate) const REFRESH: Self = Self(90 * 86_400);
    /// An authorization code.
    pub(crate) const CODE: Self = Self(600);
    /// A device code, and a page with a form.
    pub(crate) const FORM: Self = Self(900);

    /// When it is over.
    pub(crate) fn from(self, now: Timestamp) -> Timestamp {
        now.saturating_add(SignedDuration::from_secs(self.0))
            .unwrap_or(now)
    }
}

/// A token made for one of nave's own executors to hand out (client contract 1.5).
#[derive(Debug)]
pub struct IssuedToken {
    /// The token.
    pub access_token: Secret<String>,
    /// The application id of whom it speaks for.
    pub client_id: String,
    /// For whom it was made, as asked.
    pub resource: String,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// When it ends.
    pub expires_on: Timestamp,
}

/// What an access token is made of.
pub(crate) struct Access<'a> {
    /// Who it speaks for.
    pub(crate) principal: &'a Resource,
    /// The application it was given to.
    pub(crate) client: &'a str,
    /// For whom it is.
    pub(crate) resource: &'a str,
    /// What the client says it can handle, such as `CP1`.
    pub(crate) capabilities: &'a [String],
    /// How long it lives.
    pub(crate) lifetime: Lifetime,
    /// What its holder showed.
    pub(crate) shown: Shown<'a>,
}

/// What the holder of a token showed, and when.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shown<'a> {
    /// The session the token belongs to; only people have one.
    pub(crate) session: Option<Uuid>,
    /// The methods, in the words of RFC 8176.
    pub(crate) methods: &'a [String],
    /// When a person showed them.
    pub(crate) at: Option<Timestamp>,
}

impl Shown<'_> {
    /// `sid`, `amr`, `auth_time`, and `acrs` where a second factor was given.
    fn write(&self, claims: &mut Value) {
        if let Some(session) = self.session {
            claims["sid"] = session.to_string().into();
        }
        if let Some(at) = self.at {
            claims["auth_time"] = at.as_second().into();
        }
        if !self.methods.is_empty() {
            claims["amr"] = json!(self.methods);
        }
        if self.methods.iter().any(|method| method == state::MULTI_FACTOR) {
            claims["acrs"] = json!([state::SECOND_FACTOR_CONTEXT]);
        }
    }
}

/// What an id token is made of.
pub(crate) struct Id<'a> {
    /// Who signed in.
    pub(crate) principal: &'a Resource,
    /// The application he signed in to.
    pub(crate) client: &'a str,
    /// The text the client bound the sign-in to.
    pub(crate) nonce: Option<&'a str>,
    /// What he showed.
    pub(crate) shown: Shown<'a>,
}

impl Inner {
    /// Random text that nobody guesses: `bytes` random bytes in URL-safe base64.
    pub(crate) fn random_text(&self, bytes: usize) -> String {
        let mut random = vec![0; bytes];
        self.random.fill(&mut random);
        URL_SAFE_NO_PAD.encode(random)
    }

    pub(crate) fn access_token(&self, engine: &Engine, access: &Access<'_>) -> Result<String, Refusal> {
        let Access {
            principal,
            client,
            resource,
            lifetime,
            ..
        } = *access;
        let mut claims = self.common(engine, principal, lifetime);
        claims["aud"] = resource.into();
        claims["appid"] = client.into();
        claims["azp"] = client.into();
        claims[EPOCH] = principal::epoch(principal).into();
        access.shown.write(&mut claims);
        if !access.capabilities.is_empty() {
            claims["xms_cc"] = json!(access.capabilities);
        }
        match principal::kind(principal) {
            CallerKind::User => {
                claims["idtyp"] = "user".into();
                claims["scp"] = "user_impersonation".into();
                claims["upn"] = principal::name(principal).into();
                claims["unique_name"] = principal::name(principal).into();
            }
            kind => {
                claims["idtyp"] = "app".into();
                claims["app_displayname"] = principal::name(principal).into();
                if kind == CallerKind::ManagedIdentity {
                    claims["xms_mirid"] = principal
                        .value("/alternativeNames/1")
                        .cloned()
                        .unwrap_or_default();
                }
            }
        }
        self.sign(&claims)
    }

    pub(crate) fn id_token(&self, engine: &Engine, id: &Id<'_>) -> Result<String, Refusal> {
        let mut claims = self.common(engine, id.principal, Lifetime::ACCESS);
        claims["aud"] = id.client.into();
        claims["preferred_username"] = principal::name(id.principal).into();
        id.shown.write(&mut claims);
        if let Some(nonce) = id.nonce {
            claims["nonce"] = nonce.into();
        }
        self.sign(&claims)
    }

    fn common(&self, engine: &Engine, principal: &Resource, lifetime: Lifetime) -> Value {
        let (site, now) = (engine.site(), engine.world().now());
        let object_id = principal::object_id(principal);
        json!({
            "iss": paths::issuer(site),
            "tid": site.tenant,
            "oid": object_id,
            "sub": object_id,
            "name": principal.text("/displayName").unwrap_or_default(),
            "iat": now.as_second(),
            "nbf": now.as_second(),
            "exp": lifetime.from(now).as_second(),
            "uti": self.random_text(16),
            "ver": "2.0",
        })
    }

    fn sign(&self, claims: &Value) -> Result<String, Refusal> {
        self.keys.sign(claims).map_err(|error| {
            tracing::error!(%error, "a token cannot be signed");
            Refusal::server_error()
        })
    }
}

/// MSAL files what it caches under this: `{"uid", "utid"}` in base64. It must not change for a person.
pub(crate) fn client_info(tenant: Uuid, principal: &Resource) -> String {
    let info = json!({ "uid": principal::object_id(principal), "utid": tenant });
    URL_SAFE_NO_PAD.encode(info.to_string())
}

pub(crate) fn issue_for(
    inner: &Inner,
    engine: &Engine,
    object_id: Uuid,
    resource: &str,
    lifetime: Lifetime,
) -> Result<IssuedToken, ArmError> {
    let snapshot = engine.snapshot();
    let principal = snapshot
        .principal(object_id)
        .filter(|found| found.text("/appId").is_some())
        .ok_or_else(|| {
            ArmError::new(
                ErrorCode::Request_ResourceNotFound,
                format!("No service principal or managed identity has the object id '{object_id}'."),
            )
        })?;
    if !audience::is_allowed(&snapshot, engine.site(), resource) {
        return Err(ArmError::new(
            ErrorCode::Request_BadRequest,
            format!(
                "No tokens are made for '{resource}': it is no service and no application of this server."
            ),
        ));
    }
    let client = principal.text("/appId").unwrap_or_default();
    let access = Access {
        principal,
        client,
        resource,
        capabilities: &[],
        lifetime,
        shown: Shown::default(),
    };
    let token = inner
        .access_token(engine, &access)
        .map_err(|refusal| ArmError::new(ErrorCode::InternalServerError, refusal.described()))?;
    let now = engine.world().now();
    Ok(IssuedToken {
        access_token: Secret::new(token),
        client_id: client.to_owned(),
        resource: resource.to_owned(),
        not_before: now,
        expires_on: lifetime.from(now),
    })
}
