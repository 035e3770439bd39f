//! Which passwords may be chosen, after NIST SP 800-63B-4, section 3.1.1: long enough (15 characters where a password is
//! all that is asked for, 8 where a second factor always is), never one that many people chose or that was found in a
//! breach, and not the person's own name. No other rule: no mix of characters, no change for its own sake. Every
//! character counts, up to 256; Unicode is normalised (NFC), so that a password fits whatever keyboard it was typed on.
//!
//! Those nave itself makes up for a first start are not asked.

mod breached;

use nave_arm::ArmError;
use nave_vault::{Purpose, Secret};
use unicode_normalization::UnicodeNormalization;

pub use self::breached::BreachedPasswords;
use crate::graph::bad_request;

/// The fewest characters of a password that is all that is asked for.
const ALONE: usize = 15;
/// The fewest characters of one that a second factor always goes with.
const WITH_SECOND_FACTOR: usize = 8;
/// The most characters.
const LONGEST: usize = 256;
/// How many tries a guesser must need who knows how people choose: ten to the power of this.
const GUESSES: u64 = 100_000_000;
/// Parts of a name that are shorter than this are in too many words to be told from them.
const NAME_PART: usize = 4;

/// Whose password it will be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chooser<'a> {
    /// What he signs in with.
    pub(crate) name: &'a str,
    /// What people call him.
    pub(crate) display_name: &'a str,
    /// Whether a second factor always goes with it.
    pub(crate) has_second_factor: bool,
}

/// A password as it is compared and hashed.
pub(crate) fn normal(password: &Secret<String>) -> Secret<String> {
    Secret::new(password.expose(&Purpose::Check).nfc().collect())
}

/// Checks a new password. The refusal says why.
pub(crate) fn check(
    password: &Secret<String>,
    chooser: Chooser<'_>,
    breached: Option<&BreachedPasswords>,
) -> Result<(), ArmError> {
    let normal = normal(password);
    match problem(normal.expose(&Purpose::Check), chooser, breached) {
        None => Ok(()),
        Some(why) => Err(bad_request(format!(
            "The specified password does not comply with password complexity requirements: {why}."
        ))),
    }
}

fn problem(password: &str, chooser: Chooser<'_>, breached: Option<&BreachedPasswords>) -> Option<String> {
    let length = password.chars().count();
    let shortest = if chooser.has_second_factor {
        WITH_SECOND_FACTOR
    } else {
        ALONE
    };
    if length < shortest {
        let advice = if chooser.has_second_factor {
            ""
        } else {
            "; a few words make a good one, and with a second factor 8 are enough"
        };
        return Some(format!(
            "it has {length} characters and needs at least {shortest}{advice}"
        ));
    }
    if length > LONGEST {
        return Some(format!("it has {length} characters; {LONGEST} is the most"));
    }
    let parts = name_parts(chooser);
    let lower = password.to_lowercase();
    if let Some(part) = parts.iter().find(|part| lower.contains(part.as_str())) {
        return Some(format!(
            "it contains '{part}', which is part of the account's name"
        ));
    }
    if breached.is_some_and(|breached| breached.contains(password)) {
        return Some(String::from(
            "it is in a list of passwords that became known in breaches, so it is tried first everywhere",
        ));
    }
    let known: Vec<&str> = parts.iter().map(String::as_str).collect();
    if zxcvbn::zxcvbn(password, &known).guesses() < GUESSES {
        return Some(String::from(
            "it is one of those that many people choose, or is made of a few repeated or usual parts, so it is guessed \
             early",
        ));
    }
    None
}

/// The parts of somebody's names, in lower case.
fn name_parts(chooser: Chooser<'_>) -> Vec<String> {
    let local = chooser.name.split('@').next().unwrap_or_default();
    let words = [local, chooser.display_name];
    let parts = words
        .iter()
        .flat_map(|name| name.split(|c: char| !c.is_alphanumeric()));
    parts
        .filter(|part| part.chars().count() >= NAME_PART)
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(password: &str, has_second_factor: bool) -> Option<String> {
        let chooser = Chooser {
            name: "joanna.smith@contoso.com",
            display_name: "Joanna Smith",
            has_second_factor,
        };
        problem(password, chooser, None)
    }

    #[test]
    fn length_counts_and_composition_does_not() {
        for good in [
            "correct horse battery staple",
            "grünes Boot am Steg",
            "四十二只绿色的鸭子在湖上游泳呢真的",
            "kqzvxwmhtbrdpls",
        ] {
            assert_eq!(said(good, false), None, "{good}");
        }
        assert!(
            said("kqzvxwmhtbrdpl", false)
                .is_some_and(|why| why.contains("14 characters") && why.contains("15"))
        );
        assert_eq!(said("kqzvxwmh", true), None);
        assert!(said("kqzvxwm", true).is_some_and(|why| why.contains("at least 8")));
        let long = "every good boy deserves fudge ".repeat(9);
        assert_eq!(said(&long[..64], false), None);
        assert!(said(&long, false).is_some_and(|why| why.contains("256 is the most")));
    }

    #[test]
    fn what_everybody_chooses_and_the_persons_name_are_refused_with_the_reason() {
        for usual in [
            "passwordpassword",
            "aaaaaaaaaaaaaaaa",
            "1234567890123456",
            "qwertyuiopasdfgh",
            "Password12345678",
        ] {
            assert!(
                said(usual, false).is_some_and(|why| why.contains("many people")),
                "{usual}"
            );
        }
        for own in ["when Joanna swims in lakes", "blacksmith hammers on"] {
            assert!(
                said(own, false).is_some_and(|why| why.contains("account's name")),
                "{own}"
            );
        }
    }

    #[test]
    fn the_same_text_from_another_keyboard_is_the_same_password() {
        let normal = |text: &str| {
            normal(&Secret::new(text.to_owned()))
                .expose(&Purpose::Check)
                .clone()
        };
        assert_eq!(normal("cafe\u{301}"), normal("caf\u{e9}"));
        assert_ne!(normal("cafe"), normal("caf\u{e9}"));
    }
}
