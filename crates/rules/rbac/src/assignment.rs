//! Role assignments: a role, for a principal, at a scope and below.

use std::cmp::Ordering;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::Value;
use uuid::Uuid;

use crate::{Condition, condition, json, role::condition_text};

/// The longest description accepted, in bytes.
const MAX_DESCRIPTION: usize = 2048;

/// The type of role assignments.
const TYPE: &str = "Microsoft.Authorization/roleAssignments";

/// A role assignment. There are many of them, so it holds no text of its own: its scope and condition are shared with
/// other assignments, and its [`id`](Self::id) is put together when somebody asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleAssignment {
    /// Where it applies, with everything below.
    pub scope: ResourceId,
    /// The role.
    pub role: Uuid,
    /// Who gets it: a user, a group or a service principal.
    pub principal: Uuid,
    /// The kind of principal.
    pub principal_type: PrincipalType,
    /// What else must hold.
    pub condition: Option<Condition>,
    name: Name,
}

/// What kind of principal an assignment says it is for. Deciding does not ask for it; conditions may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PrincipalType {
    /// A person.
    #[default]
    User,
    /// A group, which stands for its members.
    Group,
    /// An application or a managed identity.
    ServicePrincipal,
    /// A group of another directory.
    ForeignGroup,
    /// A device.
    Device,
}

impl PrincipalType {
    /// The type of this name, whatever its case.
    ///
    /// ```
    /// # use nave_rbac::PrincipalType;
    /// assert_eq!(PrincipalType::named("group"), Some(PrincipalType::Group));
    /// assert_eq!(PrincipalType::named("MSI"), None);
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [
            Self::User,
            Self::Group,
            Self::ServicePrincipal,
            Self::ForeignGroup,
            Self::Device,
        ]
        .into_iter()
        .find(|kind| kind.as_str().eq_ignore_ascii_case(name))
    }

    /// The word Azure uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::ServicePrincipal => "ServicePrincipal",
            Self::ForeignGroup => "ForeignGroup",
            Self::Device => "Device",
        }
    }
}

/// The last segment of an assignment's id: nearly always a guid as Azure writes it.
#[derive(Debug, Clone)]
pub(crate) enum Name {
    Guid(Uuid),
    Other(Box<str>),
}

impl Name {
    pub(crate) fn of(id: &ResourceId) -> Self {
        let name = id.name();
        let guid = Uuid::try_parse(name).ok();
        match guid.filter(|guid| guid.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()) == name) {
            Some(guid) => Self::Guid(guid),
            None => Self::Other(name.into()),
        }
    }

    /// Hands over the name as it is written.
    fn written<R>(&self, then: impl FnOnce(&str) -> R) -> R {
        match self {
            Self::Guid(guid) => then(guid.as_hyphenated().encode_lower(&mut Uuid::encode_buffer())),
            Self::Other(name) => then(name),
        }
    }
}

/// Names compare as the keys of ids do: without case.
impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            // In this order their texts stand, too.
            (Self::Guid(left), Self::Guid(right)) => left.cmp(right),
            _ => self.written(|left| {
                other.written(|right| {
                    let folded = |text: &str| text.to_lowercase();
                    folded(left).cmp(&folded(right))
                })
            }),
        }
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Name {}

impl RoleAssignment {
    /// Reads a stored assignment. Its scope is what its id extends; the role is the last segment of
    /// `roleDefinitionId`, whatever scope precedes it. A condition that cannot be read grants nothing.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// let id = ResourceId::of_subscription("s").extension("Microsoft.Authorization/roleAssignments", &Uuid::from_u128(9).to_string());
    /// let assignment = RoleAssignment::from_properties(&id, &json!({ "roleDefinitionId": built_in::READER, "principalId": Uuid::from_u128(1) }))?;
    /// assert_eq!((assignment.role, &assignment.scope), (built_in::READER, &ResourceId::of_subscription("s")));
    /// # Ok::<(), nave_arm::ArmError>(())
    /// ```
    pub fn from_properties(id: &ResourceId, properties: &Value) -> Result<Self, ArmError> {
        Ok(Self {
            scope: scope_of(id)?,
            name: Name::of(id),
            role: json::guid_at_end(properties, "roleDefinitionId")?,
            principal: json::guid(properties, "principalId")?,
            principal_type: json::text(properties, "principalType")?
                .and_then(PrincipalType::named)
                .unwrap_or_default(),
            condition: stored_condition(properties)?,
        })
    }

    /// The assignment of a role to a user at a scope, without a condition; `name` is the last segment of its id.
    ///
    /// ```
    /// use nave_arm::ResourceId;
    /// use nave_rbac::{RoleAssignment, built_in};
    /// use uuid::Uuid;
    ///
    /// let (name, somebody) = (Uuid::from_u128(1), Uuid::from_u128(2));
    /// let assignment = RoleAssignment::new(ResourceId::of_subscription("s"), name, built_in::READER, somebody);
    /// assert_eq!(
    ///     assignment.id().as_str(),
    ///     "/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/00000000-0000-0000-0000-000000000001"
    /// );
    /// ```
    #[must_use]
    pub fn new(scope: ResourceId, name: Uuid, role: Uuid, principal: Uuid) -> Self {
        Self {
            scope,
            role,
            principal,
            principal_type: PrincipalType::User,
            condition: None,
            name: Name::Guid(name),
        }
    }

    /// The assignment's own id: an extension resource of its scope. Made anew each time.
    #[must_use]
    pub fn id(&self) -> ResourceId {
        self.name.written(|name| self.scope.extension(TYPE, name))
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    /// Whether somebody may write these `properties`: stricter than reading stored ones, because a condition that
    /// cannot be evaluated is refused while its author is there to mend it.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// let of = |condition: &str| json!({
    ///     "roleDefinitionId": built_in::READER, "principalId": Uuid::from_u128(1), "condition": condition, "conditionVersion": "2.0",
    /// });
    /// assert!(RoleAssignment::validate(&of("@Environment[Nave.Identity:multiFactor] BoolEquals true")).is_ok());
    /// assert!(RoleAssignment::validate(&of("@Environment[Nave.Identity:twoFactor] BoolEquals true")).is_err());
    /// ```
    pub fn validate(properties: &Value) -> Result<(), ArmError> {
        json::guid_at_end(properties, "roleDefinitionId")?;
        json::guid(properties, "principalId")?;
        if json::text(properties, "description")?.is_some_and(|text| text.len() > MAX_DESCRIPTION) {
            return Err(json::wrong("description", "at most 2 KB long"));
        }
        let kind = json::text(properties, "principalType")?;
        if kind.is_some_and(|kind| PrincipalType::named(kind).is_none()) {
            return Err(json::wrong("principalType", "User, Group or ServicePrincipal"));
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

    use super::{Name, RoleAssignment};

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
    fn the_id_is_put_together_as_it_was_written() {
        for name in [
            "0000aaaa-0000-0000-0000-00000000000b",
            "0000AAAA-0000-0000-0000-00000000000B",
            "0000aaaa00000000000000000000000b",
            "é",
        ] {
            let id =
                ResourceId::of_subscription("S").extension("Microsoft.Authorization/roleAssignments", name);
            let assignment = RoleAssignment::from_properties(&id, &body(&json!({}))).expect("assignment");
            assert_eq!(assignment.id().as_str(), id.as_str());
        }
    }

    #[test]
    fn names_compare_as_ids_do() {
        let names = [
            "0000aaaa-0000-0000-0000-00000000000b",
            "0000AAAA-0000-0000-0000-00000000000B",
            "f000aaaa-0000-0000-0000-00000000000b",
            "0",
            "é",
            "É",
            "1000aaaa00000000000000000000000b",
            "Z",
        ];
        for left in names {
            for right in names {
                let id = |name| ResourceId::tenant().extension("a/b", name);
                assert_eq!(
                    Name::of(&id(left)).cmp(&Name::of(&id(right))),
                    id(left).cmp(&id(right)),
                    "{left} {right}"
                );
            }
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
