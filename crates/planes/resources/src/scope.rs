//! Scopes that requests name: whether they are there, and who has anything to do with them.

use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Caller, CallerKind, Engine, Params, Request, Snapshot, decision::Need, directory, operation::Surface,
    route::Target,
};

pub(crate) use nave_engine::missing::check_place as check;

/// Whether one scope is the other or above it, management groups included.
pub(crate) fn contains(snapshot: &Snapshot, upper: &ResourceId, lower: &ResourceId) -> bool {
    snapshot.roles().scope_contains(upper, lower)
}

/// Whether the scopes are one above the other, or the same.
pub(crate) fn related(snapshot: &Snapshot, left: &ResourceId, right: &ResourceId) -> bool {
    contains(snapshot, left, right) || contains(snapshot, right, left)
}

/// Whether a caller has any role at the scope, above it or below it. A developer of one project must see its
/// subscription: a user without one cannot sign in with `az` (client contract 2).
pub(crate) fn concerns(snapshot: &Snapshot, caller: &Caller, scope: &ResourceId) -> bool {
    let snapshot = snapshot.rights();
    match caller.kind {
        CallerKind::System => true,
        CallerKind::AccountKey { .. } => false,
        _ => {
            is_enabled(snapshot, caller)
                && snapshot
                    .roles()
                    .assignments_of(caller.object_id)
                    .any(|assignment| related(snapshot, &assignment.scope, scope))
        }
    }
}

/// The scopes strictly below this one at which a caller has a role.
pub(crate) fn held_below(snapshot: &Snapshot, caller: &Caller, scope: &ResourceId) -> Vec<ResourceId> {
    let held = snapshot.rights().roles().assignments_of(caller.object_id);
    let mut scopes: Vec<ResourceId> = held
        .map(|assignment| assignment.scope.clone())
        .filter(|held| held != scope && contains(snapshot, scope, held))
        .collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

/// The ways to what is the same for everybody in a scope, such as its regions: the permission for it there, or the
/// right to read anything in it. Clients ask for it before they ask for the one thing their user may see.
pub(crate) fn ways_of_a_visitor(snapshot: &Snapshot, caller: Option<&Caller>, own: Need) -> Vec<Vec<Need>> {
    let below = caller.map_or_else(Vec::new, |caller| held_below(snapshot, caller, &own.scope));
    let reads = below
        .into_iter()
        .map(|held| vec![Need::action(format!("{}/read", held.resource_type()), held)]);
    std::iter::once(vec![own]).chain(reads).collect()
}

/// A route's target: the scope it names, open to its visitors.
pub(crate) fn open_to_visitors(
    permission: &'static str,
) -> impl Fn(&Snapshot, &Request, &Params) -> Result<Target, ArmError> {
    move |snapshot, request, params| {
        let id = params.scope()?;
        let own = Need::action(permission, id.clone());
        Ok(Target {
            ways: ways_of_a_visitor(snapshot, request.caller.as_ref(), own),
            id,
        })
    }
}

/// Whether a caller may read something below the scope that a role of his own is about.
pub(crate) fn opens_below(engine: &Engine, snapshot: &Snapshot, caller: &Caller, scope: &ResourceId) -> bool {
    held_below(snapshot, caller, scope).iter().any(|held| {
        let read = format!("{}/read", held.resource_type());
        engine.may(snapshot, caller, Surface::Arm, &read, held)
    })
}

fn is_enabled(snapshot: &Snapshot, caller: &Caller) -> bool {
    snapshot
        .principal(caller.object_id)
        .is_some_and(|principal| directory::is_enabled(principal))
}
