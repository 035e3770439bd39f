//! Which scopes have a say about a resource: those above it, and of a project and what is below it also the hub
//! (features POL-01). The hub is one scope more; what stands above the hub does not come with it.

use nave_arm::ResourceId;
use serde_json::Value;

use crate::{Snapshot, workspaces};

/// The scopes whose assignments judge a resource, nearest first: itself, what is above it, its management groups, the
/// tenant; and at the end the hub, of a project and what is below one. `body` is the resource as it is about to be
/// written: a new project is its hub's from its first write.
#[must_use]
pub fn scopes(snapshot: &Snapshot, id: &ResourceId, body: Option<&Value>) -> Vec<ResourceId> {
    let mut scopes = snapshot.roles().scopes_above(id);
    let new_hub = body.and_then(|body| workspaces::hub_named(snapshot, id, body));
    let hub = new_hub.or_else(|| hub_above(snapshot, id));
    scopes.extend(hub.filter(|hub| !scopes.contains(hub)));
    scopes
}

/// The hub of the project that a resource is or lies in.
#[must_use]
pub fn hub_above(snapshot: &Snapshot, id: &ResourceId) -> Option<ResourceId> {
    let is_workspace =
        |place: &ResourceId| place.resource_type().eq_ignore_ascii_case(workspaces::WORKSPACES);
    let workspace = id.ancestors().find(is_workspace)?;
    let hub = workspaces::hub_of(snapshot, snapshot.get(&workspace)?)?;
    Some(hub.id.clone())
}
