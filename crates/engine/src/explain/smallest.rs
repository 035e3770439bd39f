//! The smallest grant that lets a request through.
//!
//! Of all roles that grant what is missing, the one with the fewest other operations that this server serves; among equals
//! the one with the fewest operations at all, then one of the well-known roles, then the first by name. It is given to the
//! caller alone, at the narrowest scope there is: the resource itself, or what a resource that is yet to be hangs off.
//! Each grant is tried out on the state before it is named, with everything that follows from it by the rules of every
//! plane, so that what is printed is what helps, and what else it opens is known.

use std::collections::{BTreeSet, HashMap};

use nave_arm::ResourceId;
use nave_rbac::{
    AccessRequest, Attributes, Catalogue, Plane, Refusal, RoleAssignment, RoleDefinition, RoleKind, built_in,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    command,
    explanation::{Asked, Brought, Remedy, SmallestGrant},
    sight::Sight,
};
use crate::{
    Caller, CallerKind, Engine, Snapshot,
    decision::{Basis, Decision, Finding, Need, Outcome, Question, decide},
    declaration::Placement,
    directory,
    locks::{self, Lock},
    operation::Surface,
};

const ASSIGNMENTS: &str = "Microsoft.Authorization/roleAssignments";
const DEFINITIONS: &str = "Microsoft.Authorization/roleDefinitions";
const REMOVE_LOCKS: &str = "Microsoft.Authorization/locks/delete";

/// Looks for what would let a question's request through.
pub(crate) struct Finder<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) caller: &'a Caller,
    pub(crate) question: &'a Question,
    pub(crate) sight: Sight<'a>,
}

/// A grant that was tried out.
#[derive(Clone)]
struct Tried {
    role: Uuid,
    scope: ResourceId,
    /// Itself, and what follows from it.
    assignments: Vec<RoleAssignment>,
}

impl Finder<'_> {
    /// What would help, as things are now.
    pub(crate) fn remedy(&self) -> Remedy {
        let decision = self.decide(self.snapshot, self.question);
        if decision.allowed {
            return Remedy::default();
        }
        let mut advice: Vec<String> = Vec::new();
        for finding in decision.findings.iter().filter(|one| !one.outcome.passed()) {
            advice.extend(self.advice(finding));
            advice.extend(self.locks(finding));
        }
        advice.dedup();
        let grants = self.fewest().unwrap_or_default();
        if grants.is_empty() && advice.is_empty() {
            advice.push(String::from(
                "No role that is defined here grants this, so no role assignment helps.",
            ));
        }
        Remedy {
            grants: grants.iter().map(|tried| self.shown(tried)).collect(),
            advice,
        }
    }

    fn decide(&self, snapshot: &Snapshot, question: &Question) -> Decision {
        let origin = &self.engine.site().origin;
        decide(snapshot, origin, Uuid::nil(), self.caller, question)
    }

    /// What to say of a need that no role mends, or that may be mended without one.
    fn advice(&self, finding: &Finding) -> Option<String> {
        let Caller { name, object_id, .. } = self.caller;
        match &finding.outcome {
            Outcome::Refused(Refusal::DenyAssignment { id }) => Some(format!(
                "No role assignment helps while the deny assignment {id} is there: whoever may change it must delete it, \
                 or exclude {name} from it."
            )),
            Outcome::Refused(Refusal::NoAssignment { considered }) => {
                let in_the_way = considered.iter().find(|one| one.why.is_condition())?;
                Some(format!(
                    "The condition of {} is in the way. The request passes without another role if it meets the \
                     condition, or if the condition is changed; the grant below goes round it.",
                    in_the_way.assignment()
                ))
            }
            Outcome::PrincipalUnusable => {
                Some(match (self.snapshot.principal(*object_id), &self.caller.kind) {
                    (None, _) => format!("No role assignment helps: {name} is no longer in the directory."),
                    (Some(found), CallerKind::User) if !directory::is_enabled(found) => format!(
                        "No role assignment helps while the account is disabled: az ad user update --id {object_id} \
                         --account-enabled true"
                    ),
                    (Some(found), _) if !directory::is_enabled(found) => {
                        String::from("No role assignment helps while the service principal is disabled.")
                    }
                    _ => String::from(
                        "No role assignment helps: the credential was called back. Sign in again.",
                    ),
                })
            }
            Outcome::SubscriptionClosed(_) => Some(format!(
                "No role assignment helps while the subscription is closed: POST \
                 /subscriptions/{}/providers/Microsoft.Subscription/enable",
                finding.scope.subscription().unwrap_or_default()
            )),
            Outcome::KeysDisabled => Some(String::from(
                "Roles are not given to keys, and this account takes none: sign in, and call with a token.",
            )),
            Outcome::KeyOutOfReach => Some(String::from(
                "Roles are not given to keys: call the key's own account with one of its present keys, or sign in, and \
                 call with a token.",
            )),
            Outcome::WrongAudience => Some(format!(
                "No role assignment helps with this token: az account get-access-token --resource {}",
                self.question.surface.audience(&self.engine.site().origin)
            )),
            _ => None,
        }
    }

    /// The locks in the way, whether roles are missing or not: told to who was refused by them, and to who may see them.
    fn locks(&self, finding: &Finding) -> Vec<String> {
        let locks = match &finding.outcome {
            Outcome::Locked(locks) => locks.clone(),
            _ if self.sight.of_locks_at(&finding.scope) => {
                locks::in_the_way(self.snapshot, self.question.surface, &finding.need())
            }
            _ => Vec::new(),
        };
        locks.iter().map(|lock| self.without(lock)).collect()
    }

    /// What becomes of a lock that is in the way, and who can see to it.
    fn without(&self, lock: &Lock) -> String {
        let name = &self.caller.name;
        let is_allowed = self
            .engine
            .may(self.snapshot, self.caller, Surface::Arm, REMOVE_LOCKS, &lock.id);
        let who = match is_allowed {
            true => format!("{name} may remove it"),
            false => format!(
                "{name} may not: who holds '{REMOVE_LOCKS}' there may, such as an Owner or a User Access Administrator"
            ),
        };
        format!(
            "No role assignment helps while the lock {} ({}) is there. {who}: az lock delete --ids {}",
            lock.id.name(),
            lock.level.word(),
            command::quoted(lock.id.as_str()),
        )
    }

    /// The grants of the way that opens the least else, with the fewest of them.
    fn fewest(&self) -> Option<Vec<Tried>> {
        let ways = self.question.alternatives.iter();
        let found = ways.filter_map(|way| self.grants_for(way));
        found.min_by_key(|grants| {
            let opened: BTreeSet<Asked> = grants.iter().flat_map(|tried| self.opened(tried)).collect();
            (opened.len(), grants.len())
        })
    }

    /// The grants that meet every need of a way; `None` where something else than a role is missing.
    fn grants_for(&self, way: &[Need]) -> Option<Vec<Tried>> {
        let mut needs: Vec<&Need> = way.iter().collect();
        // a rule that asks for a role leaves the least choice
        needs.sort_by_key(|need| !matches!(need.basis, Basis::Role(_)));
        let mut grants: Vec<Tried> = Vec::new();
        for need in needs {
            let tried = self.with(&grants);
            match self.outcome(&tried, need) {
                outcome if is_granted(&outcome) => {}
                Outcome::Refused(Refusal::NoAssignment { .. }) | Outcome::RoleMissing => {
                    grants.push(self.smallest(&tried, need)?);
                }
                _ => return None,
            }
        }
        let passes = |grants: &[Tried]| {
            let state = self.with(grants);
            way.iter().all(|need| is_granted(&self.outcome(&state, need)))
        };
        // what an earlier grant was needed for, a later one may give as well
        let mut at = 0;
        while at < grants.len() {
            let without: Vec<Tried> = [&grants[..at], &grants[at + 1..]].concat();
            if passes(&without) {
                grants = without;
            } else {
                at += 1;
            }
        }
        Some(grants)
    }

    fn with(&self, grants: &[Tried]) -> Snapshot {
        let assignments: Vec<RoleAssignment> = grants
            .iter()
            .flat_map(|tried| tried.assignments.clone())
            .collect();
        self.snapshot.granting(&assignments)
    }

    fn outcome(&self, snapshot: &Snapshot, need: &Need) -> Outcome {
        let question = Question {
            alternatives: vec![vec![need.clone()]],
            ..self.question.clone()
        };
        let findings = self.decide(snapshot, &question).findings;
        findings
            .into_iter()
            .next()
            .map_or(Outcome::RoleMissing, |finding| finding.outcome)
    }

    /// The smallest grant that meets a need.
    fn smallest(&self, snapshot: &Snapshot, need: &Need) -> Option<Tried> {
        let scope = self.place(need);
        let sees_custom = self.sight.of_roles_at(&need.scope);
        let gate = match need.basis {
            Basis::Role(gate) => Some(gate),
            _ => None,
        };
        let fits = |role: &&RoleDefinition| {
            role.grants(need.plane, &need.operation)
                && gate.is_none_or(|gate| gate.roles.contains(&role.id))
                && (sees_custom || role.kind == RoleKind::BuiltIn)
        };
        let mut roles: Vec<(usize, &RoleDefinition)> = snapshot
            .roles()
            .definitions()
            .filter(fits)
            .map(|role| (self.engine.widths().served(role), role))
            .collect();
        roles.sort_by_key(|(served, role)| (*served, role.id));
        // the finer comparison costs more, and is made only among those that are equal so far
        for equals in roles.chunk_by(|left, right| left.0 == right.0) {
            let mut equals: Vec<&RoleDefinition> = equals.iter().map(|(_, role)| *role).collect();
            if equals.len() > 1 {
                equals.sort_by_cached_key(|role| {
                    let known = built_in::core().iter().position(|core| *core == role.id);
                    let all = self.engine.widths().published(role);
                    (all, known.unwrap_or(usize::MAX), role.role_name.clone(), role.id)
                });
            }
            let helps = |role: &&RoleDefinition| self.tried(snapshot, need, role.id, &scope);
            if let Some(tried) = equals.iter().find_map(helps) {
                return Some(tried);
            }
        }
        None
    }

    /// The grant of a role, if it can be made and helps.
    fn tried(&self, snapshot: &Snapshot, need: &Need, role: Uuid, scope: &ResourceId) -> Option<Tried> {
        let definition = snapshot.roles().definition(role)?;
        if !snapshot.roles().is_assignable_at(definition, scope) {
            return None;
        }
        let principal = self.caller.object_id;
        let id = scope.extension(ASSIGNMENTS, &self.engine.world().new_id().to_string());
        let body = json!({ "properties": {
            "roleDefinitionId": format!("/providers/{DEFINITIONS}/{role}"),
            "principalId": principal, "principalType": self.principal_type(),
        } });
        let assignments = self.engine.staged_assignments(snapshot, id, body).ok()?;
        let state = snapshot.granting(&assignments);
        is_granted(&self.outcome(&state, need)).then(|| Tried {
            role,
            scope: scope.clone(),
            assignments,
        })
    }

    fn principal_type(&self) -> &'static str {
        let found = self.snapshot.principal(self.caller.object_id);
        found.map_or("ServicePrincipal", |found| directory::principal_type(found))
    }

    /// The narrowest scope a role can be given at for a need. Who may not see what is there is told a scope that does not
    /// depend on it: of a write the place the resource is in, else the resource.
    fn place(&self, need: &Need) -> ResourceId {
        let scope = self.beneath_extensions(&need.scope);
        if self.sight.of_thing_at(&need.scope) {
            return self.there(&scope);
        }
        match (need.operation.ends_with("/write"), scope.parent()) {
            (true, Some(parent)) if !scope.is_resource_group() && !scope.is_subscription() => parent,
            (true, _) if scope.is_resource_group() => scope.subscription_id().unwrap_or(scope),
            _ => scope,
        }
    }

    /// What an extension extends: roles are given at resources, not at assignments and deployments.
    fn beneath_extensions(&self, scope: &ResourceId) -> ResourceId {
        let mut scope = scope.clone();
        loop {
            let kind = self
                .engine
                .registry()
                .resource_type(&scope.resource_type())
                .cloned();
            let extends = kind.is_some_and(|kind| kind.declaration().placement == Placement::Anywhere);
            match scope.scope().filter(|_| extends) {
                Some(extended) => scope = extended,
                None => return scope,
            }
        }
    }

    /// The scope, or what is above it, that is there. Things that only a data plane knows have no row and need none.
    fn there(&self, scope: &ResourceId) -> ResourceId {
        let system = Caller::system();
        let cx = self.engine.cx(self.snapshot, &system);
        let is_missing = |place: &ResourceId| {
            let kind = self.engine.registry().resource_type(&place.resource_type());
            !place.is_tenant()
                && kind.is_some_and(|kind| kind.declaration().resident && kind.find(&cx, place).is_none())
        };
        let missing = scope.ancestors().filter(is_missing).last();
        missing.map_or_else(
            || scope.clone(),
            |missing| missing.parent().unwrap_or_else(ResourceId::tenant),
        )
    }

    /// What the caller could do from then on, of all that is served, and could not before without a condition.
    fn opened(&self, tried: &Tried) -> Vec<Asked> {
        let shown = self.sight.of_thing_at(&tried.scope);
        let assignments = tried.assignments.iter().take(if shown { usize::MAX } else { 1 });
        let mut opened: Vec<Asked> = assignments
            .flat_map(|assignment| self.opened_by(assignment))
            .collect();
        opened.sort_unstable();
        opened.dedup();
        opened
    }

    fn opened_by(&self, assignment: &RoleAssignment) -> Vec<Asked> {
        let Some(role) = self.snapshot.roles().definition(assignment.role) else {
            return Vec::new();
        };
        let nothing = Attributes::new();
        let is_held = |plane, operation: &str| {
            let request = AccessRequest::new(
                self.caller.object_id,
                operation,
                plane,
                &assignment.scope,
                &nothing,
            );
            self.snapshot.roles().evaluate(&request).is_allowed()
        };
        let served = self.engine.widths().operations();
        let given = served
            .iter()
            .filter(|(plane, operation)| role.grants(*plane, operation) && !is_held(*plane, operation));
        given
            .map(|(plane, operation)| Asked {
                operation: operation.clone(),
                data_action: *plane == Plane::Data,
                scope: assignment.scope.clone(),
            })
            .collect()
    }

    fn passed(&self, tried: &Tried) -> Vec<&'static str> {
        let roles = self.snapshot.roles();
        let gates = self.engine.registry().gates().iter();
        let opened = gates.filter(|gate| {
            gate.roles.contains(&tried.role)
                && !roles.holds_role(self.caller.object_id, gate.roles, &tried.scope)
        });
        opened.map(|gate| gate.rule).collect()
    }

    fn shown(&self, tried: &Tried) -> SmallestGrant {
        let roles = self.snapshot.roles();
        let name = |role: Uuid| {
            let found = roles.definition(role);
            found.map_or_else(|| role.to_string(), |role| role.role_name.clone())
        };
        let brings = tried.assignments.iter().skip(1);
        SmallestGrant {
            role: tried.role,
            role_name: name(tried.role),
            scope: tried.scope.clone(),
            command: command::assign(
                self.caller.object_id,
                self.principal_type(),
                &name(tried.role),
                &tried.scope,
            ),
            brings: brings
                .filter(|_| self.sight.of_thing_at(&tried.scope))
                .map(|brought| Brought {
                    role_name: name(brought.role),
                    scope: brought.scope.clone(),
                })
                .collect(),
            opens: self.opened(tried),
            passes: self.passed(tried),
        }
    }
}

/// Whether no right is missing. A lock may be in the way all the same; it is told apart.
fn is_granted(outcome: &Outcome) -> bool {
    outcome.passed() || outcome.is_locked()
}

/// How many operations roles grant: worked out once for each built-in role.
#[derive(Debug, Default)]
pub(crate) struct Widths {
    served: Vec<(Plane, String)>,
    known: std::sync::Mutex<HashMap<(Uuid, bool), usize>>,
}

impl Widths {
    /// For a server of these operations.
    pub(crate) fn new(mut served: Vec<(Plane, String)>) -> Self {
        served.sort_unstable_by(|left, right| {
            (&left.1, left.0 == Plane::Data).cmp(&(&right.1, right.0 == Plane::Data))
        });
        served.dedup();
        Self {
            served,
            known: std::sync::Mutex::default(),
        }
    }

    /// Every operation that is served.
    pub(crate) fn operations(&self) -> &[(Plane, String)] {
        &self.served
    }

    /// How many of the served ones a role grants.
    fn served(&self, role: &RoleDefinition) -> usize {
        self.remembered(role, true, || {
            let granted = self.served.iter();
            granted
                .filter(|(plane, operation)| role.grants(*plane, operation))
                .count()
        })
    }

    /// How many of all published ones a role grants.
    fn published(&self, role: &RoleDefinition) -> usize {
        self.remembered(role, false, || {
            let catalogue = Catalogue::built_in();
            let all = catalogue
                .namespaces()
                .flat_map(|namespace| catalogue.operations_of(namespace));
            all.filter(|operation| {
                let plane = if operation.is_data_action {
                    Plane::Data
                } else {
                    Plane::Control
                };
                role.grants(plane, operation.name)
            })
            .count()
        })
    }

    fn remembered(&self, role: &RoleDefinition, served: bool, count: impl FnOnce() -> usize) -> usize {
        if role.kind == RoleKind::Custom {
            return count();
        }
        let key = (role.id, served);
        let lock = || {
            self.known
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
        };
        if let Some(known) = lock().get(&key) {
            return *known;
        }
        let counted = count();
        lock().insert(key, counted);
        counted
    }
}
