//! The setting that says where model calls go, on its way into a row: its form is checked member by member, since a
//! secret under a name nobody declared would be stored in the clear.

use http::Uri;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Fields, Resource,
    accounts::{UPSTREAM, UPSTREAM_KEY, UPSTREAM_KINDS},
    declaration::Draft,
};
use serde_json::Value;

/// What an account's setting has.
pub(super) const OF_ACCOUNT: &[&str] = &["kind", "endpoint", "apiVersion", "apiKey"];
/// What a deployment's setting has.
pub(super) const OF_DEPLOYMENT: &[&str] = &["kind", "endpoint", "apiVersion", "apiKey", "model"];

/// The most characters of a URL, and of a name.
const LONGEST_URL: usize = 2048;
const LONGEST_NAME: usize = 256;

/// Checks the setting of a body, if it has one.
pub(super) fn check(body: &Value, members: &[&str]) -> Result<(), ArmError> {
    only(
        body,
        "",
        |name| name == "properties" || !name.eq_ignore_ascii_case("properties"),
        "'properties'",
    )?;
    only(
        body,
        "/properties",
        |name| name == "nave" || !name.eq_ignore_ascii_case("nave"),
        "'nave'",
    )?;
    only(body, "/properties/nave", |name| name == "upstream", "'upstream'")?;
    only(
        body,
        UPSTREAM,
        |name| members.contains(&name),
        &format!("'{}'", members.join("', '")),
    )?;
    let fields = Fields(body);
    let text = |member: &str| fields.text(&format!("{UPSTREAM}/{member}"));
    let kind = fields.choice(&format!("{UPSTREAM}/kind"), &UPSTREAM_KINDS)?;
    let endpoint = text("endpoint")?;
    let (version, key, model) = (text("apiVersion")?, fields.text(UPSTREAM_KEY)?, text("model")?);
    match (kind, endpoint) {
        (Some("builtIn"), Some(_)) => {
            return Err(wrong(
                "endpoint",
                "is for the other kinds: the built-in model has none",
            ));
        }
        (Some("openAI" | "azureOpenAI"), None) => return Err(wrong("endpoint", "is required for this kind")),
        (None | Some("builtIn"), None) if key.is_some() => {
            return Err(wrong(
                "apiKey",
                "goes to the endpoint it is given with, and there is none",
            ));
        }
        _ => {}
    }
    endpoint.map_or(Ok(()), check_endpoint)?;
    match version {
        Some(_) if kind != Some("azureOpenAI") => {
            return Err(wrong("apiVersion", "is for the kind 'azureOpenAI'"));
        }
        Some(version) if !is_version(version) => return Err(wrong("apiVersion", "is not an api-version")),
        _ => {}
    }
    match model {
        Some(model) if !is_name(model) => Err(wrong(
            "model",
            "must be 1 to 256 characters, none of them a control character",
        )),
        _ => Ok(()),
    }
}

/// Whether what is stored now has a key that the new body would send elsewhere. Such a key does not stay: who may
/// write an account need not be one who may see the key.
pub(super) fn redirects(draft: &Draft) -> bool {
    let endpoint = |body: &Value| {
        let url = body
            .pointer(&format!("{UPSTREAM}/endpoint"))
            .and_then(Value::as_str);
        url.unwrap_or_default().trim_end_matches('/').to_owned()
    };
    let before = draft
        .existing
        .as_deref()
        .map(|existing: &Resource| endpoint(&existing.sent));
    before.is_some_and(|before| !before.is_empty() && before != endpoint(&draft.body))
}

fn only(body: &Value, pointer: &str, known: impl Fn(&str) -> bool, words: &str) -> Result<(), ArmError> {
    let name = crate::shape::dotted(pointer);
    match body.pointer(pointer) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Object(members)) => match members.keys().find(|name| !known(name)) {
            None => Ok(()),
            Some(unknown) => {
                let target = if name.is_empty() {
                    unknown.clone()
                } else {
                    format!("{name}.{unknown}")
                };
                let message = format!("The property '{target}' is not known here; what is known is {words}.");
                Err(ArmError::new(ErrorCode::InvalidParameter, message).on(target))
            }
        },
        Some(_) => {
            let message = format!("The value of '{name}' must be an object.");
            Err(ArmError::new(ErrorCode::InvalidRequestFormat, message).on(name))
        }
    }
}

fn check_endpoint(text: &str) -> Result<(), ArmError> {
    let url = text.parse::<Uri>().ok().filter(|_| text.len() <= LONGEST_URL);
    let usable = url.is_some_and(|url| {
        let host = url
            .authority()
            .is_some_and(|host| !host.host().is_empty() && !host.as_str().contains('@'));
        matches!(url.scheme_str(), Some("http" | "https"))
            && host
            && url.query().is_none()
            && !text.contains('#')
    });
    if usable {
        return Ok(());
    }
    Err(wrong(
        "endpoint",
        "must be an http or https URL without credentials, query and fragment",
    ))
}

fn is_version(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
}

fn is_name(text: &str) -> bool {
    text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control)
}

fn wrong(member: &str, why: &str) -> ArmError {
    let name = crate::shape::dotted(&format!("{UPSTREAM}/{member}"));
    ArmError::new(
        ErrorCode::InvalidParameter,
        format!("The property '{name}' {why}."),
    )
    .on(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn target(upstream: Value) -> Option<String> {
        let body = json!({"properties": {"nave": {"upstream": upstream}}});
        check(&body, OF_DEPLOYMENT)
            .err()
            .map(|error| error.target.unwrap_or_default())
    }

    #[test]
    fn a_setting_that_can_be_followed_is_taken() {
        for upstream in [
            json!(null),
            json!({}),
            json!({"kind": "builtin"}),
            json!({"endpoint": "http://localhost:8000/v1", "apiKey": "k"}),
            json!({"kind": "OPENAI", "endpoint": "https://[::1]:8000"}),
            json!({"kind": "azureOpenAI", "endpoint": "https://a.example", "apiVersion": "2024-10-21", "model": "d"}),
            json!({"model": "meta-llama/Llama-3"}),
        ] {
            assert_eq!(target(upstream.clone()), None, "{upstream}");
        }
    }

    #[test]
    fn a_setting_that_cannot_be_followed_is_refused_where_it_is_wrong() {
        let upstream = "properties.nave.upstream";
        for (setting, member) in [
            (json!("builtIn"), ""),
            (json!({"kind": "ollama"}), ".kind"),
            (json!({"kind": 1}), ".kind"),
            (json!({"kind": "openAI"}), ".endpoint"),
            (json!({"kind": "builtIn", "endpoint": "http://x"}), ".endpoint"),
            (json!({"endpoint": "ftp://x"}), ".endpoint"),
            (json!({"endpoint": "/v1"}), ".endpoint"),
            (json!({"endpoint": "https://user:pw@x"}), ".endpoint"),
            (json!({"endpoint": "https://x?key=k"}), ".endpoint"),
            (json!({"endpoint": "https://x/#k"}), ".endpoint"),
            (json!({"endpoint": "https://x y"}), ".endpoint"),
            (json!({"apiKey": "k"}), ".apiKey"),
            (json!({"endpoint": "https://x", "apiKey": {"k": "v"}}), ".apiKey"),
            (json!({"endpoint": "https://x", "apikey": "k"}), ".apikey"),
            (json!({"endpoint": "https://x", "key": "k"}), ".key"),
            (
                json!({"endpoint": "https://x", "apiVersion": "2024-10-21"}),
                ".apiVersion",
            ),
            (
                json!({"kind": "azureOpenAI", "endpoint": "https://x", "apiVersion": "1&x=y"}),
                ".apiVersion",
            ),
            (json!({"model": "a\nb"}), ".model"),
        ] {
            assert_eq!(
                target(setting.clone()),
                Some(format!("{upstream}{member}")),
                "{setting}"
            );
        }
    }

    #[test]
    fn a_misspelled_parent_is_refused_too_since_its_key_would_not_be_sealed() {
        for body in [
            json!({"properties": {"Nave": {"upstream": {"apiKey": "k"}}}}),
            json!({"properties": {"nave": {"Upstream": {"apiKey": "k"}}}}),
            json!({"Properties": {"nave": {"upstream": {"apiKey": "k"}}}}),
        ] {
            assert!(check(&body, OF_ACCOUNT).is_err(), "{body}");
        }
        assert!(
            check(
                &json!({"properties": {"nave": {"upstream": {"model": "m"}}}}),
                OF_ACCOUNT
            )
            .is_err()
        );
    }
}
