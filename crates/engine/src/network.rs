//! Networks with names: places that conditions can ask for, as Graph keeps them.
//!
//! A row of the type `Nave.Identity/namedLocations` is Graph's `ipNamedLocation`: a `displayName` and `ipRanges`, each
//! with a `cidrAddress`. Conditions see the names of those that hold the address a request came from.

use std::net::IpAddr;

use ipnet::IpNet;
use nave_arm::ResourceId;
use serde_json::Value;
use uuid::Uuid;

use crate::{Resource, Snapshot, directory};

/// The type of the rows of named locations.
pub const NAMED_LOCATIONS: &str = "Nave.Identity/namedLocations";

/// The id of a named location's row.
#[must_use]
pub fn location_id(location: Uuid) -> ResourceId {
    directory::object_id(NAMED_LOCATIONS, location)
}

/// A network, written as an address and the length of its prefix: `203.0.113.0/24`.
#[must_use]
pub fn range(text: &str) -> Option<IpNet> {
    text.trim().parse().ok()
}

/// Whether a network holds an address. An IPv4 address in IPv6's clothes is an IPv4 address.
#[must_use]
pub fn holds(range: &IpNet, address: IpAddr) -> bool {
    range.contains(&address.to_canonical())
}

/// The names of the locations that hold an address.
pub(crate) fn locations(snapshot: &Snapshot, address: IpAddr) -> Vec<&str> {
    snapshot
        .of_type(NAMED_LOCATIONS)
        .filter(|location| ranges(location).any(|range| holds(&range, address)))
        .filter_map(|location| location.text("/displayName"))
        .collect()
}

fn ranges(location: &Resource) -> impl Iterator<Item = IpNet> {
    let ranges = location.value("/ipRanges").and_then(Value::as_array);
    ranges
        .into_iter()
        .flatten()
        .filter_map(|one| range(one.get("cidrAddress")?.as_str()?))
}

#[cfg(test)]
mod tests {
    use super::{holds, range};

    #[test]
    fn a_network_holds_its_addresses() {
        let table = [
            ("203.0.113.0/24", "203.0.113.7", true),
            ("203.0.113.9/24", "203.0.113.7", true),
            ("203.0.113.0/24", "203.0.114.7", false),
            ("203.0.113.0/24", "::ffff:203.0.113.7", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "203.0.113.7", false),
            ("0.0.0.0/0", "203.0.113.7", true),
        ];
        for (network, address, expected) in table {
            let network = range(network).expect(network);
            assert_eq!(
                holds(&network, address.parse().expect(address)),
                expected,
                "{network} {address}"
            );
        }
        for text in ["", "203.0.113.0", "203.0.113.0/33", "office"] {
            assert!(range(text).is_none(), "{text}");
        }
    }
}
