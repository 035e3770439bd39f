//! The question and the answer, with its reasons.

use std::{fmt, sync::Arc};

use nave_arm::ResourceId;
use uuid::Uuid;

use crate::{
    AttributeValue, Attributes, Condition, RoleAssignment, RoleDefinition, Source, Surroundings, Truth,
    attributes::AttributeName,
};

/// Which of a role's lists an operation consults. The resource provider's catalogue says which plane an operation
/// is in; nothing carries over from one to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plane {
    /// Managing resources: `actions`.
    Control,
    /// Using what is inside them: `dataActions`.
    Data,
}

/// May this principal do this, here?
///
/// ```
/// # use nave_arm::ResourceId;
/// # use nave_rbac::*;
/// # use serde_json::json;
/// # use uuid::Uuid;
/// let (scope, attributes) = (ResourceId::of_resource_group("s", "g"), Attributes::new());
/// let request = AccessRequest::new(Uuid::from_u128(1), "Microsoft.Storage/storageAccounts/read", Plane::Control, &scope, &attributes);
/// assert!(!RoleIndex::with_built_in().evaluate(&request).is_allowed(), "nobody was given anything");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct AccessRequest<'a> {
    /// The caller.
    pub principal: Uuid,
    /// The operation, such as `Microsoft.MachineLearningServices/workspaces/read`.
    pub operation: &'a str,
    /// The operation's plane.
    pub plane: Plane,
    /// What it is done to.
    pub scope: &'a ResourceId,
    /// The suboperation, such as `Blob.List`, for conditions that ask for it.
    pub sub_operation: Option<&'a str>,
    /// What conditions may ask about this request.
    pub attributes: &'a Attributes,
    /// What they may ask of the caller and of how the request came, whatever it is about; `&()` when nothing is known.
    pub surroundings: &'a dyn Surroundings,
}

impl<'a> AccessRequest<'a> {
    /// The values of an attribute; empty when it is absent. What surrounds the request has the first word, so that no
    /// request says for itself when or from where it came.
    pub(crate) fn values(&self, source: Source, name: &AttributeName) -> &'a [AttributeValue] {
        match self.surroundings.values(source, name.as_str()) {
            [] => self.attributes.values(source, name),
            known => known,
        }
    }
}

impl<'a> AccessRequest<'a> {
    /// A request without a suboperation and in no surroundings.
    #[must_use]
    pub fn new(
        principal: Uuid,
        operation: &'a str,
        plane: Plane,
        scope: &'a ResourceId,
        attributes: &'a Attributes,
    ) -> Self {
        Self {
            principal,
            operation,
            plane,
            scope,
            sub_operation: None,
            attributes,
            surroundings: &(),
        }
    }
}

/// The decision. Without a grant the answer is no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evaluation {
    /// Yes, because of this assignment.
    Allowed(Reason),
    /// No.
    Denied(Refusal),
}

impl Evaluation {
    /// Whether the request may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }
}

/// The assignment that allows a request. Each is judged alone, so one is enough.
///
/// It shares what the index has and spells nothing out, because every request pays for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub(crate) held: Arc<RoleAssignment>,
    pub(crate) definition: Arc<RoleDefinition>,
    /// Which of the role's permission objects grants the operation.
    pub permission: usize,
    /// The action string in it.
    pub pattern: Arc<str>,
    /// The group through which the assignment reaches the caller.
    pub through_group: Option<Uuid>,
}

impl Reason {
    /// The assignment.
    #[must_use]
    pub fn assignment(&self) -> ResourceId {
        self.held.id()
    }

    /// Its role.
    #[must_use]
    pub fn role(&self) -> Uuid {
        self.held.role
    }

    /// The role's name.
    #[must_use]
    pub fn role_name(&self) -> &str {
        &self.definition.role_name
    }
}

/// Why a request is refused.
///
/// ```
/// # use nave_arm::ResourceId;
/// # use nave_rbac::*;
/// # use serde_json::json;
/// # use uuid::Uuid;
/// let nothing = Refusal::NoAssignment { considered: Vec::new() };
/// assert_eq!(nothing.to_string(), "the caller has no role assignment at this scope or above");
/// assert!(!nothing.condition_in_play());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A deny assignment blocks, whatever roles there are.
    DenyAssignment {
        /// The deny assignment.
        id: ResourceId,
    },
    /// No assignment grants the operation.
    NoAssignment {
        /// Every assignment of the caller at the scope or above, and why it does not.
        considered: Vec<Considered>,
    },
}

impl Refusal {
    /// Whether a condition stood between the caller and a yes; Azure words its refusal differently then.
    #[must_use]
    pub fn condition_in_play(&self) -> bool {
        match self {
            Self::DenyAssignment { .. } => false,
            Self::NoAssignment { considered } => considered.iter().any(|one| {
                matches!(
                    one.why,
                    Why::ConditionNotMet { .. } | Why::ConditionUnreadable { .. }
                )
            }),
        }
    }
}

/// An assignment that applies to the caller and the scope but does not grant the operation. As a [`Reason`] it spells
/// nothing out before it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered {
    pub(crate) held: Arc<RoleAssignment>,
    pub(crate) definition: Option<Arc<RoleDefinition>>,
    /// The group through which the assignment reaches the caller.
    pub through_group: Option<Uuid>,
    /// Why it does not grant the operation. Of a role with several permission objects, the one that came closest.
    pub why: Why,
}

impl Considered {
    /// The assignment.
    #[must_use]
    pub fn assignment(&self) -> ResourceId {
        self.held.id()
    }

    /// Its role.
    #[must_use]
    pub fn role(&self) -> Uuid {
        self.held.role
    }

    /// The role's name; none when the role is gone.
    #[must_use]
    pub fn role_name(&self) -> Option<&str> {
        self.definition.as_ref().map(|role| role.role_name.as_str())
    }
}

/// What keeps an assignment from granting an operation; the later ones came closer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// There is no such role any more.
    RoleDangling,
    /// None of the role's strings covers the operation in this plane.
    NoPatternMatched {
        /// The plane asked for.
        plane: Plane,
        /// A string that would cover the operation in the other plane.
        other_plane: Option<Arc<str>>,
    },
    /// A string covers it and a not-string of the same permission object takes it away.
    TakenAway {
        /// The not-string.
        by: Arc<str>,
    },
    /// The condition is stored but cannot be read, so it lets nothing through.
    ConditionUnreadable {
        /// Where the condition stands.
        on: ConditionOn,
        /// What is wrong with it.
        error: String,
    },
    /// The condition is not met.
    ConditionNotMet {
        /// Where the condition stands.
        on: ConditionOn,
        /// `False`, or `Unknown` when a value it asks for is missing or of the wrong type.
        truth: Truth,
        /// The condition.
        condition: Condition,
    },
}

impl Why {
    /// Whether it is a condition that stands in the way.
    #[must_use]
    pub fn is_condition(&self) -> bool {
        matches!(
            self,
            Self::ConditionNotMet { .. } | Self::ConditionUnreadable { .. }
        )
    }
}

/// What a condition belongs to. Both of them must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionOn {
    /// The role's permission object.
    Permission,
    /// The assignment.
    Assignment,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (role, pattern, assignment) = (self.role_name(), &self.pattern, self.assignment());
        write!(
            f,
            "`{role}` grants it through `{pattern}` (assignment {assignment}"
        )?;
        through(f, self.through_group)?;
        f.write_str(")")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DenyAssignment { id } => write!(f, "the deny assignment {id} blocks it"),
            Self::NoAssignment { considered } if considered.is_empty() => {
                f.write_str("the caller has no role assignment at this scope or above")
            }
            Self::NoAssignment { considered } => {
                f.write_str("no role assignment grants it: ")?;
                for (at, one) in considered.iter().enumerate() {
                    if at > 0 {
                        f.write_str("; ")?;
                    }
                    one.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Considered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.role_name() {
            Some(name) => write!(f, "`{name}`")?,
            None => write!(f, "role {}", self.role())?,
        }
        write!(f, " ({}", self.assignment())?;
        through(f, self.through_group)?;
        write!(f, ") {}", self.why)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RoleDangling => f.write_str("does not exist"),
            Self::NoPatternMatched { plane, other_plane } => {
                let (here, there) = match plane {
                    Plane::Control => ("action", "data action"),
                    Plane::Data => ("data action", "action"),
                };
                write!(f, "has no {here} that covers it")?;
                match other_plane {
                    Some(pattern) => write!(f, ", only the {there} `{pattern}`"),
                    None => Ok(()),
                }
            }
            Self::TakenAway { by } => write!(f, "takes it away again with `{by}`"),
            Self::ConditionUnreadable { on, error } => {
                write!(f, "has an unreadable condition on its {on}: {error}")
            }
            Self::ConditionNotMet {
                on,
                truth: Truth::Unknown,
                condition,
            } => {
                write!(
                    f,
                    "has a condition on its {on} that cannot be evaluated for this request: {}",
                    condition.text()
                )
            }
            Self::ConditionNotMet { on, condition, .. } => {
                let condition = condition.text();
                write!(f, "has a condition on its {on} that is not met: {condition}")
            }
        }
    }
}

impl fmt::Display for ConditionOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Permission => "permission",
            Self::Assignment => "assignment",
        })
    }
}

fn through(f: &mut fmt::Formatter<'_>, group: Option<Uuid>) -> fmt::Result {
    group.map_or(Ok(()), |group| write!(f, ", through group {group}"))
}
