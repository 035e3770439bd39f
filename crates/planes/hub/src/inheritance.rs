//! What a project has from its hub: one place that computes it, at the moment it is asked.

use nave_arm::ResourceId;
use nave_engine::Resource;
use serde_json::{Value, json};

pub(crate) use nave_engine::workspaces::{connection_of, connections_of, hub_of, projects_of, shared_to_all};

/// The settings that are the hub's alone, by JSON pointer. A project shows the hub's value and stores none.
pub(crate) const INHERITED: &[&str] = &[
    "/properties/storageAccount",
    "/properties/keyVault",
    "/properties/containerRegistry",
    "/properties/publicNetworkAccess",
    "/properties/managedNetwork",
    "/properties/encryption",
    "/properties/hbiWorkspace",
    "/properties/networkAcls",
    "/properties/ipAllowlist",
    "/properties/systemDatastoresAuthMode",
];

/// The value of an inherited setting as it applies to a workspace: a hub's own, a project's hub's.
pub(crate) fn effective(owner: &Resource, pointer: &str) -> Option<Value> {
    match pointer {
        "/properties/publicNetworkAccess" => Some(public_network_access(owner).into()),
        "/properties/managedNetwork" => Some(managed_network(owner)),
        "/properties/encryption" => Some(or(owner, pointer, json!({ "status": "Disabled" }))),
        "/properties/encryption/status" => Some(or(owner, pointer, "Disabled".into())),
        "/properties/hbiWorkspace" => Some(or(owner, pointer, false.into())),
        _ => owner.value(pointer).cloned(),
    }
}

fn or(owner: &Resource, pointer: &str, default: Value) -> Value {
    owner.value(pointer).cloned().unwrap_or(default)
}

/// Whether a value that a client sends for a setting says the same as the one that applies. What says nothing (null,
/// empty) agrees with everything; objects agree member by member, and texts without case, as ids and words compare.
pub(crate) fn agrees(given: &Value, applies: Option<&Value>) -> bool {
    match (given, applies) {
        (Value::Null, _) => true,
        (Value::Array(given), None) => given.is_empty(),
        (Value::String(given), None) => given.is_empty(),
        (Value::String(given), Some(Value::String(applies))) => {
            given.is_empty() || given.eq_ignore_ascii_case(applies)
        }
        (Value::Object(given), _) => given
            .iter()
            .all(|(name, value)| agrees(value, applies.and_then(|applies| applies.get(name)))),
        (given, Some(applies)) => given == applies,
        (_, None) => false,
    }
}

/// `Enabled` or `Disabled`; workspaces are public unless they say otherwise.
pub(crate) fn public_network_access(owner: &Resource) -> &'static str {
    let disabled = owner
        .text("/properties/publicNetworkAccess")
        .is_some_and(|text| text.eq_ignore_ascii_case("disabled"));
    if disabled { "Disabled" } else { "Enabled" }
}

fn managed_network(owner: &Resource) -> Value {
    let mut network = owner
        .value("/properties/managedNetwork")
        .cloned()
        .unwrap_or_else(|| json!({}));
    nave_engine::fill(
        &mut network,
        &json!({"isolationMode": "Disabled", "outboundRules": {}}),
    );
    network
}

/// The group where the projects of a hub are created by those who may only join it: the one the hub names, else the
/// hub's own.
pub(crate) fn default_group(hub: &Resource) -> Option<ResourceId> {
    let named = hub.text("/properties/workspaceHubConfig/defaultWorkspaceResourceGroup");
    match named {
        Some(text) if text.starts_with('/') => ResourceId::parse(text).ok(),
        Some(name) => Some(ResourceId::of_resource_group(hub.id.subscription()?, name)),
        None => hub.id.resource_group_id(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::agrees;

    #[test]
    fn a_project_may_repeat_its_hub_and_not_contradict_it() {
        for (given, applies, agree) in [
            (json!(null), Some(json!("x")), true),
            (json!(""), Some(json!("x")), true),
            (json!({}), Some(json!({"isolationMode": "Disabled"})), true),
            (
                json!({"isolationMode": "disabled", "outboundRules": {}}),
                Some(json!({"isolationMode": "Disabled"})),
                true,
            ),
            (
                json!({"isolationMode": "AllowInternetOutbound"}),
                Some(json!({"isolationMode": "Disabled"})),
                false,
            ),
            (
                json!({"status": "Disabled", "keyVaultProperties": {"keyVaultArmId": ""}}),
                Some(json!({"status": "Disabled"})),
                true,
            ),
            (json!("/Subscriptions/S"), Some(json!("/subscriptions/s")), true),
            (json!("/subscriptions/s"), None, false),
            (json!([]), None, true),
            (json!(["10.0.0.0/8"]), None, false),
            (json!(true), Some(json!(false)), false),
            (json!(false), Some(json!(false)), true),
        ] {
            assert_eq!(
                agrees(&given, applies.as_ref()),
                agree,
                "{given} against {applies:?}"
            );
        }
    }
}
