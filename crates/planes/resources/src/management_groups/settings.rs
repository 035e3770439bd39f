//! `Microsoft.Management/managementGroups/settings`: how the hierarchy is kept, at the root group, in one setting named
//! `default`.
//!
//! `defaultManagementGroup` is where new subscriptions go that name no group. `requireAuthorizationForGroupCreation` is
//! always on here: who makes a group needs the right to write where it will be. So it cannot be switched off.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Fields, Resource,
    declaration::{Cx, Declaration, Draft, NameRule, Placement, ResourceType, Verb, Written},
    missing::not_found,
};
use serde_json::{Value, json};

use super::{MANAGEMENT_GROUPS, tree};

/// The type.
pub(super) struct Settings;

const DEFAULT_GROUP: &str = "/properties/defaultManagementGroup";
const REQUIRED: &str = "/properties/requireAuthorizationForGroupCreation";

static DECLARATION: Declaration = Declaration {
    resource_type: "Microsoft.Management/managementGroups/settings",
    api_versions: &[
        "2023-04-01",
        "2021-04-01",
        "2020-10-01",
        "2020-05-01",
        "2020-02-01",
    ],
    placement: Placement::Tenant,
    name: NameRule {
        min: 7,
        max: 7,
        words: "'default'",
        ..NameRule::ANY
    },
    verbs: &[
        Verb::Get,
        Verb::List,
        Verb::Put(200, 200),
        Verb::Patch,
        Verb::Delete(200),
    ],
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for Settings {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        check_place(cx, &draft.id)?;
        let fields = Fields(&draft.body);
        if fields.flag(REQUIRED)? == Some(false) {
            let message = "Who makes a management group always needs the right to write where it will be; \
                           'requireAuthorizationForGroupCreation' cannot be false.";
            return Err(ArmError::new(ErrorCode::InvalidParameter, message)
                .on("properties.requireAuthorizationForGroupCreation"));
        }
        if let Some(text) = fields.text(DEFAULT_GROUP)? {
            let group = named(text);
            if cx.snapshot.get(&group).is_none() {
                return Err(not_found(&group).on("properties.defaultManagementGroup"));
            }
        }
        Ok(Written::plain(draft))
    }

    fn view(&self, cx: &Cx<'_>, settings: &Resource) -> Value {
        let default = settings.text(DEFAULT_GROUP).map(named);
        json!({
            "id": settings.id,
            "name": settings.id.name(),
            "type": DECLARATION.resource_type,
            "properties": {
                "tenantId": cx.site.tenant,
                "requireAuthorizationForGroupCreation": true,
                "defaultManagementGroup": default.unwrap_or_else(|| tree::root(cx.site)),
            },
        })
    }
}

fn check_place(cx: &Cx<'_>, id: &ResourceId) -> Result<(), ArmError> {
    let root = tree::root(cx.site);
    if id.parent().as_ref() == Some(&root) && id.name().eq_ignore_ascii_case("default") {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::InvalidResourceProperties,
        format!(
            "Only the root group '{}' has settings, and they are named 'default'.",
            root.name()
        ),
    ))
}

/// A group as settings name it: by its id or its name.
fn named(text: &str) -> ResourceId {
    let id = ResourceId::parse(text).ok();
    id.filter(|id| id.resource_type().eq_ignore_ascii_case(MANAGEMENT_GROUPS))
        .unwrap_or_else(|| tree::id(text.rsplit('/').next().unwrap_or_default()))
}

/// Where a new subscription goes that names no group, if that is said and is still there.
pub(crate) fn default_group(cx: &Cx<'_>) -> Option<ResourceId> {
    let settings = cx
        .snapshot
        .get(&tree::root(cx.site).child("settings", "default"))?;
    let group = settings.text(DEFAULT_GROUP).map(named)?;
    cx.snapshot.get(&group).map(|group| group.id.clone())
}
