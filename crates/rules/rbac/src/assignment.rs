//! Role assignments: a role, for a principal, at a scope and below.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::Value;
use uuid::Uuid;

use crate::{Condition, condition, json, role::condition_text};

/// The longest description accepted, in bytes.
const MAX_DESCRIPTION: usize = 2048;

/// A role assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleAssignment {
    /// The assignment's own id: an extension resource of its scope.
    pub id: ResourceId,
    /// Where it applies, with everything below.
    pub scope: ResourceId,
    /// The role.
    pub role: Uuid,
    /// Who gets it: a user, a group or a service principal.
    pub principal: Uuid,
    /// The kind of principal, as stored.
    pub principal_type: String,
    /// What else must hold.
    pub condition: Option<Condition>,
}

impl RoleAssignment {
    /// Reads a stored assignment. Its scope is what its id extends; the role is the last segment of
    /// `roleDefinitionId`, whatever scope precedes it. A condition that cannot be read grants nothing.
    pub fn from_properties(id: &ResourceId, properties: &Value) -> Result<Self, ArmError> {
        Ok(Self {
            id: id.clone(),
            scope: scope_of(id)?,
            role: json::guid_at_end(properties, "roleDefinitionId")?,
            principal: json::guid(properties, "principalId")?,
            principal_type: json::text(properties, "principalType")?
                .unwrap_or("User")
                .to_owned(),
            condition: stored_condition(properties)?,
        })
    }

    /// Whether somebody may write these `properties`: stricter than reading stored ones, because a condition that
    /// cannot be evaluated is refused while its author is there to mend it.
    pub fn validate(properties: &Value) -> Result<(), ArmError> {
        json::guid_at_end(properties, "roleDefinitionId")?;
        json::guid(properties, "principalId")?;
        if json::text(properties, "description")?.is_some_and(|text| text.len() > MAX_DESCRIPTION) {
            return Err(json::wrong("description", "at most 2 KB long"));
        }
        if let Some(kind) = json::text(properties, "principalType")? {
            let known = ["User", "Group", "ServicePrincipal", "ForeignGroup", "Device"];
            if !known.iter().any(|name| name.eq_ignore_ascii_case(kind)) {
                return Err(json::wrong("principalType", "User, Group or ServicePrincipal"));
            }
        }
        let version = json::text(properties, "conditionVersion")?;
        let Some(text) = condition_text(properties)? else {
            return match version {
                Some(_) => Err(bad_condition(
                    "a conditionVersion needs a condition",
                    "conditionVersion",
                )),
                None => Ok(()),
            };
        };
        if version.is_some_and(|version| version != condition::VERSION) {
            return Err(bad_condition(
                "the only condition version is 2.0",
                "conditionVersion",
            ));
        }
        match Condition::for_writing(text) {
            Ok(_) => Ok(()),
            Err(error) => Err(bad_condition(&error.to_string(), "condition")),
        }
    }
}

/// The scope an assignment's id extends.
pub(crate) fn scope_of(id: &ResourceId) -> Result<ResourceId, ArmError> {
    id.scope().ok_or_else(|| {
        ArmError::new(
            ErrorCode::InvalidResourceId,
            format!("`{id}` is not the id of an assignment."),
        )
    })
}

/// The condition of a stored assignment. Another version of the language than the one there is cannot be read.
pub(crate) fn stored_condition(properties: &Value) -> Result<Option<Condition>, ArmError> {
    let version = json::text(properties, "conditionVersion")?;
    Ok(condition_text(properties)?.map(|text| match version {
        Some(version) if version != condition::VERSION => {
            Condition::unreadable(text, "the only condition version is 2.0")
        }
        _ => Condition::stored(text),
    }))
}

fn bad_condition(why: &str, target: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidRoleAssignmentCondition,
        format!("The given role assignment condition is invalid: {why}."),
    )
    .on(format!("properties.{target}"))
}

#[cfg(test)]
mod tests {
    use nave_arm::{ErrorCode, ResourceId};
    use serde_json::{Value, json};

    use super::RoleAssignment;

    const ROLE: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
    const PRINCIPAL: &str = "00000000-0000-0000-0000-0000000000AA";

    fn body(more: &Value) -> Value {
        let mut body = json!({ "roleDefinitionId": format!("/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/{ROLE}"),
                               "principalId": PRINCIPAL });
        for (name, value) in more.as_object().expect("object") {
            body[name] = value.clone();
        }
        body
    }

    #[test]
    fn the_scope_is_what_the_id_extends() {
        for scope in [
            "/",
            "/subscriptions/s",
            "/subscriptions/s/resourceGroups/g/providers/X/y/z",
        ] {
            let scope = ResourceId::parse(scope).expect("scope");
            let id = scope.extension("Microsoft.Authorization/roleAssignments", "n");
            let assignment = RoleAssignment::from_properties(&id, &body(&json!({}))).expect("assignment");
            assert_eq!(assignment.scope, scope);
            assert_eq!(assignment.role.to_string(), ROLE);
            assert_eq!(assignment.principal.to_string(), PRINCIPAL.to_lowercase());
        }
    }

    #[test]
    fn stored_conditions_never_fail_to_load() {
        let id = ResourceId::tenant().extension("Microsoft.Authorization/roleAssignments", "n");
        let condition = |more| {
            RoleAssignment::from_properties(&id, &body(&more))
                .expect("assignment")
                .condition
        };
        assert_eq!(condition(json!({"condition": null})), None);
        assert_eq!(condition(json!({"condition": ""})), None);
        assert!(
            condition(json!({"condition": "("}))
                .expect("kept")
                .error()
                .is_some()
        );
        let valid = "ActionMatches{'a'}";
        assert!(
            condition(json!({"condition": valid}))
                .expect("kept")
                .error()
                .is_none()
        );
        let other_version = condition(json!({"condition": valid, "conditionVersion": "1.0"})).expect("kept");
        assert!(other_version.error().is_some());
    }

    #[test]
    fn writing_is_stricter_than_reading() {
        for (more, code) in [
            (
                json!({"condition": "("}),
                ErrorCode::InvalidRoleAssignmentCondition,
            ),
            (
                json!({"condition": "@Request[a] NumericEquals 'x'"}),
                ErrorCode::InvalidRoleAssignmentCondition,
            ),
            (
                json!({"condition": "x".repeat(9000)}),
                ErrorCode::InvalidRoleAssignmentCondition,
            ),
            (
                json!({"conditionVersion": "2.0"}),
                ErrorCode::InvalidRoleAssignmentCondition,
            ),
            (
                json!({"condition": "ActionMatches{'a'}", "conditionVersion": "1.0"}),
                ErrorCode::InvalidRoleAssignmentCondition,
            ),
            (json!({"principalType": "MSI"}), ErrorCode::InvalidRequestFormat),
            (
                json!({"principalId": "somebody"}),
                ErrorCode::InvalidRequestFormat,
            ),
            (
                json!({"roleDefinitionId": "Owner"}),
                ErrorCode::InvalidRequestFormat,
            ),
            (
                json!({"description": "x".repeat(2049)}),
                ErrorCode::InvalidRequestFormat,
            ),
        ] {
            assert_eq!(
                RoleAssignment::validate(&body(&more)).expect_err("refused").code,
                code,
                "{more}"
            );
        }
        let fine =
            json!({"condition": "ActionMatches{'a'}", "conditionVersion": "2.0", "principalType": "Group"});
        assert_eq!(RoleAssignment::validate(&body(&fine)), Ok(()));
    }
}
