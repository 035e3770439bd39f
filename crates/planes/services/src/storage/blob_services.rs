//! `Microsoft.Storage/storageAccounts/blobServices`: the one blob service of an account, `default`. It comes with the
//! account and goes with it; only its settings change.

use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Resource,
    declaration::{Cx, Declaration, Draft, Placement, ResourceType, Verb, Written},
};
use serde_json::{Value, json};

use crate::face;

/// Blob services.
pub(super) struct BlobServices;

/// The name of the one there is.
pub(super) const DEFAULT: &str = "default";

static DECLARATION: Declaration = Declaration {
    resource_type: "Microsoft.Storage/storageAccounts/blobServices",
    api_versions: super::API_VERSIONS,
    placement: Placement::Parent,
    verbs: &[Verb::Get, Verb::List, Verb::Put(200, 200)],
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for BlobServices {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, _: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        if draft.id.name() != DEFAULT {
            let message = format!(
                "The blob service of an account is named '{DEFAULT}', not '{}'.",
                draft.id.name()
            );
            return Err(ArmError::new(ErrorCode::InvalidResourceName, message).on("name"));
        }
        Ok(Written::plain(draft))
    }

    fn view(&self, _: &Cx<'_>, service: &Resource) -> Value {
        let off = json!({ "enabled": false });
        let defaults = json!({ "cors": { "corsRules": [] }, "deleteRetentionPolicy": off });
        face::shown(service, &defaults, json!({}))
    }
}
