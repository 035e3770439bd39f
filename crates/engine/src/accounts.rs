//! AI services accounts as rows. One plane keeps them, another answers their model calls, and a caller may be the
//! holder of one of their keys: what the three must agree on is here.
//!
//! The account's endpoint is `{origin}/ai/{subdomain}/`; a service zone's host (`{subdomain}.openai.{authority}`)
//! means the same. An account's secrets are `{"key1": …, "key2": …}`, and its [upstream's key](UPSTREAM_KEY) where it
//! has one; it holds one claim for its subdomain and one for each key, so that a presented key is found without
//! opening anything.

mod connected;
mod keys;
mod upstream;

use nave_arm::ResourceId;

pub use self::connected::{connected, metadata};
pub use self::keys::key_holder;
pub use self::upstream::{UPSTREAM, UPSTREAM_KEY, UPSTREAM_KINDS, Upstream, upstream_key, upstream_of};
use crate::{Resource, Snapshot};

/// The type of accounts.
pub const ACCOUNTS: &str = "Microsoft.CognitiveServices/accounts";
/// The type of their model deployments.
pub const DEPLOYMENTS: &str = "Microsoft.CognitiveServices/accounts/deployments";

/// The names of an account's two keys, as decisions and secrets spell them.
pub const KEYS: [&str; 2] = ["key1", "key2"];

/// The unique name of an account's custom subdomain.
#[must_use]
pub fn subdomain_claim(subdomain: &str) -> String {
    format!("subdomain:{}", subdomain.to_lowercase())
}

/// The unique name of a key, made of its fingerprint. It does not say which of the two keys it is: that stands in
/// the account's own part, `/keys/{key1|key2}`, as the same text.
#[must_use]
pub fn key_claim(fingerprint: &[u8; 32]) -> String {
    format!("accountkey:{}", hex::encode(fingerprint))
}

/// The account that answers at a subdomain.
#[must_use]
pub fn at_subdomain(snapshot: &Snapshot, subdomain: &str) -> Option<ResourceId> {
    snapshot
        .claimed(&subdomain_claim(subdomain))
        .map(|account| account.id.clone())
}

/// The subdomain an account answers at.
#[must_use]
pub fn subdomain(account: &Resource) -> String {
    account
        .text("/properties/customSubDomainName")
        .unwrap_or_else(|| account.id.name())
        .to_lowercase()
}
