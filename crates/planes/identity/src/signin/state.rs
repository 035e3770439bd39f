//! What comes next in a sign-in: a pure function of what the person has shown, what stands in the directory about him,
//! and what the program demands.

/// A second factor was given: what RFC 8176 calls it, and what conditions and claims ask for.
pub(crate) const MULTI_FACTOR: &str = "mfa";
/// A password was given.
pub(crate) const PASSWORD: &str = "pwd";
/// The authentication context that stands for a second factor: the value of `acrs` (client contract 1.6).
pub(crate) const SECOND_FACTOR_CONTEXT: &str = "c1";

/// What the directory says about how a person must sign in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Whether he has a second factor to give.
    pub(crate) has_second_factor: bool,
    /// Whether he must give one, wherever he signs in.
    pub(crate) needs_second_factor: bool,
    /// Whether his password was set by somebody else and must be changed.
    pub(crate) must_change_password: bool,
}

impl Standing {
    /// Whether a password never stands alone.
    pub(crate) fn always_second_factor(self) -> bool {
        self.has_second_factor || self.needs_second_factor
    }
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// He gives a second factor.
    SecondFactor,
    /// He needs a second factor and has none: he sets one up.
    Enrolment,
    /// He sets a password of his own.
    NewPassword,
    /// He is signed in.
    Finished,
}

/// What comes next for a person who has shown `methods`. A second factor that somebody has is always asked for: it would
/// not protect him otherwise. `demanded` says whether the program needs one.
pub(crate) fn next(standing: Standing, demanded: bool, methods: &[String]) -> Next {
    let has_shown = |method: &str| methods.iter().any(|shown| shown == method);
    let wanted = demanded || standing.always_second_factor();
    match standing {
        Standing {
            has_second_factor: true,
            ..
        } if wanted && !has_shown(MULTI_FACTOR) => Next::SecondFactor,
        _ if wanted && !has_shown(MULTI_FACTOR) => Next::Enrolment,
        Standing {
            must_change_password: true,
            ..
        } if has_shown(PASSWORD) => Next::NewPassword,
        _ => Next::Finished,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_come_before_the_new_password_and_both_before_the_end() {
        let standing = |has, needs, change| Standing {
            has_second_factor: has,
            needs_second_factor: needs,
            must_change_password: change,
        };
        let cases: [(Standing, bool, &[&str], Next); 11] = [
            (standing(false, false, false), false, &["pwd"], Next::Finished),
            (standing(false, false, false), true, &["pwd"], Next::Enrolment),
            (standing(false, true, false), false, &["pwd"], Next::Enrolment),
            (standing(true, false, false), false, &["pwd"], Next::SecondFactor),
            (standing(true, true, true), true, &["pwd"], Next::SecondFactor),
            (
                standing(true, true, true),
                true,
                &["pwd", "otp", "mfa"],
                Next::NewPassword,
            ),
            (standing(false, false, true), false, &["pwd"], Next::NewPassword),
            (standing(false, false, true), false, &["fed"], Next::Finished),
            (
                standing(true, false, true),
                true,
                &["fido", "mfa"],
                Next::Finished,
            ),
            (standing(false, false, false), true, &["fed"], Next::Enrolment),
            (
                standing(false, true, false),
                true,
                &["fed", "mfa"],
                Next::Finished,
            ),
        ];
        for (standing, demanded, methods, expected) in cases {
            let methods: Vec<String> = methods.iter().map(|method| (*method).to_owned()).collect();
            assert_eq!(
                next(standing, demanded, &methods),
                expected,
                "{standing:?} {methods:?}"
            );
        }
    }
}
