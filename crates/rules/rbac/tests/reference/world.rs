//! A random tenant, as texts: what the log would hold of it, and questions about it.

use nave_arm::ResourceId;
use nave_rbac::{Attributes, DenyAssignment, Instant, RoleAssignment, RoleDefinition, RoleIndex};
use serde_json::{Value, json};

use crate::{
    chance::Chance,
    phrase::{self, ATTRIBUTES, SOURCES, SUB_OPERATIONS},
};

pub(crate) const OPERATIONS: [&str; 8] = [
    "N/t/read",
    "N/t/write",
    "N/t/c/read",
    "N/t/c/write",
    "N/u/read",
    "N/t/go/action",
    "Microsoft.MachineLearningServices/workspaces/hubs/join/action",
    "Microsoft.MachineLearningServices/workspaces/hubs/join",
];
pub(crate) const PATTERNS: [&str; 14] = [
    "*",
    "*/read",
    "*/write",
    "N/*",
    "N/t/*",
    "N/t/*/read",
    "n/T/write",
    "N/t/READ",
    "N/u/*",
    "N/*/c/*/read",
    "N/t/*c*",
    "*/action",
    "Microsoft.MachineLearningServices/workspaces/hubs/join",
    "microsoft.machinelearningservices/*/hubs/join/action",
];
pub(crate) const SCOPES: [&str; 13] = [
    "/",
    "/providers/Microsoft.Management/managementGroups/m0",
    "/providers/Microsoft.Management/managementGroups/m1",
    "/providers/Microsoft.Management/managementGroups/m2",
    "/providers/Microsoft.Management/managementGroups/m3",
    "/subscriptions/s0",
    "/subscriptions/s1",
    "/subscriptions/s0/resourceGroups/g",
    "/subscriptions/s0/resourceGroups/gg",
    "/subscriptions/s1/resourceGroups/g",
    "/subscriptions/s0/resourceGroups/g/providers/N/t/r",
    "/subscriptions/s0/resourceGroups/g/providers/N/t/r/c/d",
    "/subscriptions/s0/resourceGroups/g/providers/N/t/r2",
];
/// Two people, a service principal, and four groups.
pub(crate) const PRINCIPALS: [&str; 7] = [
    "aaaaaaaa-0000-4000-8000-000000000001",
    "aaaaaaaa-0000-4000-8000-000000000002",
    "aaaaaaaa-0000-4000-8000-000000000003",
    "bbbbbbbb-0000-4000-8000-000000000001",
    "bbbbbbbb-0000-4000-8000-000000000002",
    "bbbbbbbb-0000-4000-8000-000000000003",
    "bbbbbbbb-0000-4000-8000-000000000004",
];
pub(crate) const EVERYBODY: &str = "00000000-0000-0000-0000-000000000000";
const GROUPS: std::ops::Range<usize> = 3..7;
const ROLES: [&str; 4] = [
    "cccccccc-0000-4000-8000-000000000001",
    "cccccccc-0000-4000-8000-000000000002",
    "cccccccc-0000-4000-8000-000000000003",
    "cccccccc-0000-4000-8000-00000000dead",
];

const VERSIONS: [Option<&str>; 8] = [
    None,
    None,
    Some("2.0"),
    Some("2.0"),
    Some("2.0"),
    Some("2.0"),
    Some("2.0"),
    Some("1.0"),
];

#[derive(Debug, Clone, Default)]
pub(crate) struct Object {
    pub(crate) actions: Vec<String>,
    pub(crate) not_actions: Vec<String>,
    pub(crate) data_actions: Vec<String>,
    pub(crate) not_data_actions: Vec<String>,
    pub(crate) condition: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Assigned {
    pub(crate) role: String,
    pub(crate) scope: String,
    pub(crate) principal: String,
    pub(crate) condition: Option<String>,
    pub(crate) version: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Denied {
    pub(crate) scope: String,
    pub(crate) only_here: bool,
    pub(crate) audits: bool,
    pub(crate) objects: Vec<Object>,
    pub(crate) principals: Vec<String>,
    pub(crate) excluded: Vec<String>,
    pub(crate) condition: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) roles: Vec<(String, Vec<Object>)>,
    pub(crate) assignments: Vec<Assigned>,
    pub(crate) denies: Vec<Denied>,
    pub(crate) groups: Vec<(String, Vec<String>)>,
    /// Name, parent, subscriptions.
    pub(crate) management_groups: Vec<(String, Option<String>, Vec<String>)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) principal: String,
    pub(crate) operation: String,
    pub(crate) data: bool,
    pub(crate) scope: String,
    pub(crate) sub_operation: Option<String>,
    /// Source in lower case, name, values.
    pub(crate) attributes: Vec<(String, String, Vec<Value>)>,
    /// The time, which surrounds the request instead of being in it.
    pub(crate) now: Option<i64>,
}

fn texts(chance: &mut Chance, least: usize, most: usize) -> Vec<String> {
    chance.some(least, most, |chance| {
        // wide ones more often, so that something is granted
        let from = if chance.percent(50) {
            &PATTERNS[..4]
        } else {
            &PATTERNS[..]
        };
        (*chance.pick(from)).to_owned()
    })
}

/// A scope; those in the middle of the tree more often, because more lies below them.
fn scope(chance: &mut Chance) -> String {
    let from = match chance.below(10) {
        0..4 => &SCOPES[5..8],
        4..6 => &SCOPES[..5],
        _ => &SCOPES[..],
    };
    (*chance.pick(from)).to_owned()
}

fn condition(chance: &mut Chance, of_a_hundred: usize) -> Option<String> {
    chance.percent(of_a_hundred).then(|| phrase::condition(chance))
}

fn object(chance: &mut Chance, conditioned: usize) -> Object {
    Object {
        actions: texts(chance, 0, 3),
        not_actions: if chance.percent(25) {
            texts(chance, 1, 2)
        } else {
            Vec::new()
        },
        data_actions: texts(chance, 0, 3),
        not_data_actions: if chance.percent(25) {
            texts(chance, 1, 2)
        } else {
            Vec::new()
        },
        condition: condition(chance, conditioned),
    }
}

/// A guid in one of its spellings.
fn spelt(chance: &mut Chance, guid: &str) -> String {
    if chance.percent(20) {
        guid.to_uppercase()
    } else {
        guid.to_owned()
    }
}

impl World {
    pub(crate) fn random(chance: &mut Chance) -> Self {
        let roles = ROLES[..3]
            .iter()
            .map(|role| ((*role).to_owned(), chance.some(1, 3, |chance| object(chance, 20))))
            .collect();
        let assignments = chance.some(2, 14, |chance| {
            // the last role does not exist
            let dangling = chance.percent(5);
            Assigned {
                role: (*chance.pick(if dangling { &ROLES[3..] } else { &ROLES[..3] })).to_owned(),
                scope: scope(chance),
                principal: (*chance.pick(&PRINCIPALS)).to_owned(),
                condition: condition(chance, 40),
                version: (*chance.pick(&VERSIONS)).map(str::to_owned),
            }
        });
        let denies = chance.some(0, 2, |chance| {
            let denied = chance.some(0, 2, |chance| (*chance.pick(&PRINCIPALS)).to_owned());
            let everybody = chance.percent(40).then(|| EVERYBODY.to_owned());
            Denied {
                scope: scope(chance),
                only_here: chance.percent(30),
                audits: chance.percent(15),
                objects: chance.some(1, 2, |chance| object(chance, 15)),
                principals: denied.into_iter().chain(everybody).collect(),
                excluded: chance.some(0, 2, |chance| {
                    (*chance.pick(&[&PRINCIPALS[..], &[EVERYBODY]].concat())).to_owned()
                }),
                condition: condition(chance, 15),
            }
        });
        let groups = GROUPS
            .filter(|_| chance.percent(70))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|group| {
                let members = chance.some(1, 4, |chance| (*chance.pick(&PRINCIPALS)).to_owned());
                (PRINCIPALS[group].to_owned(), members)
            })
            .collect();
        let homes = [chance.below(5), chance.below(5)];
        let mut management_groups = Vec::new();
        for n in 0..4 {
            if chance.percent(85) {
                // any parent, so that there are circles, and parents that are not put themselves
                let parent = chance.percent(60).then(|| format!("m{}", chance.below(4)));
                let inside = [0, 1].into_iter().filter(|s| homes[*s] == n);
                management_groups.push((format!("m{n}"), parent, inside.map(|s| format!("s{s}")).collect()));
            }
        }
        Self {
            roles,
            assignments,
            denies,
            groups,
            management_groups,
        }
    }

    /// The index of this world, made as a log would make it: with things that are put, changed and taken away again.
    pub(crate) fn index(&self, chance: &mut Chance) -> RoleIndex {
        let mut index = RoleIndex::default();
        let other = Self::random(chance);
        other.put_into(&mut index, chance);
        let assignments: Vec<_> = index.assignments().map(RoleAssignment::id).collect();
        let denies: Vec<_> = index.denies().map(|deny| deny.id.clone()).collect();
        // what this world puts again replaces it; the rest goes before or after
        let early = chance.percent(50);
        if !early {
            self.put_into(&mut index, chance);
        }
        let own_assignments: Vec<_> = (0..self.assignments.len())
            .map(|n| self.assignment_id(n))
            .collect();
        for id in assignments
            .iter()
            .filter(|id| early || !own_assignments.contains(id))
        {
            index.remove_assignment(id);
        }
        let own_denies: Vec<_> = (0..self.denies.len()).map(|n| self.deny_id(n)).collect();
        for id in denies.iter().filter(|id| early || !own_denies.contains(id)) {
            index.remove_deny(id);
        }
        for (group, _) in &other.groups {
            if early || !self.groups.iter().any(|(own, _)| own == group) {
                index.remove_group(group.parse().expect("guid"));
            }
        }
        for (group, ..) in &other.management_groups {
            if early || !self.management_groups.iter().any(|(own, ..)| own == group) {
                index.remove_management_group(group);
            }
        }
        if early {
            self.put_into(&mut index, chance);
        }
        index
    }

    fn assignment_id(&self, n: usize) -> ResourceId {
        id(&self.assignments[n].scope).extension("Microsoft.Authorization/roleAssignments", &n.to_string())
    }

    fn deny_id(&self, n: usize) -> ResourceId {
        id(&self.denies[n].scope).extension("Microsoft.Authorization/denyAssignments", &n.to_string())
    }

    fn put_into(&self, index: &mut RoleIndex, chance: &mut Chance) {
        for (role, objects) in &self.roles {
            let permissions: Vec<Value> = objects.iter().map(Object::json).collect();
            let properties = json!({ "permissions": permissions });
            let role = RoleDefinition::from_properties(role.parse().expect("guid"), &properties);
            index.put_definition(role.expect("role"));
        }
        for (n, assigned) in self.assignments.iter().enumerate() {
            let role = format!(
                "/x/providers/Microsoft.Authorization/roleDefinitions/{}",
                spelt(chance, &assigned.role)
            );
            let properties = json!({
                "roleDefinitionId": role, "principalId": spelt(chance, &assigned.principal),
                "condition": assigned.condition, "conditionVersion": assigned.version,
            });
            let assignment = RoleAssignment::from_properties(&self.assignment_id(n), &properties);
            index.put_assignment(assignment.expect("assignment"));
        }
        for (n, denied) in self.denies.iter().enumerate() {
            let mut ids = |list: &[String]| -> Vec<Value> {
                list.iter().map(|id| json!({ "id": spelt(chance, id) })).collect()
            };
            let properties = json!({
                "permissions": denied.objects.iter().map(Object::json).collect::<Vec<_>>(),
                "principals": ids(&denied.principals), "excludePrincipals": ids(&denied.excluded),
                "doNotApplyToChildScopes": denied.only_here, "condition": denied.condition,
                "denyAssignmentEffect": if denied.audits { "Audit" } else { "enforced" },
            });
            let deny = DenyAssignment::from_properties(&self.deny_id(n), &properties);
            index.put_deny(deny.expect("deny assignment"));
        }
        for (group, members) in &self.groups {
            let members = members
                .iter()
                .map(|member| member.parse().expect("guid"))
                .collect();
            index.put_group(group.parse().expect("guid"), members);
        }
        for (name, parent, subscriptions) in &self.management_groups {
            index.put_management_group(&spelt(chance, name), parent.as_deref(), subscriptions);
        }
    }
}

impl Object {
    fn json(&self) -> Value {
        json!({
            "actions": self.actions, "notActions": self.not_actions, "dataActions": self.data_actions,
            "notDataActions": self.not_data_actions, "condition": self.condition,
        })
    }
}

impl Question {
    pub(crate) fn random(chance: &mut Chance) -> Self {
        let mut attributes: Vec<(String, String, Vec<Value>)> = Vec::new();
        for (name, kind) in ATTRIBUTES {
            for source in SOURCES {
                let (carried, suits) = (chance.percent(60), chance.percent(source.len() * 10));
                if !carried || !suits || name == "subOperation" {
                    continue;
                }
                let values = match chance.below(4) {
                    0 => chance.some(0, 3, |chance| phrase::value(chance, kind)),
                    _ => vec![phrase::value(chance, kind)],
                };
                attributes.push((source.to_lowercase(), name.to_owned(), values));
            }
        }
        // deep ones more often, because more has a say there
        let scopes = if chance.percent(60) {
            &SCOPES[7..]
        } else {
            &SCOPES[..]
        };
        Self {
            principal: (*chance.pick(&PRINCIPALS)).to_owned(),
            operation: (*chance.pick(&OPERATIONS)).to_owned(),
            data: chance.percent(50),
            scope: (*chance.pick(scopes)).to_owned(),
            sub_operation: chance
                .percent(40)
                .then(|| (*chance.pick(&SUB_OPERATIONS)).to_owned()),
            attributes,
            now: chance
                .percent(50)
                .then(|| *chance.pick(&[1_714_568_400, 1_709_164_800, -5])),
        }
    }

    /// What the request carries itself.
    pub(crate) fn carried(&self) -> Attributes {
        let mut all = json!({});
        for (source, name, values) in &self.attributes {
            all[source.as_str()][name.as_str()] = match values.as_slice() {
                [single] => single.clone(),
                several => several.into(),
            };
        }
        Attributes::from_json(&all)
    }

    /// What surrounds it.
    pub(crate) fn surroundings(&self) -> Attributes {
        match self.now {
            Some(seconds) => Attributes::new().with(
                nave_rbac::Source::Environment,
                "UtcNow",
                Instant::from_unix(seconds, 500_000_000),
            ),
            None => Attributes::new(),
        }
    }
}

pub(crate) fn id(text: &str) -> ResourceId {
    ResourceId::parse(text).expect("id")
}
