//! What an event of the log tells, for whoever sorts events into categories: the activity log and deliveries.

use nave_store::Event;
use serde_json::Value;

/// What an event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// Something was asked of the control plane.
    Control,
    /// A model was called.
    Call,
    /// A policy refused, changed or noted something.
    Policy,
    /// Somebody signed in, or the directory changed.
    Identity,
}

/// The providers whose operations are about who somebody is.
const OF_IDENTITY: [&str; 2] = ["nave.identity", "microsoft.graph"];

impl EventKind {
    /// The kind of an event.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        let at = |pointer: &str| event.detail.pointer(pointer);
        let text = |pointer: &str| at(pointer).and_then(Value::as_str).unwrap_or_default();
        let provider = event.operation.split('/').next().unwrap_or_default();
        let has_policies = at("/detail/policies")
            .and_then(Value::as_array)
            .is_some_and(|policies| !policies.is_empty());
        if has_policies || text("/detail/code") == "RequestDisallowedByPolicy" {
            Self::Policy
        } else if text("/decision/surface").eq_ignore_ascii_case("inference") {
            Self::Call
        } else if OF_IDENTITY.iter().any(|own| own.eq_ignore_ascii_case(provider)) {
            Self::Identity
        } else {
            Self::Control
        }
    }

    /// The category of the activity log.
    #[must_use]
    pub fn activity_category(self) -> &'static str {
        match self {
            Self::Control | Self::Call => "Administrative",
            Self::Policy => "Policy",
            Self::Identity => "Security",
        }
    }
}
