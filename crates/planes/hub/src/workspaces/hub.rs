//! What is special about writing a hub.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Fields, Resource, Snapshot,
    decision::{Need, RoleGate},
    declaration::{Also, Cx, Draft},
};
use serde_json::{Value, json};

use super::{dependents, identity::Identity, links};
use crate::{
    assignments::{self, AI_ADMINISTRATOR, Automatic, CONTRIBUTOR, OWNER},
    inheritance::default_group,
};

const WRITE: &str = "Microsoft.MachineLearningServices/workspaces/write";
const PROJECTS_GROUP: &str = "/properties/workspaceHubConfig/defaultWorkspaceResourceGroup";

/// Hubs are made by holders of these two roles, and no other role stands in for them, whatever it grants
/// (rbac-semantics 13.1).
pub(crate) static CREATION: RoleGate = RoleGate {
    rule: "HubCreationRole",
    roles: &[OWNER, CONTRIBUTOR],
    names: "Owner or Contributor",
};

/// A ruling (rbac-semantics 13.1, where the documents disagree): the scopes of ARM count, so who creates a hub holds one
/// of the two roles at the group the hub is made in or above. A role on another hub is none.
fn creation_gate(own: Need) -> Need {
    own.through(&CREATION)
}

/// What it takes to write a hub.
pub(super) fn needs(draft: &Draft, body: &Value, own: Need) -> Vec<Need> {
    let linked = links::needs(body, draft.existing.as_deref());
    let creating = draft.existing.is_none();
    let own = if creating { creation_gate(own) } else { own };
    let made = match draft.id.resource_group_id() {
        Some(group) if creating => dependents::needs(body, &group),
        _ => Vec::new(),
    };
    let opened = opens(draft, body).map(|group| Need::action(WRITE, group).linked());
    std::iter::once(own)
        .chain(linked)
        .chain(made)
        .chain(opened)
        .collect()
}

/// The group that a body newly makes the one for the hub's projects. From then on everybody who may join the hub
/// creates there, so who sets it must be allowed to.
fn opens(draft: &Draft, body: &Value) -> Option<ResourceId> {
    let group = projects_group(&draft.id, body)?;
    let present = match draft.existing.as_deref() {
        Some(existing) => default_group(existing),
        None => draft.id.resource_group_id(),
    };
    (Some(&group) != present.as_ref()).then_some(group)
}

fn projects_group(hub: &ResourceId, body: &Value) -> Option<ResourceId> {
    let text = Fields(body).text(PROJECTS_GROUP).ok().flatten()?;
    let group = match text.starts_with('/') {
        true => ResourceId::parse(text).ok()?,
        false => ResourceId::of_resource_group(hub.subscription()?, text),
    };
    group.is_resource_group().then_some(group)
}

/// Refuses a group for projects that is none, or is not there.
pub(super) fn check(snapshot: &Snapshot, draft: &Draft, body: &Value) -> Result<(), ArmError> {
    let Some(text) = Fields(body).text(PROJECTS_GROUP)? else {
        return Ok(());
    };
    match projects_group(&draft.id, body) {
        None => Err(ArmError::new(
            ErrorCode::LinkedInvalidPropertyId,
            format!("'{text}' is neither the name nor the id of a resource group."),
        )
        .on(PROJECTS_GROUP.trim_start_matches('/').replace('/', "."))),
        Some(group) if snapshot.get(&group).is_none() => Err(links::missing(PROJECTS_GROUP, &group)),
        Some(_) => Ok(()),
    }
}

/// What a hub brings: its identity's role, and with a new one its Owner and what it cannot be without.
pub(super) fn brings(
    cx: &Cx<'_>,
    draft: &Draft,
    body: &Value,
    identity: &Identity,
    own: &mut Value,
) -> Vec<Also> {
    let mut also: Vec<Also> = administer(cx, draft, body, identity).into_iter().collect();
    if draft.existing.is_none() {
        also.extend(dependents::make(cx, &draft.id, body, own, cx.world.new_id()));
        also.extend(assignments::creator_owns(cx, &draft.id));
    }
    also
}

/// The hub's identity is Azure AI Administrator on the hub's group, unless the hub says not to
/// (rbac-semantics 13.3). Only what changes is acted on: who gave the identity another role by hand keeps it so.
fn administer(cx: &Cx<'_>, draft: &Draft, body: &Value, identity: &Identity) -> Option<Also> {
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
