//! The body of a workspace, as clients really send it: flags as texts, ids as empty texts, a Python enum's name for a
//! word, members in odd case, read-only members sent back (client contract 6.1).

use nave_arm::{ArmError, ErrorCode};
use nave_engine::Fields;
use serde_json::Value;

use crate::spelling::{drop_named, drop_silent, spell, spell_deep};

const ENVELOPE: &[&str] = &[
    "id",
    "name",
    "type",
    "etag",
    "systemData",
    "kind",
    "location",
    "tags",
    "sku",
    "identity",
    "properties",
];

/// Members of `properties`, at any depth, that rules or views look up.
const NAMES: &[&str] = &[
    "agentsEndpointUri",
    "allowRecoverSoftDeletedWorkspace",
    "allowRoleAssignmentOnRG",
    "applicationInsights",
    "associatedWorkspaces",
    "containerRegistry",
    "cosmosDbArmId",
    "creationTime",
    "defaultWorkspaceResourceGroup",
    "description",
    "discoveryUrl",
    "enableDataIsolation",
    "encryption",
    "existingWorkspaces",
    "featureStoreSettings",
    "friendlyName",
    "hbiWorkspace",
    "hubResourceId",
    "imageBuildCompute",
    "ipAllowlist",
    "isolationMode",
    "keyIdentifier",
    "keyVault",
    "keyVaultArmId",
    "keyVaultProperties",
    "managedNetwork",
    "mlFlowTrackingUri",
    "networkAcls",
    "notebookInfo",
    "outboundRules",
    "primaryUserAssignedIdentity",
    "privateEndpointConnections",
    "privateLinkCount",
    "provisionNetworkNow",
    "provisioningState",
    "publicNetworkAccess",
    "searchAccountArmId",
    "serverlessComputeSettings",
    "serviceProvisionedResourceGroup",
    "softDeleteEnabled",
    "softDeleteRetentionInDays",
    "status",
    "storageAccount",
    "storageAccountArmId",
    "storageHnsEnabled",
    "systemDatastoresAuthMode",
    "tenantId",
    "v1LegacyMode",
    "workspaceHubConfig",
    "workspaceId",
];

/// What nave says and no client does.
const READ_ONLY: &[&str] = &[
    "agentsEndpointUri",
    "associatedWorkspaces",
    "creationTime",
    "discoveryUrl",
    "mlFlowTrackingUri",
    "notebookInfo",
    "privateEndpointConnections",
    "privateLinkCount",
    "provisioningState",
    "scheduledPurgeDate",
    "serviceProvisionedResourceGroup",
    "softDeletedAt",
    "storageHnsEnabled",
    "tenantId",
    "workspaceId",
];

const FLAGS: &[&str] = &[
    "allowRecoverSoftDeletedWorkspace",
    "allowRoleAssignmentOnRG",
    "enableDataIsolation",
    "hbiWorkspace",
    "provisionNetworkNow",
    "softDeleteEnabled",
    "v1LegacyMode",
];

const TEXTS: &[&str] = &[
    "description",
    "friendlyName",
    "imageBuildCompute",
    "primaryUserAssignedIdentity",
];
const ACCESS: &[&str] = &["Enabled", "Disabled"];
const ISOLATION: &[&str] = &["Disabled", "AllowInternetOutbound", "AllowOnlyApprovedOutbound"];
const ENCRYPTION: &[&str] = &["Disabled", "Enabled"];
const AUTH_MODES: &[&str] = &["AccessKey", "Identity", "UserDelegationSAS"];
const IDENTITIES: &[&str] = &[
    "None",
    "SystemAssigned",
    "UserAssigned",
    "SystemAssigned,UserAssigned",
];

/// The same body in documented names and types, without what is read-only or says nothing.
pub(super) fn normalised(mut body: Value) -> Result<Value, ArmError> {
    if !body.is_object() {
        return Err(ArmError::new(
            ErrorCode::InvalidRequestFormat,
            "The value of the request body must be a JSON object.",
        ));
    }
    spell(&mut body, ENVELOPE);
    for name in ["properties", "identity"] {
        if body
            .get(name)
            .is_some_and(|value| !value.is_object() && !value.is_null())
        {
            return Err(wrong(name, "an object"));
        }
    }
    if let Some(members) = body.as_object_mut() {
        drop_named(members, &["id", "name", "type", "etag", "systemData"]);
    }
    let properties = &mut body["properties"];
    spell_deep(properties, NAMES, &["outboundRules"]);
    drop_silent(properties);
    if let Some(members) = properties.as_object_mut() {
        drop_named(members, READ_ONLY);
    }
    if let Some(identity) = body.get_mut("identity").and_then(Value::as_object_mut) {
        drop_named(identity, &["principalId", "tenantId"]);
    }
    plain_words(&mut body);
    typed(&mut body)?;
    if let Some(members) = body.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    Ok(body)
}

/// A Python client on 3.11 or later sends the name of its enum member instead of the value; and the two identity
/// types are joined with or without a space.
fn plain_words(body: &mut Value) {
    if let Some(access) = body.pointer_mut("/properties/publicNetworkAccess")
        && let Some((_, word)) = access.as_str().and_then(|text| text.split_once('.'))
    {
        *access = word.to_owned().into();
    }
    if let Some(identity) = body.pointer_mut("/identity/type")
        && let Some(text) = identity.as_str()
    {
        *identity = text.replace(' ', "").into();
    }
}

fn typed(body: &mut Value) -> Result<(), ArmError> {
    let fields = Fields(body);
    let mut typed: Vec<(String, Value)> = Vec::new();
    for name in FLAGS {
        let pointer = format!("/properties/{name}");
        if let Some(flag) = fields.flag(&pointer)? {
            typed.push((pointer, flag.into()));
        }
    }
    for (pointer, words) in [
        ("/properties/publicNetworkAccess", ACCESS),
        ("/properties/managedNetwork/isolationMode", ISOLATION),
        ("/properties/encryption/status", ENCRYPTION),
        ("/properties/systemDatastoresAuthMode", AUTH_MODES),
        ("/identity/type", IDENTITIES),
    ] {
        if let Some(word) = fields.choice(pointer, words)? {
            typed.push((pointer.to_owned(), word.into()));
        }
    }
    for name in TEXTS {
        fields.text(&format!("/properties/{name}"))?;
    }
    for name in [
        "managedNetwork",
        "encryption",
        "workspaceHubConfig",
        "networkAcls",
    ] {
        if body
            .pointer(&format!("/properties/{name}"))
            .is_some_and(|value| !value.is_object())
        {
            return Err(wrong(&format!("properties.{name}"), "an object"));
        }
    }
    for (pointer, value) in typed {
        if let Some(place) = body.pointer_mut(&pointer) {
            *place = value;
        }
    }
    Ok(())
}

fn wrong(name: &str, expected: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidRequestFormat,
        format!("The value of '{name}' must be {expected}."),
    )
    .on(name)
}

#[cfg(test)]
mod tests {
    use nave_arm::ErrorCode;
    use serde_json::{Value, json};

    use super::normalised;

    fn properties(given: Value) -> Value {
        normalised(json!({ "properties": given })).expect("a body")["properties"].clone()
    }

    #[test]
    fn the_templates_texts_become_what_they_mean() {
        for (given, stored) in [
            (json!({"hbiWorkspace": "false"}), json!({"hbiWorkspace": false})),
            (
                json!({"AllowRoleAssignmentOnRg": "true"}),
                json!({"allowRoleAssignmentOnRG": true}),
            ),
            (
                json!({"publicNetworkAccess": "PublicNetworkAccessType.ENABLED"}),
                json!({"publicNetworkAccess": "Enabled"}),
            ),
            (
                json!({"publicNetworkAccess": "disabled"}),
                json!({"publicNetworkAccess": "Disabled"}),
            ),
            (
                json!({"containerRegistry": null, "imageBuildCompute": ""}),
                json!({}),
            ),
            (
                json!({"encryption": {"status": "disabled", "keyVaultProperties": {"keyVaultArmId": ""}, "SearchAccountArmId": ""}}),
                json!({"encryption": {"status": "Disabled", "keyVaultProperties": {}}}),
            ),
            (
                json!({"managedNetwork": {"isolationMode": "allowinternetoutbound", "outboundRules": {"Status": {"type": "FQDN"}}}}),
                json!({"managedNetwork": {"isolationMode": "AllowInternetOutbound", "outboundRules": {"Status": {"type": "FQDN"}}}}),
            ),
        ] {
            assert_eq!(properties(given.clone()), stored, "{given}");
        }
    }

    #[test]
    fn what_nave_says_cannot_be_said_by_a_client() {
        let body = json!({
            "id": "/x", "Name": "n", "etag": "e", "systemData": {}, "location": "eastus",
            "identity": {"type": "SystemAssigned", "principalId": "p", "tenantId": "t"},
            "Properties": {"WorkspaceId": "w", "provisioningState": "Failed", "discoveryUrl": "https://elsewhere"},
        });
        assert_eq!(
            normalised(body).expect("a body"),
            json!({"location": "eastus", "identity": {"type": "SystemAssigned"}, "properties": {}})
        );
    }

    #[test]
    fn wrong_types_are_refused_by_name() {
        for (body, target) in [
            (json!({"Properties": 5}), "properties"),
            (
                json!({"properties": {"workspaceHubConfig": []}}),
                "properties.workspaceHubConfig",
            ),
            (json!({"Identity": []}), "identity"),
            (
                json!({"properties": {"hbiWorkspace": 7}}),
                "properties.hbiWorkspace",
            ),
            (
                json!({"properties": {"publicNetworkAccess": "Sometimes"}}),
                "properties.publicNetworkAccess",
            ),
            (
                json!({"properties": {"managedNetwork": "x"}}),
                "properties.managedNetwork",
            ),
            (
                json!({"properties": {"description": {}}}),
                "properties.description",
            ),
            (json!({"identity": {"type": "Wrong"}}), "identity.type"),
        ] {
            let refusal = normalised(body.clone()).expect_err("a refusal");
            assert_eq!(refusal.target.as_deref(), Some(target), "{body}");
            assert!(
                matches!(
                    refusal.code,
                    ErrorCode::InvalidRequestFormat | ErrorCode::InvalidParameter
                ),
                "{body}"
            );
        }
    }
}
