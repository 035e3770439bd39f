//! Who is made a member of a project can see its hub and deploy into its group.
//!
//! Any role assigned at a project brings Reader on the hub and Azure AI Inference Deployment Operator on the
//! project's group, unless the principal holds them there already. They go with the last assignment they follow
//! from. (features AUTO-02, AUTO-03, AUTO-07; rbac-semantics 13.7, which left plain ARM assignments out: here every
//! assignment counts, whichever client makes it.)

use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Resource, Snapshot,
    declaration::{Also, Cx, Moved},
    rbac::RoleAssignment,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    assignments::{self, Automatic, DEPLOYMENT_OPERATOR, READER},
    inheritance::hub_of,
};

/// Where a project's members get something besides the project.
pub(crate) struct Places {
    /// The hub.
    pub(crate) hub: ResourceId,
    /// The group the project is in.
    pub(crate) group: ResourceId,
}

/// The rule on role assignments.
pub(crate) fn follow(cx: &Cx<'_>, moved: &Moved<'_>) -> Result<Vec<Also>, ArmError> {
    Ok(match moved {
        Moved::Written { id, sent, .. } => joined(cx.snapshot, id, sent),
        Moved::Erased { resource, change } => {
            let leaving = |id: &ResourceId| change.erases.iter().any(|erase| erase.id == *id);
            left(cx.snapshot, resource, &leaving)
        }
    })
}

/// What a member gets, and from which rule: `cause` is the assignment it follows from.
pub(crate) fn extras(
    snapshot: &Snapshot,
    places: &Places,
    (principal, principal_type): (Uuid, &str),
    cause: &ResourceId,
) -> Vec<Also> {
    let automatic = |scope, role, description| Automatic {
        scope,
        role,
        principal,
        principal_type,
        description,
        condition: None,
        follows: json!({ "rule": "ProjectMember", "assignment": cause }),
    };
    [
        automatic(
            &places.hub,
            READER,
            "Follows from membership in a project of this hub.",
        ),
        automatic(
            &places.group,
            DEPLOYMENT_OPERATOR,
            "Follows from membership in a project in this resource group.",
        ),
    ]
    .into_iter()
    .filter_map(|assignment| assignment.put(snapshot))
    .collect()
}

fn joined(snapshot: &Snapshot, id: &ResourceId, sent: &Value) -> Vec<Also> {
    let Some(places) = places(snapshot, id) else {
        return Vec::new();
    };
    let Some(principal) = principal(sent) else {
        return Vec::new();
    };
    let given = sent.pointer("/properties/principalType").and_then(Value::as_str);
    let principal_type = assignments::principal_type(snapshot, principal)
        .or(given)
        .unwrap_or("User");
    extras(snapshot, &places, (principal, principal_type), id)
}

fn left(snapshot: &Snapshot, assignment: &Resource, leaving: &dyn Fn(&ResourceId) -> bool) -> Vec<Also> {
    let Some(Places { hub, group }) = places(snapshot, &assignment.id) else {
        return Vec::new();
    };
    let Some(principal) = principal(&assignment.sent) else {
        return Vec::new();
    };
    let others: Vec<Places> = snapshot
        .roles()
        .assignments_of(principal)
        .filter(|other| other.principal == principal)
        .map(RoleAssignment::id)
        .filter(|other| *other != assignment.id && !leaving(other))
        .filter_map(|other| places(snapshot, &other))
        .collect();
    let mut ends = Vec::new();
    if !others.iter().any(|other| other.hub == hub) {
        ends.extend(assignments::end(snapshot, &hub, READER, principal));
    }
    if !others.iter().any(|other| other.group == group) {
        ends.extend(assignments::end(snapshot, &group, DEPLOYMENT_OPERATOR, principal));
    }
    ends
}

/// The places of the project an assignment is made at; `None` when it is not made at a project.
fn places(snapshot: &Snapshot, assignment: &ResourceId) -> Option<Places> {
    let project = snapshot.get(&assignment.scope()?)?;
    let hub = hub_of(snapshot, project)?;
    Some(Places {
        hub: hub.id.clone(),
        group: project.id.resource_group_id()?,
    })
}

fn principal(sent: &Value) -> Option<Uuid> {
    Uuid::parse_str(sent.pointer("/properties/principalId")?.as_str()?).ok()
}
