//! `Microsoft.OperationalInsights/deletedWorkspaces`: log workspaces that come back when one of the same name is created
//! in the same group and location.

use jiff::SignedDuration;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    declaration::{Declaration, Placement, Verb},
    soft_delete::{Kept, SoftDelete},
};
use serde_json::Value;

pub(super) static KEPT: SoftDelete = SoftDelete {
    deleted: Declaration {
        resource_type: "Microsoft.OperationalInsights/locations/resourceGroups/deletedWorkspaces",
        api_versions: super::workspaces::API_VERSIONS,
        placement: Placement::Subscription,
        verbs: &[Verb::Get, Verb::Delete(200)],
        tracked: false,
        ..Declaration::COMMON
    },
    lists: &[
        "/subscriptions/{subscription}/providers/Microsoft.OperationalInsights/deletedWorkspaces",
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.OperationalInsights/deletedWorkspaces",
    ],
    list_permission: "Microsoft.OperationalInsights/deletedworkspaces/read",
    retention: |_, _| SignedDuration::from_hours(24 * RETENTION_DAYS),
    is_protected: |_| false,
    for_good: Some("force"),
    // to create it again is to recover it
    recovers: |_| true,
    exists,
    keeps_roles: true,
    view,
};

const RETENTION_DAYS: i64 = 14;

fn exists(kept: &Kept) -> ArmError {
    ArmError::new(
        ErrorCode::Conflict,
        format!(
            "The log workspace '{}' exists in deleted state, and is kept until {}. Create it again to recover it, or \
             delete it with 'force=true' first.",
            kept.resource.id, kept.until
        ),
    )
}

/// The workspace as it was, under its own id, which is how clients restore it.
fn view(kept: &Kept, mut workspace: Value) -> Value {
    workspace["properties"]["provisioningState"] = "Deleting".into();
    workspace["properties"]["deletedDate"] = kept.at.to_string().into();
    workspace["properties"]["scheduledPurgeDate"] = kept.until.to_string().into();
    workspace
}
