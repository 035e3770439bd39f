//! What people are told of the policies that reach a place, when they ask what they could do there.

use nave_arm::ResourceId;
use nave_policy::{Effect, Policy};
use serde::Serialize;

use super::reach::{Reach, names};
use crate::Snapshot;

/// A policy that has a say about writes at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// The assignment.
    pub assignment: ResourceId,
    /// What people call the assignment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The definition.
    pub definition: String,
    /// What people call the definition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition_name: Option<String>,
    /// What it does: `deny`, `modify`, `audit`, …
    pub effect: &'static str,
    /// Whether it acts, or only shows how resources comply.
    pub enforced: bool,
}

/// The policies that have a say about an operation at a place: about writes, and of deletions those that forbid them.
/// Which of them would act depends on the body, which is not asked.
pub(crate) fn told(snapshot: &Snapshot, operation: &str, place: &ResourceId) -> Vec<Told> {
    let Some((kind, verb)) = operation.rsplit_once('/') else {
        return Vec::new();
    };
    let has_say = |effect: Effect| match verb.to_lowercase().as_str() {
        "write" => !matches!(effect, Effect::Disabled | Effect::DenyAction) && !effect.is_kept_only(),
        "delete" => effect == Effect::DenyAction,
        _ => false,
    };
    let kind = kind.to_lowercase();
    Reach::of_stored(snapshot, place)
        .policies()
        .filter(|(_, policy)| names(policy, &kind) && has_say(policy.declared_effect()))
        .map(|(bound, policy)| tell(&bound.resource.id, policy))
        .collect()
}

fn tell(assignment: &ResourceId, policy: &Policy) -> Told {
    Told {
        assignment: assignment.clone(),
        name: policy.assignment.display_name.clone(),
        definition: policy.definition_id.clone(),
        definition_name: policy.definition.display_name.clone(),
        effect: policy.declared_effect().word(),
        enforced: policy.assignment.enforcement.is_on(),
    }
}
