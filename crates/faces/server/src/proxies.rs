//! Who a request comes from when proxies stand in between.
//!
//! A proxy tells in `X-Forwarded-For` for whom it asks. Anybody can write that header, so it is read from its end, one
//! hop at a time, and believed only as far as those who wrote it are trusted. Without trusted proxies it is not read.

use std::{net::IpAddr, str::FromStr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The network of proxies whose word is taken: an address, or one with the length of its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedProxy(IpNet);

impl FromStr for TrustedProxy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        let network = text.parse::<IpNet>().or_else(|_| address());
        network
            .map(Self)
            .map_err(|_| format!("'{text}' is no address or network, such as 10.0.0.0/8"))
    }
}

/// The address of the client of a request that `peer` sent.
pub(crate) fn client(trusted: &[TrustedProxy], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let is_trusted = |hop: &IpAddr| {
        trusted
            .iter()
            .any(|TrustedProxy(network)| nave_engine::network::holds(network, *hop))
    };
    let mut client = peer;
    for hop in hops(headers).into_iter().rev() {
        if !is_trusted(&client) {
            break;
        }
        match address(hop) {
            Some(hop) => client = hop,
            None => break,
        }
    }
    client
}

/// The hops as they were written down: the client first, the last proxy last. They are split before they are read: one
/// that is no text must not take along what a proxy wrote behind it.
fn hops(headers: &HeaderMap) -> Vec<&[u8]> {
    let written = headers.get_all(FORWARDED_FOR).iter();
    written
        .flat_map(|header| header.as_bytes().split(|byte| *byte == b','))
        .collect()
}

/// An address, with or without the port that some proxies write.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let with_port = || hop.parse::<std::net::SocketAddr>().map(|socket| socket.ip());
    hop.parse::<IpAddr>().or_else(|_| with_port()).ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{FORWARDED_FOR, TrustedProxy, client};

    #[test]
    fn proxies_are_believed_as_far_as_they_are_trusted() {
        let table: [(&str, &[&str], &str); 14] = [
            ("203.0.113.7", &[], "203.0.113.7"),
            ("203.0.113.7", &["198.51.100.1"], "203.0.113.7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, 10.9.9.9"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1", "10.9.9.9"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
            ("10.0.0.1", &["1.1.1.1", "ÿ, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1", "ÿ"], "10.0.0.1"),
        ];
        let trusted: [TrustedProxy; 2] = ["10.0.0.0/8", "192.0.2.1"].map(|text| text.parse().unwrap());
        for (peer, written, expected) in table {
            let mut headers = HeaderMap::new();
            for header in written {
                headers.append(FORWARDED_FOR, HeaderValue::from_bytes(header.as_bytes()).unwrap());
            }
            let found = client(&trusted, peer.parse().unwrap(), &headers);
            assert_eq!(found.to_canonical().to_string(), expected, "{peer} {written:?}");
            let nobody = client(&[], peer.parse().unwrap(), &headers);
            assert_eq!(nobody, peer.parse::<std::net::IpAddr>().unwrap());
        }
    }

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        for text in ["10.0.0.0/8", "10.0.0.1", "::1", "2001:db8::/32"] {
            assert!(text.parse::<TrustedProxy>().is_ok(), "{text}");
        }
        assert!("proxy.internal".parse::<TrustedProxy>().is_err());
    }
}
