//! The places where rights are told of: what is there and may hold a role.

use std::{collections::BTreeSet, sync::Arc};

use nave_arm::ResourceId;

use crate::{Registry, Resource, Snapshot, declaration::Placement};

/// Whether a row is a place of its own. What extends a place, such as a role assignment, is told of at that place, and
/// what belongs to the directory or to nave itself is no place.
fn is_place(registry: &Registry, row: &Resource) -> bool {
    let type_name = row.id.resource_type();
    let is_own = ["microsoft.graph/", "nave."].iter().any(|prefix| {
        type_name
            .get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    });
    let kind = registry.resource_type(&type_name);
    let extends = kind.is_some_and(|kind| kind.declaration().placement == Placement::Anywhere);
    let is_scope =
        row.id.is_subscription() || row.id.is_resource_group() || row.id.management_group().is_some();
    !is_own && !extends && (kind.is_some() || is_scope)
}

/// The scope, or the nearest place above it that is there: where a role can be held for it.
pub(super) fn place_of(registry: &Registry, snapshot: &Snapshot, scope: &ResourceId) -> ResourceId {
    let is_there = |place: &ResourceId| snapshot.get(place).is_some_and(|row| is_place(registry, row));
    scope
        .ancestors()
        .find(|place| place.is_tenant() || is_there(place))
        .unwrap_or_else(ResourceId::tenant)
}

/// The places at or below some scopes, by id. The scopes themselves are among them, also where a data plane alone knows
/// them.
#[must_use]
pub fn places(registry: &Registry, snapshot: &Snapshot, roots: &[ResourceId]) -> Vec<ResourceId> {
    let mut found: BTreeSet<ResourceId> = BTreeSet::new();
    for root in roots {
        found.insert(root.clone());
        let is_above_subscriptions = root.is_tenant() || root.management_group().is_some();
        let start = if is_above_subscriptions {
            ResourceId::tenant()
        } else {
            root.clone()
        };
        let below = snapshot
            .below(&start)
            .filter(|row| is_place(registry, row))
            .filter(|row| !is_above_subscriptions || snapshot.roles().scope_contains(root, &row.id));
        found.extend(below.map(|row: &Arc<Resource>| row.id.clone()));
    }
    found.into_iter().collect()
}

/// The scopes that no other of them contains.
#[must_use]
pub fn topmost(snapshot: &Snapshot, scopes: impl IntoIterator<Item = ResourceId>) -> Vec<ResourceId> {
    let all: BTreeSet<ResourceId> = scopes.into_iter().collect();
    let is_below_another = |scope: &ResourceId| {
        all.iter()
            .any(|other| other != scope && snapshot.roles().scope_contains(other, scope))
    };
    all.iter()
        .filter(|scope| !is_below_another(scope))
        .cloned()
        .collect()
}
