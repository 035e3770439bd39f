//! `Nave.Monitor/sinks`: a place where logs go. The kind says what it is:
//!
//! | kind | `properties` |
//! |---|---|
//! | `File` | none: a folder of its own in the data directory |
//! | `Otlp` | `endpoint`, the address of a collector without `/v1/logs`; `headers`, an object of texts, secret |
//! | `S3` | `endpoint`, `bucket`, `region`, `prefix`, `pathStyle`; `accessKeyId`; `secretAccessKey`, secret |
//!
//! What can be reached is what the port `nave-outbound` reaches: `https`, or `http` of this machine.

use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Fields,
    declaration::{Cx, Declaration, Draft, NameRule, ResourceType, Verb, Written},
};
use nave_outbound::is_asked;
use reqwest::Url;

pub(crate) struct Sinks;

/// The type's name.
pub(crate) const SINKS: &str = "Nave.Monitor/sinks";
/// Where a collector's headers stand.
pub(crate) const HEADERS: &str = "/properties/headers";
/// Where a bucket's secret stands.
pub(crate) const SECRET_KEY: &str = "/properties/secretAccessKey";

static DECLARATION: Declaration = Declaration {
    resource_type: SINKS,
    api_versions: &["2026-11-01"],
    name: NameRule {
        min: 1,
        max: 80,
        first: |c| c.is_ascii_alphanumeric(),
        rest: |c| c.is_ascii_alphanumeric() || "-_.".contains(c),
        words: "1 to 80 letters, digits, hyphens, underscores and points, the first a letter or digit",
    },
    verbs: &[
        Verb::Get,
        Verb::List,
        Verb::Put(201, 200),
        Verb::Patch,
        Verb::Delete(200),
    ],
    immutable: &["/kind"],
    secret: &[HEADERS, SECRET_KEY],
    ..Declaration::COMMON
};

impl ResourceType for Sinks {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, _: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        let fields = Fields(&draft.body);
        match fields.required("/kind")?.to_lowercase().as_str() {
            "file" => {}
            "otlp" => {
                check_endpoint(fields)?;
                check_headers(fields)?;
            }
            "s3" => {
                check_endpoint(fields)?;
                for name in ["bucket", "region", "accessKeyId"] {
                    fields.required(&format!("/properties/{name}"))?;
                }
                fields.text("/properties/prefix")?;
                fields.flag("/properties/pathStyle")?;
                if draft.existing.is_none() {
                    fields.required(SECRET_KEY)?;
                }
            }
            other => {
                return Err(invalid(
                    "kind",
                    format!("The kind '{other}' is no kind of sink; there are 'File', 'Otlp' and 'S3'."),
                ));
            }
        }
        let mut written = Written::plain(draft);
        written.own["properties"] = serde_json::json!({ "provisioningState": "Succeeded" });
        Ok(written)
    }
}

fn check_endpoint(fields: Fields<'_>) -> Result<(), ArmError> {
    let endpoint = fields.required("/properties/endpoint")?;
    if Url::parse(endpoint).is_ok_and(|address| is_asked(&address)) {
        return Ok(());
    }
    Err(invalid(
        "properties.endpoint",
        format!(
            "The endpoint '{endpoint}' cannot be used: it is an address that begins with https://, or with http:// and \
             is of this machine."
        ),
    ))
}

fn check_headers(fields: Fields<'_>) -> Result<(), ArmError> {
    let Some(headers) = fields.value(HEADERS) else {
        return Ok(());
    };
    let is_header = |(name, value): (&String, &serde_json::Value)| {
        http::HeaderName::try_from(name).is_ok()
            && value
                .as_str()
                .is_some_and(|value| http::HeaderValue::try_from(value).is_ok())
    };
    if headers.as_object().is_some_and(|all| all.iter().all(is_header)) {
        return Ok(());
    }
    Err(invalid(
        "properties.headers",
        String::from("The property 'properties.headers' is an object of header names and texts."),
    ))
}

fn invalid(target: &str, message: String) -> ArmError {
    ArmError::new(ErrorCode::InvalidRequestFormat, message).on(target)
}
