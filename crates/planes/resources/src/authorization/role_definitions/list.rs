//! Lists of roles: what may be assigned at a scope (rbac-semantics 8.6; rest-surface 4.2).

use nave_arm::{ArmError, Filter, ResourceId};
use nave_engine::{
    Reply, Request, Snapshot,
    rbac::{RoleDefinition, built_in},
    route::Call,
};
use serde_json::{Value, json};

use super::view;
use crate::{filter, scope};

pub(super) async fn list(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let asked_at = call.grant.id();
    scope::check(&snapshot, asked_at)?;
    let filter = filter::of(&call.request)?;
    filter::check(filter.as_ref(), knows)?;
    let below = asks_below(filter.as_ref());
    let mut roles: Vec<&RoleDefinition> = snapshot
        .roles()
        .definitions()
        .filter(|role| is_assignable(&snapshot, role, asked_at, below))
        .filter(|role| {
            filter
                .as_ref()
                .is_none_or(|filter| filter.holds(&mut |leaf| holds(&snapshot, role, leaf)))
        })
        .collect();
    roles.sort_unstable_by_key(|role| role.id);
    let value: Vec<Value> = roles
        .into_iter()
        .map(|role| view(&snapshot, role, asked_at))
        .collect();
    Ok(Reply::ok(json!({ "value": value })))
}

/// Whether a request is for the roles of the scopes below as well.
pub(super) fn goes_below(request: &Request) -> Result<bool, ArmError> {
    Ok(asks_below(filter::of(request)?.as_ref()))
}

fn asks_below(filter: Option<&Filter>) -> bool {
    let mut leaves = filter.into_iter().flat_map(Filter::leaves);
    leaves.any(|leaf| is_call(leaf, "atScopeAndBelow"))
}

/// Whether the role may be assigned at the scope or, where that is asked for too, below it.
fn is_assignable(snapshot: &Snapshot, role: &RoleDefinition, asked_at: &ResourceId, below: bool) -> bool {
    role.assignable_scopes.iter().any(|assignable| {
        scope::contains(snapshot, assignable, asked_at)
            || below && scope::contains(snapshot, asked_at, assignable)
    })
}

fn is_call(leaf: &Filter, called: &str) -> bool {
    matches!(leaf, Filter::Call { name, argument: None } if name.eq_ignore_ascii_case(called))
}

fn knows(leaf: &Filter) -> bool {
    is_call(leaf, "atScopeAndBelow")
        || is_call(leaf, "atScope")
        || filter::equals(leaf).is_some_and(|(property, _)| matches!(property.as_str(), "rolename" | "type"))
}

fn holds(snapshot: &Snapshot, role: &RoleDefinition, leaf: &Filter) -> bool {
    match filter::equals(leaf) {
        Some((property, value)) if property == "rolename" => is_called(snapshot, role, value),
        Some((_, value)) => role.kind.as_str().eq_ignore_ascii_case(value),
        // the functions choose scopes, which was done before
        None => true,
    }
}

/// Former names of built-in roles find them while no role has the name now: clients want exactly one.
fn is_called(snapshot: &Snapshot, role: &RoleDefinition, name: &str) -> bool {
    if role.role_name.to_lowercase() == name.to_lowercase() {
        return true;
    }
    let was = built_in::previous_names(role.id)
        .iter()
        .any(|old| old.eq_ignore_ascii_case(name));
    was && snapshot
        .roles()
        .definition_named(name)
        .is_some_and(|found| found.id == role.id)
}
