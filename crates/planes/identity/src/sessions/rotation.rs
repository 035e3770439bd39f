//! Refresh tokens rotate: each use gives a new one. Whoever shows one that was used up has it from somewhere it should not
//! have been, or had it stolen; which of the two is not known, so the session ends for both (RFC 9700 4.14.2).
//!
//! Programs run side by side with one token cache (`az` does), so a token that was just used still works for a moment.

use jiff::Timestamp;
use serde_json::{Value, json};

/// For how many seconds a used token still works.
const GRACE: i64 = 60;
/// How many used tokens are remembered as just used.
const RECENT: usize = 64;

/// How often a session's refresh token was used, and which uses are recent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rotation {
    /// The number of the token that is good now.
    pub(crate) count: u64,
    /// The numbers that were used a moment ago, and the second they were used in.
    recent: Vec<(u64, i64)>,
}

/// What a token that is shown turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The one that is good now.
    Present,
    /// One that was used a moment ago.
    JustUsed,
    /// One that was used before.
    UsedUp,
}

impl Rotation {
    /// What the token with this number is.
    pub(crate) fn judge(&self, number: u64, now: Timestamp) -> Shown {
        if number == self.count {
            return Shown::Present;
        }
        let used = self.recent.iter().find(|(used, _)| *used == number);
        match used {
            Some((_, at)) if now.as_second() - at <= GRACE => Shown::JustUsed,
            _ => Shown::UsedUp,
        }
    }

    /// The present token was used.
    pub(crate) fn turned(&self, now: Timestamp) -> Self {
        let second = now.as_second();
        let still = self.recent.iter().filter(|(_, at)| second - at <= GRACE);
        let used = std::iter::once((self.count, second));
        Self {
            count: self.count + 1,
            recent: used.chain(still.copied()).take(RECENT).collect(),
        }
    }

    pub(super) fn read(row: &Value) -> Self {
        let recent = row.get("recent").and_then(Value::as_array);
        let pairs = recent.into_iter().flatten();
        Self {
            count: row.get("count").and_then(Value::as_u64).unwrap_or_default(),
            recent: pairs
                .filter_map(|pair| Some((pair.get(0)?.as_u64()?, pair.get(1)?.as_i64()?)))
                .collect(),
        }
    }

    pub(super) fn row(&self) -> Value {
        json!({ "count": self.count, "recent": self.recent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_token_works_for_a_minute_and_then_gives_itself_away() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let start = Rotation::default();
        assert_eq!(start.judge(0, at(0)), Shown::Present);
        assert_eq!(
            start.judge(1, at(0)),
            Shown::UsedUp,
            "no such token was ever given out"
        );
        let once = start.turned(at(100));
        assert_eq!(once.judge(1, at(100)), Shown::Present);
        assert_eq!(once.judge(0, at(160)), Shown::JustUsed);
        assert_eq!(once.judge(0, at(161)), Shown::UsedUp);
        let twice = once.turned(at(110));
        assert_eq!(
            twice.judge(0, at(160)),
            Shown::JustUsed,
            "two programs may refresh twice in a minute"
        );
        assert_eq!(twice.judge(1, at(160)), Shown::JustUsed);
        assert_eq!(twice.turned(at(170)).recent, [(2, 170), (1, 110)]);
        assert_eq!(Rotation::read(&twice.row()), twice);
        let many = (0..1000).fold(start, |rotation, _| rotation.turned(at(1)));
        assert_eq!((many.count, many.recent.len()), (1000, RECENT));
    }
}
