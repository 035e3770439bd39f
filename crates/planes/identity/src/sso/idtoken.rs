//! What must be true of an id token (OpenID Connect Core 3.1.3.7), once its signature is known to be the issuer's.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nave_vault::Foreign;
use serde_json::Value;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// By how many seconds clocks may differ.
const SKEW: i64 = 120;

/// What it must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client: &'a str,
    pub(super) nonce: &'a str,
    /// The access token that came with it.
    pub(super) access_token: Option<&'a str>,
    /// Seconds since 1970.
    pub(super) now: i64,
}

/// Checks it; what is wrong is told in words.
pub(super) fn check(token: &Foreign, expected: &Expected<'_>) -> Result<(), String> {
    let said = token.text("iss");
    if said != expected.issuer {
        return Err(format!(
            "its token is of the issuer '{said}', not of '{}'",
            expected.issuer
        ));
    }
    let audiences = token.audiences();
    if !audiences.contains(&expected.client) {
        return Err(String::from("its token is for another application"));
    }
    let party = token.claims().get("azp").and_then(Value::as_str);
    if party.is_some_and(|party| party != expected.client) || (audiences.len() > 1 && party.is_none()) {
        return Err(String::from("its token was given to another application"));
    }
    if token.text("nonce") != expected.nonce {
        return Err(String::from("its token belongs to another sign-in"));
    }
    if token.text("sub").is_empty() || token.text("sub").len() > 255 {
        return Err(String::from("its token does not say whom it is about"));
    }
    token
        .check_times(expected.now, SKEW)
        .map_err(|error| format!("its token does not hold: {error}"))?;
    match (
        token.claims().get("at_hash").and_then(Value::as_str),
        expected.access_token,
    ) {
        (Some(hash), Some(access)) if half_hash(&token.algorithm(), access) != hash => {
            Err(String::from("its tokens do not belong together"))
        }
        _ => Ok(()),
    }
}

/// The left half of a token's hash, by the hash of the signature's algorithm.
fn half_hash(algorithm: &str, token: &str) -> String {
    let hash = match algorithm {
        algorithm if algorithm.ends_with("256") => Sha256::digest(token).to_vec(),
        algorithm if algorithm.ends_with("384") => Sha384::digest(token).to_vec(),
        _ => Sha512::digest(token).to_vec(),
    };
    URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_hash_is_compared() {
        // the example of OpenID Connect Core, A.3
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(half_hash("RS256", token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(half_hash("ES384", token).len(), 32);
    }
}
