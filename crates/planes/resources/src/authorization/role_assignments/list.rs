//! Lists of assignments. Who may read assignments at a scope sees those at it, above it and below it, as the
//! filter says (client contract 3; rbac-semantics 9.3).

use nave_arm::{ArmError, Filter, ResourceId};
use nave_engine::{Reply, Snapshot, rbac::RoleAssignment, route::Call};
use serde_json::{Value, json};
use uuid::Uuid;

use super::view;
use crate::{filter, scope};

/// One condition of a filter, ready to be compared.
enum Leaf {
    /// `atScope()`: at the scope or above it.
    AtScope,
    /// `assignedTo('…')`: the principal and every group it is in.
    AssignedTo(Vec<Uuid>),
    /// `principalId eq '…'`: exactly this principal.
    Principal(Uuid),
    /// `roleDefinitionId eq '…'`.
    Role(Uuid),
}

pub(super) async fn list(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let asked_at = call.grant.id();
    scope::check(&snapshot, asked_at)?;
    let filter = filter::of(&call.request)?;
    filter::check(filter.as_ref(), |leaf| read(&snapshot, leaf).is_some())?;
    let passes = |assignment: &RoleAssignment| {
        let mut leaf = |leaf: &Filter| {
            read(&snapshot, leaf).is_some_and(|leaf| leaf.holds(&snapshot, asked_at, assignment))
        };
        filter.as_ref().is_none_or(|filter| filter.holds(&mut leaf))
    };
    let roles = snapshot.roles();
    let value: Vec<Value> = roles
        .assignments_at_or_above(asked_at)
        .chain(roles.assignments_below(asked_at))
        .filter(|assignment| passes(assignment))
        .filter_map(|assignment| snapshot.get(&assignment.id()))
        .map(|assignment| view(assignment, asked_at))
        .collect();
    Ok(Reply::ok(json!({ "value": value })))
}

fn read(snapshot: &Snapshot, leaf: &Filter) -> Option<Leaf> {
    if let Filter::Call { name, argument } = leaf {
        return match argument {
            None => name.eq_ignore_ascii_case("atScope").then_some(Leaf::AtScope),
            Some(id) if name.eq_ignore_ascii_case("assignedTo") => {
                let principal = Uuid::parse_str(id).ok()?;
                let groups = snapshot.roles().groups_of(principal);
                Some(Leaf::AssignedTo(
                    std::iter::once(principal).chain(groups).collect(),
                ))
            }
            Some(_) => None,
        };
    }
    let (property, value) = filter::equals(leaf)?;
    let guid = Uuid::parse_str(value.rsplit('/').next().unwrap_or_default()).ok()?;
    match property.as_str() {
        "principalid" => Some(Leaf::Principal(guid)),
        "roledefinitionid" => Some(Leaf::Role(guid)),
        _ => None,
    }
}

impl Leaf {
    fn holds(&self, snapshot: &Snapshot, asked_at: &ResourceId, assignment: &RoleAssignment) -> bool {
        match self {
            Self::AtScope => scope::contains(snapshot, &assignment.scope, asked_at),
            Self::AssignedTo(principals) => principals.contains(&assignment.principal),
            Self::Principal(principal) => assignment.principal == *principal,
            Self::Role(role) => assignment.role == *role,
        }
    }
}
