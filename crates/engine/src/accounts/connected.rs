//! The account of this server that a connection leads to.
//!
//! A connection names its account by id in its metadata, by the account's endpoint, or by a host in a service zone
//! (client contract 9.3). The id comes first: templates written for Azure carry Azure's hosts beside it.

use nave_arm::ResourceId;
use serde_json::Value;

use super::{ACCOUNTS, at_subdomain};
use crate::{Resource, Snapshot, site::Site};

/// The zones whose hosts stand for an account, between its subdomain and the server's own authority.
const ZONES: [&str; 3] = ["openai", "cognitiveservices", "services.ai"];

/// The account a connection leads to; `None` when it leads out of this server.
#[must_use]
pub fn connected(snapshot: &Snapshot, site: &Site, connection: &Resource) -> Option<ResourceId> {
    by_id(snapshot, connection).or_else(|| {
        at_subdomain(
            snapshot,
            &subdomain_in(&site.authority, connection.text("/properties/target")?)?,
        )
    })
}

fn by_id(snapshot: &Snapshot, connection: &Resource) -> Option<ResourceId> {
    let account = snapshot.get(&ResourceId::parse(metadata(connection, "resourceId")?).ok()?)?;
    account
        .id
        .resource_type()
        .eq_ignore_ascii_case(ACCOUNTS)
        .then(|| account.id.clone())
}

/// The subdomain in `https://{authority}/ai/{subdomain}/…` or `https://{subdomain}.{zone}.{authority}/…`.
fn subdomain_in(authority: &str, target: &str) -> Option<String> {
    let rest = target
        .strip_prefix("https://")
        .or_else(|| target.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, authority) = (host.to_lowercase(), authority.to_lowercase());
    if host == authority {
        let mut segments = path.split('/');
        return segments
            .next()
            .filter(|root| *root == "ai")
            .and(segments.next())
            .map(str::to_lowercase);
    }
    let below = host.strip_suffix(&authority)?.strip_suffix('.')?;
    ZONES.iter().find_map(|zone| {
        let name = below.strip_suffix(zone)?.strip_suffix('.')?;
        (!name.is_empty() && !name.contains('.')).then(|| name.to_owned())
    })
}

/// What a connection's metadata says, whatever the casing of its name.
#[must_use]
pub fn metadata<'a>(connection: &'a Resource, name: &str) -> Option<&'a str> {
    let metadata = connection
        .value("/properties/metadata")
        .and_then(Value::as_object)?;
    let (_, value) = metadata.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    value.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::subdomain_in;

    #[test]
    fn an_endpoint_or_a_zone_names_the_subdomain() {
        let cases = [
            ("https://nave.test:8443/ai/AI1/", Some("ai1")),
            ("https://nave.test:8443/ai/ai1/openai/v1", Some("ai1")),
            ("https://ai1.openai.nave.test:8443", Some("ai1")),
            ("https://ai1.services.ai.nave.test:8443/", Some("ai1")),
            ("https://nave.test:8443/api/ai1", None),
            ("https://nave.test/ai/ai1/", None),
            ("https://ai1.openai.azure.com/", None),
            ("https://evil-nave.test:8443/ai/ai1/", None),
            ("nave.test:8443/ai/ai1", None),
        ];
        for (target, expected) in cases {
            assert_eq!(
                subdomain_in("nave.test:8443", target).as_deref(),
                expected,
                "{target}"
            );
        }
    }
}
