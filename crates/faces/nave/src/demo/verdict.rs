//! What came of each step, and whether it should have.

use super::{cast::Person, stage::Answer};
use crate::say;

/// What should come of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// It is done.
    Done,
    /// It is refused for want of a permission.
    Refused,
}

/// The verdicts so far.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    steps: usize,
    wrong: usize,
}

impl Verdicts {
    /// Judges an answer.
    pub(super) fn judge(&mut self, who: &Person, does: &str, answer: &Answer, expected: Expect) {
        let good = match expected {
            Expect::Done => answer.is_done(),
            Expect::Refused => answer.is_refusal(),
        };
        let outcome = match (good, expected) {
            (true, Expect::Done) => String::new(),
            (true, Expect::Refused) => format!(": refused ({})", face(answer)),
            (false, _) => format!(": UNEXPECTED {}", short(answer)),
        };
        self.write(who, &format!("{does}{outcome}"), good);
    }

    /// Judges a fact.
    pub(super) fn fact(&mut self, who: &Person, does: &str, seen: &str, holds: bool) {
        let unexpected = if holds { "" } else { "UNEXPECTED " };
        self.write(who, &format!("{does}: {unexpected}{seen}"), holds);
    }

    /// Says how it ended.
    pub(super) fn sum_up(&self) {
        say::line(match self.wrong {
            0 => format!("\nAll {} steps came out as they should.", self.steps),
            wrong => format!(
                "\n{wrong} of {} steps did NOT come out as they should.",
                self.steps
            ),
        });
    }

    /// Whether everything was as it should be.
    pub(super) fn all_as_expected(&self) -> bool {
        self.wrong == 0
    }

    fn write(&mut self, who: &Person, sentence: &str, good: bool) {
        self.steps += 1;
        self.wrong += usize::from(!good);
        say::line(format!(
            "  {} {:<10} {sentence}",
            if good { "✓" } else { "✗" },
            who.name
        ));
    }
}

/// Status and code.
fn face(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.code())
}

/// What an answer says, where it is not the expected one. The body of a success is not shown: it may hold a secret.
fn short(answer: &Answer) -> String {
    format!("{} {}", face(answer), answer.member("/error/message"))
}
