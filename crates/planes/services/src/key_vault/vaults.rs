//! `Microsoft.KeyVault/vaults`: a name and who may do what in it.

use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Fields, Resource,
    declaration::{Cx, Declaration, Draft, NameRule, ResourceType, Verb, Written},
    route::Route,
};
use serde_json::{Value, json};

use super::deleted_vaults;
use crate::{
    face,
    host_name::HostName,
    shape::{self, Shape},
};

/// Vaults.
pub(super) struct Vaults;

const VAULTS: &str = "Microsoft.KeyVault/vaults";

static DECLARATION: Declaration = Declaration {
    resource_type: VAULTS,
    api_versions: super::API_VERSIONS,
    name: NAMES.rule,
    verbs: &[
        Verb::Get,
        Verb::List,
        Verb::Put(200, 200),
        Verb::Patch,
        Verb::Delete(200),
    ],
    soft_delete: Some(&deleted_vaults::KEPT),
    ..Declaration::COMMON
};

static NAMES: HostName = HostName {
    resource_type: VAULTS,
    noun: "vault",
    rule: NameRule {
        min: 3,
        max: 24,
        first: |c| c.is_ascii_alphabetic(),
        rest: |c| c.is_ascii_alphanumeric() || c == '-',
        words: "3 to 24 letters, digits and hyphens, the first a letter",
    },
    taken: ErrorCode::VaultAlreadyExists,
    invalid: "AccountNameInvalid",
};

const SHAPES: &[(&str, Shape)] = &[
    ("/properties/accessPolicies", Shape::List),
    ("/properties/createMode", Shape::Word(&["default", "recover"])),
    ("/properties/enabledForDeployment", Shape::Flag),
    ("/properties/enabledForDiskEncryption", Shape::Flag),
    ("/properties/enabledForTemplateDeployment", Shape::Flag),
    ("/properties/enablePurgeProtection", Shape::Flag),
    ("/properties/enableRbacAuthorization", Shape::Flag),
    ("/properties/enableSoftDelete", Shape::Flag),
    ("/properties/networkAcls", Shape::Object),
    (
        "/properties/publicNetworkAccess",
        Shape::Word(&["enabled", "disabled"]),
    ),
    ("/properties/sku", Shape::Object),
    ("/properties/sku/family", Shape::Word(&["A"])),
    ("/properties/sku/name", Shape::Word(&["standard", "premium"])),
    ("/properties/softDeleteRetentionInDays", Shape::Integer(7, 90)),
    ("/properties/tenantId", Shape::Text),
];

/// The route of `checkNameAvailability`.
pub(super) fn availability() -> Route {
    let path = "/subscriptions/{subscription}/providers/Microsoft.KeyVault/checkNameAvailability";
    NAMES.availability(path, "Microsoft.KeyVault/checkNameAvailability/read")
}

impl ResourceType for Vaults {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        refuse_recovery(&draft)?;
        refuse_deleted(cx, &draft)?;
        let claim = NAMES.claim_for(cx.snapshot, &draft.id)?;
        shape::check(&draft.body, SHAPES)?;
        check_tenant(cx, &draft)?;
        check_protection(&draft)?;
        Ok(Written {
            claims: vec![claim],
            ..Written::plain(draft)
        })
    }

    fn view(&self, cx: &Cx<'_>, vault: &Resource) -> Value {
        let defaults = json!({
            "accessPolicies": [],
            "enabledForDeployment": false,
            "enableRbacAuthorization": true,
            "enableSoftDelete": true,
            "publicNetworkAccess": "Enabled",
            "sku": { "family": "A", "name": "standard" },
            "softDeleteRetentionInDays": deleted_vaults::RETENTION_DAYS,
            "tenantId": cx.site.tenant,
        });
        let facts = json!({
            "provisioningState": "Succeeded",
            "vaultUri": format!("https://{}.vault.{}/", vault.id.name().to_lowercase(), cx.site.authority),
        });
        face::shown(vault, &defaults, facts)
    }
}

/// The name of a deleted vault stays taken, wherever that vault was.
fn refuse_deleted(cx: &Cx<'_>, draft: &Draft) -> Result<(), ArmError> {
    let (name, claim) = (draft.id.name(), NAMES.claim(draft.id.name()));
    let is_deleted = cx.snapshot.holder(&claim).is_some() && cx.snapshot.claimed(&claim).is_none();
    match is_deleted {
        true => Err(deleted_vaults::deleted(
            name,
            "It was deleted in another resource group; recover it there, or purge it first",
        )),
        false => Ok(()),
    }
}

/// A vault that is not kept cannot be recovered. To one that is there, the mode means nothing.
fn refuse_recovery(draft: &Draft) -> Result<(), ArmError> {
    if draft.existing.is_some() || !deleted_vaults::recovers(&draft.body) {
        return Ok(());
    }
    let message = format!(
        "There is no deleted vault '{}' to recover in this resource group. Leave out 'properties.createMode' to create a \
         new one; 'az keyvault list-deleted' lists those that are kept.",
        draft.id.name()
    );
    Err(ArmError::new(ErrorCode::SoftDeletedVaultDoesNotExist, message).on("properties.createMode"))
}

fn check_tenant(cx: &Cx<'_>, draft: &Draft) -> Result<(), ArmError> {
    let own = cx.site.tenant.to_string();
    match Fields(&draft.body).text("/properties/tenantId")? {
        Some(tenant) if !tenant.eq_ignore_ascii_case(&own) => {
            let message =
                format!("The tenant '{tenant}' is not the tenant of this server, which is '{own}'.");
            Err(ArmError::new(ErrorCode::InvalidParameter, message).on("properties.tenantId"))
        }
        _ => Ok(()),
    }
}

/// Protection from purging is switched on for ever or not at all.
fn check_protection(draft: &Draft) -> Result<(), ArmError> {
    const PROTECTION: &str = "/properties/enablePurgeProtection";
    let wanted = Fields(&draft.body).flag(PROTECTION)?;
    let existing = draft
        .existing
        .as_deref()
        .map(|existing| Fields(&existing.sent).flag(PROTECTION))
        .transpose()?;
    let target = "properties.enablePurgeProtection";
    match (existing.flatten(), wanted) {
        (_, Some(false)) => {
            let message =
                format!("The property '{target}' cannot be set to false. Leave it out, or set it to true.");
            Err(ArmError::new(ErrorCode::InvalidParameter, message).on(target))
        }
        (Some(true), None) => {
            let message = format!("The property '{target}' cannot be taken back once it is true.");
            Err(ArmError::new(ErrorCode::PropertyChangeNotAllowed, message).on(target))
        }
        _ => Ok(()),
    }
}
