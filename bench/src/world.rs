//! A tenant: principals in nested groups, roles, hubs and projects, and who has which role where.

use std::collections::{HashMap, HashSet};

use nave_arm::ResourceId;
use nave_rbac::{Plane, RoleDefinition, RoleIndex, action_matches, built_in};
use uuid::Uuid;

pub const PRINCIPALS: usize = 1_000;
pub const GROUPS: usize = 100;
pub const ROLES: usize = 40;
const SUBSCRIPTIONS: usize = 20;

/// What is asked: control and data operations that some of the roles grant.
pub const OPERATIONS: [(Plane, &str); 24] = [
    (
        Plane::Control,
        "Microsoft.MachineLearningServices/workspaces/read",
    ),
    (
        Plane::Control,
        "Microsoft.MachineLearningServices/workspaces/write",
    ),
    (
        Plane::Control,
        "Microsoft.MachineLearningServices/workspaces/delete",
    ),
    (
        Plane::Control,
        "Microsoft.MachineLearningServices/workspaces/listKeys/action",
    ),
    (
        Plane::Control,
        "Microsoft.MachineLearningServices/workspaces/connections/read",
    ),
    (
        Plane::Control,
        "Microsoft.MachineLearningServices/workspaces/connections/write",
    ),
    (
        Plane::Control,
        "Microsoft.MachineLearningServices/workspaces/connections/listsecrets/action",
    ),
    (
        Plane::Control,
        "Microsoft.MachineLearningServices/workspaces/computes/write",
    ),
    (
        Plane::Control,
        "Microsoft.MachineLearningServices/workspaces/computes/start/action",
    ),
    (
        Plane::Control,
        "Microsoft.MachineLearningServices/workspaces/jobs/write",
    ),
    (
        Plane::Control,
        "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/write",
    ),
    (
        Plane::Control,
        "Microsoft.MachineLearningServices/workspaces/hubs/join/action",
    ),
    (
        Plane::Control,
        "Microsoft.CognitiveServices/accounts/listKeys/action",
    ),
    (
        Plane::Control,
        "Microsoft.CognitiveServices/accounts/deployments/write",
    ),
    (Plane::Control, "Microsoft.Authorization/roleAssignments/read"),
    (Plane::Control, "Microsoft.Authorization/roleAssignments/write"),
    (Plane::Control, "Microsoft.Resources/deployments/write"),
    (
        Plane::Control,
        "Microsoft.Storage/storageAccounts/listKeys/action",
    ),
    (
        Plane::Data,
        "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action",
    ),
    (
        Plane::Data,
        "Microsoft.CognitiveServices/accounts/OpenAI/deployments/embeddings/action",
    ),
    (
        Plane::Data,
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
    ),
    (
        Plane::Data,
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
    ),
    (Plane::Data, "Microsoft.KeyVault/vaults/secrets/getSecret/action"),
    (
        Plane::Data,
        "Microsoft.Search/searchServices/indexes/documents/read",
    ),
];

pub struct World {
    pub scopes: Vec<Scope>,
    /// What can be asked about: hubs and projects, by their place among the scopes.
    pub workspaces: Vec<usize>,
    pub roles: Vec<RoleDefinition>,
    /// For each operation, the roles that cover it.
    pub covered_by: Vec<Vec<usize>>,
    /// For each group its direct members; principals come first, groups after them.
    pub members: Vec<Vec<usize>>,
    /// For each principal and group, the groups it is directly in.
    pub member_of: Vec<Vec<usize>>,
    pub assignments: Vec<Assignment>,
}

pub struct Scope {
    pub id: ResourceId,
    pub above: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Assignment {
    pub who: usize,
    pub at: usize,
    pub role: usize,
}

/// May `who` do this operation in this workspace?
#[derive(Clone, Copy)]
pub struct Question {
    pub who: usize,
    pub operation: usize,
    pub at: usize,
}

/// Chance that is the same in every run.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    pub fn guid(&mut self) -> Uuid {
        let mut half = || self.below(usize::MAX) as u64;
        Uuid::from_u64_pair(half(), half())
    }
}

impl World {
    /// A tenant of this many assignments: one in ten to a group; one in twenty at a subscription, one in ten at a
    /// resource group, the others at hubs and projects, of which there are a tenth as many.
    pub fn new(assignments: usize) -> Self {
        let mut chance = Chance::new(7);
        let (scopes, workspaces) = scopes(assignments, &mut chance);
        let index = RoleIndex::with_built_in();
        let roles: Vec<RoleDefinition> = built_in::core()
            .iter()
            .filter_map(|role| index.definition(*role).cloned())
            // a condition in a role is one too
            .filter(|role| {
                role.permissions
                    .iter()
                    .all(|permission| permission.condition.is_none())
            })
            .take(ROLES)
            .collect();
        let covered_by = OPERATIONS
            .iter()
            .map(|operation| {
                (0..roles.len())
                    .filter(|role| covers(&roles[*role], *operation))
                    .collect()
            })
            .collect();
        let members: Vec<Vec<usize>> = (0..GROUPS)
            .map(|group| {
                let people = (0..30).map(|_| chance.below(PRINCIPALS)).collect::<Vec<_>>();
                let inside = [group * 2 + 1, group * 2 + 2]
                    .into_iter()
                    .filter(|inside| *inside < GROUPS);
                people
                    .into_iter()
                    .chain(inside.map(|inside| PRINCIPALS + inside))
                    .collect()
            })
            .collect();
        let mut member_of = vec![Vec::new(); PRINCIPALS + GROUPS];
        for (group, members) in members.iter().enumerate() {
            for member in members.iter().collect::<HashSet<_>>() {
                member_of[*member].push(PRINCIPALS + group);
            }
        }
        let (above, seats) = (scopes.len() - workspaces.len(), workspaces.len());
        let mut given = HashSet::new();
        let mut list = Vec::new();
        while list.len() < assignments {
            let at = match chance.below(20) {
                0 => chance.below(SUBSCRIPTIONS),
                1 | 2 => SUBSCRIPTIONS + chance.below(above - SUBSCRIPTIONS),
                _ => workspaces[chance.below(seats)],
            };
            let who = match chance.below(10) {
                0 => PRINCIPALS + chance.below(GROUPS),
                _ => chance.below(PRINCIPALS),
            };
            let role = chance.below(roles.len());
            let assignment = Assignment { who, at, role };
            if given.insert(assignment) {
                list.push(assignment);
            }
        }
        Self {
            scopes,
            workspaces,
            roles,
            covered_by,
            members,
            member_of,
            assignments: list,
        }
    }

    /// Half of them about what somebody was given, half about anything.
    pub fn questions(&self, how_many: usize) -> Vec<Question> {
        let mut chance = Chance::new(11);
        let below = self.workspaces_below();
        (0..how_many)
            .map(|n| match n % 2 {
                0 => self.about_a_grant(&below, &mut chance),
                _ => self.about_anything(&mut chance),
            })
            .collect()
    }

    /// A scope and all above it, nearest first.
    pub fn way_up(&self, scope: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(scope), |scope| self.scopes[*scope].above)
    }

    fn about_anything(&self, chance: &mut Chance) -> Question {
        Question {
            who: chance.below(PRINCIPALS),
            operation: chance.below(OPERATIONS.len()),
            at: self.workspaces[chance.below(self.workspaces.len())],
        }
    }

    fn about_a_grant(&self, below: &HashMap<usize, Vec<usize>>, chance: &mut Chance) -> Question {
        let assignment = self.assignments[chance.below(self.assignments.len())];
        let mut who = assignment.who;
        while who >= PRINCIPALS {
            let members = &self.members[who - PRINCIPALS];
            who = members[chance.below(members.len())];
        }
        let operations: Vec<usize> = (0..OPERATIONS.len())
            .filter(|operation| self.covered_by[*operation].contains(&assignment.role))
            .collect();
        match (operations.as_slice(), below.get(&assignment.at)) {
            ([], _) | (_, None) => self.about_anything(chance),
            (operations, Some(workspaces)) => Question {
                who,
                operation: operations[chance.below(operations.len())],
                at: workspaces[chance.below(workspaces.len())],
            },
        }
    }

    fn workspaces_below(&self) -> HashMap<usize, Vec<usize>> {
        let mut below: HashMap<usize, Vec<usize>> = HashMap::new();
        for workspace in &self.workspaces {
            for scope in self.way_up(*workspace) {
                below.entry(scope).or_default().push(*workspace);
            }
        }
        below
    }
}

/// Subscriptions, then resource groups, then workspaces.
fn scopes(assignments: usize, chance: &mut Chance) -> (Vec<Scope>, Vec<usize>) {
    let names: Vec<String> = (0..SUBSCRIPTIONS).map(|_| chance.guid().to_string()).collect();
    let mut scopes: Vec<Scope> = names
        .iter()
        .map(|name| Scope {
            id: ResourceId::of_subscription(name),
            above: None,
        })
        .collect();
    let groups = (assignments / 50).max(SUBSCRIPTIONS);
    for n in 0..groups {
        let above = n % SUBSCRIPTIONS;
        let id = ResourceId::of_resource_group(&names[above], &format!("rg-team-{n}-ai-prod"));
        scopes.push(Scope {
            id,
            above: Some(above),
        });
    }
    let first = scopes.len();
    for n in 0..(assignments / 10).max(1) {
        let above = SUBSCRIPTIONS + n % groups;
        let kind = if n % 10 == 0 { "hub" } else { "project" };
        let id = scopes[above].id.extension(
            "Microsoft.MachineLearningServices/workspaces",
            &format!("{kind}-{n}-prod"),
        );
        scopes.push(Scope {
            id,
            above: Some(above),
        });
    }
    let workspaces = (first..scopes.len()).collect();
    (scopes, workspaces)
}

fn covers(role: &RoleDefinition, (plane, operation): (Plane, &str)) -> bool {
    role.permissions.iter().any(|permission| {
        let (granting, taking) = match plane {
            Plane::Control => (&permission.actions, &permission.not_actions),
            Plane::Data => (&permission.data_actions, &permission.not_data_actions),
        };
        let says = |patterns: &[nave_rbac::Pattern]| {
            patterns
                .iter()
                .any(|pattern| action_matches(pattern.as_str(), operation))
        };
        says(granting) && !says(taking)
    })
}
