//! Deny assignments: what blocks a principal whatever roles it has.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    AccessRequest, Condition, Permission, Truth,
    assignment::{scope_of, stored_condition},
    json,
    operation::Operation,
    role::Coverage,
};

/// Everybody: the principal of type `SystemDefined` that stands for all others. It has a meaning among the denied
/// only, never among the excluded.
pub const ALL_PRINCIPALS: Uuid = Uuid::nil();

/// A deny assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenyAssignment {
    /// The assignment's own id.
    pub id: ResourceId,
    /// The name shown.
    pub name: String,
    /// The description.
    pub description: String,
    /// Where it applies.
    pub scope: ResourceId,
    /// Whether it stops at its scope instead of reaching below.
    pub do_not_apply_to_child_scopes: bool,
    /// What it blocks: `actions - notActions` and `dataActions - notDataActions` of each object.
    pub permissions: Vec<Permission>,
    /// Whom it blocks; groups stand for their members.
    pub principals: Vec<Uuid>,
    /// Whom it spares among those; groups stand for their members.
    pub exclude_principals: Vec<Uuid>,
    /// Whether the system made it, so that no user can change it.
    pub is_system_protected: bool,
    /// Whether it blocks (`enforced`) or only reports (`audit`).
    pub enforced: bool,
    /// What else must hold. It blocks unless its condition is plainly false: an open question does not open a door.
    pub condition: Option<Condition>,
}

impl DenyAssignment {
    /// Reads a stored deny assignment. A principal whose id is no guid is nobody.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// let id = ResourceId::of_subscription("s").extension("Microsoft.Authorization/denyAssignments", "d");
    /// let everybody = json!({ "permissions": [{ "actions": ["*"] }], "principals": [{ "id": ALL_PRINCIPALS }] });
    /// let deny = DenyAssignment::from_properties(&id, &everybody)?;
    /// assert!(deny.enforced && !deny.do_not_apply_to_child_scopes);
    /// # Ok::<(), nave_arm::ArmError>(())
    /// ```
    pub fn from_properties(id: &ResourceId, properties: &Value) -> Result<Self, ArmError> {
        let effect = json::text(properties, "denyAssignmentEffect")?;
        Ok(Self {
            id: id.clone(),
            name: json::text(properties, "denyAssignmentName")?
                .unwrap_or_default()
                .to_owned(),
            description: json::text(properties, "description")?
                .unwrap_or_default()
                .to_owned(),
            scope: scope_of(id)?,
            do_not_apply_to_child_scopes: json::flag(properties, "doNotApplyToChildScopes")?,
            permissions: json::list(properties, "permissions")?
                .iter()
                .map(Permission::from_json)
                .collect::<Result<_, _>>()?,
            principals: principals(properties, "principals")?,
            exclude_principals: principals(properties, "excludePrincipals")?,
            is_system_protected: json::flag(properties, "isSystemProtected")?,
            enforced: !effect.is_some_and(|effect| effect.eq_ignore_ascii_case("audit")),
            condition: stored_condition(properties)?,
        })
    }

    /// Whether a user may write these `properties`. Such a deny assignment has no data actions, covers no reads of
    /// everything, reaches child scopes, and is about everybody with at least one exclusion, or about one user or
    /// service principal.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// let reads = json!({ "permissions": [{ "actions": ["*/read"] }], "principals": [{ "id": Uuid::from_u128(1) }] });
    /// assert!(DenyAssignment::validate(&reads).is_err());
    /// ```
    pub fn validate(properties: &Value) -> Result<(), ArmError> {
        let refuse = |target: &str, why: &str| {
            let error = ArmError::new(ErrorCode::InvalidParameter, format!("A deny assignment {why}."));
            Err(error.on(format!("properties.{target}")))
        };
        if json::flag(properties, "isSystemProtected")? {
            return refuse("isSystemProtected", "that the system protects cannot be written");
        }
        if json::flag(properties, "doNotApplyToChildScopes")? {
            return refuse("doNotApplyToChildScopes", "must apply to child scopes");
        }
        for permission in json::list(properties, "permissions")?
            .iter()
            .map(Permission::from_json)
        {
            let permission = permission?;
            if !permission.data_actions.is_empty() || !permission.not_data_actions.is_empty() {
                return refuse("permissions", "cannot hold data actions");
            }
            if permission
                .actions
                .iter()
                .any(|action| action.as_str().eq_ignore_ascii_case("*/read"))
            {
                return refuse("permissions", "cannot hold the action `*/read`");
            }
        }
        let denied = principals(properties, "principals")?;
        let spared = principals(properties, "excludePrincipals")?;
        match denied.as_slice() {
            [everybody] if *everybody == ALL_PRINCIPALS => {
                if spared.is_empty() {
                    return refuse(
                        "excludePrincipals",
                        "about everybody needs at least one exclusion",
                    );
                }
            }
            [_] => {}
            _ => {
                return refuse(
                    "principals",
                    "is about everybody or about one user or service principal",
                );
            }
        }
        let group = json::list(properties, "principals")?
            .iter()
            .any(|principal| matches!(json::text(principal, "type"), Ok(Some(kind)) if kind.eq_ignore_ascii_case("Group")));
        if group {
            refuse("principals", "cannot be about a group")
        } else {
            Ok(())
        }
    }

    /// Whether this blocks the request. The caller has looked it up at the request's scope or above; `groups` are
    /// all the caller's groups.
    pub(crate) fn blocks(
        &self,
        request: &AccessRequest<'_>,
        groups: &[Uuid],
        operation: Operation<'_>,
    ) -> bool {
        let caller_is_in = |list: &[Uuid]| {
            list.iter()
                .any(|listed| *listed == request.principal || groups.contains(listed))
        };
        self.enforced
            && (!self.do_not_apply_to_child_scopes || self.scope == *request.scope)
            && (self.principals.contains(&ALL_PRINCIPALS) || caller_is_in(&self.principals))
            && !caller_is_in(&self.exclude_principals)
            && not_ruled_out(self.condition.as_ref(), request)
            && self.permissions.iter().any(|permission| {
                matches!(
                    permission.coverage(request.plane, operation),
                    Coverage::Granted(_)
                ) && not_ruled_out(permission.condition.as_ref(), request)
            })
    }
}

fn not_ruled_out(condition: Option<&Condition>, request: &AccessRequest<'_>) -> bool {
    condition.is_none_or(|condition| condition.evaluate(request) != Truth::False)
}

fn principals(properties: &Value, name: &str) -> Result<Vec<Uuid>, ArmError> {
    let mut guids = Vec::new();
    for principal in json::list(properties, name)? {
        guids.extend(json::text(principal, "id")?.and_then(|id| Uuid::try_parse(id.trim()).ok()));
    }
    Ok(guids)
}

#[cfg(test)]
mod tests {
    use nave_arm::ResourceId;
    use serde_json::{Value, json};

    use super::DenyAssignment;

    #[test]
    fn reads_what_azure_stores() {
        let id = ResourceId::of_subscription("s").extension("Microsoft.Authorization/denyAssignments", "d");
        let deny = DenyAssignment::from_properties(
            &id,
            &json!({"denyAssignmentName": "n", "permissions": [{"actions": ["*"]}],
                    "principals": [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}],
                    "excludePrincipals": [{"id": "not a guid"}], "denyAssignmentEffect": "Audit"}),
        )
        .expect("deny assignment");
        assert_eq!(deny.scope, ResourceId::of_subscription("s"));
        assert!(!deny.enforced && !deny.do_not_apply_to_child_scopes && !deny.is_system_protected);
        assert_eq!(deny.principals, [super::ALL_PRINCIPALS]);
        assert!(deny.exclude_principals.is_empty());
    }

    #[test]
    fn what_users_may_write() {
        let someone = json!([{"id": "00000000-0000-0000-0000-000000000001", "type": "User"}]);
        let everybody = json!([{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}]);
        let body = |more: Value| {
            let mut body =
                json!({"permissions": [{"actions": ["X/y/write"]}], "principals": someone.clone()});
            for (name, value) in more.as_object().expect("object") {
                body[name] = value.clone();
            }
            DenyAssignment::validate(&body).map_err(|error| error.target.unwrap_or_default())
        };
        assert_eq!(body(json!({})), Ok(()));
        assert_eq!(
            body(json!({"principals": everybody, "excludePrincipals": someone})),
            Ok(())
        );
        for (more, target) in [
            (json!({"isSystemProtected": true}), "isSystemProtected"),
            (
                json!({"doNotApplyToChildScopes": true}),
                "doNotApplyToChildScopes",
            ),
            (json!({"permissions": [{"dataActions": ["a"]}]}), "permissions"),
            (json!({"permissions": [{"actions": ["*/read"]}]}), "permissions"),
            (json!({"principals": everybody}), "excludePrincipals"),
            (json!({"principals": []}), "principals"),
            (
                json!({"principals": [{"id": "00000000-0000-0000-0000-000000000001", "type": "Group"}]}),
                "principals",
            ),
        ] {
            assert_eq!(body(more.clone()), Err(format!("properties.{target}")), "{more}");
        }
    }
}
