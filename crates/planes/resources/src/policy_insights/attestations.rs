//! `Microsoft.PolicyInsights/attestations`: what somebody vouches for, where a policy has the effect `manual` and only a
//! person can say whether it is met. An attestation is about the resource it hangs off, and counts until it expires.

use std::sync::Arc;

use jiff::Timestamp;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Fields, Registry, Request, Resource,
    declaration::{Cx, Declaration, Draft, Placement, ResourceType, Verb, Written},
    policy::ATTESTATIONS,
};
use serde_json::json;

use super::rules;

const STATES: [&str; 3] = ["Compliant", "NonCompliant", "Unknown"];

/// What a client says; the rest of the properties is nave's.
const SENT: [&str; 9] = [
    "policyAssignmentId",
    "policyDefinitionReferenceId",
    "complianceState",
    "expiresOn",
    "owner",
    "comments",
    "evidence",
    "assessmentDate",
    "metadata",
];

static DECLARATION: Declaration = Declaration {
    resource_type: ATTESTATIONS,
    api_versions: &["2024-10-01", "2022-09-01", "2021-01-01"],
    placement: Placement::Anywhere,
    verbs: &[Verb::Get, Verb::List, Verb::Put(201, 200), Verb::Delete(200)],
    tracked: false,
    ..Declaration::COMMON
};

pub(super) fn register(registry: &mut Registry) {
    registry.add_type(Attestations);
}

struct Attestations;

impl ResourceType for Attestations {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        rules::assignment(cx.snapshot, &draft.id, &draft.body)?;
        let fields = Fields(&draft.body);
        let state = fields.choice("/properties/complianceState", &STATES)?;
        for pointer in ["/properties/expiresOn", "/properties/assessmentDate"] {
            check_time(fields, pointer)?;
        }
        let before = draft.existing.as_deref();
        let changed_at = before
            .filter(|before| before.text("/properties/complianceState") == state)
            .and_then(|before| {
                before
                    .own
                    .pointer("/properties/lastComplianceStateChangeAt")
                    .cloned()
            })
            .unwrap_or_else(|| cx.now.to_string().into());
        let sent = json!({ "properties": rules::kept(&draft.body, &SENT) });
        let mut written = Written::plain(draft);
        written.sent = sent;
        written.own = json!({ "properties": {
            "complianceState": "Unknown", "provisioningState": "Succeeded", "lastComplianceStateChangeAt": changed_at,
        }});
        Ok(written)
    }

    fn list(
        &self,
        cx: &Cx<'_>,
        under: &ResourceId,
        request: &Request,
    ) -> Result<Option<Vec<Arc<Resource>>>, ArmError> {
        rules::listed(cx.snapshot, ATTESTATIONS, under, request).map(Some)
    }
}

fn check_time(fields: Fields<'_>, pointer: &str) -> Result<(), ArmError> {
    let Some(text) = fields.text(pointer)? else {
        return Ok(());
    };
    if text.parse::<Timestamp>().is_ok() {
        return Ok(());
    }
    let name = pointer.trim_start_matches('/').replace('/', ".");
    let message =
        format!("The value '{text}' of '{name}' is no ISO 8601 time, such as 2027-01-31T12:00:00Z.");
    Err(ArmError::new(ErrorCode::InvalidParameter, message).on(name))
}
