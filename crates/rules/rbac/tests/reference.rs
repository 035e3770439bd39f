//! Random tenants, decided twice: by the index and by a slow evaluator that reads the rules off one after another.

use std::collections::{BTreeMap, BTreeSet};

use nave_arm::ResourceId;
use nave_rbac::{
    AccessRequest, Attributes, DenyAssignment, Plane, RoleAssignment, RoleDefinition, RoleIndex,
};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

const OPERATIONS: [&str; 6] = [
    "N/t/read",
    "N/t/write",
    "N/t/c/read",
    "N/t/c/write",
    "N/u/read",
    "N/t/go/action",
];
const PATTERNS: [&str; 9] = [
    "*",
    "*/read",
    "N/*",
    "N/t/*",
    "N/t/*/read",
    "N/t/*/write",
    "n/T/write",
    "N/t/read",
    "N/u/*",
];
const SCOPES: [&str; 11] = [
    "/",
    "/providers/Microsoft.Management/managementGroups/m0",
    "/providers/Microsoft.Management/managementGroups/m1",
    "/providers/Microsoft.Management/managementGroups/m2",
    "/subscriptions/s0",
    "/subscriptions/s1",
    "/subscriptions/s0/resourceGroups/g",
    "/subscriptions/s0/resourceGroups/gg",
    "/subscriptions/s1/resourceGroups/g",
    "/subscriptions/s0/resourceGroups/g/providers/N/t/r",
    "/subscriptions/s0/resourceGroups/g/providers/N/t/r/c/d",
];
const CONDITIONS: [Option<(&str, Option<bool>)>; 5] = [
    None,
    None,
    Some(("ActionMatches{'*/read'}", None)),
    Some(("!(ActionMatches{'nothing'})", Some(true))),
    Some(("@Request[missing] StringEquals 'x'", Some(false))),
];

/// Principals 0 and 1 are people, 2 to 4 are groups.
const PRINCIPALS: usize = 5;

type Lists = [Vec<usize>; 4];

/// Scope, stops there, lists, denied, spared, everybody.
type Deny = (usize, bool, Lists, Vec<usize>, Vec<usize>, bool);

#[derive(Debug, Clone)]
struct Tenant {
    roles: Vec<Vec<(Lists, usize)>>,
    /// Role, scope, principal, condition.
    assignments: Vec<(usize, usize, usize, usize)>,
    denies: Vec<Deny>,
    members: BTreeMap<usize, Vec<usize>>,
    /// The parent of m0, m1, m2, and where s0 and s1 are.
    parents: [Option<usize>; 3],
    homes: [Option<usize>; 2],
}

fn principal(n: usize) -> Uuid {
    Uuid::from_u128(0x100 + n as u128)
}

fn role(n: usize) -> Uuid {
    Uuid::from_u128(0x200 + n as u128)
}

fn scope(n: usize) -> ResourceId {
    ResourceId::parse(SCOPES[n]).expect("scope")
}

fn lists() -> impl Strategy<Value = Lists> {
    let few = || prop::collection::vec(0..PATTERNS.len(), 0..3);
    [few(), few(), few(), few()]
}

fn tenant() -> impl Strategy<Value = Tenant> {
    let principals = || prop::collection::vec(0..PRINCIPALS, 0..3);
    let denies = (
        0..SCOPES.len(),
        any::<bool>(),
        lists(),
        principals(),
        principals(),
        prop::bool::weighted(0.2),
    );
    (
        prop::collection::vec(prop::collection::vec((lists(), 0..CONDITIONS.len()), 0..3), 1..4),
        prop::collection::vec(
            (0..4_usize, 0..SCOPES.len(), 0..PRINCIPALS, 0..CONDITIONS.len()),
            0..8,
        ),
        prop::collection::vec(denies, 0..2),
        prop::collection::btree_map(2..PRINCIPALS, principals(), 0..3),
        // A group's parent has a higher number, so there is no circle here.
        (prop::option::of(1..3_usize), prop::option::of(Just(2_usize))),
        [prop::option::of(0..3_usize), prop::option::of(0..3_usize)],
    )
        .prop_map(|(roles, assignments, denies, members, (p0, p1), homes)| Tenant {
            roles,
            assignments,
            denies,
            members,
            parents: [p0, p1, None],
            homes,
        })
}

fn index(tenant: &Tenant) -> RoleIndex {
    let mut index = RoleIndex::default();
    let texts = |list: &[usize]| list.iter().map(|n| PATTERNS[*n]).collect::<Vec<_>>();
    let permission = |[actions, not_actions, data_actions, not_data_actions]: &Lists, condition: usize| {
        json!({"actions": texts(actions), "notActions": texts(not_actions), "dataActions": texts(data_actions),
               "notDataActions": texts(not_data_actions), "condition": CONDITIONS[condition].map(|(text, _)| text)})
    };
    for (n, permissions) in tenant.roles.iter().enumerate() {
        let permissions: Vec<_> = permissions
            .iter()
            .map(|(lists, condition)| permission(lists, *condition))
            .collect();
        let role = RoleDefinition::from_properties(role(n), &json!({"permissions": permissions}));
        index.put_definition(role.expect("role"));
    }
    for (n, (of, at, who, condition)) in tenant.assignments.iter().enumerate() {
        let id = scope(*at).extension("Microsoft.Authorization/roleAssignments", &n.to_string());
        let body = json!({"roleDefinitionId": role(*of).to_string(), "principalId": principal(*who).to_string(),
                          "condition": CONDITIONS[*condition].map(|(text, _)| text)});
        index.put_assignment(RoleAssignment::from_properties(&id, &body).expect("assignment"));
    }
    for (n, (at, stops, lists, denied, spared, everybody)) in tenant.denies.iter().enumerate() {
        let id = scope(*at).extension("Microsoft.Authorization/denyAssignments", &n.to_string());
        let ids = |list: &[usize]| {
            list.iter()
                .map(|n| json!({"id": principal(*n).to_string()}))
                .collect::<Vec<_>>()
        };
        let mut denied = ids(denied);
        if *everybody {
            denied.push(json!({"id": Uuid::nil().to_string()}));
        }
        let body = json!({"permissions": [permission(lists, 0)], "principals": denied,
                          "excludePrincipals": ids(spared), "doNotApplyToChildScopes": stops});
        index.put_deny(DenyAssignment::from_properties(&id, &body).expect("deny assignment"));
    }
    for (group, members) in &tenant.members {
        index.put_group(principal(*group), members.iter().map(|n| principal(*n)).collect());
    }
    for group in 0..3 {
        let parent = tenant.parents[group].map(|n| format!("m{n}"));
        let inside = (0..2)
            .filter(|n| tenant.homes[*n] == Some(group))
            .map(|n| format!("s{n}"));
        index.put_management_group(&format!("m{group}"), parent.as_deref(), inside);
    }
    index
}

// From here on nothing of the crate is used.

fn covers(pattern: &str, operation: &str) -> bool {
    fn glob(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*', rest @ ..] => (0..=text.len()).any(|cut| glob(rest, &text[cut..])),
            [c, rest @ ..] => text.first() == Some(c) && glob(rest, &text[1..]),
        }
    }
    let (pattern, operation) = (pattern.to_lowercase(), operation.to_lowercase());
    glob(pattern.as_bytes(), operation.as_bytes())
        || glob(pattern.replace("/*/", "/").as_bytes(), operation.as_bytes())
}

fn granted(lists: &Lists, data: bool, operation: &str) -> bool {
    let says = |list: &[usize]| list.iter().any(|n| covers(PATTERNS[*n], operation));
    let [actions, not_actions, data_actions, not_data_actions] = lists;
    if data {
        says(data_actions) && !says(not_data_actions)
    } else {
        says(actions) && !says(not_actions)
    }
}

fn met(condition: usize, operation: &str) -> bool {
    CONDITIONS[condition].is_none_or(|(_, always)| always.unwrap_or(covers("*/read", operation)))
}

/// The caller and every group that holds somebody of the set, until nothing is added.
fn identities(tenant: &Tenant, caller: usize) -> BTreeSet<usize> {
    let mut all = BTreeSet::from([caller]);
    loop {
        let more: Vec<_> = tenant
            .members
            .iter()
            .filter(|(group, members)| {
                !all.contains(group) && members.iter().any(|member| all.contains(member))
            })
            .map(|(group, _)| *group)
            .collect();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

fn contains(tenant: &Tenant, upper: usize, lower: usize) -> bool {
    if upper == 0 || upper == lower {
        return true;
    }
    if (1..=3).contains(&upper) {
        let mut group = match lower {
            1..=3 => tenant.parents[lower - 1],
            0 => None,
            _ => tenant.homes[usize::from(SCOPES[lower].starts_with("/subscriptions/s1"))],
        };
        while let Some(n) = group {
            if n == upper - 1 {
                return true;
            }
            group = tenant.parents[n];
        }
        return false;
    }
    let segments = |n: usize| SCOPES[n].split('/').collect::<Vec<_>>();
    segments(lower).starts_with(&segments(upper))
}

fn allowed(tenant: &Tenant, caller: usize, data: bool, operation: &str, at: usize) -> bool {
    let me = identities(tenant, caller);
    for (scope, stops, lists, denied, spared, everybody) in &tenant.denies {
        let here = if *stops {
            *scope == at
        } else {
            contains(tenant, *scope, at)
        };
        let about_me = *everybody || denied.iter().any(|n| me.contains(n));
        if here && about_me && !spared.iter().any(|n| me.contains(n)) && granted(lists, data, operation) {
            return false;
        }
    }
    tenant.assignments.iter().any(|(role, scope, who, condition)| {
        me.contains(who)
            && contains(tenant, *scope, at)
            && met(*condition, operation)
            && tenant.roles.get(*role).is_some_and(|permissions| {
                permissions
                    .iter()
                    .any(|(lists, own)| granted(lists, data, operation) && met(*own, operation))
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_index_decides_as_the_rules_read(mut tenant in tenant(), churn in any::<[bool; 16]>()) {
        let mut index = index(&tenant);
        // What is taken away for good must be gone, and what is put back must be there once.
        let mut gone = churn.into_iter().cycle();
        let ids: Vec<_> = index.assignments().map(|assignment| assignment.id.clone()).collect();
        for id in &ids {
            let removed = index.remove_assignment(id).expect("was there");
            if gone.next() == Some(false) {
                index.put_assignment(RoleAssignment::clone(&removed));
            }
        }
        let kept: BTreeSet<_> = index.assignments().map(|assignment| assignment.id.name().to_owned()).collect();
        let mut n = 0..tenant.assignments.len();
        tenant.assignments.retain(|_| n.next().is_some_and(|n| kept.contains(&n.to_string())));
        for (n, who) in (2..PRINCIPALS).zip(churn) {
            if who && tenant.members.remove(&n).is_some() {
                index.remove_group(principal(n));
            }
        }
        if churn[15] {
            let denies: Vec<_> = index.denies().map(|deny| deny.id.clone()).collect();
            for deny in &denies {
                index.remove_deny(deny);
            }
            tenant.denies.clear();
        }
        let attributes = Attributes::new();
        for caller in 0..PRINCIPALS {
            for (at, text) in SCOPES.iter().enumerate() {
                let at_scope = scope(at);
                for operation in OPERATIONS {
                    for (plane, data) in [(Plane::Control, false), (Plane::Data, true)] {
                        let decision = index.evaluate(&AccessRequest {
                            principal: principal(caller), operation, plane, scope: &at_scope,
                            sub_operation: None, attributes: &attributes, surroundings: &(),
                        });
                        prop_assert_eq!(
                            decision.is_allowed(), allowed(&tenant, caller, data, operation, at),
                            "{} may {} ({:?}) at {}: {:?}", caller, operation, plane, text, decision
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn containment_follows_paths_and_tree(tenant in tenant()) {
        let index = index(&tenant);
        for (upper, above) in SCOPES.iter().enumerate() {
            for (lower, below) in SCOPES.iter().enumerate() {
                prop_assert_eq!(
                    index.scope_contains(&scope(upper), &scope(lower)), contains(&tenant, upper, lower),
                    "{} above {}", above, below
                );
            }
        }
    }

    #[test]
    fn any_line_is_answered(line in ".{0,80}") {
        prop_assert!(nave_rbac::eval::eval_line(&line).line.contains("\"decision\""));
    }
}
