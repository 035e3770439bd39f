//! Deleted workspaces: kept for as long as each says, 14 days otherwise, and recovered by a PUT that asks for it
//! (features HUB-07). Azure's documents differ on whether hubs can be recovered; here they can, and a project that was
//! deleted with its hub comes back with it.
//!
//! Rulings:
//! * `softDeleteEnabled` is not heeded: azure-ai-ml sends `false` with every workspace, and workspaces are kept all the
//!   same. Who wants one gone at once says `forceToPurge=true`, or sets `softDeleteRetentionInDays` to 0;
//! * a project has its hub's retention, as it has the hub's other settings.

use jiff::SignedDuration;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Fields, Guard, Resource, Snapshot,
    declaration::{Cx, Declaration, Placement, Verb},
    soft_delete::{Kept, SoftDelete},
};
use serde_json::Value;

use super::{Kind, project};
use crate::{API_VERSIONS, inheritance::hub_of};

pub(super) const RETENTION: &str = "/properties/softDeleteRetentionInDays";

pub(super) static KEPT: SoftDelete = SoftDelete {
    deleted: Declaration {
        resource_type: "Microsoft.MachineLearningServices/locations/resourceGroups/deletedWorkspaces",
        api_versions: API_VERSIONS,
        placement: Placement::Subscription,
        verbs: &[Verb::Get, Verb::Delete(200)],
        tracked: false,
        ..Declaration::COMMON
    },
    lists: &[
        "/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/deletedWorkspaces",
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices/deletedWorkspaces",
    ],
    list_permission: "Microsoft.MachineLearningServices/deletedWorkspaces/read",
    retention,
    is_protected: |_| false,
    for_good: Some("forceToPurge"),
    recovers,
    exists,
    keeps_roles: true,
    view,
};

/// How many days one is kept that does not say.
const RETENTION_DAYS: i64 = 14;
/// The most days one can be kept.
const MOST_DAYS: i64 = 90;

/// Refuses a number of days that is none.
pub(super) fn check(body: &Value) -> Result<(), ArmError> {
    match Fields(body).integer(RETENTION)? {
        Some(days) if !(0..=MOST_DAYS).contains(&days) => Err(ArmError::new(
            ErrorCode::InvalidParameter,
            format!(
                "The value {days} of 'properties.softDeleteRetentionInDays' is not between 0 and {MOST_DAYS}; 0 deletes \
                 at once."
            ),
        )
        .on("properties.softDeleteRetentionInDays")),
        _ => Ok(()),
    }
}

fn retention(snapshot: &Snapshot, workspace: &Resource) -> SignedDuration {
    let owner = hub_of(snapshot, workspace).map_or(workspace, |hub| hub);
    let days = Fields(&owner.sent).integer(RETENTION).ok().flatten();
    SignedDuration::from_hours(24 * days.unwrap_or(RETENTION_DAYS))
}

fn recovers(body: &Value) -> bool {
    Fields(body)
        .flag("/properties/allowRecoverSoftDeletedWorkspace")
        .ok()
        .flatten()
        == Some(true)
}

fn exists(kept: &Kept) -> ArmError {
    let id = &kept.resource.id;
    ArmError::new(
        ErrorCode::Conflict,
        format!(
            "Soft-deleted workspace exists: '{id}' was deleted and is kept until {}. Recover it by a PUT with \
             properties.allowRecoverSoftDeletedWorkspace true, or purge it with 'DELETE {id}?forceToPurge=true'.",
            kept.until
        ),
    )
}

/// A project needs its hub: it comes back with the hub or after it.
pub(super) fn check_recovery(cx: &Cx<'_>, workspace: &Resource) -> Result<Vec<Guard>, ArmError> {
    if Kind::of(workspace) != Kind::Project {
        return Ok(Vec::new());
    }
    let hub = project::hub(cx.snapshot, &workspace.sent, Some(workspace)).map_err(|mut error| {
        error.message.push_str(" If it was deleted, recover it first.");
        error
    })?;
    Ok(vec![project::guard(&hub)])
}

fn view(kept: &Kept, mut workspace: Value) -> Value {
    workspace["id"] = kept.row.id.as_str().into();
    workspace["etag"] = kept.row.etag.as_str().into();
    let properties = &mut workspace["properties"];
    properties["workspaceArmId"] = kept.resource.id.as_str().into();
    properties["provisioningState"] = "SoftDeleted".into();
    properties["softDeletedAt"] = kept.at.to_string().into();
    properties["scheduledPurgeDate"] = kept.until.to_string().into();
    workspace
}
