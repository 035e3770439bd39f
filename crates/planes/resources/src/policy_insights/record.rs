//! One policy state as the API shows it.

use std::collections::HashMap;

use nave_arm::{ArmError, ResourceId};
use nave_engine::{Request, Snapshot, policy::PolicyState};
use nave_policy::Compliance;
use serde_json::{Value, json};

use super::query;

/// The members of a record, which `$filter`, `$select` and the like speak of.
pub(super) const COLUMNS: &[&str] = &[
    "timestamp",
    "resourceId",
    "policyAssignmentId",
    "policyDefinitionId",
    "effectiveParameters",
    "isCompliant",
    "subscriptionId",
    "resourceType",
    "resourceLocation",
    "resourceGroup",
    "resourceTags",
    "policyAssignmentName",
    "policyAssignmentOwner",
    "policyAssignmentParameters",
    "policyAssignmentScope",
    "policyDefinitionName",
    "policyDefinitionAction",
    "policyDefinitionCategory",
    "policySetDefinitionId",
    "policySetDefinitionName",
    "policySetDefinitionOwner",
    "policySetDefinitionCategory",
    "policySetDefinitionParameters",
    "managementGroupIds",
    "policyDefinitionReferenceId",
    "complianceState",
    "policyDefinitionGroupNames",
    "policyDefinitionVersion",
    "policySetDefinitionVersion",
    "policyAssignmentVersion",
    "policyEvaluationDetails",
    "components",
];

/// What is shown besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expand {
    /// Nothing.
    Nothing,
    /// Why: the comparisons that were made, and what was found beside the resource.
    Details,
    /// The components, for the modes of providers. There are none.
    Components,
}

impl Expand {
    pub(super) fn of(request: &Request) -> Result<Self, ArmError> {
        let text = request.query("$expand").map_or("", str::trim).to_lowercase();
        match text.as_str() {
            "" => Ok(Self::Nothing),
            "policyevaluationdetails" => Ok(Self::Details),
            other if other.starts_with("components") => Ok(Self::Components),
            other => Err(query::refuse("$expand", &format!("'{other}' is not known here"))),
        }
    }
}

/// Makes records of a state.
pub(super) struct Records<'a> {
    snapshot: &'a Snapshot,
    expand: Expand,
    /// The management groups above a subscription, as a list with commas.
    groups: HashMap<String, String>,
}

impl<'a> Records<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, expand: Expand) -> Self {
        Self {
            snapshot,
            expand,
            groups: HashMap::new(),
        }
    }

    /// The record of a state.
    pub(super) fn of(&mut self, state: &PolicyState) -> Value {
        let mut record = about(&state.resource.id);
        let policy = state.policy();
        let head = &policy.assignment;
        let set = policy.set.as_deref();
        let more = json!({
            "timestamp": state.since.to_string(),
            "resourceLocation": state.location(),
            "resourceTags": text(state.resource.value("/tags")),
            "policyAssignmentId": head.id,
            "policyAssignmentName": head.name(),
            "policyAssignmentOwner": null,
            "policyAssignmentParameters": head.parameters.to_string(),
            "policyAssignmentScope": head.scope,
            "policyAssignmentVersion": null,
            "policyDefinitionId": policy.definition_id,
            "policyDefinitionName": policy.definition_name(),
            "policyDefinitionAction": state.effect().word().to_lowercase(),
            "policyDefinitionCategory": policy.definition.category,
            "policyDefinitionVersion": policy.definition.version,
            "policyDefinitionReferenceId": policy.reference_id(),
            "policyDefinitionGroupNames": policy.member.as_ref().map(|(_, groups)| groups),
            "policySetDefinitionId": set.map(|set| &set.id),
            "policySetDefinitionName": set.map(|set| last_segment(&set.id)),
            "policySetDefinitionOwner": null,
            "policySetDefinitionCategory": null,
            "policySetDefinitionParameters": null,
            "policySetDefinitionVersion": set.and_then(|set| set.version.as_ref()),
            "effectiveParameters": null,
            "managementGroupIds": self.management_groups(&state.resource.id),
            "complianceState": state.state.word(),
            "isCompliant": is_compliant(state.state),
        });
        merge(&mut record, more);
        match self.expand {
            Expand::Nothing => {}
            Expand::Details => record["policyEvaluationDetails"] = details(state),
            Expand::Components => record["components"] = json!([]),
        }
        record
    }

    fn management_groups(&mut self, resource: &ResourceId) -> String {
        let Some(subscription) = resource.subscription_id() else {
            return String::new();
        };
        let groups = self.groups.entry(subscription.key().to_owned());
        groups
            .or_insert_with(|| above(self.snapshot, &subscription))
            .clone()
    }
}

/// What a record says of the resource itself.
pub(super) fn about(resource: &ResourceId) -> Value {
    json!({
        "resourceId": resource,
        "subscriptionId": resource.subscription(),
        "resourceType": resource.resource_type(),
        "resourceGroup": resource.resource_group(),
    })
}

pub(super) fn merge(record: &mut Value, more: Value) {
    if let (Some(record), Value::Object(more)) = (record.as_object_mut(), more) {
        record.extend(more);
    }
}

/// Who is exempt, or not known, does not violate anything.
fn is_compliant(state: Compliance) -> bool {
    !matches!(state, Compliance::NonCompliant | Compliance::Conflict)
}

fn text(value: Option<&Value>) -> Option<String> {
    value.map(Value::to_string)
}

fn last_segment(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}

fn above(snapshot: &Snapshot, subscription: &ResourceId) -> String {
    let scopes = snapshot.roles().scopes_above(subscription);
    let names = scopes.iter().filter_map(ResourceId::management_group);
    names.collect::<Vec<_>>().join(",")
}

/// Why a state is as it is.
fn details(state: &PolicyState) -> Value {
    let mut details = json!({ "evaluatedExpressions": state.judgement.evaluated });
    if let Some(related) = &state.related {
        details["ifNotExistsDetails"] =
            json!({ "resourceId": related.last, "totalResources": related.total });
    }
    details
}
