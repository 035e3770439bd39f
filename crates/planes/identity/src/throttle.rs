//! Guessing takes time: after a few wrong passwords or codes, the next try has to wait, twice as long each time.
//!
//! Three counts, of passwords and of codes apart: an account from one network, one network whatever the account, and an account from everywhere. The last
//! has patience and its waits are short: strangers who guess at somebody's password must not shut him out, so nothing is
//! locked for good (NIST SP 800-63B-4 3.2.2 would have it after a hundred tries; the wait at the cap allows fewer in a
//! day from each network). Memory is bounded: what was not touched for longest is forgotten.

use std::net::{IpAddr, Ipv6Addr};

use jiff::Timestamp;
use moka::sync::Cache;

use crate::one_time::hash;

/// How many counts are kept.
const KEPT: u64 = 50_000;
/// After how many quiet seconds a count begins anew.
const QUIET: i64 = 3600;

/// How much is borne, and what comes then.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// Failures without any wait.
    free: u32,
    /// The longest wait, in seconds.
    longest: i64,
}

/// An account from one network.
const HERE: Patience = Patience {
    free: 5,
    longest: 900,
};
/// One network, whatever the account.
const NETWORK: Patience = Patience {
    free: 100,
    longest: 900,
};
/// An account, from everywhere.
const ACCOUNT: Patience = Patience {
    free: 50,
    longest: 30,
};

/// Failures in a row.
#[derive(Debug, Clone, Copy)]
struct Count {
    failures: u32,
    last: Timestamp,
}

/// The counts.
pub(crate) struct Throttle(Cache<[u8; 32], Count>);

/// Who tries: an account and where from.
pub(crate) struct Try {
    here: [u8; 32],
    network: [u8; 32],
    account: [u8; 32],
}

impl Try {
    /// A try at a password.
    pub(crate) fn new(account: &str, address: Option<IpAddr>) -> Self {
        Self::at("password", account, address)
    }

    /// A try at a code that follows a first factor. It is counted apart: whoever has the password, and shows it again
    /// and again, gets no new tries at the code.
    pub(crate) fn at_code(account: &str, address: Option<IpAddr>) -> Self {
        Self::at("code", account, address)
    }

    fn at(what: &str, account: &str, address: Option<IpAddr>) -> Self {
        let (account, network) = (account.trim().to_lowercase(), network(address));
        Self {
            here: hash(&format!("here {what} {network} {account}")),
            network: hash(&format!("network {network}")),
            account: hash(&format!("account {what} {account}")),
        }
    }

    fn counted(&self) -> [(&[u8; 32], Patience); 3] {
        [
            (&self.here, HERE),
            (&self.network, NETWORK),
            (&self.account, ACCOUNT),
        ]
    }
}

impl Throttle {
    pub(crate) fn new() -> Self {
        Self(Cache::new(KEPT))
    }

    /// How many seconds the next try has to wait, if it has to.
    pub(crate) fn wait(&self, tried: &Try, now: Timestamp) -> Option<i64> {
        let waits = tried.counted().map(|(key, patience)| {
            let count = self.0.get(key)?;
            let wait = patience.wait(count.failures) - (now.as_second() - count.last.as_second());
            (wait > 0).then_some(wait)
        });
        waits.into_iter().flatten().max()
    }

    /// A try failed.
    pub(crate) fn failed(&self, tried: &Try, now: Timestamp) {
        for (key, _) in tried.counted() {
            let before = self
                .0
                .get(key)
                .filter(|count| now.as_second() - count.last.as_second() < QUIET);
            let failures = before.map_or(0, |count| count.failures).saturating_add(1);
            self.0.insert(*key, Count { failures, last: now });
        }
    }

    /// A try was right: this account may be tried from here as if nothing had been wrong.
    pub(crate) fn passed(&self, tried: &Try) {
        self.0.invalidate(&tried.here);
        self.0.invalidate(&tried.account);
    }
}

impl Patience {
    fn wait(self, failures: u32) -> i64 {
        match failures.checked_sub(self.free) {
            None => 0,
            Some(over) => (1_i64 << over.min(20)).min(self.longest),
        }
    }
}

/// Whoever has an IPv6 address has a whole /64 of them.
fn network(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        None => String::from("unknown"),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn from(account: &str, address: &str) -> Try {
        Try::new(account, Some(address.parse().unwrap()))
    }

    #[test]
    fn waits_grow_and_end_with_a_right_try() {
        let (throttle, joe) = (Throttle::new(), from("Joe@contoso.com", "10.0.0.1"));
        let mut waits = Vec::new();
        for _ in 0..17 {
            throttle.failed(&joe, at(0));
            waits.push(throttle.wait(&joe, at(0)).unwrap_or_default());
        }
        assert_eq!(
            waits,
            [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
        );
        assert_eq!(throttle.wait(&joe, at(899)), Some(1));
        assert_eq!(throttle.wait(&joe, at(900)), None);
        assert_eq!(
            throttle.wait(&from("joe@CONTOSO.com ", "10.0.0.1"), at(0)),
            Some(900)
        );
        throttle.passed(&joe);
        assert_eq!(throttle.wait(&joe, at(0)), None);
    }

    #[test]
    fn strangers_do_not_shut_a_person_out() {
        let throttle = Throttle::new();
        for n in 0..10_000_u32 {
            let stranger = Try::new("joe@contoso.com", Some(std::net::Ipv4Addr::from(n).into()));
            throttle.failed(&stranger, at(0));
        }
        assert_eq!(
            throttle.wait(&from("joe@contoso.com", "192.168.0.1"), at(0)),
            Some(30)
        );
        assert_eq!(
            throttle.wait(&from("ann@contoso.com", "192.168.0.1"), at(0)),
            None
        );
    }

    #[test]
    fn one_network_does_not_try_everybody() {
        let throttle = Throttle::new();
        for n in 0..120 {
            throttle.failed(
                &from(&format!("p{n}@contoso.com"), &format!("2001:db8::{n:x}")),
                at(0),
            );
        }
        assert_eq!(
            throttle.wait(&from("joe@contoso.com", "2001:db8::ffff"), at(0)),
            Some(900)
        );
        assert_eq!(
            throttle.wait(&from("joe@contoso.com", "2001:db8:0:1::1"), at(0)),
            None
        );
        assert_eq!(
            throttle.wait(&from("joe@contoso.com", "2001:db8::ffff"), at(900)),
            None
        );
    }
}
