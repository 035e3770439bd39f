//! The world in Cedar.
//!
//! One static policy for each role, whose action group names the operations it covers. Who holds a role at a scope is
//! a group (`Holders`); holders above are members of the holders below, so that the policy asks only whether the
//! principal is among the holders at the resource. Of all entities, a request gets the slice that matters to it: the
//! caller, its groups, and the holders on the way up from the resource. The policies stay the same for all requests.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression,
};

use crate::world::{OPERATIONS, PRINCIPALS, Question, World};

pub struct Cedar<'w> {
    world: &'w World,
    policies: PolicySet,
    authorizer: Authorizer,
    types: Types,
    /// The roles of a principal or group at a scope.
    roles_at: HashMap<(usize, usize), Vec<usize>>,
}

struct Types {
    user: EntityTypeName,
    group: EntityTypeName,
    holders: EntityTypeName,
    workspace: EntityTypeName,
    action: EntityTypeName,
}

impl<'w> Cedar<'w> {
    pub fn new(world: &'w World) -> Self {
        let policies: String = (0..world.roles.len())
            .map(|role| {
                format!(
                    "permit(principal, action in Action::\"role{role}\", resource) \
                     when {{ resource has r{role} && principal in resource.r{role} }};\n"
                )
            })
            .collect();
        let name = |text: &str| text.parse().expect("a name");
        let mut roles_at: HashMap<(usize, usize), Vec<usize>> = HashMap::new();
        for assignment in &world.assignments {
            roles_at
                .entry((assignment.who, assignment.at))
                .or_default()
                .push(assignment.role);
        }
        Self {
            world,
            policies: policies.parse().expect("policies"),
            authorizer: Authorizer::new(),
            types: Types {
                user: name("User"),
                group: name("Group"),
                holders: name("Holders"),
                workspace: name("Workspace"),
                action: name("Action"),
            },
            roles_at,
        }
    }

    /// The request and the entities that matter to it.
    pub fn slice(&self, question: Question) -> (Request, Entities) {
        let way: Vec<usize> = self.world.way_up(question.at).collect();
        let mut identities = vec![question.who];
        let mut at = 0;
        while let Some(next) = identities.get(at) {
            for group in &self.world.member_of[*next] {
                if !identities.contains(group) {
                    identities.push(*group);
                }
            }
            at += 1;
        }
        let mut entities = Vec::new();
        let mut held: HashSet<(usize, usize)> = HashSet::new();
        for who in &identities {
            let groups = self.world.member_of[*who].iter().map(|group| self.who(*group));
            let mut parents: HashSet<EntityUid> = groups.collect();
            for scope in &way {
                for role in self.roles_at.get(&(*who, *scope)).into_iter().flatten() {
                    parents.insert(self.holders(*role, *scope));
                    held.insert((*role, *scope));
                }
            }
            entities.push(Entity::new_no_attrs(self.who(*who), parents));
        }
        let roles: HashSet<usize> = held.iter().map(|(role, _)| *role).collect();
        let mut attributes = HashMap::new();
        for role in roles {
            // from the highest scope where it is held, each level belongs to the one below
            let highest = way
                .iter()
                .rposition(|scope| held.contains(&(role, *scope)))
                .unwrap_or(0);
            for (below, above) in way[..=highest].iter().zip(&way[1..=highest]) {
                let parents = HashSet::from([self.holders(role, *below)]);
                entities.push(Entity::new_no_attrs(self.holders(role, *above), parents));
            }
            let here = self.holders(role, question.at);
            entities.push(Entity::new_no_attrs(here.clone(), HashSet::new()));
            attributes.insert(format!("r{role}"), RestrictedExpression::new_entity_uid(here));
        }
        let resource = self.uid(&self.types.workspace, &question.at.to_string());
        entities.push(Entity::new(resource.clone(), attributes, HashSet::new()).expect("a resource"));
        let action = self.action(question.operation);
        let covering = self.world.covered_by[question.operation].iter();
        let covering = covering
            .map(|role| self.uid(&self.types.action, &format!("role{role}")))
            .collect();
        entities.push(Entity::new_no_attrs(action.clone(), covering));
        let principal = self.who(question.who);
        let request = Request::new(principal, action, resource, Context::empty(), None).expect("a request");
        (request, Entities::from_entities(entities, None).expect("a slice"))
    }

    pub fn allows(&self, request: &Request, entities: &Entities) -> bool {
        self.authorizer
            .is_authorized(request, &self.policies, entities)
            .decision()
            == Decision::Allow
    }

    fn who(&self, who: usize) -> EntityUid {
        let kind = if who < PRINCIPALS {
            &self.types.user
        } else {
            &self.types.group
        };
        self.uid(kind, &who.to_string())
    }

    fn holders(&self, role: usize, scope: usize) -> EntityUid {
        self.uid(&self.types.holders, &format!("{role}@{scope}"))
    }

    fn action(&self, operation: usize) -> EntityUid {
        self.uid(&self.types.action, OPERATIONS[operation].1)
    }

    fn uid(&self, kind: &EntityTypeName, id: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
    }
}
