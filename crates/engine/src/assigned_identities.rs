//! Identities that a resource is given: `identity.userAssignedIdentities`, a map by the identities' ids.
//!
//! Code that runs as a resource can use each of them, so whoever gives one away must be allowed to assign it, whatever the
//! type of the resource (features MI-02). That is asked here, once for all types.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::{Map, Value, json};

use crate::{Snapshot, decision::Need, declaration::Draft, federation::USER_ASSIGNED_IDENTITIES};

const ASSIGN: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";

/// The identities a body names; null takes one away.
pub fn of(body: &Value) -> impl Iterator<Item = ResourceId> {
    members(body)
        .filter(|(_, value)| !value.is_null())
        .filter_map(|(id, _)| ResourceId::parse(id).ok())
}

/// What it takes to give a resource the identities that it does not have yet.
pub(crate) fn needs(draft: &Draft) -> Vec<Need> {
    let before: Vec<ResourceId> = draft
        .existing
        .as_ref()
        .map_or_else(Vec::new, |existing| of(&existing.sent).collect());
    let added = of(&draft.body).filter(|id| !before.contains(id));
    added.map(|id| Need::action(ASSIGN, id).linked()).collect()
}

/// Refuses a body that names what is no identity, or is not there.
pub(crate) fn check(snapshot: &Snapshot, body: &Value) -> Result<(), ArmError> {
    for (text, _) in members(body).filter(|(_, value)| !value.is_null()) {
        let id = ResourceId::parse(text)
            .ok()
            .filter(|id| id.resource_type().eq_ignore_ascii_case(USER_ASSIGNED_IDENTITIES));
        let Some(id) = id else {
            let message = format!("'{text}' is not the id of a user assigned identity.");
            return Err(ArmError::new(ErrorCode::LinkedInvalidPropertyId, message)
                .on("identity.userAssignedIdentities"));
        };
        if snapshot.get(&id).is_none() {
            let message = format!("The user assigned identity '{id}' could not be found. Create it first.");
            return Err(ArmError::new(ErrorCode::InvalidResourceReference, message)
                .on("identity.userAssignedIdentities"));
        }
    }
    Ok(())
}

/// Says of each identity in a body that is shown who it is.
pub fn show(snapshot: &Snapshot, body: &mut Value) {
    let assigned = body
        .pointer_mut("/identity/userAssignedIdentities")
        .and_then(Value::as_object_mut);
    for (id, shown) in assigned.into_iter().flatten() {
        let identity = ResourceId::parse(id)
            .ok()
            .and_then(|id| snapshot.get(&id).cloned());
        let fact = |pointer: &str| {
            identity
                .as_ref()
                .and_then(|identity| identity.value(pointer).cloned())
        };
        *shown = json!({ "principalId": fact("/properties/principalId"), "clientId": fact("/properties/clientId") });
    }
}

fn members(body: &Value) -> impl Iterator<Item = (&String, &Value)> {
    body.pointer("/identity/userAssignedIdentities")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::iter)
}
