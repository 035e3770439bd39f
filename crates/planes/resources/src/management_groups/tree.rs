//! The tree: what is where in it, and what may stand where.

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Expect, Put, PutSecrets, Resource, Snapshot, declaration::Cx, missing::not_found, site::Site,
};
use serde_json::{Value, json};

use super::MANAGEMENT_GROUPS;
use crate::subscriptions::SUBSCRIPTIONS;

/// How many levels of groups there may be below the root (rbac-semantics 14).
const LEVELS: usize = 6;

/// Where a group's row names the subscriptions that are directly in it.
const SUBSCRIPTIONS_IN: &str = "/properties/subscriptions";

/// The id of the group with this name.
pub(super) fn id(name: &str) -> ResourceId {
    ResourceId::tenant().extension(MANAGEMENT_GROUPS, name)
}

/// The root group: its name is the tenant's id.
pub(super) fn root(site: &Site) -> ResourceId {
    id(&site.tenant.to_string())
}

/// A group's id as a client writes it.
pub(super) fn read_id(text: &str) -> Result<ResourceId, ArmError> {
    let is_group = |id: &ResourceId| id.resource_type().eq_ignore_ascii_case(MANAGEMENT_GROUPS);
    ResourceId::parse(text.trim())
        .ok()
        .filter(is_group)
        .ok_or_else(|| {
            ArmError::new(
                ErrorCode::LinkedInvalidPropertyId,
                format!(
                    "'{text}' is not the id of a management group, which has the form \
                 '/providers/Microsoft.Management/managementGroups/{{name}}'."
                ),
            )
            .on("properties.details.parent.id")
        })
}

/// The group a group is in; none for the root.
pub(super) fn parent(group: &Resource) -> Option<ResourceId> {
    group.link("/properties/details/parent/id")
}

/// The groups directly in a group.
pub(super) fn children<'a>(
    snapshot: &'a Snapshot,
    of: &ResourceId,
) -> impl Iterator<Item = &'a Arc<Resource>> + use<'a> {
    let of = of.clone();
    snapshot
        .of_type(MANAGEMENT_GROUPS)
        .filter(move |group| parent(group).is_some_and(|parent| parent == of))
}

/// The subscriptions directly in a group, those that are there.
pub(super) fn subscriptions<'a>(snapshot: &'a Snapshot, group: &Resource) -> Vec<&'a Arc<Resource>> {
    ids_in(group).iter().filter_map(|id| snapshot.get(id)).collect()
}

/// The group a subscription is in. None: nobody made a group yet.
pub(crate) fn group_of<'a>(snapshot: &'a Snapshot, subscription: &ResourceId) -> Option<&'a Arc<Resource>> {
    snapshot
        .of_type(MANAGEMENT_GROUPS)
        .find(|group| ids_in(group).contains(subscription))
}

/// A group's row with a subscription put in or taken out.
pub(super) fn with_subscription(group: &Resource, subscription: &ResourceId, is_in: bool) -> Put {
    let mut ids = ids_in(group);
    ids.retain(|id| id != subscription);
    ids.extend(is_in.then(|| subscription.clone()));
    let mut own = group.own.clone();
    own["properties"] = json!({ "subscriptions": ids });
    Put {
        id: group.id.clone(),
        sent: group.sent.clone(),
        own,
        secrets: PutSecrets::Sealed(None),
        claims: group.claims.clone(),
        expect: Expect::Etag(group.etag.clone()),
    }
}

/// The row of the group that a new subscription is put in: the one it names, else the root. None where nobody made a
/// group yet, and none is named.
pub(crate) fn enter(
    cx: &Cx<'_>,
    subscription: &ResourceId,
    named: Option<&ResourceId>,
) -> Result<Option<Put>, ArmError> {
    let found = cx.snapshot.get(named.unwrap_or(&root(cx.site)));
    match (found, named) {
        (Some(group), _) => Ok(Some(with_subscription(group, subscription, true))),
        (None, Some(named)) => Err(not_found(named)),
        (None, None) => Ok(None),
    }
}

/// The row of the root group, with every subscription in it.
pub(super) fn root_row(cx: &Cx<'_>) -> Put {
    let all: Vec<&ResourceId> = cx.snapshot.of_type(SUBSCRIPTIONS).map(|row| &row.id).collect();
    let sent = json!({ "properties": { "displayName": "Tenant Root Group" } });
    Put {
        own: json!({ "properties": { "subscriptions": all } }),
        expect: Expect::Absent,
        ..Put::new(root(cx.site), sent)
    }
}

/// Whether a group may be in a group: the parent is there, is not below the group itself, and leaves room below it.
pub(super) fn check_place(cx: &Cx<'_>, group: &ResourceId, parent: &ResourceId) -> Result<(), ArmError> {
    let snapshot = cx.snapshot;
    if *parent != root(cx.site) && snapshot.get(parent).is_none() {
        return Err(not_found(parent).on("properties.details.parent.id"));
    }
    let refuse = |why: String| {
        let error = ArmError::new(ErrorCode::InvalidResourceProperties, why);
        Err(error.on("properties.details.parent.id"))
    };
    let above = way_up(snapshot, parent);
    if above.contains(group) {
        return refuse(format!(
            "The group '{}' cannot be moved into '{}': that is the group itself or lies below it.",
            group.name(),
            parent.name()
        ));
    }
    // the way up from the parent holds the root, which is no level
    let depth = above.iter().filter(|step| **step != root(cx.site)).count() + height(snapshot, group);
    if depth > LEVELS {
        return refuse(format!(
            "The group '{}' cannot be in '{}': the hierarchy would have {depth} levels below the root, and at most \
             {LEVELS} are supported.",
            group.name(),
            parent.name()
        ));
    }
    Ok(())
}

/// A group that is deleted is empty, and is not the root.
pub(super) fn check_empty(cx: &Cx<'_>, group: &Resource) -> Result<(), ArmError> {
    let name = group.id.name();
    if group.id == root(cx.site) {
        return Err(ArmError::new(
            ErrorCode::CannotDeleteResource,
            format!("The group '{name}' is the root of the hierarchy and cannot be deleted."),
        ));
    }
    let inside: Vec<&str> = children(cx.snapshot, &group.id)
        .chain(subscriptions(cx.snapshot, group))
        .map(|inside| inside.id.name())
        .collect();
    if inside.is_empty() {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::CannotDeleteResource,
        format!(
            "The group '{name}' cannot be deleted because it is not empty; it holds '{}'. Move them elsewhere first.",
            inside.join("', '")
        ),
    ))
}

/// A group and all groups above it, nearest first.
pub(super) fn way_up(snapshot: &Snapshot, from: &ResourceId) -> Vec<ResourceId> {
    let up = |id: &ResourceId| snapshot.get(id).and_then(|group| parent(group));
    // no longer than there are groups, whatever the rows say
    let at_most = snapshot.of_type(MANAGEMENT_GROUPS).count() + 1;
    std::iter::successors(Some(from.clone()), up)
        .take(at_most)
        .collect()
}

/// Everything below a group with its direct parent, level by level: groups before the subscriptions of a level.
pub(super) fn below<'a>(snapshot: &'a Snapshot, group: &Resource) -> Vec<(ResourceId, &'a Arc<Resource>)> {
    let mut found: Vec<(ResourceId, &Arc<Resource>)> = Vec::new();
    let mut open = vec![(group.id.clone(), subscriptions(snapshot, group))];
    while let Some((id, subscriptions)) = open.pop() {
        for child in children(snapshot, &id) {
            if found.iter().all(|(_, known)| known.id != child.id) {
                found.push((id.clone(), child));
                open.push((child.id.clone(), self::subscriptions(snapshot, child)));
            }
        }
        found.extend(
            subscriptions
                .into_iter()
                .map(|subscription| (id.clone(), subscription)),
        );
    }
    found
}

/// How many levels a group and what is below it take.
fn height(snapshot: &Snapshot, group: &ResourceId) -> usize {
    let mut level = vec![group.clone()];
    let mut levels = 0;
    while !level.is_empty() && levels <= LEVELS {
        levels += 1;
        level = level
            .iter()
            .flat_map(|id| children(snapshot, id))
            .map(|child| child.id.clone())
            .collect();
    }
    levels
}

fn ids_in(group: &Resource) -> Vec<ResourceId> {
    let listed = group.own.pointer(SUBSCRIPTIONS_IN).and_then(Value::as_array);
    listed
        .into_iter()
        .flatten()
        .filter_map(|id| ResourceId::parse(id.as_str()?).ok())
        .collect()
}
