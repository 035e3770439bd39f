//! Hubs, projects and their connections as rows. One plane keeps them, another calls models through them: what a
//! project has from its hub is computed here, once and live.
//!
//! A project points to its hub (`properties.hubResourceId`), and its own part holds `/properties/workspaceId`, the
//! guid that data planes know it by. A connection's credential is sealed under the pointer [`CREDENTIALS`].

use std::sync::Arc;

use nave_arm::ResourceId;
use serde_json::Value;

use crate::{Resource, Snapshot};

/// The type of hubs, projects and plain workspaces.
pub const WORKSPACES: &str = "Microsoft.MachineLearningServices/workspaces";
/// The type of their connections.
pub const CONNECTIONS: &str = "Microsoft.MachineLearningServices/workspaces/connections";
/// Where the credential of a connection stands in its body, and in its secrets.
pub const CREDENTIALS: &str = "/properties/credentials";

/// The unique name a workspace holds for its guid.
#[must_use]
pub fn guid_claim(guid: &str) -> String {
    format!("workspace:{}", guid.to_lowercase())
}

/// The workspaces of a guid or a name. A guid is of one workspace; a name may be of several, in different groups.
#[must_use]
pub fn called<'a>(snapshot: &'a Snapshot, guid_or_name: &str) -> Vec<&'a Arc<Resource>> {
    if let Some(workspace) = snapshot.claimed(&guid_claim(guid_or_name)) {
        return vec![workspace];
    }
    let named = |workspace: &&Arc<Resource>| workspace.id.name().eq_ignore_ascii_case(guid_or_name);
    snapshot.of_type(WORKSPACES).filter(named).collect()
}

/// The hub of a project. Only a project has one, and only a hub is one: bodies of other types keep whatever members
/// they were sent with, and what a hub gives must not follow from those.
#[must_use]
pub fn hub_of<'a>(snapshot: &'a Snapshot, workspace: &Resource) -> Option<&'a Arc<Resource>> {
    let hub = snapshot.get(&workspace.link("/properties/hubResourceId")?)?;
    (is_of_kind(workspace, "project") && is_of_kind(hub, "hub")).then_some(hub)
}

/// The hub that a workspace's body names, where the body is a project's and the other a hub. Names compare without case,
/// as clients write them.
pub(crate) fn hub_named(snapshot: &Snapshot, workspace: &ResourceId, body: &Value) -> Option<ResourceId> {
    let is_project = workspace.resource_type().eq_ignore_ascii_case(WORKSPACES)
        && member(body, "kind")?.as_str()?.eq_ignore_ascii_case("project");
    let named = member(member(body, "properties")?, "hubResourceId")?.as_str()?;
    let hub = snapshot.get(&ResourceId::parse(named).ok()?)?;
    (is_project && is_hub(hub)).then(|| hub.id.clone())
}

fn member<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    let mut members = body.as_object()?.iter();
    members
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn is_of_kind(resource: &Resource, kind: &str) -> bool {
    resource.id.resource_type().eq_ignore_ascii_case(WORKSPACES) && resource.kind() == kind
}

/// Whether a resource is a hub.
pub(crate) fn is_hub(resource: &Resource) -> bool {
    is_of_kind(resource, "hub")
}

/// The projects of a hub, by id.
pub fn projects_of<'a>(
    snapshot: &'a Snapshot,
    hub: &'a ResourceId,
) -> impl Iterator<Item = &'a Arc<Resource>> + use<'a> {
    snapshot
        .of_type(WORKSPACES)
        .filter(move |workspace| workspace.link("/properties/hubResourceId").as_ref() == Some(hub))
}

/// The connections a workspace sees: its own; for a project also those its hub shares and those a sibling shares
/// with all. A project's own connection shadows a shared one of the same name, and a hub's one of a sibling.
#[must_use]
pub fn connections_of(snapshot: &Snapshot, workspace: &ResourceId) -> Vec<Arc<Resource>> {
    let mut seen = own_connections(snapshot, workspace);
    let Some(hub) = snapshot
        .get(workspace)
        .and_then(|workspace| hub_of(snapshot, workspace))
    else {
        return seen;
    };
    let siblings = projects_of(snapshot, &hub.id).filter(|project| project.id != *workspace);
    let shared = own_connections(snapshot, &hub.id)
        .into_iter()
        .filter(|connection| shared_to_all(connection).unwrap_or(true))
        .chain(
            siblings
                .flat_map(|sibling| own_connections(snapshot, &sibling.id))
                .filter(|connection| shared_to_all(connection).unwrap_or(false)),
        );
    for connection in shared {
        if !seen
            .iter()
            .any(|own| own.id.name().eq_ignore_ascii_case(connection.id.name()))
        {
            seen.push(connection);
        }
    }
    seen
}

/// Whether a workspace sees this connection, under whatever name: it is its own, or its hub shares it, or a sibling
/// shares it with all.
#[must_use]
pub fn sees(snapshot: &Snapshot, workspace: &ResourceId, connection: &ResourceId) -> bool {
    let (Some(found), Some(owner)) = (snapshot.get(connection), connection.parent()) else {
        return false;
    };
    let hub = |id: &ResourceId| Some(&hub_of(snapshot, snapshot.get(id)?)?.id);
    match hub(workspace) {
        _ if owner == *workspace => true,
        Some(shared) if *shared == owner => shared_to_all(found).unwrap_or(true),
        Some(shared) => hub(&owner) == Some(shared) && shared_to_all(found).unwrap_or(false),
        None => false,
    }
}

/// The connection a workspace means by a name.
#[must_use]
pub fn connection_of(snapshot: &Snapshot, workspace: &ResourceId, name: &str) -> Option<Arc<Resource>> {
    let own = snapshot.get(&workspace.child("connections", name));
    own.cloned().or_else(|| {
        connections_of(snapshot, workspace)
            .into_iter()
            .find(|connection| connection.id.name().eq_ignore_ascii_case(name))
    })
}

/// What a connection says of sharing; `None` when it is silent.
#[must_use]
pub fn shared_to_all(connection: &Resource) -> Option<bool> {
    let value = connection.value("/properties/isSharedToAll")?;
    value
        .as_bool()
        .or_else(|| value.as_str().map(|text| text.eq_ignore_ascii_case("true")))
}

fn own_connections(snapshot: &Snapshot, workspace: &ResourceId) -> Vec<Arc<Resource>> {
    snapshot
        .below(workspace)
        .filter(|resource| resource.id.resource_type().eq_ignore_ascii_case(CONNECTIONS))
        .cloned()
        .collect()
}
