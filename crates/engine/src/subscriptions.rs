//! What may be done in a subscription, by its state (rest-surface 3.9).
//!
//! A subscription that was cancelled is still there, with all that is in it: it is read, and things in it are deleted,
//! and that is all. Deciding asks for it (`decide`), so it holds for every plane: a model in a cancelled subscription
//! answers no calls, and streams under way are cut by the commit that cancelled.

use nave_arm::ResourceId;

use crate::Resource;

/// The type of subscriptions.
pub const SUBSCRIPTIONS: &str = "Microsoft.Resources/subscriptions";

/// The operations by which a subscription comes to another state, which are possible in each.
const OWN_OPERATIONS: &str = "microsoft.subscription/";

/// The state of a subscription. nave brings one to `Enabled` and `Disabled`; the others are heeded where they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Everything.
    Enabled,
    /// Reading and deleting.
    Warned,
    /// Reading and deleting: it was cancelled.
    Disabled,
    /// Reading.
    Deleted,
}

impl State {
    const ALL: [Self; 4] = [Self::Enabled, Self::Warned, Self::Disabled, Self::Deleted];

    /// The state in ARM's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Warned => "Warned",
            Self::Disabled => "Disabled",
            Self::Deleted => "Deleted",
        }
    }

    /// The state of a subscription's row.
    #[must_use]
    pub fn of(subscription: &Resource) -> Self {
        let word = subscription.text("/state").unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|state| state.word().eq_ignore_ascii_case(word))
            .unwrap_or(Self::Enabled)
    }

    /// Whether an operation can be done in a subscription of this state, by whomever.
    #[must_use]
    pub fn permits(self, operation: &str) -> bool {
        let operation = operation.to_ascii_lowercase();
        let (_, verb) = operation.rsplit_once('/').unwrap_or_default();
        match self {
            Self::Enabled => true,
            _ if operation.starts_with(OWN_OPERATIONS) || verb == "read" => true,
            Self::Warned | Self::Disabled => verb == "delete",
            Self::Deleted => false,
        }
    }
}

/// The subscription that an id lies in, of a row of it or its own.
pub(crate) fn key_of(id: &ResourceId) -> Option<String> {
    id.subscription().map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn each_state_permits_what_arm_says() {
        let table = [
            ("Microsoft.X/things/read", [true, true, true, true]),
            ("Microsoft.X/things/delete", [true, true, true, false]),
            ("Microsoft.X/things/write", [true, false, false, false]),
            ("Microsoft.X/things/listKeys/action", [true, false, false, false]),
            (
                "Microsoft.Authorization/roleAssignments/WRITE",
                [true, false, false, false],
            ),
            ("Microsoft.Subscription/enable/action", [true, true, true, true]),
        ];
        for (operation, permitted) in table {
            assert_eq!(
                State::ALL.map(|state| state.permits(operation)),
                permitted,
                "{operation}"
            );
        }
    }
}
