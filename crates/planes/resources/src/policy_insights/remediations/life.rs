//! The life of a remediation.

/// Where a remediation is. The words are the API's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It was written; nothing was looked at yet.
    Accepted,
    /// Resources are being brought in line.
    Evaluating,
    /// It was asked to stop.
    Cancelling,
    /// Every resource it was about complies.
    Succeeded,
    /// Some could not be brought in line, or none could be tried.
    Failed,
    /// It was stopped.
    Canceled,
}

impl State {
    const NAMED: [(&'static str, Self); 6] = [
        ("Accepted", Self::Accepted),
        ("Evaluating", Self::Evaluating),
        ("Cancelling", Self::Cancelling),
        ("Succeeded", Self::Succeeded),
        ("Failed", Self::Failed),
        ("Canceled", Self::Canceled),
    ];

    pub(super) fn word(self) -> &'static str {
        let named = Self::NAMED.iter().find(|(_, state)| *state == self);
        named.map_or("", |(word, _)| word)
    }

    /// The state of a stored word; one that nave never wrote is over, so that nothing works on it.
    pub(super) fn named(word: &str) -> Self {
        let named = Self::NAMED.iter().find(|(known, _)| *known == word);
        named.map_or(Self::Failed, |(_, state)| *state)
    }

    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }

    /// What a request to stop makes of it; nothing, where it is over.
    pub(super) fn cancel(self) -> Option<Self> {
        (!self.is_over()).then_some(Self::Cancelling)
    }
}

/// How many of a remediation's deployments came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) total: usize,
    pub(super) succeeded: usize,
    pub(super) failed: usize,
}

impl Tally {
    /// Whether more failed than may: `threshold` is a share of all.
    pub(super) fn is_beyond(self, threshold: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "at most 50,000 of them")]
        let share = |count: usize| count as f64;
        self.failed > 0 && share(self.failed) > threshold * share(self.total)
    }

    /// How a remediation ends whose deployments came to this.
    pub(super) fn end(self) -> State {
        match self.failed {
            0 => State::Succeeded,
            _ => State::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{State, Tally};

    #[test]
    fn only_what_goes_on_can_be_stopped() {
        let over = State::NAMED.iter().filter(|(_, state)| state.is_over());
        assert_eq!(
            over.map(|(word, _)| *word).collect::<Vec<_>>(),
            ["Succeeded", "Failed", "Canceled"]
        );
        for (word, state) in State::NAMED {
            assert_eq!(State::named(word), state);
            assert_eq!(state.word(), word);
            assert_eq!(state.cancel().is_none(), state.is_over(), "{word}");
        }
        assert!(State::named("Unheard of").is_over());
    }

    #[test]
    fn the_threshold_is_a_share_of_all() {
        let tally = |total, failed| Tally {
            total,
            succeeded: 0,
            failed,
        };
        for (tally, threshold, beyond) in [
            (tally(10, 0), 0.0, false),
            (tally(10, 1), 0.0, true),
            (tally(10, 1), 0.1, false),
            (tally(10, 2), 0.1, true),
            (tally(10, 10), 1.0, false),
        ] {
            assert_eq!(tally.is_beyond(threshold), beyond, "{tally:?} {threshold}");
        }
        assert_eq!(tally(3, 0).end(), State::Succeeded);
        assert_eq!(tally(3, 1).end(), State::Failed);
    }
}
