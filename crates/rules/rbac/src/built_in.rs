//! The published built-in roles.

use std::sync::{Arc, LazyLock};

use nave_arm::ResourceId;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{Permission, RoleDefinition, RoleKind, map::Map};

/// Owner: everything on the control plane.
pub const OWNER: Uuid = Uuid::from_u128(0x8e3af657_a8ff_443c_a75c_2fe8c4bcb635);
/// Contributor: everything but handing out access.
pub const CONTRIBUTOR: Uuid = Uuid::from_u128(0xb24988ac_6180_42a0_ab88_20f7382dd24c);
/// Reader: every read of the control plane.
pub const READER: Uuid = Uuid::from_u128(0xacdd72a7_3385_48ef_bd42_f606fba81ae7);
/// User Access Administrator: handing out access; at the tenant this is elevated access.
pub const USER_ACCESS_ADMINISTRATOR: Uuid = Uuid::from_u128(0x18d7d88d_d35e_4fb5_a5c3_7773c20a72d9);
/// Role Based Access Control Administrator: handing out access by role assignments only.
pub const RBAC_ADMINISTRATOR: Uuid = Uuid::from_u128(0xf58310d9_a9f6_439a_9e8d_f62e7b41a168);
/// Azure AI Developer: working in a project.
pub const AI_DEVELOPER: Uuid = Uuid::from_u128(0x64702f94_c441_49e6_a78b_ef80e0188fee);
/// Azure AI Administrator: what a hub's own identity holds.
pub const AI_ADMINISTRATOR: Uuid = Uuid::from_u128(0xb78c5d69_af96_48a3_bf8d_a8b4d589de94);
/// Azure AI Inference Deployment Operator: what members of a project also get on its resource group.
pub const INFERENCE_DEPLOYMENT_OPERATOR: Uuid = Uuid::from_u128(0x3afb7f49_54cb_416e_8c09_6dc049efa503);

const PUBLISHED: &str = include_str!("../data/built-in-roles.json");

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Published {
    previous_names: std::collections::HashMap<Uuid, Vec<String>>,
    core: Vec<Uuid>,
    roles: Vec<PublishedRole>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublishedRole {
    name: Uuid,
    role_name: String,
    #[serde(default)]
    description: String,
    permissions: Vec<Value>,
}

struct Table {
    definitions: Map<Uuid, Arc<RoleDefinition>>,
    previous_names: std::collections::HashMap<Uuid, Vec<String>>,
    core: Vec<Uuid>,
}

// The file is part of the program and a test reads it whole; a file that could not be read would define no role.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let published: Published = serde_json::from_str(PUBLISHED).unwrap_or_default();
    let definitions = published
        .roles
        .into_iter()
        .map(|role| (role.name, Arc::new(role.into())))
        .collect();
    Table {
        definitions,
        previous_names: published.previous_names,
        core: published.core,
    }
});

impl From<PublishedRole> for RoleDefinition {
    fn from(role: PublishedRole) -> Self {
        Self {
            id: role.name,
            role_name: role.role_name,
            description: role.description,
            kind: RoleKind::BuiltIn,
            permissions: role
                .permissions
                .iter()
                .filter_map(|permission| Permission::from_json(permission).ok())
                .collect(),
            assignable_scopes: vec![ResourceId::tenant()],
        }
    }
}

/// Every built-in role, by guid.
pub(crate) fn definitions() -> &'static Map<Uuid, Arc<RoleDefinition>> {
    &TABLE.definitions
}

/// Names the role had before; its guid stayed.
///
/// ```
/// # use nave_arm::ResourceId;
/// # use nave_rbac::*;
/// # use serde_json::json;
/// # use uuid::Uuid;
/// let user = Uuid::try_parse("53ca6127-db72-4b80-b1b0-d745d6d5456d").expect("guid");
/// assert_eq!(built_in::previous_names(user), ["Azure AI User"]);
/// ```
#[must_use]
pub fn previous_names(role: Uuid) -> &'static [String] {
    TABLE.previous_names.get(&role).map_or(&[], Vec::as_slice)
}

/// The built-in roles that matter to hubs and projects, the most general first; a list to offer before all others.
///
/// ```
/// # use nave_arm::ResourceId;
/// # use nave_rbac::*;
/// # use serde_json::json;
/// # use uuid::Uuid;
/// assert_eq!(built_in::core()[0], built_in::OWNER);
/// ```
#[must_use]
pub fn core() -> &'static [Uuid] {
    &TABLE.core
}

/// Whether a built-in role has this guid.
///
/// ```
/// # use nave_arm::ResourceId;
/// # use nave_rbac::*;
/// # use serde_json::json;
/// # use uuid::Uuid;
/// assert!(built_in::is_built_in(built_in::READER) && !built_in::is_built_in(Uuid::nil()));
/// ```
#[must_use]
pub fn is_built_in(role: Uuid) -> bool {
    TABLE.definitions.contains_key(&role)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_published_role_is_here_as_published() {
        let published: Value = serde_json::from_str(PUBLISHED).expect("data");
        let roles = published["roles"].as_array().expect("roles");
        assert_eq!((roles.len(), definitions().len(), core().len()), (928, 928, 94));
        let mut strings = 0;
        for role in roles {
            let id = Uuid::parse_str(role["name"].as_str().expect("name")).expect("guid");
            let definition = &definitions()[&id];
            let shown = definition.properties();
            for (at, permission) in role["permissions"]
                .as_array()
                .expect("permissions")
                .iter()
                .enumerate()
            {
                for list in ["actions", "notActions", "dataActions", "notDataActions"] {
                    let published = permission
                        .get(list)
                        .cloned()
                        .unwrap_or_else(|| Value::Array(Vec::new()));
                    strings += published.as_array().map_or(0, Vec::len);
                    assert_eq!(
                        shown["permissions"][at][list], published,
                        "{}",
                        definition.role_name
                    );
                }
                assert_eq!(
                    shown["permissions"][at].get("condition"),
                    permission.get("condition")
                );
            }
        }
        assert_eq!(strings, 11_066);
    }

    #[test]
    fn every_published_condition_can_be_read_and_evaluated() {
        let conditions: Vec<_> = definitions()
            .values()
            .flat_map(|role| &role.permissions)
            .filter_map(|permission| permission.condition.as_ref())
            .collect();
        let texts: std::collections::HashSet<_> =
            conditions.iter().map(|condition| condition.text()).collect();
        assert_eq!((conditions.len(), texts.len()), (31, 26));
        for condition in conditions {
            assert_eq!(condition.error(), None, "{condition}");
            assert_eq!(condition.never_evaluable(), None, "{condition}");
        }
    }

    #[test]
    fn the_named_guids_are_the_named_roles() {
        for (role, name) in [
            (OWNER, "Owner"),
            (CONTRIBUTOR, "Contributor"),
            (READER, "Reader"),
            (USER_ACCESS_ADMINISTRATOR, "User Access Administrator"),
            (RBAC_ADMINISTRATOR, "Role Based Access Control Administrator"),
            (AI_DEVELOPER, "Azure AI Developer"),
            (AI_ADMINISTRATOR, "Azure AI Administrator"),
            (
                INFERENCE_DEPLOYMENT_OPERATOR,
                "Azure AI Inference Deployment Operator",
            ),
        ] {
            assert_eq!(definitions()[&role].role_name, name);
            assert!(is_built_in(role) && core().contains(&role));
        }
    }
}
