//! What is special about writing a project: its hub.

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Fields, Guard, Resource, Snapshot,
    decision::Need,
    declaration::{Also, Cx, Draft},
    site::short_location,
};
use serde_json::{Value, json};

use super::{Kind, body, identity::Identity, links};
use crate::{
    WORKSPACES,
    assignments::{self, Automatic, BLOB_CONTRIBUTOR},
    inheritance::{INHERITED, agrees, default_group, effective},
    membership::{self, Places},
};

/// The right to create projects in a hub, in the two spellings roles use (rbac-semantics 13.5).
pub(crate) const JOIN: [&str; 2] = [
    "Microsoft.MachineLearningServices/workspaces/hubs/join/action",
    "Microsoft.MachineLearningServices/workspaces/hubs/join",
];

const HUB: &str = "/properties/hubResourceId";

/// The ways to be allowed to write a project. To create one: write it and join its hub; or, where the project goes to
/// the hub's default group, join alone.
pub(super) fn ways(snapshot: &Snapshot, draft: &Draft, body: &Value, own: Need) -> Vec<Vec<Need>> {
    let hub = Fields(body).link(HUB).ok().flatten();
    let row = hub_named(body, draft.existing.as_deref()).and_then(|id| snapshot.get(&id));
    let linked = links::needs(&apart(row.map(|row| &**row), body), draft.existing.as_deref());
    let Some(hub) = hub.filter(|_| draft.existing.is_none()) else {
        return vec![std::iter::once(own).chain(linked).collect()];
    };
    let writing = std::iter::once(own).chain(linked.iter().cloned());
    let mut ways: Vec<Vec<Need>> = JOIN
        .iter()
        .map(|join| {
            writing
                .clone()
                .chain([Need::action(*join, hub.clone()).linked()])
                .collect()
        })
        .collect();
    let default = row.and_then(|hub| default_group(hub));
    if default.is_some() && default == draft.id.resource_group_id() {
        ways.extend(JOIN.iter().map(|join| {
            std::iter::once(Need::action(*join, hub.clone()).linked())
                .chain(linked.iter().cloned())
                .collect()
        }));
    }
    ways
}

/// What a body has without saying it: the kind of what is there, and of a project the settings of its hub.
pub(super) fn inherited(snapshot: &Snapshot, draft: &Draft) -> Value {
    let existing = draft.existing.as_deref();
    let Ok(body) = body::normalised(draft.body.clone()) else {
        return Value::Null;
    };
    let Ok(kind) = Kind::asked(&body, existing) else {
        return Value::Null;
    };
    let mut inherited = json!({ "kind": kind.word() });
    if kind == Kind::Project
        && let Ok(hub) = hub(snapshot, &body, existing)
    {
        for pointer in INHERITED {
            let name = pointer.trim_start_matches("/properties/");
            inherited["properties"][name] = effective(&hub, pointer).unwrap_or_default();
        }
    }
    inherited
}

/// The hub a body belongs to.
pub(super) fn hub(
    snapshot: &Snapshot,
    body: &Value,
    existing: Option<&Resource>,
) -> Result<Arc<Resource>, ArmError> {
    Fields(body).link(HUB)?;
    let id = hub_named(body, existing).ok_or_else(|| {
        ArmError::new(
            ErrorCode::InvalidRequestFormat,
            "A workspace of kind Project belongs to a hub: the property 'properties.hubResourceId' is required.",
        )
        .on("properties.hubResourceId")
    })?;
    match snapshot.get(&id) {
        Some(hub) if is_hub(hub) => Ok(hub.clone()),
        Some(_) => Err(no_hub(&id, "is not a workspace of kind Hub")),
        None => Err(no_hub(&id, "was not found")),
    }
}

fn hub_named(body: &Value, existing: Option<&Resource>) -> Option<ResourceId> {
    let named = Fields(body).link(HUB).ok().flatten();
    named.or_else(|| existing?.link(HUB))
}

fn is_hub(resource: &Resource) -> bool {
    resource.id.resource_type().eq_ignore_ascii_case(WORKSPACES) && Kind::of(resource) == Kind::Hub
}

fn no_hub(id: &ResourceId, why: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidResourceReference,
        format!("The hub '{id}' {why}."),
    )
    .on("properties.hubResourceId")
}

/// Refuses what differs from the hub, and takes out what repeats it: a project stores none of the hub's settings, so
/// the hub's present value always applies (features INH-01, INH-03, PRJ-14).
pub(super) fn inherit(hub: &Resource, body: &mut Value) -> Result<(), ArmError> {
    let place = hub.text("/location").unwrap_or_default();
    let given = body.get("location").and_then(Value::as_str).unwrap_or(place);
    if short_location(place) != short_location(given) {
        return Err(ArmError::new(
            ErrorCode::LocationMismatch,
            format!("The hub is in '{place}'; its projects are there too, and cannot be in '{given}'."),
        )
        .on("location"));
    }
    for pointer in INHERITED {
        let Some(given) = take(body, pointer) else {
            continue;
        };
        if !agrees(&given, effective(hub, pointer).as_ref()) {
            let name = pointer.trim_start_matches('/').replace('/', ".");
            return Err(ArmError::new(
                ErrorCode::InheritedFromHub,
                format!(
                    "The property '{name}' comes from the hub '{}' and differs there. Leave it out of the project, or \
                     change it on the hub.",
                    hub.id
                ),
            )
            .on(name));
        }
    }
    *body = apart(Some(hub), body);
    Ok(())
}

/// A body without what a project has from its hub. Insights may be a project's own, but not by repeating the hub's.
fn apart(hub: Option<&Resource>, body: &Value) -> Value {
    let mut own = body.clone();
    for pointer in INHERITED {
        take(&mut own, pointer);
    }
    let repeated = links::named(body, &links::INSIGHTS).is_some_and(|insights| {
        hub.and_then(|hub| hub.link(links::INSIGHTS.pointer)).as_ref() == Some(&insights)
    });
    if repeated {
        take(&mut own, links::INSIGHTS.pointer);
    }
    own
}

fn take(body: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, name) = pointer.rsplit_once('/')?;
    body.pointer_mut(parent)?.as_object_mut()?.shift_remove(name)
}

/// What a project brings: a new one its members' rights for who created it, a new identity its part of the hub's
/// storage.
pub(super) fn brings(
    cx: &Cx<'_>,
    draft: &Draft,
    hub: &Resource,
    identity: &Identity,
    workspace_id: &str,
) -> Vec<Also> {
    let mut also = match draft.existing {
        None => first_member(cx, &draft.id, hub),
        Some(_) => Vec::new(),
    };
    if let (Identity::New(principal), Some(storage)) = (identity, hub.link("/properties/storageAccount")) {
        let assignment = Automatic {
            scope: &storage,
            role: BLOB_CONTRIBUTOR,
            principal: *principal,
            principal_type: "ServicePrincipal",
            description: "A project's own identity reaches the project's containers.",
            condition: Some(own_containers(workspace_id)),
            follows: json!({ "rule": "ProjectIdentity", "resource": draft.id }),
        };
        also.extend(assignment.put(cx.snapshot));
    }
    also
}

/// Who creates a project owns it, and is a member of it like any other.
fn first_member(cx: &Cx<'_>, project: &ResourceId, hub: &Resource) -> Vec<Also> {
    let (Some(owner), Some(kind), Some(group)) = (
        assignments::creator_owns(cx, project),
        assignments::creator_type(cx),
        project.resource_group_id(),
    ) else {
        return Vec::new();
    };
    let places = Places {
        hub: hub.id.clone(),
        group,
    };
    let mut also = match &owner {
        Also::Put { id, .. } => membership::extras(cx.snapshot, &places, (cx.caller.object_id, kind), id),
        Also::Row(_) | Also::Erase(_) => Vec::new(),
    };
    also.push(owner);
    also
}

/// What must still be true when a new project is committed.
pub(super) fn guard(hub: &Resource) -> Guard {
    Guard::Present {
        key: hub.id.key().to_owned(),
    }
}

/// Every data operation on a blob, in the project's containers only: their names start with its guid
/// (rbac-semantics 13.10). It names the blobs' whole branch, so that no operation of the role is left open.
fn own_containers(workspace_id: &str) -> String {
    format!(
        "((!(ActionMatches{{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*'}})) OR \
         (@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringStartsWithIgnoreCase \
         '{workspace_id}'))"
    )
}
