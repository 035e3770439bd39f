//! All roles, assignments, groups and scopes of a tenant, arranged for decisions.
//!
//! The index is persistent: cloning it costs nothing, so a reader keeps a consistent picture while the next one is
//! made from the log, one row at a time. A decision looks at the assignments of the caller and of the caller's
//! groups at the scopes on the way up, and at nothing else; how many others there are does not matter.

use std::sync::Arc;

use imbl::{OrdMap, Vector};
use nave_arm::ResourceId;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    AccessRequest, Considered, DenyAssignment, Evaluation, Pattern, Plane, Reason, Refusal, RoleAssignment,
    RoleDefinition, Truth,
    assignment::Name,
    assignment_rules::is_data_role_at_management_group,
    assignments::Assignments,
    built_in,
    condition::{self, Condition},
    decision::{ConditionOn, Why},
    groups::Groups,
    hierarchy::Hierarchy,
    map::Map,
    operation::Operation,
    reach::{Callers, Reach},
    role::{Coverage, Permission},
};

/// Everything a decision depends on.
///
/// ```
/// # use nave_arm::ResourceId;
/// # use nave_rbac::*;
/// # use serde_json::json;
/// # use uuid::Uuid;
/// # let joe = Uuid::from_u128(1);
/// # let team = Uuid::from_u128(2);
/// # let (s, g) = (ResourceId::of_subscription("s"), ResourceId::of_resource_group("s", "g"));
/// # let to = |scope: &ResourceId, role: Uuid, who: Uuid| {
/// #     let id = scope.extension("Microsoft.Authorization/roleAssignments", &Uuid::from_u128(9).to_string());
/// #     RoleAssignment::from_properties(&id, &json!({ "roleDefinitionId": role, "principalId": who }))
/// # };
/// # let mut index = RoleIndex::with_built_in();
///
/// index.put_group(team, vec![joe]);
/// index.put_assignment(to(&s, built_in::READER, team)?);
/// let attributes = Attributes::new();
/// let request = AccessRequest::new(joe, "Microsoft.Storage/storageAccounts/read", Plane::Control, &g, &attributes);
/// let Evaluation::Allowed(reason) = index.evaluate(&request) else { panic!("a group reaches its members") };
/// assert_eq!((reason.role_name(), reason.through_group), ("Reader", Some(team)));
/// # Ok::<(), nave_arm::ArmError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct RoleIndex {
    definitions: Map<Uuid, Arc<RoleDefinition>>,
    assignments: Assignments,
    denies: OrdMap<ResourceId, Arc<DenyAssignment>>,
    denies_by_scope: Map<Arc<str>, Vector<Arc<DenyAssignment>>>,
    groups: Groups,
    hierarchy: Hierarchy,
}

/// Where a grant comes from, while nothing has been written down yet.
struct Grant<'a> {
    role: &'a Arc<RoleDefinition>,
    permission: usize,
    pattern: &'a Pattern,
}

impl RoleIndex {
    /// An index with the published built-in roles and nothing else.
    #[must_use]
    pub fn with_built_in() -> Self {
        Self {
            definitions: built_in::definitions().clone(),
            ..Self::default()
        }
    }

    /// Puts a role definition, in place of the one with its guid.
    pub fn put_definition(&mut self, definition: RoleDefinition) {
        self.definitions.insert(definition.id, Arc::new(definition));
    }

    /// Takes a role definition away; assignments of it grant nothing from now on.
    pub fn remove_definition(&mut self, id: Uuid) -> Option<Arc<RoleDefinition>> {
        self.definitions.remove(&id)
    }

    /// Puts an assignment, in place of the one with its id.
    pub fn put_assignment(&mut self, assignment: RoleAssignment) {
        self.assignments.put(assignment);
    }

    /// Takes an assignment away.
    pub fn remove_assignment(&mut self, id: &ResourceId) -> Option<Arc<RoleAssignment>> {
        self.assignments.remove(&id.scope()?, &Name::of(id))
    }

    /// Puts a deny assignment, in place of the one with its id.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// # let joe = Uuid::from_u128(1);
    /// # let team = Uuid::from_u128(2);
    /// # let (s, g) = (ResourceId::of_subscription("s"), ResourceId::of_resource_group("s", "g"));
    /// # let to = |scope: &ResourceId, role: Uuid, who: Uuid| {
    /// #     let id = scope.extension("Microsoft.Authorization/roleAssignments", &Uuid::from_u128(9).to_string());
    /// #     RoleAssignment::from_properties(&id, &json!({ "roleDefinitionId": role, "principalId": who }))
    /// # };
    /// # let mut index = RoleIndex::with_built_in();
    ///
    /// let id = s.extension("Microsoft.Authorization/denyAssignments", "freeze");
    /// let deny = json!({ "permissions": [{ "actions": ["*/write"] }], "principals": [{ "id": joe }] });
    /// index.put_deny(DenyAssignment::from_properties(&id, &deny)?);
    /// index.put_assignment(to(&s, built_in::OWNER, joe)?);
    /// let attributes = Attributes::new();
    /// let request = AccessRequest::new(joe, "Microsoft.Storage/storageAccounts/write", Plane::Control, &g, &attributes);
    /// assert_eq!(index.evaluate(&request), Evaluation::Denied(Refusal::DenyAssignment { id }));
    /// # Ok::<(), nave_arm::ArmError>(())
    /// ```
    pub fn put_deny(&mut self, deny: DenyAssignment) {
        self.remove_deny(&deny.id);
        let deny = Arc::new(deny);
        self.denies_by_scope
            .entry(deny.scope.key().into())
            .or_default()
            .push_back(deny.clone());
        self.denies.insert(deny.id.clone(), deny);
    }

    /// Takes a deny assignment away.
    pub fn remove_deny(&mut self, id: &ResourceId) -> Option<Arc<DenyAssignment>> {
        let old = self.denies.remove(id)?;
        if let Some(here) = self.denies_by_scope.get_mut(old.scope.key()) {
            here.retain(|other| other.id != *id);
            if here.is_empty() {
                self.denies_by_scope.remove(old.scope.key());
            }
        }
        Some(old)
    }

    /// Puts a group with its direct members: users, service principals or groups.
    pub fn put_group(&mut self, group: Uuid, members: Vec<Uuid>) {
        self.groups.put(group, members);
    }

    /// Takes a group away; assignments to it reach nobody from now on.
    pub fn remove_group(&mut self, group: Uuid) {
        self.groups.remove(group);
    }

    /// Puts a management group under its parent, with the subscriptions directly in it. Names and subscriptions may
    /// be bare or whole ids. A subscription is in one group at a time: the last to claim it.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// # let joe = Uuid::from_u128(1);
    /// # let team = Uuid::from_u128(2);
    /// # let (s, g) = (ResourceId::of_subscription("s"), ResourceId::of_resource_group("s", "g"));
    /// # let to = |scope: &ResourceId, role: Uuid, who: Uuid| {
    /// #     let id = scope.extension("Microsoft.Authorization/roleAssignments", &Uuid::from_u128(9).to_string());
    /// #     RoleAssignment::from_properties(&id, &json!({ "roleDefinitionId": role, "principalId": who }))
    /// # };
    /// # let mut index = RoleIndex::with_built_in();
    ///
    /// index.put_management_group("corp", Some("root"), ["s"]);
    /// let corp = ResourceId::parse("/providers/Microsoft.Management/managementGroups/corp")?;
    /// assert!(index.scope_contains(&corp, &g));
    /// # Ok::<(), nave_arm::InvalidId>(())
    /// ```
    pub fn put_management_group<S: AsRef<str>>(
        &mut self,
        name: &str,
        parent: Option<&str>,
        subscriptions: impl IntoIterator<Item = S>,
    ) {
        self.hierarchy.put(
            name,
            parent,
            subscriptions.into_iter().map(|text| text.as_ref().to_owned()),
        );
    }

    /// Takes a management group away; assignments at it reach nothing from now on.
    pub fn remove_management_group(&mut self, name: &str) {
        self.hierarchy.remove(name);
    }

    /// Every group the principal is in, directly or through other groups. Circles end.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// # let joe = Uuid::from_u128(1);
    /// # let team = Uuid::from_u128(2);
    /// # let (s, g) = (ResourceId::of_subscription("s"), ResourceId::of_resource_group("s", "g"));
    /// # let to = |scope: &ResourceId, role: Uuid, who: Uuid| {
    /// #     let id = scope.extension("Microsoft.Authorization/roleAssignments", &Uuid::from_u128(9).to_string());
    /// #     RoleAssignment::from_properties(&id, &json!({ "roleDefinitionId": role, "principalId": who }))
    /// # };
    /// # let mut index = RoleIndex::with_built_in();
    /// let all = Uuid::from_u128(3);
    /// index.put_group(team, vec![joe]);
    /// index.put_group(all, vec![team, all]);
    /// assert_eq!(index.groups_of(joe), [team, all]);
    /// ```
    #[must_use]
    pub fn groups_of(&self, principal: Uuid) -> Vec<Uuid> {
        self.groups.of(principal).to_vec()
    }

    /// Whether `upper` is `lower` or lies above it, the management groups included.
    #[must_use]
    pub fn scope_contains(&self, upper: &ResourceId, lower: &ResourceId) -> bool {
        self.hierarchy.contains(upper, lower)
    }

    /// The scope and everything above it, nearest first: its parents, their management groups, the tenant.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// # let joe = Uuid::from_u128(1);
    /// # let team = Uuid::from_u128(2);
    /// # let (s, g) = (ResourceId::of_subscription("s"), ResourceId::of_resource_group("s", "g"));
    /// # let to = |scope: &ResourceId, role: Uuid, who: Uuid| {
    /// #     let id = scope.extension("Microsoft.Authorization/roleAssignments", &Uuid::from_u128(9).to_string());
    /// #     RoleAssignment::from_properties(&id, &json!({ "roleDefinitionId": role, "principalId": who }))
    /// # };
    /// # let mut index = RoleIndex::with_built_in();
    ///
    /// index.put_management_group("corp", None, ["s"]);
    /// let above: Vec<String> = index.scopes_above(&g).iter().map(ToString::to_string).collect();
    /// assert_eq!(above[1..], ["/subscriptions/s", "/providers/Microsoft.Management/managementGroups/corp", "/"]);
    /// ```
    #[must_use]
    pub fn scopes_above(&self, scope: &ResourceId) -> Vec<ResourceId> {
        self.hierarchy.scopes_above(scope)
    }

    /// The role with this guid.
    #[must_use]
    pub fn definition(&self, id: Uuid) -> Option<&RoleDefinition> {
        self.definitions.get(&id).map(AsRef::as_ref)
    }

    /// Every role, in no particular order.
    pub fn definitions(&self) -> impl Iterator<Item = &RoleDefinition> {
        self.definitions.values().map(AsRef::as_ref)
    }

    /// The role of this name, whatever its case; former names of built-in roles count where no role has the name now.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// # let joe = Uuid::from_u128(1);
    /// # let team = Uuid::from_u128(2);
    /// # let (s, g) = (ResourceId::of_subscription("s"), ResourceId::of_resource_group("s", "g"));
    /// # let to = |scope: &ResourceId, role: Uuid, who: Uuid| {
    /// #     let id = scope.extension("Microsoft.Authorization/roleAssignments", &Uuid::from_u128(9).to_string());
    /// #     RoleAssignment::from_properties(&id, &json!({ "roleDefinitionId": role, "principalId": who }))
    /// # };
    /// # let mut index = RoleIndex::with_built_in();
    /// assert_eq!(index.definition_named("reader").map(|role| role.id), Some(built_in::READER));
    /// // a former name
    /// assert_eq!(index.definition_named("Azure AI User").map(|role| role.role_name.to_string()), Some("Foundry User".to_owned()));
    /// ```
    #[must_use]
    pub fn definition_named(&self, name: &str) -> Option<&RoleDefinition> {
        let name = name.to_lowercase();
        let is_it = |candidate: &str| candidate.to_lowercase() == name;
        self.definitions()
            .find(|role| is_it(&role.role_name))
            .or_else(|| {
                self.definitions()
                    .find(|role| built_in::previous_names(role.id).iter().any(|old| is_it(old)))
            })
    }

    /// The assignment with this id.
    #[must_use]
    pub fn assignment(&self, id: &ResourceId) -> Option<&RoleAssignment> {
        self.assignments.get(&id.scope()?, &Name::of(id))
    }

    /// The assignment of this role to this principal at exactly this scope; there is at most one.
    #[must_use]
    pub fn assignment_of(&self, principal: Uuid, role: Uuid, scope: &ResourceId) -> Option<&RoleAssignment> {
        let mut here = self.assignments.place(scope.key())?.given.to(principal);
        here.find(|assignment| assignment.role == role).map(AsRef::as_ref)
    }

    /// Every assignment, in the order of scopes and then of names.
    pub fn assignments(&self) -> impl Iterator<Item = &RoleAssignment> {
        self.assignments.iter()
    }

    /// The assignments at the scope and at everything above it, nearest first.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// # let joe = Uuid::from_u128(1);
    /// # let team = Uuid::from_u128(2);
    /// # let (s, g) = (ResourceId::of_subscription("s"), ResourceId::of_resource_group("s", "g"));
    /// # let to = |scope: &ResourceId, role: Uuid, who: Uuid| {
    /// #     let id = scope.extension("Microsoft.Authorization/roleAssignments", &Uuid::from_u128(9).to_string());
    /// #     RoleAssignment::from_properties(&id, &json!({ "roleDefinitionId": role, "principalId": who }))
    /// # };
    /// # let mut index = RoleIndex::with_built_in();
    /// index.put_assignment(to(&s, built_in::READER, joe)?);
    /// assert_eq!(index.assignments_at_or_above(&g).count(), 1);
    /// assert_eq!(index.assignments_below(&s).count(), 0);
    /// # Ok::<(), nave_arm::ArmError>(())
    /// ```
    pub fn assignments_at_or_above<'a>(
        &'a self,
        scope: &'a ResourceId,
    ) -> impl Iterator<Item = &'a RoleAssignment> {
        self.hierarchy
            .chain(scope)
            .flat_map(|key| self.assignments.at(key))
    }

    /// The assignments strictly below the scope, in the order of scopes.
    pub fn assignments_below<'a>(
        &'a self,
        scope: &'a ResourceId,
    ) -> impl Iterator<Item = &'a RoleAssignment> {
        let group = scope.management_group().is_some() || scope.is_tenant();
        let start = if group {
            String::new()
        } else {
            format!("{}/", scope.key())
        };
        self.assignments.starting(start).filter(move |assignment| {
            !group || (assignment.scope != *scope && self.scope_contains(scope, &assignment.scope))
        })
    }

    /// The assignments of the principal and of all its groups.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// # let joe = Uuid::from_u128(1);
    /// # let team = Uuid::from_u128(2);
    /// # let (s, g) = (ResourceId::of_subscription("s"), ResourceId::of_resource_group("s", "g"));
    /// # let to = |scope: &ResourceId, role: Uuid, who: Uuid| {
    /// #     let id = scope.extension("Microsoft.Authorization/roleAssignments", &Uuid::from_u128(9).to_string());
    /// #     RoleAssignment::from_properties(&id, &json!({ "roleDefinitionId": role, "principalId": who }))
    /// # };
    /// # let mut index = RoleIndex::with_built_in();
    /// index.put_group(team, vec![joe]);
    /// index.put_assignment(to(&s, built_in::READER, team)?);
    /// assert_eq!(index.assignments_of(joe).count(), 1);
    /// # Ok::<(), nave_arm::ArmError>(())
    /// ```
    pub fn assignments_of(&self, principal: Uuid) -> impl Iterator<Item = &RoleAssignment> {
        std::iter::once(principal)
            .chain(self.groups.of(principal).iter().copied())
            .flat_map(|who| self.assignments.of(who))
    }

    /// The deny assignment with this id.
    #[must_use]
    pub fn deny(&self, id: &ResourceId) -> Option<&DenyAssignment> {
        self.denies.get(id).map(AsRef::as_ref)
    }

    /// Every deny assignment, in the order of ids.
    pub fn denies(&self) -> impl Iterator<Item = &DenyAssignment> {
        self.denies.values().map(AsRef::as_ref)
    }

    /// Decides a request.
    ///
    /// A deny assignment that applies blocks, whatever else there is. Otherwise one assignment is enough: its scope
    /// is the request's or above, its principal is the caller or one of the caller's groups, a permission object of
    /// its role grants the operation, and the conditions of that object and of the assignment hold.
    #[must_use]
    pub fn evaluate(&self, request: &AccessRequest<'_>) -> Evaluation {
        let groups = self.groups.of(request.principal);
        let operation = Operation::new(request.operation);
        if let Some(deny) = self
            .denies_above(request.scope)
            .find(|deny| deny.blocks(request, groups, operation))
        {
            return Evaluation::Denied(Refusal::DenyAssignment { id: deny.id.clone() });
        }
        let reach = self.reach(request.principal, request.scope);
        for (through_group, assignment) in reach.iter() {
            if let Some(grant) = self.grant(assignment, request, operation) {
                return Evaluation::Allowed(Reason {
                    held: assignment.clone(),
                    definition: grant.role.clone(),
                    permission: grant.permission,
                    pattern: grant.pattern.text(),
                    through_group,
                });
            }
        }
        let considered = reach
            .iter()
            .map(|(through_group, assignment)| Considered {
                held: assignment.clone(),
                definition: self.definitions.get(&assignment.role).cloned(),
                through_group,
                why: self.why_not(assignment, request, operation),
            })
            .collect();
        Evaluation::Denied(Refusal::NoAssignment { considered })
    }

    /// Whether the principal, directly or through a group, has one of these roles at the scope or above without any
    /// condition.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// # let joe = Uuid::from_u128(1);
    /// # let team = Uuid::from_u128(2);
    /// # let (s, g) = (ResourceId::of_subscription("s"), ResourceId::of_resource_group("s", "g"));
    /// # let to = |scope: &ResourceId, role: Uuid, who: Uuid| {
    /// #     let id = scope.extension("Microsoft.Authorization/roleAssignments", &Uuid::from_u128(9).to_string());
    /// #     RoleAssignment::from_properties(&id, &json!({ "roleDefinitionId": role, "principalId": who }))
    /// # };
    /// # let mut index = RoleIndex::with_built_in();
    /// index.put_assignment(to(&s, built_in::OWNER, joe)?);
    /// assert!(index.holds_role(joe, &[built_in::OWNER, built_in::CONTRIBUTOR], &g));
    /// assert!(!index.holds_role(joe, &[built_in::READER], &g));
    /// # Ok::<(), nave_arm::ArmError>(())
    /// ```
    #[must_use]
    pub fn holds_role(&self, principal: Uuid, roles: &[Uuid], scope: &ResourceId) -> bool {
        self.reach(principal, scope)
            .iter()
            .any(|(_, assignment)| assignment.condition.is_none() && roles.contains(&assignment.role))
    }

    /// Whether the role may be assigned at the scope: it lies in one of the role's assignable scopes, and a custom role
    /// with data actions is not assigned at a management group itself, though inside one it may be.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// # let joe = Uuid::from_u128(1);
    /// # let team = Uuid::from_u128(2);
    /// # let (s, g) = (ResourceId::of_subscription("s"), ResourceId::of_resource_group("s", "g"));
    /// # let to = |scope: &ResourceId, role: Uuid, who: Uuid| {
    /// #     let id = scope.extension("Microsoft.Authorization/roleAssignments", &Uuid::from_u128(9).to_string());
    /// #     RoleAssignment::from_properties(&id, &json!({ "roleDefinitionId": role, "principalId": who }))
    /// # };
    /// # let mut index = RoleIndex::with_built_in();
    /// let custom = json!({ "roleName": "r", "assignableScopes": ["/subscriptions/s"] });
    /// let custom = RoleDefinition::from_properties(Uuid::from_u128(7), &custom)?;
    /// assert!(index.is_assignable_at(&custom, &g));
    /// assert!(!index.is_assignable_at(&custom, &ResourceId::of_subscription("other")));
    /// # Ok::<(), nave_arm::ArmError>(())
    /// ```
    #[must_use]
    pub fn is_assignable_at(&self, role: &RoleDefinition, scope: &ResourceId) -> bool {
        !is_data_role_at_management_group(role, scope)
            && role
                .assignable_scopes
                .iter()
                .any(|upper| self.scope_contains(upper, scope))
    }

    /// The permission objects the principal has at the scope, each once. A condition of the assignment stands in the
    /// object, together with the object's own.
    ///
    /// ```
    /// # use nave_arm::ResourceId;
    /// # use nave_rbac::*;
    /// # use serde_json::json;
    /// # use uuid::Uuid;
    /// # let joe = Uuid::from_u128(1);
    /// # let team = Uuid::from_u128(2);
    /// # let (s, g) = (ResourceId::of_subscription("s"), ResourceId::of_resource_group("s", "g"));
    /// # let to = |scope: &ResourceId, role: Uuid, who: Uuid| {
    /// #     let id = scope.extension("Microsoft.Authorization/roleAssignments", &Uuid::from_u128(9).to_string());
    /// #     RoleAssignment::from_properties(&id, &json!({ "roleDefinitionId": role, "principalId": who }))
    /// # };
    /// # let mut index = RoleIndex::with_built_in();
    /// index.put_assignment(to(&s, built_in::READER, joe)?);
    /// assert_eq!(index.permissions_at(joe, &g)[0]["actions"], json!(["*/read"]));
    /// # Ok::<(), nave_arm::ArmError>(())
    /// ```
    #[must_use]
    pub fn permissions_at(&self, principal: Uuid, scope: &ResourceId) -> Vec<Value> {
        let mut objects = Vec::new();
        for (_, assignment) in self.reach(principal, scope).iter() {
            let Some(role) = self.definition(assignment.role) else {
                continue;
            };
            for permission in &role.permissions {
                let object = under_condition(permission, assignment.condition.as_ref());
                if !objects.contains(&object) {
                    objects.push(object);
                }
            }
        }
        objects
    }

    fn denies_above<'a>(&'a self, scope: &'a ResourceId) -> impl Iterator<Item = &'a DenyAssignment> {
        // Most tenants have none, and then the way up need not be walked.
        let chain = (!self.denies_by_scope.is_empty()).then(|| self.hierarchy.chain(scope));
        chain
            .into_iter()
            .flatten()
            .filter_map(|key| self.denies_by_scope.get(key))
            .flatten()
            .map(AsRef::as_ref)
    }

    /// The assignments that reach the principal at the scope.
    fn reach<'a>(&'a self, principal: Uuid, scope: &ResourceId) -> Reach<'a> {
        let places = self.hierarchy.chain(scope);
        let places = places.filter_map(|key| Some(&self.assignments.place(key)?.given));
        Callers::new(principal, self.groups.of(principal)).reach(places)
    }

    /// The grant in this assignment, if there is one. Writes nothing down, so a refusal costs no memory here.
    fn grant<'a>(
        &'a self,
        assignment: &RoleAssignment,
        request: &AccessRequest<'_>,
        operation: Operation<'_>,
    ) -> Option<Grant<'a>> {
        let role = self.definitions.get(&assignment.role)?;
        let (permission, pattern) = role.permissions.iter().enumerate().find_map(|(at, permission)| {
            let Coverage::Granted(pattern) = permission.coverage(request.plane, operation) else {
                return None;
            };
            holds(permission.condition.as_ref(), request).then_some((at, pattern))
        })?;
        holds(assignment.condition.as_ref(), request).then_some(Grant {
            role,
            permission,
            pattern,
        })
    }

    /// Why [`Self::grant`] found none; of several permission objects, the one that came closest.
    pub(crate) fn why_not(
        &self,
        assignment: &RoleAssignment,
        request: &AccessRequest<'_>,
        operation: Operation<'_>,
    ) -> Why {
        let Some(role) = self.definition(assignment.role) else {
            return Why::RoleDangling;
        };
        let mut taken_away = None;
        let mut condition = None;
        for permission in &role.permissions {
            match permission.coverage(request.plane, operation) {
                Coverage::Absent => {}
                Coverage::TakenAway(pattern) => taken_away = Some(pattern),
                Coverage::Granted(_) => {
                    let own = permission
                        .condition
                        .as_ref()
                        .filter(|own| own.evaluate(request) != Truth::True);
                    match own {
                        Some(own) => condition = condition.or(Some((ConditionOn::Permission, own))),
                        None => {
                            condition = assignment
                                .condition
                                .as_ref()
                                .map(|own| (ConditionOn::Assignment, own))
                        }
                    }
                }
            }
        }
        match (condition, taken_away) {
            (Some((on, condition)), _) => match condition.error() {
                Some(error) => Why::ConditionUnreadable {
                    on,
                    error: error.to_string(),
                },
                None => Why::ConditionNotMet {
                    on,
                    truth: condition.evaluate(request),
                    condition: condition.clone(),
                },
            },
            (None, Some(pattern)) => Why::TakenAway { by: pattern.text() },
            (None, None) => {
                let other_plane = match request.plane {
                    Plane::Control => Plane::Data,
                    Plane::Data => Plane::Control,
                };
                let there = role.permissions.iter().find_map(|permission| {
                    match permission.coverage(other_plane, operation) {
                        Coverage::Granted(pattern) => Some(pattern.text()),
                        Coverage::TakenAway(_) | Coverage::Absent => None,
                    }
                });
                Why::NoPatternMatched {
                    plane: request.plane,
                    other_plane: there,
                }
            }
        }
    }
}

fn holds(condition: Option<&Condition>, request: &AccessRequest<'_>) -> bool {
    condition.is_none_or(|condition| condition.evaluate(request) == Truth::True)
}

/// The permission object as the permissions API shows it, with the assignment's condition in it.
fn under_condition(permission: &Permission, of_assignment: Option<&Condition>) -> Value {
    let mut object = permission.to_json();
    if let Some(condition) = of_assignment {
        let text = match &permission.condition {
            Some(own) => format!("({}) AND ({})", own.text(), condition.text()),
            None => condition.text().to_owned(),
        };
        object["condition"] = text.into();
        object["conditionVersion"] = condition::VERSION.into();
    }
    object
}
