//! Writing back what was kept.
//!
//! What no longer stands alone stays away: a role whose principal or role definition is gone, something at a place that
//! is gone, what somebody made anew meanwhile. What other planes' rules say of the rows that come back is done on the
//! state with these rows, as if they were written one by one.

use std::{collections::HashSet, sync::Arc};

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_rbac::RoleAssignment;
use nave_store::Expect;
use nave_vault::{Purpose, Secret};
use serde_json::Value;

use super::{Kept, purged};
use crate::{
    Engine, Resource, Snapshot,
    change::{Change, MovedFrom, Put, PutSecrets},
    declaration::{Also, Cx, Moved},
    secrets,
};

/// The change that takes what is kept out of its row and writes it back, and what follows from that by the rules of
/// other planes, with the state it is worked out on.
pub(crate) fn restore(
    engine: &Engine,
    cx: &Cx<'_>,
    kept: &Kept,
) -> Result<(Change, Vec<Also>, Snapshot), ArmError> {
    let secrets = secrets::open(engine.vault(), &kept.row);
    if kept.row.sealed.is_some() && secrets.is_none() {
        return Err(ArmError::new(
            ErrorCode::InternalServerError,
            format!(
                "The secrets of the deleted '{}' could not be decrypted, so it was not recovered; the server's log has \
                 the cause.",
                kept.resource.id
            ),
        ));
    }
    let rows = standing(engine, cx.snapshot, kept);
    let mut restored = cx.snapshot.clone();
    rows.iter().for_each(|row| restored.put_resource(row));
    let on_it = Cx {
        snapshot: &restored,
        ..*cx
    };
    let mut follows = Vec::new();
    for row in &rows {
        let moved = Moved::Written {
            id: &row.id,
            sent: &row.sent,
            own: &row.own,
        };
        for rule in engine.registry().rules(&row.id.resource_type()) {
            follows.extend(rule(&on_it, &moved)?);
        }
    }
    let was = |row: &Arc<Resource>| MovedFrom {
        id: row.id.clone(),
        history: row.history.clone(),
    };
    let change = Change {
        moved: rows.iter().map(|row| (row.id.clone(), was(row))).collect(),
        puts: rows.iter().map(|row| put(row, secrets.as_ref())).collect(),
        erases: purged(cx.snapshot, &kept.row).erases,
        ..Change::default()
    };
    Ok((change, follows, restored))
}

fn put(row: &Resource, secrets: Option<&Secret<Value>>) -> Put {
    let own = secrets.and_then(|secrets| secrets.expose(&Purpose::Seal).get(row.id.key()).cloned());
    Put {
        own: row.own.clone(),
        secrets: own.map_or(PutSecrets::Sealed(None), PutSecrets::Plain),
        claims: row.claims.clone(),
        expect: Expect::Absent,
        ..Put::new(row.id.clone(), row.sent.clone())
    }
}

/// The rows that can be written back.
fn standing(engine: &Engine, snapshot: &Snapshot, kept: &Kept) -> Vec<Arc<Resource>> {
    let back: HashSet<&ResourceId> = kept.rows.iter().map(|row| &row.id).collect();
    let is_there = |id: &ResourceId| back.contains(id) || snapshot.get(id).is_some();
    let is_free = |claim: &String| {
        snapshot
            .holder(claim)
            .is_none_or(|holder| holder.id == kept.row.id)
    };
    let stands = |row: &&Resource| {
        snapshot.get(&row.id).is_none()
            && row.claims.iter().all(is_free)
            && row
                .id
                .scope()
                .is_none_or(|scope| has_place(engine, &scope, &is_there))
            && assignment(row).is_none_or(|given| still_given(snapshot, &given, &is_there))
    };
    let rows = kept.rows.iter().filter(stands);
    rows.cloned().map(Arc::new).collect()
}

/// Whether a scope, and what it is in, is there. Things that only a data plane knows have no row.
fn has_place(engine: &Engine, scope: &ResourceId, is_there: &dyn Fn(&ResourceId) -> bool) -> bool {
    let known = |place: &ResourceId| {
        let kind = engine.registry().resource_type(&place.resource_type());
        kind.is_some_and(|kind| kind.declaration().resident)
    };
    scope
        .ancestors()
        .filter(|place| !place.is_tenant())
        .all(|place| !known(&place) || is_there(&place))
}

fn assignment(row: &Resource) -> Option<RoleAssignment> {
    let is_assignment = row
        .id
        .resource_type()
        .eq_ignore_ascii_case("Microsoft.Authorization/roleAssignments");
    is_assignment
        .then(|| {
            RoleAssignment::from_properties(&row.id, row.sent.get("properties").unwrap_or(&Value::Null)).ok()
        })
        .flatten()
}

/// Whether there still are a principal and a role, and nobody gave the same anew.
fn still_given(snapshot: &Snapshot, given: &RoleAssignment, is_there: &dyn Fn(&ResourceId) -> bool) -> bool {
    let object = |kind: &str| crate::directory::object_id(kind, given.principal);
    let exists = snapshot.principal(given.principal).is_some()
        || is_there(&object(crate::directory::SERVICE_PRINCIPALS));
    exists
        && snapshot.roles().definition(given.role).is_some()
        && snapshot
            .roles()
            .assignment_of(given.principal, given.role, &given.scope)
            .is_none()
}
