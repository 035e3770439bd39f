//! Failed sign-ins as events, for whoever reads the log: whose account was tried, from where, and what was wrong. Never
//! what was entered, and no name that is nobody's: people type passwords into the wrong field.
//!
//! The same failure again within a minute is only counted, and told with the next one that is written. A name that does
//! not exist is written like one that does, so that the time an answer takes does not tell them apart.

use std::net::IpAddr;

use jiff::Timestamp;
use moka::sync::Cache;
use nave_arm::ResourceId;
use nave_engine::{Act, directory::upn_claim, route::Call};
use serde_json::json;

use crate::{Inner, one_time::hash, refusal::Refusal};

/// The operation of such an event.
const OPERATION: &str = "Nave.Identity/signIns/action";
/// How many seconds a failure counts as the same again.
const WINDOW: i64 = 60;
/// How many are remembered.
const KEPT: u64 = 10_000;

/// A failure that was written, and how often it came again since.
#[derive(Debug, Clone, Copy)]
struct Written {
    at: Timestamp,
    again: u64,
}

/// The failures of the last minute.
pub(crate) struct Failures(Cache<[u8; 32], Written>);

impl Failures {
    pub(crate) fn new() -> Self {
        Self(Cache::new(KEPT))
    }

    /// Notes a failure. Where it is to be written: how often the one before came again.
    fn note(&self, name: &str, address: Option<IpAddr>, number: u32, now: Timestamp) -> Option<u64> {
        let key = hash(&format!("{address:?} {number} {}", name.trim().to_lowercase()));
        let before = self.0.get(&key);
        let is_same = before.is_some_and(|before| now.as_second() - before.at.as_second() < WINDOW);
        let again = before.map_or(0, |before| before.again);
        let noted = match before {
            Some(before) if is_same => Written {
                again: again.saturating_add(1),
                ..before
            },
            _ => Written { at: now, again: 0 },
        };
        self.0.insert(key, noted);
        (!is_same).then_some(again)
    }
}

impl Inner {
    /// Writes down that somebody could not sign in with this name.
    pub(crate) async fn tell_failure(&self, call: &Call, name: &str, refusal: &Refusal) {
        let (engine, address) = (&call.engine, call.request.peer);
        let noted = self
            .failures
            .note(name, address, refusal.number, engine.world().now());
        let Some(again) = noted else { return };
        let snapshot = engine.snapshot();
        let person = snapshot.claimed(&upn_claim(name.trim()));
        let id = person.map_or_else(ResourceId::tenant, |person| person.id.clone());
        let grant = engine.on_own_account::<Act>(OPERATION, &id);
        let detail = json!({
            "error": format!("AADSTS{}", refusal.number), "ipAddress": address, "againBefore": again,
        });
        let written = engine
            .record(&grant, "Failed", call.request.correlation_id, detail)
            .await;
        if let Err(error) = written {
            tracing::error!(%error, "a failed sign-in cannot be written down");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_again_is_counted_until_the_minute_is_over() {
        let failures = Failures::new();
        let note = |name: &str, number, second| {
            let now = Timestamp::from_second(second).unwrap();
            failures.note(name, None, number, now)
        };
        assert_eq!(note("joe@contoso.com", 50_126, 0), Some(0));
        assert_eq!(note("Joe@contoso.com ", 50_126, 59), None);
        assert_eq!(note("joe@contoso.com", 500_121, 59), Some(0));
        assert_eq!(note("ann@contoso.com", 50_126, 59), Some(0));
        assert_eq!(note("joe@contoso.com", 50_126, 60), Some(1));
        assert_eq!(note("joe@contoso.com", 50_126, 120), Some(0));
    }
}
