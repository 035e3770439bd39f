//! The states of compliance and how they add up (policy-language 7).

use std::fmt;

use crate::{assignment::Policy, effect::Effect, judgement::Judgement};

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident = $word:literal),+ $(,)?) => {
        /// How a resource stands to a policy. The greater state wins where several are added up.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Compliance { $($(#[$doc])* $name),+ }

        impl Compliance {
            /// Every state, the weakest first.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word in Azure's spelling.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }
        }
    };
}

states! {
    /// It has not been looked at yet.
    NotStarted = "NotStarted",
    /// The provider is not registered.
    NotRegistered = "NotRegistered",
    /// Nobody has attested it.
    Unknown = "Unknown",
    /// It need not comply.
    Exempt = "Exempt",
    /// Two assignments contradict each other.
    Conflict = "Conflict",
    /// It complies.
    Compliant = "Compliant",
    /// It does not comply.
    NonCompliant = "NonCompliant",
}

/// How many there are in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Those that comply, are exempt, or not known.
    pub good: usize,
    /// Those that do not comply, or are in conflict.
    pub bad: usize,
}

impl Compliance {
    /// What a judgement says about a stored resource; `None` where the policy does not apply. `related` is whether a related
    /// resource satisfies the policy, for the effects that look for one; `attested` is the state that people have set.
    #[must_use]
    pub fn of(
        policy: &Policy,
        judgement: &Judgement,
        related: Option<bool>,
        attested: Option<Self>,
    ) -> Option<Self> {
        if !judgement.applicable || judgement.effect == Effect::Disabled {
            return None;
        }
        if judgement.effect.looks_for_related() && !judgement.holds {
            return None;
        }
        Some(match judgement.effect {
            _ if !judgement.holds => Self::Compliant,
            Effect::Manual => attested.unwrap_or_else(|| policy.default_state()),
            effect if effect.looks_for_related() && related == Some(true) => Self::Compliant,
            _ => Self::NonCompliant,
        })
    }

    /// The state of many together; `None` of none.
    #[must_use]
    pub fn roll_up(states: impl IntoIterator<Item = Self>) -> Option<Self> {
        states.into_iter().max()
    }

    /// The state of a word in any case.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|state| crate::words::same(state.word(), word))
    }

    /// Whether it counts for the percentage.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Self::Compliant | Self::Exempt | Self::Unknown)
    }
}

impl Tally {
    /// Counts a resource.
    pub fn add(&mut self, state: Compliance) {
        match state {
            Compliance::NonCompliant | Compliance::Conflict => self.bad += 1,
            state if state.is_good() => self.good += 1,
            _ => {}
        }
    }

    /// How many in a hundred comply; 100 where there is nothing to comply.
    #[must_use]
    pub fn percentage(self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of resources are far below 2^52"
        )]
        match self.good + self.bad {
            0 => 100.0,
            all => 100.0 * self.good as f64 / all as f64,
        }
    }
}

impl fmt::Display for Compliance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::{Compliance, Tally};

    #[test]
    fn the_worst_state_wins_but_compliance_wins_over_exemption() {
        use Compliance::{Compliant, Conflict, Exempt, NonCompliant, Unknown};
        assert_eq!(Compliance::roll_up([Exempt, Compliant, Unknown]), Some(Compliant));
        assert_eq!(
            Compliance::roll_up([Compliant, NonCompliant, Conflict]),
            Some(NonCompliant)
        );
        assert_eq!(Compliance::roll_up([Exempt, Unknown, Conflict]), Some(Conflict));
        assert_eq!(Compliance::roll_up([]), None);
        let mut tally = Tally::default();
        for state in [Compliant, Exempt, Unknown, NonCompliant] {
            tally.add(state);
        }
        assert!((tally.percentage() - 75.0).abs() < 1e-9);
    }
}
