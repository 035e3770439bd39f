//! Whether a custom role may be stored.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::Value;

use crate::{
    Catalogue, Condition, Permission, Plane, condition, json,
    role::{RoleKind, assignable_scope, condition_text, role_type},
};

/// The longest role name, in characters.
pub const MAX_NAME: usize = 512;
/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 2048;
/// The most assignable scopes.
pub const MAX_ASSIGNABLE_SCOPES: usize = 2000;

/// Checks the `properties` of a custom role. One bad string refuses the whole definition. Whether the name is taken
/// and whether the caller may write at the assignable scopes is for the engine to say.
///
/// ```
/// # use nave_arm::ResourceId;
/// # use nave_rbac::*;
/// # use serde_json::json;
/// # use uuid::Uuid;
/// let role = json!({
///     "roleName": "Watcher", "assignableScopes": ["/subscriptions/s"],
///     "permissions": [{ "actions": ["Microsoft.Storage/storageAccounts/dance/action"] }],
/// });
/// let refused = custom_role::validate(&role, Catalogue::built_in()).expect_err("no such action");
/// assert_eq!(refused.code.face(), (400, "InvalidActionOrNotAction"));
/// ```
pub fn validate(properties: &Value, catalogue: &Catalogue) -> Result<(), ArmError> {
    names(properties)?;
    assignable_scopes(properties)?;
    refuse_data_actions_at_management_groups(properties)?;
    for permission in json::list(properties, "permissions")? {
        for (list, plane) in [
            ("actions", Plane::Control),
            ("notActions", Plane::Control),
            ("dataActions", Plane::Data),
            ("notDataActions", Plane::Data),
        ] {
            for text in json::texts(permission, list)? {
                action(text, list, plane, catalogue)?;
            }
        }
        condition(permission)?;
    }
    Ok(())
}

/// A copy of a built-in role may bring a condition along; to drop it would widen what the copy grants. What goes for a
/// condition on an assignment goes for it too: it can be read, evaluated, and is about what its object grants.
fn condition(permission: &Value) -> Result<(), ArmError> {
    let refuse = |why: String| Err(invalid("permissions", why));
    let version = json::text(permission, "conditionVersion")?;
    let Some(text) = condition_text(permission)? else {
        return Ok(());
    };
    // A published role still says 1.0, of a text that is the same in 2.0.
    if version.is_some_and(|version| ![condition::VERSION, "1.0"].contains(&version)) {
        return refuse(String::from("the only condition version is 2.0"));
    }
    let condition = match Condition::for_writing(text) {
        Ok(condition) => condition,
        Err(error) => return refuse(format!("a condition cannot be used: {error}")),
    };
    let permission = Permission::from_json(permission)?;
    match condition
        .targets()
        .into_iter()
        .find(|target| !permission.is_about(target))
    {
        Some(foreign) => refuse(format!(
            "a condition targets '{foreign}', which its permission object does not grant"
        )),
        None => Ok(()),
    }
}

/// A ruling (rbac-semantics 8.3, where the documents disagree): a role with data actions has no management group among
/// its assignable scopes.
fn refuse_data_actions_at_management_groups(properties: &Value) -> Result<(), ArmError> {
    let mut has_data_actions = false;
    for permission in json::list(properties, "permissions")? {
        has_data_actions |= !json::list(permission, "dataActions")?.is_empty();
    }
    let group = json::texts(properties, "assignableScopes")?
        .into_iter()
        .find(|scope| ResourceId::parse(scope).is_ok_and(|scope| scope.management_group().is_some()));
    match group.filter(|_| has_data_actions) {
        Some(group) => Err(invalid(
            "assignableScopes",
            format!(
                "it has data actions, and such a role is not assignable at a management group ('{group}')"
            ),
        )),
        None => Ok(()),
    }
}

fn names(properties: &Value) -> Result<(), ArmError> {
    let name = json::text(properties, "roleName")?.unwrap_or_default();
    if name.trim().is_empty() {
        let error = ArmError::new(
            ErrorCode::RoleDefinitionNameNullOrEmpty,
            "Role definition name is null or empty; give it a `properties.roleName`.",
        );
        return Err(error.on("properties.roleName"));
    }
    if name.chars().count() > MAX_NAME {
        return Err(invalid(
            "roleName",
            format!("its name is longer than {MAX_NAME} characters"),
        ));
    }
    let description = json::text(properties, "description")?.unwrap_or_default();
    if description.chars().count() > MAX_DESCRIPTION {
        return Err(invalid(
            "description",
            format!("its description is longer than {MAX_DESCRIPTION} characters"),
        ));
    }
    match role_type(properties)? {
        Some(kind) if !kind.eq_ignore_ascii_case(RoleKind::Custom.as_str()) => Err(ArmError::new(
            ErrorCode::InvalidRoleDefinitionType,
            format!("The role definition type '{kind}' is not supported; only 'CustomRole' can be written."),
        )
        .on("properties.type")),
        _ => Ok(()),
    }
}

/// Management groups, subscriptions, resource groups and single resources are assignable scopes; whether a management
/// group exists is not asked.
fn assignable_scopes(properties: &Value) -> Result<(), ArmError> {
    let scopes = json::texts(properties, "assignableScopes")?;
    if scopes.is_empty() {
        let error = ArmError::new(
            ErrorCode::MissingAssignableScopes,
            "The role definition has no assignable scopes; name at least one in `properties.assignableScopes`.",
        );
        return Err(error.on("properties.assignableScopes"));
    }
    if scopes.len() > MAX_ASSIGNABLE_SCOPES {
        let why = format!("it has more than {MAX_ASSIGNABLE_SCOPES} assignable scopes");
        return Err(invalid("assignableScopes", why));
    }
    let mut management_group: Option<ResourceId> = None;
    for text in scopes {
        if text.contains('*') {
            return Err(invalid(
                "assignableScopes",
                format!("the assignable scope '{text}' holds a wildcard"),
            ));
        }
        let scope = assignable_scope(text)?;
        if scope.is_tenant() {
            return Err(invalid(
                "assignableScopes",
                String::from("only built-in roles are assignable at '/'"),
            ));
        }
        if scope.management_group().is_some() && management_group.replace(scope).is_some() {
            let why = String::from("it has more than one management group among its assignable scopes");
            return Err(invalid("assignableScopes", why));
        }
    }
    Ok(())
}

fn action(text: &str, list: &str, plane: Plane, catalogue: &Catalogue) -> Result<(), ArmError> {
    let refuse = |why: String| {
        let target = format!("properties.permissions.{list}");
        Err(ArmError::new(ErrorCode::InvalidActionOrNotAction, why).on(target))
    };
    if text.matches('*').count() > 1 {
        return refuse(format!(
            "'{text}' contains multiple wildcards. Only one is allowed."
        ));
    }
    let provider = text.split('/').next().unwrap_or_default();
    if !provider.contains('*') && !catalogue.known_provider(provider) {
        return refuse(format!(
            "'{text}': The resource provider referenced in the action is not returned in the list of providers from \
             Azure Resource Manager."
        ));
    }
    if catalogue.matches_any(text, plane) {
        return Ok(());
    }
    let (other, here, there) = match plane {
        Plane::Control => (Plane::Data, "an action", "dataActions or notDataActions"),
        Plane::Data => (Plane::Control, "a data action", "actions or notActions"),
    };
    if catalogue.matches_any(text, other) {
        return refuse(format!("'{text}' is not {here}; it belongs in {there}."));
    }
    refuse(format!(
        "'{text}' does not match any of the actions supported by the providers."
    ))
}

fn invalid(member: &str, why: String) -> ArmError {
    let message = format!("The role definition is invalid: {why}.");
    ArmError::new(ErrorCode::RoleDefinitionInvalid, message).on(format!("properties.{member}"))
}

#[cfg(test)]
mod tests {
    use nave_arm::ErrorCode;
    use serde_json::{Value, json};

    use super::validate;
    use crate::{Catalogue, built_in};

    fn check(properties: &Value) -> Result<(), (ErrorCode, String)> {
        validate(properties, Catalogue::built_in()).map_err(|error| (error.code, error.message))
    }

    fn with(member: &str, value: Value) -> Value {
        let mut role = json!({
            "roleName": "My role", "description": "d", "type": "CustomRole",
            "assignableScopes": ["/subscriptions/s"],
            "permissions": [{"actions": ["Microsoft.Storage/storageAccounts/read"]}],
        });
        role[member] = value;
        role
    }

    fn refused(member: &str, value: Value, code: ErrorCode) -> String {
        let (actual, message) = check(&with(member, value)).expect_err(member);
        assert_eq!(actual, code, "{member}: {message}");
        message
    }

    #[test]
    fn a_name_is_needed_and_limited() {
        for name in [Value::Null, json!(""), json!(" ")] {
            refused("roleName", name, ErrorCode::RoleDefinitionNameNullOrEmpty);
        }
        refused(
            "roleName",
            json!("x".repeat(513)),
            ErrorCode::RoleDefinitionInvalid,
        );
        assert_eq!(check(&with("roleName", json!("é".repeat(512)))), Ok(()));
        refused(
            "description",
            json!("x".repeat(2049)),
            ErrorCode::RoleDefinitionInvalid,
        );
    }

    #[test]
    fn only_custom_roles_can_be_written() {
        refused("type", json!("BuiltInRole"), ErrorCode::InvalidRoleDefinitionType);
        refused("type", json!("Other"), ErrorCode::InvalidRoleDefinitionType);
        assert_eq!(check(&with("type", json!("customrole"))), Ok(()));
        assert_eq!(check(&with("type", Value::Null)), Ok(()));
    }

    #[test]
    fn assignable_scopes_are_ids_below_the_tenant() {
        let group = |name: &str| format!("/providers/Microsoft.Management/managementGroups/{name}");
        refused("assignableScopes", json!([]), ErrorCode::MissingAssignableScopes);
        refused(
            "assignableScopes",
            Value::Null,
            ErrorCode::MissingAssignableScopes,
        );
        refused(
            "assignableScopes",
            json!(["nowhere"]),
            ErrorCode::LinkedInvalidPropertyId,
        );
        refused(
            "assignableScopes",
            json!(["/subscriptions"]),
            ErrorCode::LinkedInvalidPropertyId,
        );
        refused("assignableScopes", json!(["/"]), ErrorCode::RoleDefinitionInvalid);
        refused(
            "assignableScopes",
            json!(["/subscriptions/*"]),
            ErrorCode::RoleDefinitionInvalid,
        );
        refused(
            "assignableScopes",
            json!([group("a"), group("b")]),
            ErrorCode::RoleDefinitionInvalid,
        );
        let many: Vec<_> = (0..2001).map(|n| format!("/subscriptions/{n}")).collect();
        refused("assignableScopes", json!(many), ErrorCode::RoleDefinitionInvalid);
        for fine in [
            json!([group("unknown"), "/subscriptions/s"]),
            json!(["/subscriptions/s/resourceGroups/g"]),
            json!([
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
            ]),
        ] {
            assert_eq!(check(&with("assignableScopes", fine)), Ok(()));
        }
    }

    #[test]
    fn data_actions_do_not_go_with_a_management_group() {
        let group = "/providers/microsoft.management/managementGroups/g";
        let mut role = with("assignableScopes", json!(["/subscriptions/s", group]));
        assert_eq!(check(&role), Ok(()));
        role["permissions"] = json!([{"actions": ["*/read"]}, {"dataActions": ["Microsoft.CognitiveServices/accounts/OpenAI/*"]}]);
        let (code, message) = check(&role).expect_err("refused");
        assert_eq!(code, ErrorCode::RoleDefinitionInvalid);
        assert!(message.contains(group), "{message}");
        role["assignableScopes"] = json!(["/subscriptions/s"]);
        assert_eq!(check(&role), Ok(()));
    }

    #[test]
    fn actions_are_checked_against_the_catalogue() {
        let action = |list: &str, text: &str| {
            let permissions = json!([{"actions": ["*/read"]}, {list: ["Microsoft.KeyVault/*", text]}]);
            refused("permissions", permissions, ErrorCode::InvalidActionOrNotAction)
        };
        let message = action("actions", "Microsoft.*/*/read");
        assert!(
            message.ends_with("contains multiple wildcards. Only one is allowed."),
            "{message}"
        );
        let message = action("notActions", "Contoso.Robots/robots/read");
        assert!(
            message.contains("is not returned in the list of providers from Azure Resource Manager."),
            "{message}"
        );
        for unknown in [
            "Microsoft.Storage/storageAccounts/dance/action",
            "Microsoft.Storage/dance/*",
            "Microsoft.Storage",
        ] {
            let message = action("actions", unknown);
            assert!(
                message.ends_with("does not match any of the actions supported by the providers."),
                "{message}"
            );
        }
        let blob = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
        assert!(action("actions", blob).ends_with("belongs in dataActions or notDataActions."));
        assert!(
            action("notDataActions", "Microsoft.Storage/storageAccounts/write")
                .ends_with("actions or notActions.")
        );
        action("actions", "");
    }

    #[test]
    fn a_condition_must_be_readable() {
        let permissions = |condition| json!([{"actions": ["*/read"], "condition": condition}]);
        for bad in [
            "(",
            "@Request[a] NumericEquals 'x'",
            "ActionMatches{'Microsoft.Storage/storageAccounts/write'}",
        ] {
            refused("permissions", permissions(bad), ErrorCode::RoleDefinitionInvalid);
        }
        let other_version =
            json!([{"actions": ["*/read"], "condition": "ActionMatches{'*'}", "conditionVersion": "3.0"}]);
        refused("permissions", other_version, ErrorCode::RoleDefinitionInvalid);
        assert_eq!(
            check(&with("permissions", permissions("ActionMatches{'*'}"))),
            Ok(())
        );
        assert_eq!(check(&with("permissions", permissions(""))), Ok(()));
    }

    #[test]
    fn a_copy_of_a_built_in_role_is_a_custom_role() {
        for role in built_in::definitions().values() {
            let mut copy = role.properties();
            copy["type"] = json!("CustomRole");
            copy["assignableScopes"] = json!(["/subscriptions/s"]);
            assert_eq!(check(&copy), Ok(()), "{}", role.role_name);
        }
    }

    #[test]
    fn the_documented_custom_roles_are_accepted() {
        let role = |actions: &[&str], not_actions: &[&str], data_actions: &[&str]| {
            let mut role = with("roleName", json!("AI Developer"));
            role["permissions"] = json!([{"actions": actions, "notActions": not_actions, "dataActions": data_actions, "notDataActions": []}]);
            assert_eq!(check(&role), Ok(()));
        };
        let developer_takes_away = [
            "Microsoft.MachineLearningServices/workspaces/delete",
            "Microsoft.MachineLearningServices/workspaces/write",
            "Microsoft.MachineLearningServices/workspaces/listKeys/action",
            "Microsoft.MachineLearningServices/workspaces/hubs/write",
            "Microsoft.MachineLearningServices/workspaces/hubs/delete",
            "Microsoft.MachineLearningServices/workspaces/featurestores/write",
            "Microsoft.MachineLearningServices/workspaces/featurestores/delete",
        ];
        let open_ai = [
            "Microsoft.CognitiveServices/accounts/OpenAI/*/read",
            "Microsoft.CognitiveServices/accounts/OpenAI/engines/completions/action",
            "Microsoft.CognitiveServices/accounts/OpenAI/engines/search/action",
            "Microsoft.CognitiveServices/accounts/OpenAI/engines/generate/action",
            "Microsoft.CognitiveServices/accounts/OpenAI/deployments/search/action",
            "Microsoft.CognitiveServices/accounts/OpenAI/deployments/completions/action",
            "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action",
            "Microsoft.CognitiveServices/accounts/OpenAI/deployments/extensions/chat/completions/action",
            "Microsoft.CognitiveServices/accounts/OpenAI/deployments/embeddings/action",
            "Microsoft.CognitiveServices/accounts/OpenAI/images/generations/action",
        ];
        role(
            &[
                "Microsoft.MachineLearningServices/workspaces/write",
                "Microsoft.MachineLearningServices/workspaces/endpoints/write",
            ],
            &[],
            &["Microsoft.CognitiveServices/accounts/OpenAI/*/read"],
        );
        role(
            &[
                "Microsoft.MachineLearningServices/workspaces/write",
                "Microsoft.MachineLearningServices/workspaces/endpoints/write",
                "Microsoft.Storage/storageAccounts/write",
                "Microsoft.Resources/deployments/validate/action",
                "Microsoft.KeyVault/vaults/write",
                "Microsoft.Authorization/roleAssignments/read",
                "Microsoft.Authorization/roleDefinitions/read",
                "Microsoft.CognitiveServices/*/read",
            ],
            &developer_takes_away,
            &open_ai,
        );
        role(
            &[
                "Microsoft.CognitiveServices/accounts/commitmentplans/read",
                "Microsoft.CognitiveServices/accounts/commitmentplans/write",
                "Microsoft.CognitiveServices/accounts/commitmentplans/delete",
                "Microsoft.CognitiveServices/locations/commitmentTiers/read",
                "Microsoft.Features/features/read",
                "Microsoft.Features/providers/features/read",
                "Microsoft.Features/providers/features/register/action",
                "Microsoft.Insights/logDefinitions/read",
                "Microsoft.Insights/metricdefinitions/read",
                "Microsoft.Insights/metrics/read",
                "Microsoft.ResourceHealth/availabilityStatuses/read",
                "Microsoft.Resources/deployments/operations/read",
                "Microsoft.Resources/subscriptions/operationresults/read",
                "Microsoft.Resources/subscriptions/read",
                "Microsoft.Resources/subscriptions/resourcegroups/deployments/*",
                "Microsoft.Resources/subscriptions/resourceGroups/read",
            ],
            &[],
            &[],
        );
        let assistants: Vec<String> = [
            "write",
            "read",
            "delete",
            "files/write",
            "files/read",
            "files/delete",
            "threads/write",
            "threads/read",
            "threads/delete",
            "threads/messages/write",
            "threads/messages/read",
            "threads/messages/files/read",
            "threads/runs/write",
            "threads/runs/read",
            "threads/runs/steps/read",
        ]
        .iter()
        .map(|rest| format!("Microsoft.CognitiveServices/accounts/OpenAI/assistants/{rest}"))
        .collect();
        let data: Vec<&str> = open_ai
            .into_iter()
            .chain(assistants.iter().map(String::as_str))
            .collect();
        role(
            &[
                "Microsoft.CognitiveServices/*/read",
                "Microsoft.Authorization/roleAssignments/read",
            ],
            &[],
            &data,
        );
        role(
            &["Microsoft.MachineLearningServices/workspaces/hubs/join"],
            &[],
            &[],
        );
    }
}
