//! Action strings with wildcards: the one matcher that roles, deny assignments and conditions share.

use std::{fmt, sync::Arc};

/// Whether `pattern` covers `operation`.
///
/// * Case does not matter: published roles mix `Delete` and `delete`.
/// * `*` stands for any run of characters, `/` included, so `*/read` covers the reads of every type.
/// * `/*/` also covers a single `/`: `X/*/read` covers `X/read`. Nothing states this as a rule, but published
///   roles need it: a role with `accounts/*/read` alone is documented to read the account itself.
/// * Everything else is literal and both ends are anchored; a string without `*` covers only itself.
/// * Custom roles may hold one `*` a string. A stored string with more is a plain glob, without the shared `/`.
///
/// ```
/// use nave_rbac::action_matches;
///
/// assert!(action_matches("Microsoft.Network/*/read", "microsoft.network/virtualNetworks/subnets/read"));
/// assert!(action_matches("X/accounts/*/read", "X/accounts/read"));
/// assert!(!action_matches("X/hubs/join", "X/hubs/join/action"));
/// ```
#[must_use]
pub fn action_matches(pattern: &str, operation: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern.eq_ignore_ascii_case(operation),
        Some((prefix, suffix)) if !suffix.contains('*') => one_wildcard(prefix, suffix, operation),
        Some((prefix, rest)) => plain_glob(prefix, rest, operation),
    }
}

/// An action string of a role, deny assignment or condition, kept as written and ready to match.
///
/// ```
/// use nave_rbac::Pattern;
///
/// let pattern = Pattern::new("*/Read");
/// assert!(pattern.matches("Microsoft.Storage/storageAccounts/read"));
/// assert_eq!(pattern.as_str(), "*/Read");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern {
    text: Arc<str>,
    wildcard: Option<Wildcard>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wildcard {
    /// The only `*`, at this byte.
    One(usize),
    /// The first of several.
    Several(usize),
}

impl Pattern {
    /// Takes an action string; every text is a pattern.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let wildcard = text.find('*').map(|at| match text[at + 1..].contains('*') {
            false => Wildcard::One(at),
            true => Wildcard::Several(at),
        });
        Self {
            text: text.into(),
            wildcard,
        }
    }

    /// Whether the pattern covers `operation`; see [`action_matches`] for the reading of `*`.
    #[must_use]
    pub fn matches(&self, operation: &str) -> bool {
        match self.wildcard {
            None => self.text.eq_ignore_ascii_case(operation),
            Some(Wildcard::One(at)) => one_wildcard(&self.text[..at], &self.text[at + 1..], operation),
            Some(Wildcard::Several(at)) => plain_glob(&self.text[..at], &self.text[at + 1..], operation),
        }
    }

    /// The string as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same string, to keep.
    pub(crate) fn text(&self) -> Arc<str> {
        self.text.clone()
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({})", self.text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Prefix and suffix match, and they may share the slash between them.
fn one_wildcard(prefix: &str, suffix: &str, operation: &str) -> bool {
    let shared = usize::from(prefix.ends_with('/') && suffix.starts_with('/'));
    let shortest = prefix.len() + suffix.len() - shared;
    let exact_fit_or_longer = operation.len() == shortest || operation.len() >= prefix.len() + suffix.len();
    exact_fit_or_longer && starts_with(operation, prefix) && ends_with(operation, suffix)
}

/// `prefix*rest`, where `rest` holds at least one more `*`; each piece is taken at its first place.
fn plain_glob(prefix: &str, rest: &str, operation: &str) -> bool {
    if !starts_with(operation, prefix) {
        return false;
    }
    let mut left = &operation.as_bytes()[prefix.len()..];
    let mut rest = rest;
    while let Some((piece, after)) = rest.split_once('*') {
        let piece = piece.as_bytes();
        let found = (0..=left.len().saturating_sub(piece.len())).find(|&at| {
            left.get(at..at + piece.len())
                .is_some_and(|here| here.eq_ignore_ascii_case(piece))
        });
        match found {
            Some(at) => left = &left[at + piece.len()..],
            None => return false,
        }
        rest = after;
    }
    let last = rest.as_bytes();
    left.len() >= last.len() && left[left.len() - last.len()..].eq_ignore_ascii_case(last)
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.as_bytes()
        .get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
}

fn ends_with(text: &str, suffix: &str) -> bool {
    text.len()
        .checked_sub(suffix.len())
        .is_some_and(|at| text.as_bytes()[at..].eq_ignore_ascii_case(suffix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Pattern, action_matches};

    fn check(pattern: &str, covered: &[&str], others: &[&str]) {
        for operation in covered {
            assert!(
                action_matches(pattern, operation),
                "{pattern} should cover {operation}"
            );
            assert!(
                Pattern::new(pattern).matches(operation),
                "{pattern} should cover {operation}"
            );
        }
        for operation in others {
            assert!(
                !action_matches(pattern, operation),
                "{pattern} should not cover {operation}"
            );
            assert!(
                !Pattern::new(pattern).matches(operation),
                "{pattern} should not cover {operation}"
            );
        }
    }

    #[test]
    fn case_does_not_matter() {
        check(
            "Microsoft.Storage/storageAccounts/Delete",
            &["microsoft.storage/STORAGEACCOUNTS/delete"],
            &[],
        );
    }

    #[test]
    fn a_star_spans_segments() {
        check(
            "*/read",
            &["Microsoft.Network/virtualNetworks/subnets/read"],
            &["read", "X/y/write"],
        );
        check(
            "Microsoft.Network/*/read",
            &["Microsoft.Network/virtualNetworks/subnets/read"],
            &[],
        );
        check("*", &["Microsoft.Future/things/act/action", ""], &[]);
        check("X/*", &["X/y/read", "X/"], &["X"]);
    }

    #[test]
    fn a_star_between_slashes_covers_zero_segments() {
        check(
            "X/workspaces/*/delete",
            &["X/workspaces/delete", "X/workspaces/a/b/delete"],
            &["X/workspacesdelete"],
        );
        check(
            "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
            &["Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"],
            &["Microsoft.ManagedIdentity/userAssignedIdentities/action"],
        );
        check("a/*/", &["a/", "a//", "a/b/"], &["a"]);
    }

    #[test]
    fn only_a_slash_may_be_shared() {
        check("ab*ba", &["abba", "abxba"], &["aba"]);
        check("a/b*b/c", &["a/bb/c"], &["a/b/c"]);
    }

    #[test]
    fn both_ends_are_anchored_and_the_rest_is_literal() {
        check(
            "Microsoft.Compute/*",
            &["Microsoft.Compute/disks/read"],
            &["Microsoft.ComputeSchedule/x/read"],
        );
        check("X/workspaces/*/read", &[], &["X/workspacesX/read"]);
        check("*/read", &[], &["X/readMetadata/action"]);
        check("a.b/read", &[], &["aXb/read"]);
    }

    #[test]
    fn without_a_star_only_itself() {
        check(
            "X/hubs/join",
            &["X/hubs/join"],
            &["X/hubs/join/action", "X/hubs", "X/hubs/join/"],
        );
    }

    #[test]
    fn several_stars_are_a_plain_glob() {
        check("a/*/b/*/c", &["a/x/b/y/c", "a/1/2/b/b/c"], &["a/b/c", "a/b/x/c"]);
        check("**", &["", "x"], &[]);
        check("a*b*b", &["abb", "axbxb"], &["ab"]);
    }

    /// The rules again, by brute force: every way to cut the operation, with the slash rule added as a rewrite.
    fn obvious(pattern: &str, operation: &str) -> bool {
        fn glob(pattern: &[char], operation: &[char]) -> bool {
            match pattern.split_first() {
                None => operation.is_empty(),
                Some(('*', rest)) => (0..=operation.len()).any(|cut| glob(rest, &operation[cut..])),
                Some((c, rest)) => operation
                    .split_first()
                    .is_some_and(|(o, left)| o == c && glob(rest, left)),
            }
        }
        let chars = |text: &str| text.to_ascii_lowercase().chars().collect::<Vec<_>>();
        glob(&chars(pattern), &chars(operation))
            || (pattern.matches('*').count() == 1
                && pattern.contains("/*/")
                && glob(&chars(&pattern.replace("/*/", "/")), &chars(operation)))
    }

    proptest! {
        #[test]
        fn agrees_with_the_obvious_model(pattern in "[aAb/.*]{0,8}", operation in "[aAb/.]{0,10}") {
            prop_assert_eq!(action_matches(&pattern, &operation), obvious(&pattern, &operation));
            prop_assert_eq!(Pattern::new(&pattern).matches(&operation), obvious(&pattern, &operation));
        }

        #[test]
        fn one_star_agrees_with_the_obvious_model(
            head in "[aA/]{0,4}", tail in "[aA/]{0,4}", operation in "[aA/]{0,8}"
        ) {
            let pattern = format!("{head}*{tail}");
            prop_assert_eq!(action_matches(&pattern, &operation), obvious(&pattern, &operation));
        }

        #[test]
        fn any_text_is_a_pattern(pattern in ".{0,20}", operation in ".{0,20}") {
            let _ = action_matches(&pattern, &operation);
            prop_assert_eq!(Pattern::new(&pattern).matches(&operation), action_matches(&pattern, &operation));
        }
    }
}
