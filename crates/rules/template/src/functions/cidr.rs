//! Functions on address ranges. Both families are calculated as 128-bit numbers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use super::{
    Function,
    arguments::{Given, size, text},
    pure,
};

pub(super) const TABLE: &[Function] = &[
    pure("parseCidr", 1, 1, |given| {
        Ok(Range::read(text(given, 0)?)?.shown())
    }),
    pure("cidrSubnet", 3, 3, |given| {
        let subnet = Range::read(text(given, 0)?)?.subnet(size(given, 1)?, size(given, 2)?);
        subnet
            .map(Value::from)
            .ok_or_else(|| String::from("the range has no such subnet"))
    }),
    pure("cidrHost", 2, 2, |given| {
        let host = Range::read(text(given, 0)?)?.host(size(given, 1)?);
        host.map(Value::from)
            .ok_or_else(|| String::from("the range has no such host"))
    }),
];

/// Whether an address range (`10.0.0.0/8`, or one address) contains another.
///
/// # Errors
/// When one of the two is no range.
pub fn range_contains(range: &str, target: &str) -> Result<bool, String> {
    let read = |text: &str| match text.trim() {
        range if range.contains('/') => Range::read(range),
        address if address.contains(':') => Range::read(&format!("{address}/128")),
        address => Range::read(&format!("{address}/32")),
    };
    let (range, target) = (read(range)?, read(target)?);
    let is_inside = range.network <= target.network && target.last() <= range.last();
    Ok(range.bits == target.bits && is_inside)
}

/// A range with its network's address.
struct Range {
    network: u128,
    prefix: u32,
    bits: u32,
}

impl Range {
    fn read(text: &str) -> Given<Self> {
        let wrong = || String::from("the argument is not a CIDR range");
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let (number, bits) = match address.parse().map_err(|_| wrong())? {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let prefix = prefix
            .parse()
            .ok()
            .filter(|prefix| *prefix <= bits)
            .ok_or_else(wrong)?;
        Ok(Self {
            network: number & !below(bits - prefix),
            prefix,
            bits,
        })
    }

    fn last(&self) -> u128 {
        self.network | below(self.bits - self.prefix)
    }

    fn shown(&self) -> Value {
        let mask = below(self.bits) & !below(self.bits - self.prefix);
        let small = self.bits - self.prefix < 2;
        let first = if small { self.network } else { self.network + 1 };
        let last = if small || self.bits == 128 {
            self.last()
        } else {
            self.last() - 1
        };
        let mut shown = json!({
            "network": self.address(self.network), "netmask": self.address(mask), "broadcast": self.address(self.last()),
            "firstUsable": self.address(first), "lastUsable": self.address(last), "cidr": self.prefix,
        });
        if let (128, Some(members)) = (self.bits, shown.as_object_mut()) {
            members.shift_remove("broadcast");
        }
        shown
    }

    fn subnet(&self, prefix: usize, index: usize) -> Option<String> {
        let prefix = u32::try_from(prefix)
            .ok()
            .filter(|prefix| (self.prefix..=self.bits).contains(prefix))?;
        let index = u128::try_from(index)
            .ok()
            .filter(|index| *index <= below(prefix - self.prefix))?;
        let network = self.network | index.checked_shl(self.bits - prefix).unwrap_or(0);
        Some(format!("{}/{prefix}", self.address(network)))
    }

    fn host(&self, index: usize) -> Option<String> {
        let usable = if self.bits - self.prefix < 2 {
            self.network
        } else {
            self.network + 1
        };
        let host = usable.checked_add(u128::try_from(index).ok()?)?;
        let end = if self.bits == 32 && self.bits - self.prefix >= 2 {
            self.last() - 1
        } else {
            self.last()
        };
        (host <= end).then(|| self.address(host))
    }

    fn address(&self, number: u128) -> String {
        match u32::try_from(number) {
            Ok(number) if self.bits == 32 => Ipv4Addr::from_bits(number).to_string(),
            _ => Ipv6Addr::from_bits(number).to_string(),
        }
    }
}

/// The largest number of so many bits.
fn below(bits: u32) -> u128 {
    if bits >= 128 { u128::MAX } else { (1 << bits) - 1 }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::functions::checks::{check, check_fails};

    #[test]
    fn ranges_contain_ranges() {
        for (range, target, expected) in [
            ("10.0.0.0/8", "10.2.0.0/16", true),
            ("10.0.0.0/8", "10.2.3.4", true),
            ("10.2.0.0/16", "10.0.0.0/8", false),
            ("10.2.3.4", "10.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("fd00::/8", "fd12::1", true),
        ] {
            assert_eq!(
                super::range_contains(range, target),
                Ok(expected),
                "{range} {target}"
            );
        }
        assert!(super::range_contains("x", "10.0.0.1").is_err());
    }

    #[test]
    fn ranges_are_divided() {
        check(&[
            ("[cidrSubnet('10.144.0.0/20', 24, 0)]", json!("10.144.0.0/24")),
            ("[cidrSubnet('10.144.0.0/20', 24, 15)]", json!("10.144.15.0/24")),
            ("[cidrSubnet('::/0', 128, 1)]", json!("::1/128")),
            ("[cidrHost('10.144.3.0/24', 1)]", json!("10.144.3.2")),
            ("[parseCidr('10.1.2.3/31').firstUsable]", json!("10.1.2.2")),
        ]);
        check_fails(&[
            "[cidrSubnet('10.144.0.0/20', 24, 16)]",
            "[cidrSubnet('10.144.0.0/20', 19, 0)]",
            "[cidrHost('10.0.0.0/24', 254)]",
            "[parseCidr('10.0.0.0')]",
            "[parseCidr('10.0.0.0/33')]",
            "[cidrSubnet('10.0.0.0/8', 129, 0)]",
        ]);
    }
}
