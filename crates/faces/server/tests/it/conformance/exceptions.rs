//! What is not as published, each with its reason. The list only shrinks: one that is no longer needed fails the test.

use std::collections::BTreeSet;

/// One finding: where, and what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The operation: verb and published path.
    pub(crate) operation: String,
    /// The version of the document.
    pub(crate) version: String,
    /// What is wrong, the same each time.
    pub(crate) what: String,
}

/// A line of the list: `operation | version | what | reason`. A `*` at the end of one of the first three stands for
/// whatever follows.
struct Exception<'t> {
    line: &'t str,
    patterns: [&'t str; 3],
}

/// Fails where something is found that is not in the list, and where something is in the list that is not found.
pub(crate) fn compare(list: &str, findings: &BTreeSet<Finding>) {
    let exceptions: Vec<Exception<'_>> = list.lines().filter_map(Exception::read).collect();
    let is_known = |finding: &&Finding| exceptions.iter().any(|exception| exception.covers(finding));
    let (known, new): (Vec<&Finding>, Vec<&Finding>) = findings.iter().partition(is_known);
    let unneeded = exceptions
        .iter()
        .filter(|exception| !known.iter().any(|finding| exception.covers(finding)));
    let unneeded: Vec<&str> = unneeded.map(|exception| exception.line).collect();
    let told: Vec<String> = new
        .iter()
        .map(|finding| format!("{} | {} | {}", finding.operation, finding.version, finding.what))
        .collect();
    assert!(
        told.is_empty(),
        "{} answers are not as published:\n{}",
        told.len(),
        told.join("\n")
    );
    assert!(
        unneeded.is_empty(),
        "exceptions that are no longer needed:\n{}",
        unneeded.join("\n")
    );
}

impl<'t> Exception<'t> {
    fn read(line: &'t str) -> Option<Self> {
        if line.trim().is_empty() || line.starts_with('#') {
            return None;
        }
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [operation, version, what, reason] = parts[..] else {
            panic!("an exception is `operation | version | what | reason`: {line}");
        };
        assert!(!reason.is_empty(), "an exception has a reason: {line}");
        Some(Self {
            line,
            patterns: [operation, version, what],
        })
    }

    fn covers(&self, finding: &Finding) -> bool {
        let given = [&finding.operation, &finding.version, &finding.what];
        self.patterns
            .iter()
            .zip(given)
            .all(|(pattern, given)| match pattern.strip_suffix('*') {
                Some(start) => given.starts_with(start),
                None => given == pattern,
            })
    }
}
