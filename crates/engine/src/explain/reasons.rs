//! The reasons of a decision, in full. Pure: a snapshot, a caller and a question give the same reasons every time.

use nave_arm::ResourceId;
use nave_rbac::{AssignmentTrace, DenyTrace, PermissionTrace, Plane, RoleIndex, Says, Trace, Truth};
use uuid::Uuid;

use super::explanation::{
    Asked, AssignmentReasons, Comparison, ConditionReasons, DenyReasons, Explanation, Group, NeedReasons,
    PermissionReasons, Remedy, ScopeStep, Seen, Who,
};
use crate::{
    Caller, CallerKind, Decision, Snapshot,
    decision::{Basis, Finding, Need, Outcome, Question, ask, decide},
    directory,
    locks::Lock,
    workspaces::{WORKSPACES, hub_of, is_hub},
};

/// The whole explanation, but for what would help now.
pub(crate) fn reasons(
    snapshot: &Snapshot,
    origin: &str,
    decision: Uuid,
    caller: &Caller,
    question: &Question,
) -> Explanation {
    let decided = decide(snapshot, origin, decision, caller, question);
    let way = question
        .alternatives
        .iter()
        .find(|way| way.len() == decided.findings.len() && same(way, &decided))
        .map_or(&[][..], Vec::as_slice);
    let needs: Vec<NeedReasons> = way
        .iter()
        .zip(&decided.findings)
        .map(|(need, finding)| of_need(snapshot, origin, caller, question, need, finding))
        .collect();
    Explanation {
        decision: (!decision.is_nil()).then_some(decision),
        at: question.now,
        revision: decided.revision,
        allowed: decided.allowed,
        summary: summary(&decided, &needs),
        caller: who(snapshot, caller),
        surface: question.surface.word(),
        needs,
        other_ways: decided
            .others
            .iter()
            .map(|way| way.iter().map(Asked::of).collect())
            .collect(),
        afterwards: None,
        policies: Vec::new(),
        remarks: remarks(snapshot, &decided),
        remedy: Remedy::default(),
    }
}

fn same(way: &[Need], decided: &Decision) -> bool {
    way.iter().zip(&decided.findings).all(|(need, finding)| {
        need.operation == finding.operation && need.scope == finding.scope && need.plane == finding.plane
    })
}

impl Asked {
    pub(crate) fn of(need: &Need) -> Self {
        Self {
            operation: need.operation.clone().into_owned(),
            data_action: need.plane == Plane::Data,
            scope: need.scope.clone(),
        }
    }
}

fn summary(decided: &Decision, needs: &[NeedReasons]) -> String {
    let name = &decided.caller.name;
    match needs.iter().find(|need| !need.met).or(needs.first()) {
        None => format!("Nothing was asked for, so nothing was allowed to {name}."),
        Some(need) => {
            let verdict = if decided.allowed { "may" } else { "may not" };
            let Asked { operation, scope, .. } = &need.asked;
            format!("{name} {verdict} do {operation} on {scope}: {}.", need.why)
        }
    }
}

fn who(snapshot: &Snapshot, caller: &Caller) -> Who {
    let sign_in = &caller.sign_in;
    Who {
        id: caller.object_id,
        name: caller.name.clone(),
        kind: caller.kind_word(),
        credential: credential(caller),
        session: sign_in.session,
        methods: sign_in.methods.to_vec(),
        address: sign_in.address.map(|address| address.to_string()),
        groups: snapshot
            .roles()
            .groups_of(caller.object_id)
            .into_iter()
            .map(|group| named(snapshot, group))
            .collect(),
    }
}

fn credential(caller: &Caller) -> String {
    match &caller.kind {
        CallerKind::System => String::from("nave itself"),
        CallerKind::AccountKey { account, key } => format!("{key} of {account}"),
        _ if caller.audience.is_empty() => String::from("none"),
        _ => format!("a token for {}", caller.audience),
    }
}

fn named(snapshot: &Snapshot, id: Uuid) -> Group {
    Group {
        id,
        name: directory::display_name(snapshot, id),
    }
}

fn of_need(
    snapshot: &Snapshot,
    origin: &str,
    caller: &Caller,
    question: &Question,
    need: &Need,
    finding: &Finding,
) -> NeedReasons {
    let traced = ask(snapshot, caller, question, need, RoleIndex::explain);
    let by_roles = !matches!(caller.kind, CallerKind::AccountKey { .. } | CallerKind::System)
        && !matches!(need.basis, Basis::SignedIn | Basis::Along);
    let assignments: Vec<AssignmentReasons> = traced
        .assignments
        .iter()
        .filter(|_| by_roles)
        .map(|one| of_assignment(snapshot, one, need))
        .collect();
    let denies = traced
        .denies
        .iter()
        .filter(|deny| by_roles && deny.about.is_some());
    NeedReasons {
        asked: Asked::of(need),
        basis: match need.basis {
            Basis::Own => "own",
            Basis::Linked => "linked",
            Basis::SignedIn => "signedIn",
            Basis::Along => "along",
            Basis::Role(gate) => gate.rule,
        },
        met: finding.outcome.passed(),
        outcome: finding.outcome.word(),
        why: why(origin, caller, question, need, &finding.outcome, &assignments),
        scopes: traced.scopes.iter().map(step).collect(),
        assignments,
        denies: denies.map(of_deny).collect(),
    }
}

fn why(
    origin: &str,
    caller: &Caller,
    question: &Question,
    need: &Need,
    outcome: &Outcome,
    assignments: &[AssignmentReasons],
) -> String {
    match outcome {
        Outcome::Granted(reason) => {
            let assignment = reason.assignment();
            let at = assignments.iter().find(|one| one.id == assignment);
            let at = at.map_or_else(String::new, |one| format!(", assigned at {}", one.scope));
            let through = at_group(assignments, &assignment);
            format!(
                "the role {} grants it by '{}'{at}{through}",
                reason.role_name(),
                reason.pattern
            )
        }
        Outcome::Locked(locks) => locked(need, locks),
        Outcome::SubscriptionClosed(state) => {
            format!(
                "the subscription is {}: in it one reads and deletes",
                state.word().to_lowercase()
            )
        }
        Outcome::Rule("Unlocked") => String::from("no lock is in the way"),
        Outcome::Rule("SignedIn") => String::from("whoever is signed in may"),
        Outcome::Rule("DirectoryMember") => String::from("members of the directory may read it"),
        Outcome::Rule("AccountKey") => String::from("a key of the account opens its data plane"),
        Outcome::Rule(rule) => format!("the rule {rule} allows it"),
        Outcome::Refused(nave_rbac::Refusal::DenyAssignment { id }) => {
            format!("the deny assignment {id} blocks it, whatever roles there are")
        }
        Outcome::Refused(_) => match closest(assignments) {
            None => String::from("no role is assigned to the caller there or above"),
            Some(one) => {
                let role = one.role_name.as_deref().unwrap_or("a role that is gone");
                format!("no role there or above grants it; {role} {}", one.why)
            }
        },
        Outcome::RoleMissing => match need.basis {
            Basis::Role(gate) => format!(
                "a role grants the operation, but the rule {} asks for the built-in role {} there or above, without a \
                 condition, and nothing stands in for it",
                gate.rule, gate.names
            ),
            _ => String::from("a rule asks for a role that is not held"),
        },
        Outcome::PrincipalUnusable => String::from(
            "the caller is disabled or gone from the directory, or the credential was called back",
        ),
        Outcome::KeyOutOfReach => String::from(
            "a key opens the data plane of its own account only, while it is one of the account's keys",
        ),
        Outcome::KeysDisabled => String::from("the account takes no keys (disableLocalAuth)"),
        Outcome::CalledBack => String::from("the credential was called back after it was given out"),
        Outcome::WrongAudience => format!(
            "the token is for '{}', and here one for {} is needed",
            caller.audience,
            question.surface.audience(origin)
        ),
    }
}

fn locked(need: &Need, locks: &[Lock]) -> String {
    let by = locks.iter().map(|lock| {
        format!(
            "the lock {} ({}) at {}",
            lock.id.name(),
            lock.level.word(),
            lock.scope()
        )
    });
    let by = by.collect::<Vec<_>>().join(" and ");
    let but = match need.basis {
        Basis::Along => "it would change along with what was asked, and",
        _ => "a role grants it, but",
    };
    format!("{but} {by} stands in the way, whatever roles there are")
}

fn at_group(assignments: &[AssignmentReasons], id: &ResourceId) -> String {
    let group = assignments
        .iter()
        .find(|one| one.id == *id)
        .and_then(|one| one.through_group.as_ref());
    group.map_or_else(String::new, |group| {
        let id = group.id.to_string();
        format!(", through the group {}", group.name.as_deref().unwrap_or(&id))
    })
}

/// The assignment that came closest: a condition in the way before a notAction, before one that does not mention it.
fn closest(assignments: &[AssignmentReasons]) -> Option<&AssignmentReasons> {
    let rank = |one: &&AssignmentReasons| {
        let covers = one
            .permissions
            .iter()
            .any(|permission| permission.pattern.is_some() && permission.taken_away_by.is_none());
        let taken = one
            .permissions
            .iter()
            .any(|permission| permission.taken_away_by.is_some());
        let elsewhere = one
            .permissions
            .iter()
            .any(|permission| permission.other_plane.is_some());
        (covers, taken, elsewhere)
    };
    // the nearest of those that are equally close
    assignments.iter().rev().max_by_key(rank)
}

fn of_assignment(snapshot: &Snapshot, one: &AssignmentTrace, need: &Need) -> AssignmentReasons {
    let permissions: Vec<PermissionReasons> = one.permissions.iter().map(of_permission).collect();
    let covering = |permission: &&PermissionReasons| permission.pattern.is_some();
    let why = match &one.why_not {
        Some(why) => why.to_string(),
        None => {
            let by = permissions.iter().find(covering);
            let by = by.and_then(|permission| permission.pattern.as_deref());
            format!("grants it by '{}'", by.unwrap_or("*"))
        }
    };
    let gated = matches!(need.basis, Basis::Role(gate) if one.grants && !gate.roles.contains(&one.role));
    AssignmentReasons {
        id: one.id.clone(),
        scope: one.scope.clone(),
        role: one.role,
        role_name: one.role_name.clone(),
        through_group: one.through_group.map(|group| named(snapshot, group)),
        grants: one.grants,
        why: if gated {
            format!("{why}, but is not a role the rule asks for")
        } else {
            why
        },
        permissions,
        condition: one.condition.as_ref().map(of_condition),
    }
}

fn of_permission(permission: &PermissionTrace) -> PermissionReasons {
    let (pattern, taken_away_by, other_plane) = match &permission.says {
        Says::Covers { pattern } => (Some(pattern.clone()), None, None),
        Says::TakesAway { pattern, by } => (Some(pattern.clone()), Some(by.clone()), None),
        Says::Nothing { other_plane } => (None, None, other_plane.clone()),
    };
    PermissionReasons {
        index: permission.index,
        pattern,
        taken_away_by,
        other_plane,
        condition: permission.condition.as_ref().map(of_condition),
    }
}

fn of_condition(trace: &Trace) -> ConditionReasons {
    ConditionReasons {
        text: trace.text.clone(),
        truth: word(trace.truth),
        error: trace.error.as_ref().map(ToString::to_string),
        comparisons: trace
            .leaves
            .iter()
            .map(|leaf| Comparison {
                text: leaf.text.clone(),
                truth: word(leaf.truth),
                in_the_way: leaf.in_the_way,
                saw: leaf
                    .seen
                    .iter()
                    .map(|seen| Seen {
                        source: seen.source.as_str(),
                        name: seen.name.clone(),
                        values: Some(seen.values.iter().map(text).collect()),
                    })
                    .collect(),
            })
            .collect(),
    }
}

fn text(value: &nave_rbac::AttributeValue) -> String {
    let json = value.to_json();
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

fn word(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unknown => "unknown",
    }
}

fn of_deny(deny: &DenyTrace) -> DenyReasons {
    let covers = |permission: &PermissionTrace| matches!(permission.says, Says::Covers { .. });
    let why = if deny.blocks {
        "blocks it"
    } else if !deny.enforced {
        "only audits"
    } else if !deny.reaches {
        "stops at its own scope"
    } else if deny.spared_as.is_some() {
        "spares the caller"
    } else if !deny.permissions.iter().any(covers) {
        "does not cover the operation"
    } else {
        "has a condition that is not met"
    };
    DenyReasons {
        id: deny.id.clone(),
        name: Some(deny.name.clone()).filter(|name| !name.is_empty()),
        scope: deny.scope.clone(),
        blocks: deny.blocks,
        why: why.to_owned(),
    }
}

fn step(scope: &ResourceId) -> ScopeStep {
    ScopeStep {
        kind: kind(scope),
        scope: scope.clone(),
    }
}

/// What kind of scope it is, as far as its id tells.
fn kind(scope: &ResourceId) -> String {
    let named = |word: &str| word.to_owned();
    if scope.is_tenant() {
        named("tenant")
    } else if scope.is_subscription() {
        named("subscription")
    } else if scope.is_resource_group() {
        named("resource group")
    } else if scope.resource_type().eq_ignore_ascii_case(MANAGEMENT_GROUPS) {
        named("management group")
    } else {
        scope.resource_type()
    }
}

/// The type of management groups.
pub(super) const MANAGEMENT_GROUPS: &str = "Microsoft.Management/managementGroups";

/// The edge between hub and project, in words: roles do not cross it (features INH-10).
fn remarks(snapshot: &Snapshot, decided: &Decision) -> Vec<String> {
    let refused = decided
        .findings
        .iter()
        .filter(|finding| matches!(finding.outcome, Outcome::Refused(_)));
    let mut remarks: Vec<String> = refused
        .filter_map(|finding| hub_edge(snapshot, &decided.caller, &finding.scope))
        .collect();
    remarks.dedup();
    remarks
}

fn hub_edge(snapshot: &Snapshot, caller: &Caller, scope: &ResourceId) -> Option<String> {
    let is_workspace = |id: &ResourceId| id.resource_type().eq_ignore_ascii_case(WORKSPACES);
    let project = snapshot.get(&scope.ancestors().find(is_workspace)?)?;
    let hub = hub_of(snapshot, project)?;
    let held = snapshot
        .roles()
        .assignments_of(caller.object_id)
        .find(|held| held.scope == hub.id && is_hub(hub))?;
    let role = snapshot.roles().definition(held.role);
    let role = role.map_or_else(|| held.role.to_string(), |role| role.role_name.clone());
    Some(format!(
        "The caller has {role} on the hub '{}'. A role on a hub does not reach its projects: the project '{}' is not \
         below its hub in the id tree, so it needs a role on the project, on its resource group, or above.",
        hub.id.name(),
        project.id.name()
    ))
}
