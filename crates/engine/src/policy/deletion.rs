//! Judging a deletion: `denyAction` (policy-language 5).
//!
//! What is named in the request is judged, and of a group that is deleted what lies in it and has tags and a location,
//! where the policy says that it protects that, too (`cascadeBehaviors`).

use nave_arm::ArmError;
use nave_policy::{Effect, Judgement, Policy, denial};
use serde_json::Value;

use super::{circumstances::Circumstances, reach::Reach};
use crate::{Engine, Resource, declaration::Cx};

/// Judges the deletion of a resource with all that goes with it.
///
/// # Errors
/// `RequestDisallowedByPolicy`, which names every policy that forbids it.
pub fn govern_deletion(engine: &Engine, cx: &Cx<'_>, resource: &Resource) -> Result<(), ArmError> {
    if cx.snapshot.policies().is_idle() {
        return Ok(());
    }
    refuse_where_protected(engine, cx, resource, false)?;
    if !resource.id.is_resource_group() {
        return Ok(());
    }
    let is_tracked = |row: &Resource| {
        let kind = engine.registry().resource_type(&row.id.resource_type());
        kind.is_some_and(|kind| kind.declaration().tracked)
    };
    for inside in cx.snapshot.below(&resource.id).filter(|row| is_tracked(row)) {
        refuse_where_protected(engine, cx, inside, true)?;
    }
    Ok(())
}

fn refuse_where_protected(
    engine: &Engine,
    cx: &Cx<'_>,
    resource: &Resource,
    with_its_group: bool,
) -> Result<(), ArmError> {
    let reach = Reach::of_stored(cx.snapshot, &resource.id);
    if reach.is_empty() {
        return Ok(());
    }
    let circumstances = Circumstances::of_stored(engine, cx, resource);
    let subject = circumstances.subject();
    let protecting = reach
        .policies_for(&subject)
        .map(|(_, policy)| policy)
        .filter(|policy| policy.assignment.enforcement.is_on())
        .filter(|policy| policy.effect(&subject) == Effect::DenyAction && protects(policy, with_its_group))
        .filter(|policy| reach.exemption(cx.snapshot, policy, &subject).is_none());
    let judged: Vec<(&Policy, Judgement)> = protecting
        .map(|policy| (policy, policy.judge(&subject)))
        .filter(|(_, judgement)| judgement.fault.is_some() || judgement.applicable && judgement.holds)
        .collect();
    if judged.is_empty() {
        return Ok(());
    }
    let told: Vec<(&Policy, &Judgement)> = judged
        .iter()
        .map(|(policy, judgement)| (*policy, judgement))
        .collect();
    Err(denial(resource.id.name(), &told))
}

/// Whether a policy is about deletions; and of a deletion with the group, whether it says so or says nothing.
fn protects(policy: &Policy, with_its_group: bool) -> bool {
    policy.denies_action("delete") && (!with_its_group || stays_with_its_group(policy))
}

/// `cascadeBehaviors.resourceGroup`, which may be a parameter: `deny` unless it says `allow`.
fn stays_with_its_group(policy: &Policy) -> bool {
    let rule = policy.definition.policy_rule();
    let said = rule
        .pointer("/then/details/cascadeBehaviors/resourceGroup")
        .and_then(Value::as_str);
    let parameter = said.and_then(|text| text.strip_prefix("[parameters('")?.strip_suffix("')]"));
    let word = match parameter {
        Some(name) => policy.parameters.get(name).and_then(Value::as_str),
        None => said,
    };
    !word.is_some_and(|word| word.eq_ignore_ascii_case("allow"))
}
