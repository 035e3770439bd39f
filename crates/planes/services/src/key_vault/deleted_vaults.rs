//! `Microsoft.KeyVault/deletedVaults`: vaults that can come back, for as many days as each says, and that nobody purges
//! before where they are protected.
//!
//! The roles at a vault do not come back with it: Azure takes what other services keep of a vault when it is deleted,
//! and role assignments are among that. Who recovers a vault gives them anew.

use jiff::SignedDuration;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Fields, Resource,
    declaration::{Action, Declaration, Placement, Verb},
    soft_delete::{Kept, SoftDelete},
};
use serde_json::{Value, json};

use super::API_VERSIONS;

pub(super) static KEPT: SoftDelete = SoftDelete {
    deleted: Declaration {
        resource_type: "Microsoft.KeyVault/locations/deletedVaults",
        api_versions: API_VERSIONS,
        placement: Placement::Subscription,
        verbs: &[Verb::Get],
        actions: &[Action::named("purge")],
        tracked: false,
        ..Declaration::COMMON
    },
    lists: &["/subscriptions/{subscription}/providers/Microsoft.KeyVault/deletedVaults"],
    list_permission: "Microsoft.KeyVault/deletedVaults/read",
    retention: |_, vault| retention(vault),
    is_protected,
    for_good: None,
    recovers,
    exists,
    keeps_roles: false,
    view,
};

/// How many days one is kept that does not say.
pub(super) const RETENTION_DAYS: i64 = 90;

fn retention(vault: &Resource) -> SignedDuration {
    let fields = Fields(&vault.sent);
    let is_off = fields.flag("/properties/enableSoftDelete").ok().flatten() == Some(false);
    let days = fields
        .integer("/properties/softDeleteRetentionInDays")
        .ok()
        .flatten()
        .unwrap_or(RETENTION_DAYS);
    match is_off && !is_protected(vault) {
        true => SignedDuration::ZERO,
        false => SignedDuration::from_hours(24 * days),
    }
}

fn is_protected(vault: &Resource) -> bool {
    Fields(&vault.sent)
        .flag("/properties/enablePurgeProtection")
        .ok()
        .flatten()
        .unwrap_or(false)
}

/// Whether a body asks for the vault that was deleted.
pub(super) fn recovers(body: &Value) -> bool {
    let mode = body.pointer("/properties/createMode").and_then(Value::as_str);
    mode.is_some_and(|mode| mode.eq_ignore_ascii_case("recover"))
}

fn exists(kept: &Kept) -> ArmError {
    let name = kept.resource.id.name();
    let location = kept.resource.text("/location").unwrap_or_default();
    let purge = match is_protected(&kept.resource) {
        true => String::from("it is protected from purging"),
        false => format!("purge it with 'az keyvault purge --name {name} --location {location}'"),
    };
    deleted(
        name,
        &format!(
            "Recover it with 'az keyvault recover --name {name}' (properties.createMode 'recover'), or {purge}; it is kept \
             until {}",
            kept.until
        ),
    )
}

/// The refusal of a name that a deleted vault has.
pub(super) fn deleted(name: &str, help: &str) -> ArmError {
    ArmError::new(
        ErrorCode::ConflictError,
        format!("A vault named '{name}' exists already in deleted state. {help}."),
    )
    .on("name")
}

fn view(kept: &Kept, vault: Value) -> Value {
    json!({
        "id": kept.row.id,
        "name": kept.resource.id.name(),
        "type": "Microsoft.KeyVault/deletedVaults",
        "properties": {
            "vaultId": kept.resource.id,
            "location": kept.resource.text("/location"),
            "deletionDate": kept.at.to_string(),
            "scheduledPurgeDate": kept.until.to_string(),
            "tags": vault.get("tags").cloned().unwrap_or_else(|| json!({})),
            "purgeProtectionEnabled": is_protected(&kept.resource),
        },
    })
}
