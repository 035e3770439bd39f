//! Role definitions: named lists of permissions.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{Condition, Pattern, Plane, json, operation::Operation};

/// Who made a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoleKind {
    /// Published with the product; cannot change.
    BuiltIn,
    /// Made by a customer.
    Custom,
}

impl RoleKind {
    /// The word Azure uses: `BuiltInRole` or `CustomRole`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "BuiltInRole",
            Self::Custom => "CustomRole",
        }
    }
}

/// One permission object: what it grants is `actions - notActions` and, apart from that, `dataActions -
/// notDataActions`. A not-list takes away within its own object only; it denies nothing that another object grants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permission {
    /// Control operations granted.
    pub actions: Vec<Pattern>,
    /// Control operations taken away from `actions`.
    pub not_actions: Vec<Pattern>,
    /// Data operations granted.
    pub data_actions: Vec<Pattern>,
    /// Data operations taken away from `data_actions`.
    pub not_data_actions: Vec<Pattern>,
    /// What else must hold. A stored condition that cannot be read grants nothing.
    pub condition: Option<Condition>,
    /// The version of the condition language, as stored.
    pub condition_version: Option<String>,
}

/// What one permission object says about an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coverage<'a> {
    /// This pattern grants it and no not-pattern takes it away.
    Granted(&'a Pattern),
    /// A pattern grants it, this one takes it away.
    TakenAway(&'a Pattern),
    /// Nothing mentions it.
    Absent,
}

impl Permission {
    /// Reads Azure's permission object. An absent list is empty.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// let permission = Permission::from_json(&json!({ "actions": ["*"], "notActions": ["*/delete"] }))?;
    /// assert_eq!(permission.not_actions[0].as_str(), "*/delete");
    /// # Ok::<(), nave_arm::ArmError>(())
    /// ```
    pub fn from_json(permission: &Value) -> Result<Self, ArmError> {
        let patterns = |name| -> Result<Vec<Pattern>, ArmError> {
            Ok(json::texts(permission, name)?
                .into_iter()
                .map(Pattern::new)
                .collect())
        };
        Ok(Self {
            actions: patterns("actions")?,
            not_actions: patterns("notActions")?,
            data_actions: patterns("dataActions")?,
            not_data_actions: patterns("notDataActions")?,
            condition: condition_text(permission)?.map(Condition::stored),
            condition_version: json::text(permission, "conditionVersion")?.map(str::to_owned),
        })
    }

    /// Azure's permission object; the condition is a member only where there is one.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let texts = |patterns: &[Pattern]| -> Value { patterns.iter().map(Pattern::as_str).collect() };
        let mut object = Map::new();
        object.insert(String::from("actions"), texts(&self.actions));
        object.insert(String::from("notActions"), texts(&self.not_actions));
        object.insert(String::from("dataActions"), texts(&self.data_actions));
        object.insert(String::from("notDataActions"), texts(&self.not_data_actions));
        if let Some(condition) = &self.condition {
            object.insert(String::from("condition"), condition.text().into());
            object.insert(
                String::from("conditionVersion"),
                self.condition_version.clone().into(),
            );
        }
        Value::Object(object)
    }

    /// Whether what a condition targets is something this object grants, in either plane. A wildcard target is about
    /// the object when it covers one of the object's own strings.
    pub(crate) fn is_about(&self, target: &Pattern) -> bool {
        let operation = Operation::new(target.as_str());
        let granted = [Plane::Control, Plane::Data]
            .into_iter()
            .any(|plane| matches!(self.coverage(plane, operation), Coverage::Granted(_)));
        let mut own = self.actions.iter().chain(&self.data_actions);
        granted || (target.as_str().contains('*') && own.any(|own| target.matches(own.as_str())))
    }

    /// The planes are apart: a control operation consults the actions only, a data operation the dataActions only.
    pub(crate) fn coverage(&self, plane: Plane, operation: Operation<'_>) -> Coverage<'_> {
        let (granting, taking) = match plane {
            Plane::Control => (&self.actions, &self.not_actions),
            Plane::Data => (&self.data_actions, &self.not_data_actions),
        };
        match operation.first_cover(granting) {
            None => Coverage::Absent,
            Some(pattern) => operation
                .first_cover(taking)
                .map_or(Coverage::Granted(pattern), Coverage::TakenAway),
        }
    }
}

/// A role definition. Its guid is its identity; names change, built-in ones too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDefinition {
    /// The guid, the last segment of every id of this role.
    pub id: Uuid,
    /// The name shown.
    pub role_name: String,
    /// The description.
    pub description: String,
    /// Who made it.
    pub kind: RoleKind,
    /// What it grants: the union of its permission objects.
    pub permissions: Vec<Permission>,
    /// Where it may be assigned.
    pub assignable_scopes: Vec<ResourceId>,
}

impl RoleDefinition {
    /// Reads the `properties` of a role definition. This says only that they have the right shape; whether a
    /// custom role may be stored is what [`custom_role::validate`](crate::custom_role::validate) says.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// let properties = json!({ "roleName": "Watcher", "permissions": [{ "actions": ["*/read"] }] });
    /// let role = RoleDefinition::from_properties(Uuid::from_u128(1), &properties)?;
    /// assert_eq!(role.kind, RoleKind::Custom);
    /// assert_eq!(role.properties()["roleName"], "Watcher");
    /// # Ok::<(), nave_arm::ArmError>(())
    /// ```
    pub fn from_properties(id: Uuid, properties: &Value) -> Result<Self, ArmError> {
        let kind = match role_type(properties)? {
            Some(kind) if kind.eq_ignore_ascii_case(RoleKind::BuiltIn.as_str()) => RoleKind::BuiltIn,
            _ => RoleKind::Custom,
        };
        Ok(Self {
            id,
            role_name: json::text(properties, "roleName")?.unwrap_or_default().to_owned(),
            description: json::text(properties, "description")?
                .unwrap_or_default()
                .to_owned(),
            kind,
            permissions: json::list(properties, "permissions")?
                .iter()
                .map(Permission::from_json)
                .collect::<Result<_, _>>()?,
            assignable_scopes: json::texts(properties, "assignableScopes")?
                .into_iter()
                .map(assignable_scope)
                .collect::<Result<_, _>>()?,
        })
    }

    /// The first operation a condition is about that this role grants in neither plane. Such a condition guards
    /// nothing, which its author should hear: it is refused when it is written.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// let reader = RoleDefinition::from_properties(Uuid::nil(), &json!({ "permissions": [{ "dataActions": ["A/blobs/read"] }] }))?;
    /// let condition = Condition::stored("!(ActionMatches{'A/blobs/write'}) OR (@Request[a] StringEquals 'x')");
    /// assert_eq!(reader.foreign_target(&condition).map(|target| target.as_str()), Some("A/blobs/write"));
    /// # Ok::<(), nave_arm::ArmError>(())
    /// ```
    #[must_use]
    pub fn foreign_target<'c>(&self, condition: &'c Condition) -> Option<&'c Pattern> {
        condition.targets().into_iter().find(|target| {
            !self
                .permissions
                .iter()
                .any(|permission| permission.is_about(target))
        })
    }

    /// Whether one of its permission objects grants the operation in this plane, whatever condition stands on it.
    ///
    /// ```
    /// use nave_rbac::{Plane, RoleIndex, built_in};
    ///
    /// let index = RoleIndex::with_built_in();
    /// let reader = index.definition(built_in::READER).expect("Reader");
    /// assert!(reader.grants(Plane::Control, "Microsoft.Storage/storageAccounts/read"));
    /// assert!(!reader.grants(Plane::Data, "Microsoft.Storage/storageAccounts/read"));
    /// ```
    #[must_use]
    pub fn grants(&self, plane: Plane, operation: &str) -> bool {
        let operation = Operation::new(operation);
        self.permissions
            .iter()
            .any(|permission| matches!(permission.coverage(plane, operation), Coverage::Granted(_)))
    }

    /// Whether any of its permission objects grants data operations.
    #[must_use]
    pub fn has_data_actions(&self) -> bool {
        self.permissions
            .iter()
            .any(|permission| !permission.data_actions.is_empty())
    }

    /// The `properties` as Azure's REST interface shows them.
    #[must_use]
    pub fn properties(&self) -> Value {
        json!({
            "roleName": self.role_name,
            "type": self.kind.as_str(),
            "description": self.description,
            "assignableScopes": self.assignable_scopes,
            "permissions": self.permissions.iter().map(Permission::to_json).collect::<Vec<_>>(),
        })
    }
}

/// The role's type, under either of the names Azure's clients use.
pub(crate) fn role_type(properties: &Value) -> Result<Option<&str>, ArmError> {
    Ok(json::text(properties, "type")?.or(json::text(properties, "roleType")?))
}

pub(crate) fn assignable_scope(text: &str) -> Result<ResourceId, ArmError> {
    ResourceId::parse(text).map_err(|why| {
        ArmError::new(
            ErrorCode::LinkedInvalidPropertyId,
            format!("Property id '{text}' at path 'properties.assignableScopes' is invalid: {why}."),
        )
        .on("properties.assignableScopes")
    })
}

/// The text of a condition; null, empty or blank is no condition.
pub(crate) fn condition_text(object: &Value) -> Result<Option<&str>, ArmError> {
    Ok(json::text(object, "condition")?.filter(|text| !text.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use nave_arm::ErrorCode;
    use serde_json::json;
    use uuid::Uuid;

    use super::{Coverage, Permission, RoleDefinition, RoleKind};
    use crate::{Condition, Plane, operation::Operation};

    #[test]
    fn properties_survive_a_round_trip() {
        let properties = json!({
            "roleName": "AI Developer", "type": "CustomRole", "description": "d",
            "assignableScopes": ["/subscriptions/s"],
            "permissions": [{"actions": ["A/*/Read"], "notActions": [], "dataActions": [], "notDataActions": ["B/c"],
                             "condition": "broken (", "conditionVersion": "2.0"}],
        });
        let role = RoleDefinition::from_properties(Uuid::nil(), &properties).expect("role");
        assert_eq!(role.kind, RoleKind::Custom);
        assert!(
            role.permissions[0]
                .condition
                .as_ref()
                .is_some_and(|condition| condition.error().is_some())
        );
        assert_eq!(role.properties(), properties);
    }

    #[test]
    fn an_absent_list_is_empty_and_names_have_no_case() {
        let role = RoleDefinition::from_properties(
            Uuid::nil(),
            &json!({"RoleName": "r", "Permissions": [{"Actions": ["A/b"], "NotActions": null, "Condition": " "}]}),
        )
        .expect("role");
        assert_eq!(role.permissions[0].actions.len(), 1);
        assert_eq!(role.permissions[0].condition, None);
    }

    #[test]
    fn refuses_what_has_another_shape() {
        for (properties, code) in [
            (json!({"permissions": {}}), ErrorCode::InvalidRequestFormat),
            (
                json!({"permissions": [{"actions": [1]}]}),
                ErrorCode::InvalidRequestFormat,
            ),
            (
                json!({"assignableScopes": ["subscriptions"]}),
                ErrorCode::LinkedInvalidPropertyId,
            ),
        ] {
            let error = RoleDefinition::from_properties(Uuid::nil(), &properties).expect_err("refused");
            assert_eq!(error.code, code);
        }
    }

    #[test]
    fn a_condition_is_about_what_the_role_grants() {
        let reader = RoleDefinition::from_properties(
            Uuid::nil(),
            &json!({"permissions": [{"dataActions": ["S/blobs/read"]}, {"actions": ["S/*"], "notActions": ["S/x"]}]}),
        )
        .expect("role");
        for (target, foreign) in [
            ("S/blobs/read", false),
            ("s/accounts/write", false),
            ("S/blobs/*", false),
            ("S/x", true),
            ("T/*", true),
        ] {
            let text = format!("!(ActionMatches{{'{target}'}}) OR (@Resource[a] StringEquals 'x')");
            let condition = Condition::parse(&text).expect("condition");
            assert_eq!(reader.foreign_target(&condition).is_some(), foreign, "{target}");
        }
        let none = Condition::parse("@Resource[a] StringEquals 'x'").expect("condition");
        assert_eq!(reader.foreign_target(&none), None);
    }

    #[test]
    fn a_not_action_wins_inside_its_object_and_only_in_its_plane() {
        let permission = Permission::from_json(&json!({
            "actions": ["W/write", "W/*"], "notActions": ["W/write"], "dataActions": ["W/write"],
        }))
        .expect("permission");
        let coverage = |plane, operation| permission.coverage(plane, Operation::new(operation));
        assert!(matches!(
            coverage(Plane::Control, "w/WRITE"),
            Coverage::TakenAway(_)
        ));
        assert!(matches!(coverage(Plane::Data, "W/write"), Coverage::Granted(_)));
        assert!(matches!(coverage(Plane::Control, "W/read"), Coverage::Granted(_)));
        assert!(matches!(coverage(Plane::Data, "W/read"), Coverage::Absent));
    }
}
