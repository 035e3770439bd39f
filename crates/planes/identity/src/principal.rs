//! Directory rows as the token service looks at them.

use nave_engine::Resource;
use serde_json::Value;
use uuid::Uuid;

/// The object id.
pub(crate) fn object_id(principal: &Resource) -> Uuid {
    Uuid::parse_str(principal.id.name()).unwrap_or_default()
}

pub(crate) use nave_engine::directory::{epoch, is_enabled as enabled, kind};

/// What people know it by.
pub(crate) fn name(principal: &Resource) -> &str {
    principal
        .text("/userPrincipalName")
        .or_else(|| principal.text("/displayName"))
        .unwrap_or_default()
}

/// The unique name of an application's registration.
pub(crate) fn application_claim(app_id: &str) -> String {
    format!("application:{}", app_id.to_lowercase())
}

/// The unique name of an identifier URI.
pub(crate) fn uri_claim(uri: &str) -> String {
    format!("appuri:{}", uri.to_lowercase())
}

/// The unique name of somebody as another identity provider knows him. Only the pair says who it is.
pub(crate) fn federated_claim(issuer: &str, subject: &str) -> String {
    format!("federated:{issuer} {subject}")
}

/// Issuer and subject of each identity that was linked to a person.
pub(crate) fn identities(own: &Value) -> impl Iterator<Item = (&str, &str)> {
    let linked = own
        .get("identities")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    linked.filter_map(|linked| Some((linked.get("issuer")?.as_str()?, linked.get("subject")?.as_str()?)))
}
