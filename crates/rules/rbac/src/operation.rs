//! The operation a request asks for.

use crate::Pattern;

/// Joining a hub, in the spelling of the operation catalogue.
const HUB_JOIN: &str = "Microsoft.MachineLearningServices/workspaces/hubs/join/action";
/// The same operation as the product's own documents print it.
const HUB_JOIN_SHORT: &str = "Microsoft.MachineLearningServices/workspaces/hubs/join";

/// Whether the text names the joining of a hub, in either spelling.
pub(crate) fn is_hub_join(text: &str) -> bool {
    text.eq_ignore_ascii_case(HUB_JOIN) || text.eq_ignore_ascii_case(HUB_JOIN_SHORT)
}

/// An operation with its second spelling, where it has one. Both mean the same right, whether a role, a notAction
/// or a condition writes the one or the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation<'a> {
    name: &'a str,
    other_spelling: Option<&'static str>,
}

impl<'a> Operation<'a> {
    pub(crate) fn new(name: &'a str) -> Self {
        let other_spelling = if name.eq_ignore_ascii_case(HUB_JOIN) {
            Some(HUB_JOIN_SHORT)
        } else if name.eq_ignore_ascii_case(HUB_JOIN_SHORT) {
            Some(HUB_JOIN)
        } else {
            None
        };
        Self { name, other_spelling }
    }

    pub(crate) fn is_covered_by(self, pattern: &Pattern) -> bool {
        pattern.matches(self.name) || self.other_spelling.is_some_and(|name| pattern.matches(name))
    }

    /// The first of `patterns` that covers the operation.
    pub(crate) fn first_cover(self, patterns: &[Pattern]) -> Option<&Pattern> {
        patterns.iter().find(|pattern| self.is_covered_by(pattern))
    }
}

#[cfg(test)]
mod tests {
    use super::Operation;
    use crate::Pattern;

    #[test]
    fn both_spellings_of_the_hub_join_are_one_operation() {
        for operation in [super::HUB_JOIN, super::HUB_JOIN_SHORT] {
            for pattern in [
                "Microsoft.MachineLearningServices/workspaces/*/action",
                "microsoft.machinelearningservices/workspaces/hubs/join",
                "Microsoft.MachineLearningServices/workspaces/hubs/join/action",
            ] {
                assert!(
                    Operation::new(operation).is_covered_by(&Pattern::new(pattern)),
                    "{operation} {pattern}"
                );
            }
        }
        assert!(
            !Operation::new("Microsoft.X/y/join").is_covered_by(&Pattern::new("Microsoft.X/y/join/action"))
        );
    }
}
