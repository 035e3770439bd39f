//! For whom tokens are made: an allow-list. A token for anything else would be a token for somebody unknown.
//!
//! Clients ask for Azure's public names as well as for ours (client contract 1.4); where each is accepted is the
//! engine's to say, when it decides.

use nave_engine::{Snapshot, directory::app_claim, site::Site};

use crate::principal::{application_claim, uri_claim};

/// Azure's public names for what this server offers.
const PUBLIC: [&str; 12] = [
    "https://management.azure.com",
    "https://management.core.windows.net",
    "https://graph.microsoft.com",
    "https://cognitiveservices.azure.com",
    "https://ai.azure.com",
    "https://ml.azure.com",
    "https://search.azure.com",
    "https://storage.azure.com",
    "https://vault.azure.net",
    "https://containerregistry.azure.net",
    "https://monitor.azure.com",
    nave_engine::federation::AUDIENCE,
];

/// The directory's own audience: what a request that names no resource is about.
pub(crate) fn graph(site: &Site) -> String {
    format!("{}/graph", site.origin)
}

/// Whether tokens are made for a resource. A slash at its end does not matter.
pub(crate) fn is_allowed(snapshot: &Snapshot, site: &Site, resource: &str) -> bool {
    let resource = resource.trim_end_matches('/');
    resource == site.origin
        || resource == graph(site)
        || PUBLIC.contains(&resource)
        || is_in_a_zone(site, resource)
        || is_an_application(snapshot, resource)
}

/// `https://vault.{authority}`, `https://{account}.blob.core.{authority}`: the service zones, and hosts in them.
fn is_in_a_zone(site: &Site, resource: &str) -> bool {
    let host = resource
        .strip_prefix("https://")
        .and_then(|host| host.strip_suffix(&site.authority));
    let labels = host.and_then(|host| host.strip_suffix('.')).unwrap_or_default();
    !labels.is_empty()
        && labels
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
}

/// A registered application: its id, `api://{id}`, or one of its identifier URIs.
fn is_an_application(snapshot: &Snapshot, resource: &str) -> bool {
    let id = resource.strip_prefix("api://").unwrap_or(resource);
    [application_claim(id), app_claim(id), uri_claim(resource)]
        .iter()
        .any(|claim| snapshot.claimed(claim).is_some())
}
