//! The `claims` parameter (OpenID Connect Core 5.5): what a client can handle, and what its access token must say.
//!
//! `{"access_token": {"xms_cc": {"values": ["CP1"]}, "acrs": {"essential": true, "value": "c1"}}}`: the client
//! understands challenges, and was told by one that a second factor is needed.

use serde_json::Value;

use crate::{refusal::Refusal, signin::state::SECOND_FACTOR_CONTEXT};

/// The longest parameter, in bytes.
const LONGEST: usize = 4096;

/// What a client asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ClaimsAsked {
    /// What it says it can handle, such as `CP1`.
    pub(crate) capabilities: Vec<String>,
    /// Whether a second factor must stand behind the token.
    pub(crate) second_factor: bool,
    /// The parameter as it came, to be told back.
    pub(crate) text: String,
}

impl ClaimsAsked {
    /// Reads the parameter. Claims that nave does not know are passed over, unless the client cannot do without.
    pub(crate) fn read(text: Option<&str>) -> Result<Self, Refusal> {
        let Some(text) = text else {
            return Ok(Self::default());
        };
        if text.len() > LONGEST {
            return Err(not_good(format!(
                "it has {} bytes; it may have {LONGEST}",
                text.len()
            )));
        }
        let claims: Value = serde_json::from_str(text).map_err(|error| not_good(error.to_string()))?;
        let capabilities = words(claims.pointer("/access_token/xms_cc"));
        let contexts = claims.pointer("/access_token/acrs");
        let wanted = words(contexts);
        let essential = contexts.and_then(|claim| claim.get("essential")) == Some(&Value::Bool(true));
        let second_factor = essential && !wanted.is_empty();
        if let Some(unknown) = wanted.iter().find(|word| *word != SECOND_FACTOR_CONTEXT)
            && second_factor
            && !wanted.iter().any(|word| word == SECOND_FACTOR_CONTEXT)
        {
            return Err(not_good(format!(
                "the authentication context '{unknown}' is not known; '{SECOND_FACTOR_CONTEXT}' stands for a second \
                 factor"
            )));
        }
        Ok(Self {
            capabilities,
            second_factor,
            text: text.to_owned(),
        })
    }
}

/// A claim's one `value`, or its `values`.
fn words(claim: Option<&Value>) -> Vec<String> {
    let one = claim.and_then(|claim| claim.get("value"));
    let more = claim
        .and_then(|claim| claim.get("values"))
        .and_then(Value::as_array);
    let words = one.into_iter().chain(more.into_iter().flatten());
    words.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn not_good(why: impl std::fmt::Display) -> Refusal {
    Refusal::bad_request(90_100, format!("The parameter 'claims' is not valid: {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_and_a_second_factor_are_understood() {
        let read = |text: &str| ClaimsAsked::read(Some(text)).expect(text);
        let both =
            read(r#"{"access_token":{"xms_cc":{"values":["CP1"]},"acrs":{"essential":true,"value":"c1"}}}"#);
        assert_eq!(
            (both.capabilities, both.second_factor),
            (vec![String::from("CP1")], true)
        );
        for (text, second_factor) in [
            ("{}", false),
            (
                r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#,
                false,
            ),
            (
                r#"{"access_token":{"acrs":{"essential":true,"values":["c1","c2"]}}}"#,
                true,
            ),
            (r#"{"access_token":{"acrs":{"value":"c1"}}}"#, false),
            (r#"{"access_token":{"acrs":null}}"#, false),
            (r#"{"id_token":{"acrs":{"essential":true,"value":"c1"}}}"#, false),
        ] {
            assert_eq!(read(text).second_factor, second_factor, "{text}");
        }
        for bad in [
            "",
            "c1",
            r#"{"access_token":{"acrs":{"essential":true,"value":"c9"}}}"#,
        ] {
            assert_eq!(ClaimsAsked::read(Some(bad)).unwrap_err().number, 90_100, "{bad}");
        }
    }
}
