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
    /// Judges an answer; whether it was as expected.
    pub(super) fn judge(&mut self, who: &Person, does: &str, answer: &Answer, expected: Expect) -> bool {
        let came = match expected {
            Expect::Done => answer.is_done(),
            Expect::Refused => {
                answer.status == 403 || (answer.status == 401 && answer.code() == "PermissionDenied")
            }
        };
        let word = match expected {
            Expect::Done => "",
            Expect::Refused => "refused, as it should be: ",
        };
        let outcome = if came {
            format!("{word}{}", face(answer))
        } else {
            format!("UNEXPECTED: {}", short(&answer.text, answer.status))
        };
        self.write(who, does, &outcome, came)
    }

    /// Judges a fact.
    pub(super) fn fact(&mut self, who: &Person, does: &str, outcome: &str, holds: bool) -> bool {
        let outcome = if holds {
            outcome.to_owned()
        } else {
            format!("UNEXPECTED: not so ({outcome})")
        };
        self.write(who, does, &outcome, holds)
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

    fn write(&mut self, who: &Person, does: &str, outcome: &str, good: bool) -> bool {
        self.steps += 1;
        self.wrong += usize::from(!good);
        let mark = if good { "✓" } else { "✗" };
        say::line(format!(
            "  {mark} {:<9} {does}\n              {outcome}",
            who.name
        ));
        good
    }
}

fn face(answer: &Answer) -> String {
    match answer.code() {
        "" => answer.status.to_string(),
        code => format!("{} {code}", answer.status),
    }
}

fn short(text: &str, status: u16) -> String {
    let shown: String = text.chars().take(600).collect();
    format!("{status} {shown}")
}
