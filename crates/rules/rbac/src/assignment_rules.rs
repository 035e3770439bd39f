//! Whether a role assignment may be made or deleted: rbac-semantics, section 9.
//!
//! One implementation for everybody who asks: the server before it commits, and the command line for a file. What the
//! rules need to know comes in as a [`Tenant`].

use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Condition, RoleAssignment, RoleDefinition, RoleIndex, RoleKind, built_in, json, role::condition_text,
};

/// The most assignments in a subscription, those at groups and resources included.
pub const PER_SUBSCRIPTION: usize = 4000;
/// The most assignments at one management group.
pub const PER_MANAGEMENT_GROUP: usize = 500;

/// What the rules ask of the tenant an assignment is made in.
///
/// ```
/// use nave_rbac::{RoleIndex, assignment_rules::Tenant};
/// use uuid::Uuid;
///
/// /// A tenant in which nobody is known.
/// struct Empty(RoleIndex);
///
/// impl Tenant for Empty {
///     fn roles(&self) -> &RoleIndex {
///         &self.0
///     }
///     fn principal_type(&self, _: Uuid) -> Option<&str> {
///         None
///     }
/// }
///
/// assert_eq!(Empty(RoleIndex::default()).assignment_named("a"), None);
/// ```
pub trait Tenant {
    /// Its roles and assignments.
    fn roles(&self) -> &RoleIndex;

    /// The type of a principal the directory knows: `User`, `Group` or `ServicePrincipal`.
    fn principal_type(&self, principal: Uuid) -> Option<&str>;

    /// The assignment of this name, at whatever scope: names are unique in a tenant. Override it where there is
    /// something faster than to look at all of them.
    fn assignment_named(&self, name: &str) -> Option<ResourceId> {
        self.roles()
            .assignments()
            .map(RoleAssignment::id)
            .find(|id| id.name().eq_ignore_ascii_case(name))
    }
}

/// An assignment that may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The assignment.
    pub assignment: RoleAssignment,
    /// The type of its principal, as the directory or else the caller says.
    pub principal_type: String,
    /// Whether it takes the place of the one of its name, with another description or condition.
    pub is_update: bool,
}

/// Checks every rule for a PUT of `properties` at `id`. Whether the caller may write there is not asked here.
///
/// ```
/// use nave_arm::{ErrorCode, ResourceId};
/// use nave_rbac::{RoleIndex, assignment_rules::{self, Tenant}, built_in};
/// use serde_json::json;
/// # use uuid::Uuid;
/// # struct Town(RoleIndex);
/// # impl Tenant for Town {
/// #     fn roles(&self) -> &RoleIndex { &self.0 }
/// #     fn principal_type(&self, who: Uuid) -> Option<&str> { (who == Uuid::from_u128(1)).then_some("User") }
/// # }
///
/// // a tenant that knows one user
/// let town = Town(RoleIndex::with_built_in());
/// let id = ResourceId::of_subscription("s")
///     .extension("Microsoft.Authorization/roleAssignments", "aaaaaaaa-0000-4000-8000-000000000001");
/// let to = |principal: u128| json!({ "roleDefinitionId": built_in::READER, "principalId": Uuid::from_u128(principal) });
///
/// let accepted = assignment_rules::check(&town, &id, &to(1)).expect("a user who is known");
/// assert_eq!(accepted.principal_type, "User");
/// let refused = assignment_rules::check(&town, &id, &to(2)).expect_err("nobody");
/// assert_eq!(refused.code, ErrorCode::PrincipalNotFound);
/// ```
pub fn check(tenant: &impl Tenant, id: &ResourceId, properties: &Value) -> Result<Accepted, ArmError> {
    RoleAssignment::validate(properties)?;
    let wanted = RoleAssignment::from_properties(id, properties)?;
    let roles = tenant.roles();
    let is_update = check_identity(tenant, &wanted)?;
    let role = roles
        .definition(wanted.role)
        .ok_or_else(|| unknown_role(wanted.role))?;
    check_scope(roles, &wanted, role)?;
    if let Some(text) = condition_text(properties)? {
        check_targets(text, role)?;
    }
    if !is_update {
        check_limits(roles, &wanted.scope)?;
    }
    let given = json::text(properties, "principalType")?.filter(|text| !text.is_empty());
    let before = roles
        .assignment(&wanted.id())
        .map(|stored| stored.principal_type.as_str());
    let principal_type = principal_type(tenant, wanted.principal, given.or(before))?;
    Ok(Accepted {
        assignment: wanted,
        principal_type,
        is_update,
    })
}

/// One name is one assignment for ever, and one triple of scope, principal and role has one assignment. Answers whether
/// the name is there already.
fn check_identity(tenant: &impl Tenant, wanted: &RoleAssignment) -> Result<bool, ArmError> {
    let id = wanted.id();
    let name = id.name();
    if Uuid::try_parse(name).is_err() {
        return Err(ArmError::new(
            ErrorCode::InvalidResourceName,
            format!("The role assignment name '{name}' is not valid: it must be a GUID."),
        )
        .on("name"));
    }
    let roles = tenant.roles();
    let holder = tenant.assignment_named(name);
    let unchanged = |stored: &RoleAssignment| {
        (stored.role, stored.principal, &stored.scope) == (wanted.role, wanted.principal, &wanted.scope)
    };
    let same = |holder: &ResourceId| *holder == id && roles.assignment(holder).is_some_and(unchanged);
    if holder.as_ref().is_some_and(|holder| !same(holder)) {
        return Err(ArmError::new(
            ErrorCode::RoleAssignmentUpdateNotPermitted,
            "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
        ));
    }
    let twin = roles.assignment_of(wanted.principal, wanted.role, &wanted.scope);
    if twin.is_some_and(|twin| twin.id() != id) {
        return Err(ArmError::new(
            ErrorCode::RoleAssignmentExists,
            "The role assignment already exists.",
        ));
    }
    Ok(holder.is_some())
}

fn unknown_role(role: Uuid) -> ArmError {
    ArmError::new(
        ErrorCode::RoleDefinitionDoesNotExist,
        format!("The specified role definition with ID '{role}' does not exist."),
    )
    .on("properties.roleDefinitionId")
}

fn check_scope(roles: &RoleIndex, wanted: &RoleAssignment, role: &RoleDefinition) -> Result<(), ArmError> {
    if roles.is_assignable_at(role, &wanted.scope) {
        return Ok(());
    }
    let scopes: Vec<&str> = role.assignable_scopes.iter().map(ResourceId::as_str).collect();
    let why = if is_data_role_at_management_group(role, &wanted.scope) {
        "a custom role with data actions is not assignable at a management group".to_owned()
    } else {
        format!("its assignable scopes are '{}'", scopes.join("', '"))
    };
    Err(ArmError::new(
        ErrorCode::RoleAssignmentScopeNotAssignableToRoleDefinition,
        format!(
            "The scope '{}' is not assignable to the role definition '{}': {why}.",
            wanted.scope, role.role_name,
        ),
    )
    .on("properties.roleDefinitionId"))
}

/// Custom roles with data actions stay out of management groups (rbac-semantics 8.3): such a role is not stored with
/// one among its assignable scopes, and one that is stored all the same is not assigned there.
#[must_use]
pub(crate) fn is_data_role_at_management_group(role: &RoleDefinition, scope: &ResourceId) -> bool {
    role.kind == RoleKind::Custom && role.has_data_actions() && scope.management_group().is_some()
}

/// A condition about an operation the role does not grant guards nothing (rbac-semantics 10.5).
fn check_targets(text: &str, role: &RoleDefinition) -> Result<(), ArmError> {
    // Kept from the properties: the assignment itself may hold its condition in a compiled form.
    let condition = Condition::stored(text);
    let Some(foreign) = role.foreign_target(&condition) else {
        return Ok(());
    };
    Err(ArmError::new(
        ErrorCode::InvalidRoleAssignmentCondition,
        format!(
            "The given role assignment condition is invalid: it targets '{}', which the role '{}' does not grant.",
            foreign.as_str(),
            role.role_name
        ),
    )
    .on("properties.condition"))
}

fn check_limits(roles: &RoleIndex, scope: &ResourceId) -> Result<(), ArmError> {
    let at = |place: &ResourceId| {
        roles
            .assignments_at_or_above(place)
            .filter(|other| other.scope == *place)
            .count()
    };
    let (place, held, most) = if let Some(subscription) = scope.subscription_id() {
        let held = at(&subscription) + roles.assignments_below(&subscription).count();
        (subscription, held, PER_SUBSCRIPTION)
    } else if scope.management_group().is_some() {
        (scope.clone(), at(scope), PER_MANAGEMENT_GROUP)
    } else {
        return Ok(());
    };
    if held < most {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::RoleAssignmentLimitExceeded,
        format!(
            "No more role assignments can be created in '{place}': it has {held}, and the limit is {most}."
        ),
    ))
}

/// The directory is asked unless the caller names the type of somebody it does not know (yet).
fn principal_type(tenant: &impl Tenant, principal: Uuid, given: Option<&str>) -> Result<String, ArmError> {
    match (tenant.principal_type(principal), given) {
        (Some(known), None) => Ok(known.to_owned()),
        (Some(known), Some(given)) if known.eq_ignore_ascii_case(given) => Ok(known.to_owned()),
        (Some(known), Some(given)) => Err(ArmError::new(
            ErrorCode::UnmatchedPrincipalType,
            format!(
                "The PrincipalId '{principal}' has type '{known}' , which is different from specified PrinciaplType \
                 '{given}'."
            ),
        )
        .on("properties.principalType")),
        (None, Some(given)) => Ok(given.to_owned()),
        (None, None) => Err(ArmError::new(
            ErrorCode::PrincipalNotFound,
            format!(
                "Principal {principal} does not exist in the directory. If you just created it, set the \
                 principalType property; the directory is then not asked."
            ),
        )
        .on("properties.principalId")),
    }
}

/// Whether `caller` may delete an assignment as far as the last Owner goes (rbac-semantics 9.1): the last Owner
/// assignment directly at a subscription stays, and so does the last one at the tenant. An inherited one does not
/// count. At a subscription, who holds elevated access at the tenant is exempt.
///
/// Answers whether the deletion relies on another Owner assignment at the scope: that one must still be there when the
/// deletion is committed, so that two at the same moment do not rely on each other.
///
/// ```
/// use nave_arm::{ErrorCode, ResourceId};
/// use nave_rbac::{RoleAssignment, RoleIndex, assignment_rules, built_in};
/// use serde_json::json;
/// use uuid::Uuid;
///
/// let id = ResourceId::of_subscription("s").extension("Microsoft.Authorization/roleAssignments", "a");
/// let (owner, properties) = (Uuid::from_u128(1), |who: Uuid| json!({ "roleDefinitionId": built_in::OWNER, "principalId": who }));
/// let mut roles = RoleIndex::with_built_in();
/// roles.put_assignment(RoleAssignment::from_properties(&id, &properties(owner))?);
/// let refused = assignment_rules::check_deletion(&roles, owner, &id).expect_err("the last one");
/// assert_eq!(refused.code, ErrorCode::CannotDeleteLastRbacAdminAssignment);
/// # Ok::<(), nave_arm::ArmError>(())
/// ```
pub fn check_deletion(roles: &RoleIndex, caller: Uuid, id: &ResourceId) -> Result<bool, ArmError> {
    let Some(own) = roles.assignment(id) else {
        return Ok(false);
    };
    let matters = own.role == built_in::OWNER && (own.scope.is_subscription() || own.scope.is_tenant());
    let elevated = [built_in::OWNER, built_in::USER_ACCESS_ADMINISTRATOR];
    let exempt = own.scope.is_subscription() && roles.holds_role(caller, &elevated, &ResourceId::tenant());
    if !matters || exempt {
        return Ok(false);
    }
    let others = roles
        .assignments_at_or_above(&own.scope)
        .filter(|other| other.scope == own.scope && other.role == built_in::OWNER && other.id() != own.id());
    if others.count() == 0 {
        return Err(ArmError::new(
            ErrorCode::CannotDeleteLastRbacAdminAssignment,
            "Cannot delete the last RBAC admin assignment",
        ));
    }
    Ok(true)
}
