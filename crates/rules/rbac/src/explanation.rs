//! Why a request is decided as it is: everything that has a say, also what did not decide.
//!
//! [`RoleIndex::evaluate`] stops at the first yes and keeps its reasons short, because every request pays for it.
//! [`RoleIndex::explain`] is for a person who asks why: it walks every deny assignment and every role assignment that
//! applies, opens each permission object and takes each condition apart.

use std::collections::HashSet;

use nave_arm::ResourceId;
use uuid::Uuid;

use crate::{
    ALL_PRINCIPALS, AccessRequest, Condition, DenyAssignment, Evaluation, Permission, Plane, RoleAssignment,
    RoleIndex, Trace, Truth, decision::Why, operation::Operation,
};

/// A decision with everything that has a say in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The decision, as [`RoleIndex::evaluate`] makes it.
    pub evaluation: Evaluation,
    /// The scope of the request and all above it, nearest first, management groups included, the tenant last.
    pub scopes: Vec<ResourceId>,
    /// The groups the caller is in, directly or through others, nearest first.
    pub groups: Vec<Uuid>,
    /// Every deny assignment at these scopes, nearest first.
    pub denies: Vec<DenyTrace>,
    /// Every role assignment at these scopes to the caller or one of these groups, nearest first.
    pub assignments: Vec<AssignmentTrace>,
}

/// What a deny assignment says about a request. It blocks when nothing here keeps it from that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenyTrace {
    /// The deny assignment.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// Where it applies.
    pub scope: ResourceId,
    /// Whether it blocks the request.
    pub blocks: bool,
    /// Whether it is enforced; one that only audits blocks nobody.
    pub enforced: bool,
    /// Whether it reaches the scope of the request: at its own scope always, below it unless it stops there.
    pub reaches: bool,
    /// The one of its principals that is the caller, a group of the caller, or everybody; none when it is not about
    /// the caller.
    pub about: Option<Uuid>,
    /// The one of its excluded principals that spares the caller: the caller or a group of the caller.
    pub spared_as: Option<Uuid>,
    /// Its permission objects.
    pub permissions: Vec<PermissionTrace>,
    /// Its condition. A deny assignment blocks unless its condition is plainly false.
    pub condition: Option<Trace>,
}

/// What a role assignment says about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentTrace {
    /// The assignment.
    pub id: ResourceId,
    /// Where it applies.
    pub scope: ResourceId,
    /// Who has it: the caller or one of the caller's groups.
    pub principal: Uuid,
    /// The group through which it reaches the caller; none when it is the caller's own.
    pub through_group: Option<Uuid>,
    /// Its role.
    pub role: Uuid,
    /// The role's name; none when the role is gone.
    pub role_name: Option<String>,
    /// Whether it grants the operation. One that grants is enough where no deny assignment blocks.
    pub grants: bool,
    /// Why it does not grant the operation; of several permission objects, the one that came closest.
    pub why_not: Option<Why>,
    /// The permission objects of its role.
    pub permissions: Vec<PermissionTrace>,
    /// Its condition.
    pub condition: Option<Trace>,
}

/// What one permission object says about an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionTrace {
    /// Its place in the role or deny assignment, from 0.
    pub index: usize,
    /// What its strings say.
    pub says: Says,
    /// Its condition; none where it has none, and where its strings do not cover the operation.
    pub condition: Option<Trace>,
}

/// What the strings of a permission object say about an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// This string covers it and no not-string takes it away.
    Covers {
        /// The action or data action.
        pattern: String,
    },
    /// A string covers it, and a not-string takes it away.
    TakesAway {
        /// The action or data action.
        pattern: String,
        /// The notAction or notDataAction.
        by: String,
    },
    /// No string covers it in the plane asked for.
    Nothing {
        /// A string that covers it in the other plane.
        other_plane: Option<String>,
    },
}

impl PermissionTrace {
    /// Whether the object grants the operation: its strings cover it and its condition holds.
    #[must_use]
    pub fn grants(&self) -> bool {
        matches!(self.says, Says::Covers { .. }) && is_met(self.condition.as_ref())
    }
}

impl RoleIndex {
    /// Decides a request and says why, with everything that has a say.
    ///
    /// ```
    /// use nave_rbac::{AccessRequest, Attributes, Plane, RoleAssignment, RoleIndex, Says, built_in};
    /// use nave_arm::ResourceId;
    /// use serde_json::json;
    ///
    /// let somebody = uuid::Uuid::from_u128(7);
    /// let subscription = ResourceId::of_subscription("s");
    /// let id = subscription.extension("Microsoft.Authorization/roleAssignments", "a");
    /// let properties = json!({ "roleDefinitionId": built_in::READER, "principalId": somebody });
    /// let mut index = RoleIndex::with_built_in();
    /// index.put_assignment(RoleAssignment::from_properties(&id, &properties)?);
    ///
    /// let attributes = Attributes::new();
    /// let group = ResourceId::of_resource_group("s", "g");
    /// let mut request = AccessRequest::new(somebody, "Microsoft.Storage/storageAccounts/write", Plane::Control, &group, &attributes);
    /// let explanation = index.explain(&request);
    /// assert!(!explanation.evaluation.is_allowed());
    /// assert_eq!(explanation.assignments[0].role_name.as_deref(), Some("Reader"));
    /// assert_eq!(explanation.assignments[0].permissions[0].says, Says::Nothing { other_plane: None });
    ///
    /// request.operation = "Microsoft.Storage/storageAccounts/read";
    /// let explanation = index.explain(&request);
    /// assert_eq!(explanation.assignments[0].permissions[0].says, Says::Covers { pattern: "*/read".into() });
    /// # Ok::<(), nave_arm::ArmError>(())
    /// ```
    #[must_use]
    pub fn explain(&self, request: &AccessRequest<'_>) -> Explanation {
        let groups = self.groups_of(request.principal);
        let caller: HashSet<Uuid> = std::iter::once(request.principal)
            .chain(groups.iter().copied())
            .collect();
        let scopes = self.scopes_above(request.scope);
        let denies = scopes
            .iter()
            .flat_map(|scope| self.denies().filter(move |deny| deny.scope == *scope))
            .map(|deny| of_deny(deny, request, &caller, &groups))
            .collect();
        // A circle of management groups is walked more than once.
        let mut told = HashSet::new();
        let assignments = self
            .assignments_at_or_above(request.scope)
            .filter(|assignment| caller.contains(&assignment.principal) && told.insert(assignment.id()))
            .map(|assignment| self.of_assignment(assignment, request))
            .collect();
        Explanation {
            evaluation: self.evaluate(request),
            scopes,
            groups,
            denies,
            assignments,
        }
    }

    fn of_assignment(&self, assignment: &RoleAssignment, request: &AccessRequest<'_>) -> AssignmentTrace {
        let role = self.definition(assignment.role);
        let permissions = role.map_or(&[][..], |role| &role.permissions);
        let operation = Operation::new(request.operation);
        let permissions = of_permissions(permissions, request, operation);
        let condition = of_condition(assignment.condition.as_ref(), request);
        let grants = is_met(condition.as_ref()) && permissions.iter().any(PermissionTrace::grants);
        AssignmentTrace {
            id: assignment.id(),
            scope: assignment.scope.clone(),
            principal: assignment.principal,
            through_group: (assignment.principal != request.principal).then_some(assignment.principal),
            role: assignment.role,
            role_name: role.map(|role| role.role_name.clone()),
            grants,
            why_not: (!grants).then(|| self.why_not(assignment, request, operation)),
            permissions,
            condition,
        }
    }
}

fn of_deny(
    deny: &DenyAssignment,
    request: &AccessRequest<'_>,
    caller: &HashSet<Uuid>,
    groups: &[Uuid],
) -> DenyTrace {
    let operation = Operation::new(request.operation);
    let concerns = |who: &&Uuid| **who == ALL_PRINCIPALS || caller.contains(*who);
    DenyTrace {
        id: deny.id.clone(),
        name: deny.name.clone(),
        scope: deny.scope.clone(),
        blocks: deny.blocks(request, groups, operation),
        enforced: deny.enforced,
        reaches: !deny.do_not_apply_to_child_scopes || deny.scope == *request.scope,
        about: deny.principals.iter().find(concerns).copied(),
        spared_as: deny
            .exclude_principals
            .iter()
            .find(|who| caller.contains(*who))
            .copied(),
        permissions: of_permissions(&deny.permissions, request, operation),
        condition: of_condition(deny.condition.as_ref(), request),
    }
}

fn of_permissions(
    permissions: &[Permission],
    request: &AccessRequest<'_>,
    operation: Operation<'_>,
) -> Vec<PermissionTrace> {
    permissions
        .iter()
        .enumerate()
        .map(|(index, permission)| {
            let says = says(permission, request.plane, operation);
            let covers = matches!(says, Says::Covers { .. });
            PermissionTrace {
                index,
                says,
                condition: of_condition(permission.condition.as_ref().filter(|_| covers), request),
            }
        })
        .collect()
}

fn says(permission: &Permission, plane: Plane, operation: Operation<'_>) -> Says {
    let control = (&permission.actions, &permission.not_actions);
    let data = (&permission.data_actions, &permission.not_data_actions);
    let ((granting, taking), (elsewhere, _)) = match plane {
        Plane::Control => (control, data),
        Plane::Data => (data, control),
    };
    let written = |pattern: &crate::Pattern| pattern.as_str().to_owned();
    match (operation.first_cover(granting), operation.first_cover(taking)) {
        (None, _) => Says::Nothing {
            other_plane: operation.first_cover(elsewhere).map(written),
        },
        (Some(pattern), None) => Says::Covers {
            pattern: written(pattern),
        },
        (Some(pattern), Some(by)) => Says::TakesAway {
            pattern: written(pattern),
            by: written(by),
        },
    }
}

fn is_met(condition: Option<&Trace>) -> bool {
    condition.is_none_or(|trace| trace.truth == Truth::True)
}

fn of_condition(condition: Option<&Condition>, request: &AccessRequest<'_>) -> Option<Trace> {
    condition.map(|condition| condition.trace(request))
}
