//! What people vouch for: attestations, which hang off the resource they are about.

use std::collections::HashMap;

use jiff::Timestamp;
use nave_arm::ResourceId;
use nave_policy::Compliance;

use crate::{Resource, Snapshot};

/// The type of attestations. Their plane keeps them; what they say counts here.
pub const ATTESTATIONS: &str = "Microsoft.PolicyInsights/attestations";

/// The attestations of a state, by the resource they are about.
pub(super) struct Attested<'a>(HashMap<String, Vec<&'a Resource>>);

impl<'a> Attested<'a> {
    pub(super) fn of(snapshot: &'a Snapshot) -> Self {
        let mut by_resource: HashMap<String, Vec<&Resource>> = HashMap::new();
        for row in snapshot.of_type(ATTESTATIONS) {
            if let Some(scope) = row.id.scope() {
                by_resource.entry(scope.key().to_owned()).or_default().push(row);
            }
        }
        Self(by_resource)
    }

    /// What was last said of a resource and a policy, if it still counts.
    pub(super) fn state(
        &self,
        resource: &ResourceId,
        assignment: &ResourceId,
        reference: Option<&str>,
        now: Timestamp,
    ) -> Option<Compliance> {
        let said = self.0.get(resource.key())?.iter();
        let mut counting: Vec<_> = said
            .filter(|row| is_about(row, assignment, reference) && counts(row, now))
            .collect();
        counting.sort_by_key(|row| row.history.updated_at);
        let last = counting.last()?;
        Compliance::read(last.text("/properties/complianceState").unwrap_or("Unknown"))
    }
}

fn is_about(row: &Resource, assignment: &ResourceId, reference: Option<&str>) -> bool {
    let of = row.text("/properties/policyDefinitionReferenceId");
    row.link("/properties/policyAssignmentId").as_ref() == Some(assignment)
        && of.is_none_or(|of| reference.is_some_and(|own| own.eq_ignore_ascii_case(of)))
}

fn counts(row: &Resource, now: Timestamp) -> bool {
    let ends: Option<Timestamp> = row
        .text("/properties/expiresOn")
        .and_then(|text| text.parse().ok());
    ends.is_none_or(|end| now < end)
}
