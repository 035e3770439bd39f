//! `Microsoft.Storage/storageAccounts/blobServices/containers`: containers as resources. Their parent is the
//! account's blob service, which is there whenever the account is.

use nave_arm::ArmError;
use nave_engine::{
    Resource,
    declaration::{Cx, Declaration, Draft, NameRule, Placement, ResourceType, Verb, Written},
};
use serde_json::{Value, json};

use crate::{
    face,
    shape::{self, Shape},
};

/// Containers.
pub(super) struct Containers;

static DECLARATION: Declaration = Declaration {
    resource_type: "Microsoft.Storage/storageAccounts/blobServices/containers",
    api_versions: super::API_VERSIONS,
    placement: Placement::Parent,
    name: NameRule {
        min: 3,
        max: 63,
        first: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '$',
        rest: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
        words: "3 to 63 lower-case letters, digits and hyphens",
    },
    verbs: &[
        Verb::Get,
        Verb::List,
        Verb::Put(201, 200),
        Verb::Patch,
        Verb::Delete(200),
    ],
    tracked: false,
    ..Declaration::COMMON
};

const SHAPES: &[(&str, Shape)] = &[
    ("/properties/metadata", Shape::Object),
    (
        "/properties/publicAccess",
        Shape::Word(&["None", "Blob", "Container"]),
    ),
];

impl ResourceType for Containers {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, _: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        shape::check(&draft.body, SHAPES)?;
        Ok(Written::plain(draft))
    }

    fn view(&self, _: &Cx<'_>, container: &Resource) -> Value {
        let defaults = json!({ "publicAccess": "None" });
        let facts = json!({
            "hasImmutabilityPolicy": false,
            "hasLegalHold": false,
            "lastModifiedTime": container.history.updated_at.to_string(),
            "leaseState": "Available",
            "leaseStatus": "Unlocked",
        });
        face::shown(container, &defaults, facts)
    }
}
