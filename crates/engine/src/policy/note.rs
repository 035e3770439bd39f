//! What the event of a commit says of the policies that had a part in it: `detail.policies`.

use nave_arm::ArmError;
use nave_policy::{Changed, Judgement, Policy};
use serde_json::{Value, json};

/// A policy that only notes what it does not like.
pub(super) fn audited(resource: &str, policy: &Policy, judgement: &Judgement) -> Value {
    let mut note = about(resource, policy, judgement.effect.word());
    note["evaluatedExpressions"] = json!(judgement.evaluated);
    note
}

/// A policy that changed the body.
pub(super) fn changed(resource: &str, change: &Changed<'_>) -> Value {
    let effect = if change.operation == "append" {
        "append"
    } else {
        "modify"
    };
    let mut note = about(resource, change.policy, effect);
    note["changed"] = json!({ "operation": change.operation, "field": change.field, "value": change.value });
    note
}

fn about(resource: &str, policy: &Policy, effect: &str) -> Value {
    let mut note = json!({
        "resourceId": resource,
        "policyAssignmentId": policy.assignment.id,
        "policyDefinitionId": policy.definition_id,
        "policyDefinitionAction": effect,
    });
    if let Some(set) = &policy.set {
        note["policySetDefinitionId"] = set.id.as_str().into();
        note["policyDefinitionReferenceId"] = json!(policy.reference_id());
    }
    note
}

/// What a refusal says of the policies that it came of.
pub(crate) fn violations(error: &ArmError) -> Vec<Value> {
    let infos = error.additional_info.iter();
    infos
        .filter(|info| info["type"] == "PolicyViolation")
        .map(|info| info["info"].clone())
        .collect()
}
