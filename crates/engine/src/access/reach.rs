//! What one principal may do at a place, told for requests that are yet to be made.

use std::sync::Arc;

use jiff::Timestamp;
use nave_arm::ResourceId;
use nave_rbac::{AccessRequest, Attributes, DenyAssignment, Outlook, Plane, RoleAssignment, Source};
use uuid::Uuid;

use crate::{SignIn, Snapshot, directory, surroundings::Surroundings};

/// What a principal has to do with roles, in one state.
pub(super) struct Held<'a> {
    state: &'a Snapshot,
    principal: Uuid,
    usable: bool,
    groups: Vec<Uuid>,
    assignments: Vec<&'a RoleAssignment>,
    denies: Vec<&'a DenyAssignment>,
}

/// Of what a principal holds, that which reaches a place.
pub(super) struct Here<'a> {
    held: &'a Held<'a>,
    assignments: Vec<&'a RoleAssignment>,
    denies: Vec<&'a DenyAssignment>,
}

/// Whether a principal may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Right {
    /// Yes, by this assignment.
    Allowed(Arc<By>),
    /// No; by this deny assignment, where one stands in the way.
    Denied(Option<ResourceId>),
    /// If a condition comes out so for the real request.
    Conditional(Arc<By>, String),
}

/// What gives a right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct By {
    pub(super) assignment: ResourceId,
    pub(super) role_name: String,
    /// The group it comes through.
    pub(super) group: Option<Uuid>,
}

/// What two principals, or two places, must have in common to have the same rights.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Likeness {
    assignments: Vec<ResourceId>,
    denies: Vec<ResourceId>,
    /// The principal, where conditions may tell it from others.
    principal: Option<Uuid>,
    usable: bool,
}

impl<'a> Held<'a> {
    pub(super) fn of(state: &'a Snapshot, principal: Uuid) -> Self {
        let roles = state.roles();
        let groups = roles.groups_of(principal);
        Self {
            usable: state
                .principal(principal)
                .is_some_and(|object| directory::is_enabled(object)),
            assignments: roles.assignments_of(principal).collect(),
            denies: roles
                .denies()
                .filter(|deny| deny.reaches(principal, &groups))
                .collect(),
            state,
            principal,
            groups,
        }
    }

    pub(super) fn at(&'a self, place: &ResourceId) -> Here<'a> {
        let roles = self.state.roles();
        Here {
            held: self,
            assignments: self
                .assignments
                .iter()
                .copied()
                .filter(|assignment| roles.scope_contains(&assignment.scope, place))
                .collect(),
            denies: self
                .denies
                .iter()
                .copied()
                .filter(|deny| match deny.do_not_apply_to_child_scopes {
                    true => deny.scope == *place,
                    false => roles.scope_contains(&deny.scope, place),
                })
                .collect(),
        }
    }
}

impl Here<'_> {
    pub(super) fn likeness(&self) -> Likeness {
        let has_condition = self
            .assignments
            .iter()
            .any(|assignment| self.is_conditional(assignment))
            || self.denies.iter().any(|deny| {
                deny.condition.is_some() || deny.permissions.iter().any(|one| one.condition.is_some())
            });
        Likeness {
            assignments: self.assignments.iter().map(|one| one.id()).collect(),
            denies: self.denies.iter().map(|one| one.id.clone()).collect(),
            principal: has_condition.then_some(self.held.principal),
            usable: self.held.usable,
        }
    }

    fn is_conditional(&self, assignment: &RoleAssignment) -> bool {
        let role = self.held.state.roles().definition(assignment.role);
        assignment.condition.is_some()
            || role.is_some_and(|role| role.permissions.iter().any(|one| one.condition.is_some()))
    }

    /// Whether the principal may do an operation here. `now` is the time that conditions see.
    pub(super) fn may(&self, operation: &str, plane: Plane, place: &ResourceId, now: Timestamp) -> Right {
        if !self.held.usable {
            return Right::Denied(None);
        }
        let (nothing, in_no_way) = (Attributes::new(), SignIn::default());
        let surroundings = Surroundings::new(self.held.state, self.held.principal, &in_no_way, now);
        let request = AccessRequest {
            surroundings: &surroundings,
            ..AccessRequest::new(self.held.principal, operation, plane, place, &nothing)
        };
        let mut blocked = Outlook::Never;
        for deny in &self.denies {
            match deny.outlook(&request, &self.held.groups, &is_open) {
                Outlook::Always => return Right::Denied(Some(deny.id.clone())),
                outlook => blocked = blocked.or(outlook),
            }
        }
        match (self.granted(&request), blocked) {
            (Right::Allowed(by), Outlook::Depends(condition)) => {
                Right::Conditional(by, format!("NOT ({condition})"))
            }
            (Right::Conditional(by, own), Outlook::Depends(condition)) => {
                Right::Conditional(by, format!("({own}) AND NOT ({condition})"))
            }
            (granted, _) => granted,
        }
    }

    /// What the assignments give; of several that depend, the first is named.
    fn granted(&self, request: &AccessRequest<'_>) -> Right {
        let roles = self.held.state.roles();
        let (mut first, mut all) = (None, Outlook::Never);
        for assignment in &self.assignments {
            match roles.outlook(assignment, request, &is_open) {
                Outlook::Always => return Right::Allowed(self.by(assignment)),
                Outlook::Never => {}
                outlook => {
                    first = first.or(Some(*assignment));
                    all = all.or(outlook);
                }
            }
        }
        match (first, all) {
            (Some(assignment), Outlook::Depends(condition)) => {
                Right::Conditional(self.by(assignment), condition)
            }
            _ => Right::Denied(None),
        }
    }

    fn by(&self, assignment: &RoleAssignment) -> Arc<By> {
        let role = self.held.state.roles().definition(assignment.role);
        Arc::new(By {
            assignment: assignment.id(),
            role_name: role.map_or_else(String::new, |role| role.role_name.clone()),
            group: (assignment.principal != self.held.principal).then_some(assignment.principal),
        })
    }
}

/// What only the real request will bring: what it carries and is about, and how its caller signed in. The time and the
/// caller's own attributes are known.
fn is_open(source: Source, name: &str) -> bool {
    match source {
        Source::Request | Source::Resource => true,
        Source::Environment => !matches!(name, "utcnow" | "isprivatelink"),
        Source::Principal => false,
    }
}

impl Right {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Allowed(_) => "allowed",
            Self::Denied(_) => "denied",
            Self::Conditional(..) => "conditional",
        }
    }

    pub(super) fn by(&self) -> Option<&Arc<By>> {
        match self {
            Self::Allowed(by) | Self::Conditional(by, _) => Some(by),
            Self::Denied(_) => None,
        }
    }

    pub(super) fn condition(&self) -> Option<&str> {
        match self {
            Self::Conditional(_, condition) => Some(condition),
            _ => None,
        }
    }
}
