//! The proof of a suggested role: somebody who holds it and nothing else is asked for everything.

use std::collections::{BTreeSet, HashSet};

use nave_arm::ResourceId;
use nave_rbac::{
    AccessRequest, Attributes, Catalogue, Evaluation, Plane, Refusal, RoleAssignment, RoleDefinition,
    RoleIndex,
};
use serde_json::json;
use uuid::Uuid;

use super::{operations::operations, suggest::SuggestedRole, uses::Use};
use crate::{Registry, Snapshot};

/// Names that are derived here, of principals and assignments that exist nowhere.
const NOWHERE: Uuid = Uuid::from_u128(0x6e61_7665_0000_5000_8000_6e6f_7768_6572);

/// What came of asking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// How many uses were asked for again.
    pub replayed: usize,
    /// Those of them that the roles do not allow, with the deny assignment in the way; none, unless one is.
    pub not_allowed: Vec<(String, ResourceId, Option<ResourceId>)>,
    /// How many questions were asked about other operations: every operation of the catalogue and of this server, at
    /// every place the roles are assigned at.
    pub others_asked: usize,
    /// Those of them that the roles allow; there are none.
    pub others_allowed: Vec<(String, ResourceId)>,
    /// What the roles allow besides: an operation that was done at one place is allowed at another one as well, because
    /// one role is assigned at both, or because the one place is above the other.
    pub wider: Vec<(String, ResourceId)>,
}

impl Proof {
    pub(super) fn of(
        registry: &Registry,
        snapshot: &Snapshot,
        roles: &[SuggestedRole],
        done: &[(&Use, ResourceId)],
    ) -> Self {
        let (index, nothing) = (holding(snapshot.roles(), roles), Attributes::new());
        let ask = |operation: &str, plane, place: &ResourceId| {
            index.evaluate(&AccessRequest::new(NOWHERE, operation, plane, place, &nothing))
        };
        let mut proof = Self::default();
        let mut was_done: HashSet<(String, Plane)> = HashSet::new();
        let mut was_done_at: HashSet<(String, Plane, &ResourceId)> = HashSet::new();
        for (one, place) in done {
            proof.replayed += 1;
            let key = one.operation.to_lowercase();
            was_done.insert((key.clone(), one.plane));
            was_done_at.insert((key, one.plane, place));
            if let Evaluation::Denied(refusal) = ask(&one.operation, one.plane, place) {
                let deny = match refusal {
                    Refusal::DenyAssignment { id } => Some(id),
                    Refusal::NoAssignment { .. } => None,
                };
                proof
                    .not_allowed
                    .push((one.operation.clone(), place.clone(), deny));
            }
        }
        let places: BTreeSet<&ResourceId> = roles.iter().flat_map(|role| &role.scopes).collect();
        for (name, plane) in everything(registry) {
            let key = name.to_lowercase();
            let known = was_done.contains(&(key.clone(), plane));
            for place in &places {
                let is_done = was_done_at.contains(&(key.clone(), plane, *place));
                if is_done {
                    continue;
                }
                let allowed = ask(&name, plane, place).is_allowed();
                match known {
                    true if allowed => proof.wider.push((name.clone(), (*place).clone())),
                    true => {}
                    false => {
                        proof.others_asked += 1;
                        if allowed {
                            proof.others_allowed.push((name.clone(), (*place).clone()));
                        }
                    }
                }
            }
        }
        proof
    }
}

/// The roles of the tenant, and one more principal who holds the suggested ones.
fn holding(roles: &RoleIndex, suggested: &[SuggestedRole]) -> RoleIndex {
    let mut index = roles.clone();
    for role in suggested {
        let id = Uuid::new_v5(&NOWHERE, role.name.as_bytes());
        if let Ok(definition) = RoleDefinition::from_properties(id, &role.properties()) {
            index.put_definition(definition);
        }
        for scope in &role.scopes {
            let name = Uuid::new_v5(&id, scope.key().as_bytes()).to_string();
            let assignment = scope.extension("Microsoft.Authorization/roleAssignments", &name);
            let properties = json!({ "roleDefinitionId": format!("/{id}"), "principalId": NOWHERE });
            if let Ok(assignment) = RoleAssignment::from_properties(&assignment, &properties) {
                index.put_assignment(assignment);
            }
        }
    }
    index
}

/// Every operation there is: those of the catalogue and those of this server.
fn everything(registry: &Registry) -> Vec<(String, Plane)> {
    let catalogue = Catalogue::built_in();
    let published = catalogue
        .namespaces()
        .flat_map(|namespace| catalogue.operations_of(namespace));
    let published = published.map(|operation| {
        let plane = if operation.is_data_action {
            Plane::Data
        } else {
            Plane::Control
        };
        (operation.name.to_owned(), plane)
    });
    let own = operations(registry)
        .into_iter()
        .map(|asked| (asked.name, asked.plane));
    let mut seen = HashSet::new();
    published
        .chain(own)
        .filter(|(name, plane)| seen.insert((name.to_lowercase(), *plane)))
        .collect()
}
