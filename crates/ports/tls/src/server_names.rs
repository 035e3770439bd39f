//! The names one server answers to: its base host and a wildcard for each Azure service zone below it.
//!
//! A zone needs a wildcard of its own because a wildcard stands for one label, and because clients reject one
//! directly below a name without a dot (`*.localhost`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustls::pki_types::ServerName;

use crate::TlsError;

/// What stands before the base host in the names of Azure's data planes.
const ZONES: [&str; 11] = [
    "vault",
    "blob.core",
    "dfs.core",
    "file.core",
    "queue.core",
    "table.core",
    "openai",
    "cognitiveservices",
    "services.ai",
    "search",
    "azurecr",
];

/// The names below one base host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerNames {
    dns: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl ServerNames {
    /// The names of a server whose base is a host name, or an address, below which there are no zones.
    pub(crate) fn of(base_host: &str) -> Result<Self, TlsError> {
        let base = base_host.to_ascii_lowercase();
        let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        match ServerName::try_from(base.as_str()) {
            Ok(ServerName::DnsName(_)) if !base.ends_with('.') => Ok(Self {
                dns: dns_names(&base),
                addresses,
            }),
            Ok(ServerName::IpAddress(address)) => {
                let address = IpAddr::from(address);
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
                Ok(Self {
                    dns: Vec::new(),
                    addresses,
                })
            }
            _ => Err(TlsError::BaseHost(base_host.to_owned())),
        }
    }

    /// Every name as the certificate lists it.
    pub(crate) fn subject_alternative_names(&self) -> Vec<String> {
        self.dns
            .iter()
            .cloned()
            .chain(self.addresses.iter().map(ToString::to_string))
            .collect()
    }

    /// One name for each entry that a client might ask for.
    pub(crate) fn examples(&self) -> Vec<String> {
        self.subject_alternative_names()
            .iter()
            .map(|name| name.replace('*', "any"))
            .collect()
    }
}

fn dns_names(base: &str) -> Vec<String> {
    let beside = base.contains('.').then(|| format!("*.{base}"));
    let zones = ZONES.iter().map(|zone| format!("*.{zone}.{base}"));
    std::iter::once(base.to_owned())
        .chain(beside)
        .chain(zones)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(base: &str) -> Vec<String> {
        ServerNames::of(base).unwrap().subject_alternative_names()
    }

    #[test]
    fn a_base_without_a_dot_has_zones_but_no_wildcard_of_its_own() {
        let expected = "localhost *.vault.localhost *.blob.core.localhost *.dfs.core.localhost \
            *.file.core.localhost *.queue.core.localhost *.table.core.localhost *.openai.localhost \
            *.cognitiveservices.localhost *.services.ai.localhost *.search.localhost *.azurecr.localhost \
            127.0.0.1 ::1";
        assert_eq!(names("localhost").join(" "), expected);
    }

    #[test]
    fn a_base_with_a_dot_has_a_wildcard_of_its_own() {
        assert_eq!(
            names("Nave.Example.com")[..3],
            [
                "nave.example.com",
                "*.nave.example.com",
                "*.vault.nave.example.com"
            ]
        );
    }

    #[test]
    fn an_address_has_no_zones() {
        assert_eq!(names("10.0.0.5"), ["127.0.0.1", "::1", "10.0.0.5"]);
        assert_eq!(names("127.0.0.1"), ["127.0.0.1", "::1"]);
        assert_eq!(names("2001:db8::1"), ["127.0.0.1", "::1", "2001:db8::1"]);
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for base in [
            "",
            "https://nave",
            "nave:8443",
            "*.nave",
            "na ve",
            "nave.",
            "-nave",
            "[::1]",
            "naïve",
        ] {
            assert!(
                matches!(ServerNames::of(base), Err(TlsError::BaseHost(_))),
                "{base}"
            );
        }
    }
}
