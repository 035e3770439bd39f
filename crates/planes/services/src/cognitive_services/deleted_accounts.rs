//! `Microsoft.CognitiveServices/deletedAccounts`: accounts that can come back for two days, with their deployments, their
//! keys and the roles at them.

use jiff::SignedDuration;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Fields,
    declaration::{Declaration, Placement, Verb},
    soft_delete::{Kept, SoftDelete},
};
use serde_json::Value;

use super::API_VERSIONS;

pub(super) static KEPT: SoftDelete = SoftDelete {
    deleted: Declaration {
        resource_type: "Microsoft.CognitiveServices/locations/resourceGroups/deletedAccounts",
        api_versions: API_VERSIONS,
        placement: Placement::Subscription,
        verbs: &[Verb::Get, Verb::Delete(200)],
        tracked: false,
        ..Declaration::COMMON
    },
    lists: &["/subscriptions/{subscription}/providers/Microsoft.CognitiveServices/deletedAccounts"],
    list_permission: "Microsoft.CognitiveServices/deletedAccounts/read",
    retention: |_, _| SignedDuration::from_hours(RETENTION_HOURS),
    is_protected: |_| false,
    for_good: None,
    recovers,
    exists,
    keeps_roles: true,
    view,
};

const RETENTION_HOURS: i64 = 48;

/// Whether a body asks for the account that was deleted.
pub(super) fn recovers(body: &Value) -> bool {
    Fields(body).flag("/properties/restore").ok().flatten() == Some(true)
}

fn exists(kept: &Kept) -> ArmError {
    let id = &kept.resource.id;
    let (name, group) = (id.name(), id.resource_group().unwrap_or_default());
    let location = kept.resource.text("/location").unwrap_or_default();
    ArmError::new(
        ErrorCode::FlagMustBeSetForRestore,
        format!(
            "A resource with the id '{id}' exists in deleted state, and is kept until {}. To restore it, set \
             properties.restore to true ('az cognitiveservices account recover'). To create a new one, purge the deleted \
             one first: 'az cognitiveservices account purge --name {name} --resource-group {group} --location {location}'.",
            kept.until
        ),
    )
    .on("properties.restore")
}

fn view(kept: &Kept, mut account: Value) -> Value {
    account["id"] = kept.row.id.as_str().into();
    account["etag"] = kept.row.etag.as_str().into();
    account["properties"]["deletionDate"] = kept.at.to_string().into();
    account["properties"]["scheduledPurgeDate"] = kept.until.to_string().into();
    account
}
