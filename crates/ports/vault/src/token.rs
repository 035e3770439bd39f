//! What comes out of checking a token.
//!
//! The signature and the two times are decided here; who may have issued it and for whom is the caller's
//! to decide, from [`Verified::issuer`] and [`Verified::audiences`].

use serde_json::Value;

/// A token that nave signed and that is valid now.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// Every claim, as signed.
    pub claims: Value,
    /// The id of the key that signed it.
    pub key_id: String,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT signed with RS256 that names its key and expires.
    #[error("not a JWT signed with RS256 that names its key and has an expiry")]
    Malformed,
    /// The key it names is none of ours: another issuer's token, or one from before a key was removed.
    #[error("the token is signed with a key that is not known here")]
    UnknownKey,
    /// The signature does not fit the content.
    #[error("the token's signature does not match its content")]
    BadSignature,
    /// Its `exp` has come.
    #[error("the token has expired")]
    Expired,
    /// Its `nbf` has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
}

impl Verified {
    /// The `iss` claim.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
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

    /// Accepts claims whose signature was verified, if they are valid at `now`: from `nbf`, before `exp`.
    pub(crate) fn at(claims: Value, key_id: String, now: i64) -> Result<Self, TokenError> {
        let expires = seconds(&claims, "exp")?.ok_or(TokenError::Malformed)?;
        let starts = seconds(&claims, "nbf")?;
        if now >= expires {
            return Err(TokenError::Expired);
        }
        if starts.is_some_and(|starts| now < starts) {
            return Err(TokenError::NotYetValid);
        }
        Ok(Self { claims, key_id })
    }
}

fn seconds(claims: &Value, name: &str) -> Result<Option<i64>, TokenError> {
    claims
        .get(name)
        .map(|value| value.as_i64().ok_or(TokenError::Malformed))
        .transpose()
}
