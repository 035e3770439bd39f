//! JWTs that others signed: applications with their certificates, and other identity providers.
//!
//! A [`Foreign`] is what its text says and nothing more, until [`Foreign::verify`] was asked with a [`PublicKey`] that
//! is trusted for another reason than the text. The key, not the token, says which algorithms are possible, so a token
//! cannot choose a weaker one, nor a public key be taken for a shared secret. Issuer, audience and subject are for the
//! caller to compare.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, Header, Validation,
    dangerous::insecure_decode,
    decode,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse},
};
use serde_json::Value;

use crate::{Purpose, Secret, TokenError};

const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// A public key of somebody else, with the algorithms it may be used with.
#[derive(Debug, Clone)]
pub struct PublicKey {
    id: Option<String>,
    key: DecodingKey,
    algorithms: &'static [Algorithm],
}

/// The keys of a JWKS document.
#[derive(Debug, Clone, Default)]
pub struct PublicKeys(Vec<PublicKey>);

/// A JWT that somebody else signed, not believed yet.
pub struct Foreign {
    token: Secret<String>,
    header: Header,
    claims: Value,
}

impl PublicKey {
    pub(crate) fn rsa(key: DecodingKey) -> Self {
        Self::new(key, RSA)
    }

    pub(crate) fn p256(key: DecodingKey) -> Self {
        Self::new(key, &[Algorithm::ES256])
    }

    pub(crate) fn p384(key: DecodingKey) -> Self {
        Self::new(key, &[Algorithm::ES384])
    }

    fn new(key: DecodingKey, algorithms: &'static [Algorithm]) -> Self {
        Self {
            id: None,
            key,
            algorithms,
        }
    }

    /// A key of a JWKS document; `None` where it does not sign, or not with anything we verify.
    fn from_jwk(jwk: &Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(jwk.clone()).ok()?;
        let signs = jwk.common.public_key_use.as_ref();
        if signs.is_some_and(|used| *used != PublicKeyUse::Signature) {
            return None;
        }
        let algorithms = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => RSA,
            AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
                &[Algorithm::ES256]
            }
            AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P384 => {
                &[Algorithm::ES384]
            }
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
                &[Algorithm::EdDSA][..]
            }
            _ => return None,
        };
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self {
            id: jwk.common.key_id,
            ..Self::new(key, algorithms)
        })
    }
}

impl PublicKeys {
    /// Reads a JWKS document. Keys that verify no token here are left out.
    #[must_use]
    pub fn from_jwks(document: &Value) -> Self {
        let keys = document.get("keys").and_then(Value::as_array);
        Self(
            keys.into_iter()
                .flatten()
                .filter_map(PublicKey::from_jwk)
                .collect(),
        )
    }

    /// The key a token names. One that names none is of the only key there is.
    #[must_use]
    pub fn of(&self, token: &Foreign) -> Option<&PublicKey> {
        match (token.key_id(), self.0.as_slice()) {
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

impl Foreign {
    /// Reads a JWT without believing it. One that is not signed is no JWT here.
    pub fn read(token: Secret<String>) -> Result<Self, TokenError> {
        let decoded =
            insecure_decode::<Value>(token.expose(&Purpose::Check)).map_err(|_| TokenError::Malformed)?;
        if !decoded.claims.is_object() {
            return Err(TokenError::Malformed);
        }
        Ok(Self {
            token,
            header: decoded.header,
            claims: decoded.claims,
        })
    }

    /// What it claims.
    #[must_use]
    pub fn claims(&self) -> &Value {
        &self.claims
    }

    /// A claim that is a text; empty where there is none.
    #[must_use]
    pub fn text(&self, claim: &str) -> &str {
        self.claims.get(claim).and_then(Value::as_str).unwrap_or_default()
    }

    /// The `aud` claim, which may be one text or a list of them.
    #[must_use]
    pub fn audiences(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Value::String(audience)) => vec![audience],
            Some(Value::Array(audiences)) => audiences.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The name of the algorithm it says it is signed with.
    #[must_use]
    pub fn algorithm(&self) -> String {
        format!("{:?}", self.header.alg)
    }

    /// The id of the key it says it is signed with.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// The SHA-1 of the certificate it says it is signed with (`x5t`).
    #[must_use]
    pub fn thumbprint(&self) -> Option<Vec<u8>> {
        bytes(self.header.x5t.as_deref()?)
    }

    /// The SHA-256 of the certificate it says it is signed with (`x5t#S256`).
    #[must_use]
    pub fn thumbprint_sha256(&self) -> Option<Vec<u8>> {
        bytes(self.header.x5t_s256.as_deref()?)
    }

    /// When it ends, in seconds since 1970. Python's clients send fractions.
    #[must_use]
    pub fn expires(&self) -> Option<i64> {
        seconds(&self.claims, "exp").ok().flatten()
    }

    /// Checks that it is valid at `now`, in seconds since 1970, when clocks differ by up to `skew` seconds.
    pub fn check_times(&self, now: i64, skew: i64) -> Result<(), TokenError> {
        let expires = seconds(&self.claims, "exp")?.ok_or(TokenError::Malformed)?;
        let starts = seconds(&self.claims, "nbf")?;
        if now >= expires.saturating_add(skew) {
            return Err(TokenError::Expired);
        }
        if starts.is_some_and(|starts| now < starts.saturating_sub(skew)) {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }

    /// Whether this key signed it. Its times are not looked at.
    pub fn verify(&self, key: &PublicKey) -> Result<(), TokenError> {
        if !key.algorithms.contains(&self.header.alg) {
            return Err(TokenError::BadSignature);
        }
        let mut validation = Validation::new(self.header.alg);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        decode::<Value>(self.token.expose(&Purpose::Check), &key.key, &validation)
            .map(drop)
            .map_err(|_| TokenError::BadSignature)
    }
}

/// Base64url; MSAL pads it.
fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

fn seconds(claims: &Value, name: &str) -> Result<Option<i64>, TokenError> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    // A float that is no instant becomes the nearest one there is.
    let whole = value
        .as_i64()
        .or_else(|| value.as_f64().map(|float| float as i64));
    whole.map(Some).ok_or(TokenError::Malformed)
}
