//! What is special about writing a hub.

use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Resource,
    decision::{Need, RoleGate},
    declaration::{Also, Cx, Draft},
};
use serde_json::{Value, json};

use super::{dependents, identity::Identity, links};
use crate::assignments::{self, AI_ADMINISTRATOR, Automatic, CONTRIBUTOR, OWNER};

/// Hubs are made by holders of these two roles, and no other role stands in for them, whatever it grants
/// (rbac-semantics 13.1).
pub(super) static CREATION: RoleGate = RoleGate {
    rule: "HubCreationRole",
    roles: &[OWNER, CONTRIBUTOR],
    names: "Owner or Contributor",
};

/// What it takes to write a hub.
pub(super) fn needs(draft: &Draft, body: &Value, own: Need) -> Vec<Need> {
    let linked = links::needs(body, &draft.id, draft.existing.as_deref());
    let creating = draft.existing.is_none();
    let own = if creating { own.through(&CREATION) } else { own };
    let made = match draft.id.resource_group_id() {
        Some(group) if creating => dependents::needs(body, &group),
        _ => Vec::new(),
    };
    std::iter::once(own).chain(linked).chain(made).collect()
}

/// Refuses what a hub cannot have.
pub(super) fn check(body: &Value) -> Result<(), ArmError> {
    if body.pointer("/properties/hubResourceId").is_none() {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::WorkspaceKindNotSupported,
        "Only a workspace of kind Project belongs to a hub; leave hubResourceId out, or ask for kind 'Project'.",
    )
    .on("properties.hubResourceId"))
}

/// The hub's identity is Azure AI Administrator on the hub's group, unless the hub says not to
/// (rbac-semantics 13.3). Only what changes is acted on: who gave the identity another role by hand keeps it so.
pub(super) fn administer(cx: &Cx<'_>, draft: &Draft, body: &Value, identity: &Identity) -> Option<Also> {
    let group = draft.id.resource_group_id()?;
    let wanted = allows_roles(body);
    let before = draft
        .existing
        .as_deref()
        .is_none_or(|existing: &Resource| allows_roles(&existing.sent));
    match *identity {
        Identity::Absent => None,
        Identity::Kept(_) if wanted == before => None,
        Identity::Kept(principal) if !wanted => {
            assignments::end(cx.snapshot, &group, AI_ADMINISTRATOR, principal)
        }
        Identity::New(_) if !wanted => None,
        Identity::New(principal) | Identity::Kept(principal) => Automatic {
            scope: &group,
            role: AI_ADMINISTRATOR,
            principal,
            principal_type: "ServicePrincipal",
            description: "A hub's own identity manages the resources next to the hub.",
            condition: None,
            follows: json!({ "rule": "HubIdentity", "resource": draft.id }),
        }
        .put(cx.snapshot),
    }
}

fn allows_roles(body: &Value) -> bool {
    body.pointer("/properties/allowRoleAssignmentOnRG")
        .and_then(Value::as_bool)
        .unwrap_or(true)
}
