//! The world as nave keeps it.

use nave_arm::ResourceId;
use nave_rbac::{AccessRequest, Attributes, RoleAssignment, RoleIndex};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Chance, OPERATIONS, PRINCIPALS, Question, World};

pub struct Nave<'w> {
    world: &'w World,
    people: Vec<Uuid>,
    attributes: Attributes,
    pub index: RoleIndex,
}

/// The stored rows of the assignments: what a server reads when it starts.
pub fn rows(world: &World) -> Vec<(ResourceId, Value)> {
    let people = people();
    let mut chance = Chance::new(5);
    world
        .assignments
        .iter()
        .map(|assignment| {
            let scope = &world.scopes[assignment.at].id;
            let id = scope.extension("Microsoft.Authorization/roleAssignments", &chance.guid().to_string());
            let role = world.roles[assignment.role].id;
            let kind = if assignment.who < PRINCIPALS { "User" } else { "Group" };
            (id, json!({ "roleDefinitionId": role, "principalId": people[assignment.who], "principalType": kind }))
        })
        .collect()
}

fn people() -> Vec<Uuid> {
    let mut chance = Chance::new(3);
    (0..PRINCIPALS + crate::world::GROUPS)
        .map(|_| chance.guid())
        .collect()
}

impl<'w> Nave<'w> {
    /// The index without assignments.
    pub fn empty(world: &'w World) -> Self {
        let people = people();
        let mut index = RoleIndex::with_built_in();
        for (group, members) in world.members.iter().enumerate() {
            let members = members.iter().map(|member| people[*member]).collect();
            index.put_group(people[PRINCIPALS + group], members);
        }
        Self {
            world,
            people,
            attributes: Attributes::new(),
            index,
        }
    }

    pub fn load(&mut self, rows: &[(ResourceId, Value)]) {
        for (id, properties) in rows {
            if let Ok(assignment) = RoleAssignment::from_properties(id, properties) {
                self.index.put_assignment(assignment);
            }
        }
    }

    pub fn request(&self, question: Question) -> AccessRequest<'_> {
        let (plane, operation) = OPERATIONS[question.operation];
        let scope = &self.world.scopes[question.at].id;
        AccessRequest::new(
            self.people[question.who],
            operation,
            plane,
            scope,
            &self.attributes,
        )
    }

    pub fn allows(&self, question: Question) -> bool {
        self.index.evaluate(&self.request(question)).is_allowed()
    }
}
