//! What every request has, whatever it asks: the time, and the network it came by (rbac-semantics 11).

use jiff::Timestamp;
use nave_rbac::{AttributeValue, Instant, Source};

/// What conditions may ask of any request. Made for each decision, so it holds values as they are at hand; what
/// takes work is made when a condition asks for it.
#[derive(Debug)]
pub(crate) struct Surroundings {
    now: [AttributeValue; 1],
}

impl Surroundings {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            now: [instant(now).into()],
        }
    }
}

impl nave_rbac::Surroundings for Surroundings {
    fn values(&self, source: Source, name: &str) -> &[AttributeValue] {
        match (source, name) {
            (Source::Environment, "utcnow") => &self.now,
            (Source::Environment, "isprivatelink") => &[AttributeValue::Bool(false)],
            _ => &[],
        }
    }
}

/// Conditions know instants to the 100 ns.
fn instant(time: Timestamp) -> Instant {
    let seconds = time.as_nanosecond().div_euclid(1_000_000_000);
    let nanoseconds = time.as_nanosecond().rem_euclid(1_000_000_000);
    Instant::from_unix(
        i64::try_from(seconds).unwrap_or(i64::MAX),
        u32::try_from(nanoseconds).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_instant_is_the_same_time() {
        for text in ["2026-11-25T00:30:25.1234567Z", "1969-12-31T23:59:59.5000000Z"] {
            let time: jiff::Timestamp = text.parse().expect("a time");
            assert_eq!(super::instant(time).to_string(), text);
        }
    }
}
