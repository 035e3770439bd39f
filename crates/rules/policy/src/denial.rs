//! The refusal of a request by policies, as clients read it (policy-language 8).

use nave_arm::{ArmError, ErrorCode};
use serde_json::{Map, Value, json};

use crate::{assignment::Policy, judgement::Judgement, shape::Conflict, words::last_segment};

/// The refusal of a request for a resource by these policies, each with its judgement.
#[must_use]
pub fn denial(resource_name: &str, violations: &[(&Policy, &Judgement)]) -> ArmError {
    let reasons = violations
        .iter()
        .filter_map(|(policy, judgement)| reason(policy, judgement));
    refusal(resource_name, violations, reasons.collect())
}

impl Conflict<'_> {
    /// The refusal of the request that it is about.
    #[must_use]
    pub fn denial(&self, resource_name: &str) -> ArmError {
        let violations: Vec<_> = self
            .policies
            .iter()
            .map(|(policy, judgement)| (*policy, judgement))
            .collect();
        let faults = self
            .policies
            .iter()
            .filter_map(|(policy, judgement)| reason(policy, judgement));
        let mut reasons: Vec<_> = faults.collect();
        if !self.field.is_empty() {
            reasons.push(match self.policies.len() {
                1 => format!(
                    "The field '{}' has another value than the policy appends",
                    self.field
                ),
                _ => format!("The policies give different values to the field '{}'", self.field),
            });
        }
        refusal(resource_name, &violations, reasons)
    }
}

fn refusal(resource_name: &str, violations: &[(&Policy, &Judgement)], mut reasons: Vec<String>) -> ArmError {
    reasons.dedup();
    let because = match &reasons[..] {
        [] => String::new(),
        reasons => format!(" Reasons: '{}'.", reasons.join("', '")),
    };
    let identifiers: Vec<_> = violations
        .iter()
        .map(|(policy, _)| policy.identifiers())
        .collect();
    let message = format!(
        "Resource '{resource_name}' was disallowed by policy.{because} Policy identifiers: '{}'.",
        Value::from(identifiers)
    );
    let mut error = ArmError::new(ErrorCode::RequestDisallowedByPolicy, message).on(resource_name);
    error.additional_info = violations
        .iter()
        .map(|(policy, judgement)| policy.violation(judgement))
        .collect();
    error
}

/// What is said to people: the assignment's own message, else why the rule could not be evaluated.
fn reason(policy: &Policy, judgement: &Judgement) -> Option<String> {
    let fault = judgement.fault.as_ref().map(ToString::to_string);
    policy.message().map(str::to_owned).or(fault)
}

impl Policy {
    /// The names and ids by which the message speaks of the policy: `{"policyAssignment": {"name", "id"}, …}`.
    #[must_use]
    pub fn identifiers(&self) -> Value {
        let named = |name: Option<&str>, id: &str| json!({"name": name.unwrap_or_else(|| last_segment(id)), "id": id});
        let mut identifiers = json!({
            "policyAssignment": named(self.assignment.display_name.as_deref(), &self.assignment.id),
            "policyDefinition": named(self.definition.display_name.as_deref(), &self.definition_id),
        });
        if let Some(set) = &self.set {
            identifiers["policySetDefinition"] = named(set.display_name.as_deref(), &set.id);
        }
        identifiers
    }

    /// The entry of `additionalInfo`: `{"type": "PolicyViolation", "info": {…}}`.
    #[must_use]
    pub fn violation(&self, judgement: &Judgement) -> Value {
        let assignment = &self.assignment;
        let mut info = Map::new();
        let mut say = |name: &str, value: Value| {
            if !value.is_null() {
                info.insert(name.to_owned(), value);
            }
        };
        say(
            "policyDefinitionDisplayName",
            self.definition.display_name.clone().into(),
        );
        if let Some(set) = &self.set {
            say("policySetDefinitionDisplayName", set.display_name.clone().into());
            say("policySetDefinitionId", set.id.clone().into());
            say("policySetDefinitionName", last_segment(&set.id).into());
            say("policyDefinitionReferenceId", self.reference_id().into());
        }
        say("policyDefinitionId", self.definition_id.clone().into());
        say("policyDefinitionName", self.definition_name().into());
        say("policyDefinitionEffect", judgement.effect.word().into());
        say("policyAssignmentId", assignment.id.clone().into());
        say("policyAssignmentName", assignment.name().into());
        say(
            "policyAssignmentDisplayName",
            assignment.display_name.clone().into(),
        );
        say("policyAssignmentScope", assignment.scope.clone().into());
        say("policyAssignmentParameters", assignment.parameters.clone());
        say("nonComplianceMessage", self.message().into());
        say("evaluationDetails", judgement.evaluation_details());
        json!({"type": "PolicyViolation", "info": info})
    }
}

impl Judgement {
    /// `{"evaluatedExpressions": […]}`, and `reason` where the rule could not be evaluated.
    #[must_use]
    pub fn evaluation_details(&self) -> Value {
        let evaluated: Vec<_> = self
            .evaluated
            .iter()
            .filter_map(|expression| serde_json::to_value(expression).ok())
            .collect();
        let mut details = json!({"evaluatedExpressions": evaluated});
        if let Some(fault) = &self.fault {
            details["reason"] = fault.to_string().into();
        }
        details
    }
}
