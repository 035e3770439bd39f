//! Whose rights a change can touch, and where: everybody and everything else need not be looked at.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use nave_arm::ResourceId;
use nave_rbac::{ALL_PRINCIPALS, DenyAssignment, RoleAssignment};
use uuid::Uuid;

use crate::{Resource, Snapshot, directory};

/// The state before a change and after it, and the rows that differ.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) before: &'a Snapshot,
    pub(super) after: &'a Snapshot,
    pub(super) changed: &'a [ResourceId],
}

/// For each principal that may be touched, the scopes it may be touched at and below.
pub(super) type Affected = BTreeMap<Uuid, BTreeSet<ResourceId>>;

impl Step<'_> {
    pub(super) fn both(&self) -> [&Snapshot; 2] {
        [self.before, self.after]
    }

    /// Whom the change may touch.
    pub(super) fn affected(&self) -> Affected {
        let mut found = Affected::new();
        for id in self.changed {
            match id.resource_type().to_lowercase().as_str() {
                "microsoft.authorization/roleassignments" => self.by_assignment(id, &mut found),
                "microsoft.authorization/roledefinitions" => self.by_definition(id, &mut found),
                "microsoft.authorization/denyassignments" => self.by_deny(id, &mut found),
                "microsoft.graph/groups" => self.by_group(id, &mut found),
                _ => {}
            }
        }
        found
    }

    fn by_assignment(&self, id: &ResourceId, found: &mut Affected) {
        for assignment in self
            .both()
            .into_iter()
            .filter_map(|state| state.roles().assignment(id))
        {
            self.reach(assignment.principal, &assignment.scope, found);
        }
    }

    fn by_definition(&self, id: &ResourceId, found: &mut Affected) {
        let Ok(role) = Uuid::parse_str(id.name()) else {
            return;
        };
        let assigned: BTreeSet<(Uuid, ResourceId)> = self
            .both()
            .into_iter()
            .flat_map(|state| state.roles().assignments())
            .filter(|assignment| assignment.role == role)
            .map(|assignment| (assignment.principal, assignment.scope.clone()))
            .collect();
        for (principal, scope) in assigned {
            self.reach(principal, &scope, found);
        }
    }

    fn by_deny(&self, id: &ResourceId, found: &mut Affected) {
        for deny in self.both().into_iter().filter_map(|state| state.roles().deny(id)) {
            for principal in &deny.principals {
                self.reach(*principal, &deny.scope, found);
            }
        }
    }

    /// Who came or left is touched wherever the group, or a group it is in, is named.
    fn by_group(&self, id: &ResourceId, found: &mut Affected) {
        let Ok(group) = Uuid::parse_str(id.name()) else {
            return;
        };
        let [before, after] = self.both().map(|state| members(state, group));
        let moved = before.symmetric_difference(&after).copied();
        let scopes = self.scopes_of(group);
        for member in moved {
            for scope in &scopes {
                self.reach(member, scope, found);
            }
        }
    }

    fn scopes_of(&self, group: Uuid) -> BTreeSet<ResourceId> {
        let mut scopes = BTreeSet::new();
        for state in self.both() {
            let roles = state.roles();
            let mut named: HashSet<Uuid> = roles.groups_of(group).into_iter().collect();
            named.insert(group);
            let assigned = roles.assignments_of(group).map(scope_of_assignment);
            let names = |deny: &DenyAssignment| {
                let mut listed = deny.principals.iter().chain(&deny.exclude_principals);
                listed.any(|listed| named.contains(listed))
            };
            let denied = roles
                .denies()
                .filter(|deny| names(deny))
                .map(|deny| deny.scope.clone());
            scopes.extend(assigned.chain(denied));
        }
        scopes
    }

    /// Adds everybody that a principal stands for.
    fn reach(&self, principal: Uuid, scope: &ResourceId, found: &mut Affected) {
        for person in self.people(principal) {
            found.entry(person).or_default().insert(scope.clone());
        }
    }

    /// The users and service principals, managed identities among them, that a principal stands for: itself, the members
    /// of a group however nested, or everybody.
    fn people(&self, principal: Uuid) -> HashSet<Uuid> {
        let mut people = HashSet::new();
        if principal == ALL_PRINCIPALS {
            for state in self.both() {
                people.extend(everybody(state));
            }
            return people;
        }
        let mut open = vec![principal];
        let mut seen: HashSet<Uuid> = open.iter().copied().collect();
        while let Some(next) = open.pop() {
            for state in self.both() {
                match state.principal(next) {
                    Some(object) if is_group(object) => {
                        open.extend(
                            members(state, next)
                                .into_iter()
                                .filter(|member| seen.insert(*member)),
                        );
                    }
                    Some(_) => drop(people.insert(next)),
                    None => {}
                }
            }
        }
        people
    }
}

/// Every user and service principal.
pub(super) fn everybody(state: &Snapshot) -> impl Iterator<Item = Uuid> {
    [directory::USERS, directory::SERVICE_PRINCIPALS]
        .into_iter()
        .flat_map(|kind| state.of_type(kind))
        .filter_map(|object| object.id.name().parse().ok())
}

fn scope_of_assignment(assignment: &RoleAssignment) -> ResourceId {
    assignment.scope.clone()
}

fn is_group(object: &Resource) -> bool {
    object.id.resource_type().eq_ignore_ascii_case(directory::GROUPS)
}

fn members(state: &Snapshot, group: Uuid) -> BTreeSet<Uuid> {
    let row = state.get(&directory::object_id(directory::GROUPS, group));
    row.map_or_else(BTreeSet::new, |row| directory::members(row).into_iter().collect())
}
