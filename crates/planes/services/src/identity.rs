//! The identity of a resource: a principal of its own that lives and dies with it, and identities that are
//! resources themselves.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Resource, Snapshot,
    decision::Need,
    declaration::{Also, Asked, Cx, Draft, Erased},
    directory,
    federation::USER_ASSIGNED_IDENTITIES,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The kinds of identity; a resource has any number of them, separated by commas.
const KINDS: [&str; 3] = ["None", "SystemAssigned", "UserAssigned"];

const ASSIGN: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";

/// What a body's identity makes of nave's own part of a row, and of the directory. The rest of that part stays.
pub(crate) fn write(cx: &Cx<'_>, draft: &Draft) -> Result<(Value, Vec<Also>), ArmError> {
    let kinds = kinds(&draft.body)?;
    check_assigned(cx.snapshot, &draft.body)?;
    let before = draft.existing.as_deref().and_then(principal);
    let (principal, also) = match (kinds.contains(&"SystemAssigned"), before) {
        (true, Some(principal)) => (Some(principal), Vec::new()),
        (true, None) => {
            let (object, app) = (cx.world.new_id(), cx.world.new_id());
            let row = directory::managed_identity(object, app, draft.id.name(), &draft.id);
            (Some(object), vec![Also::Row(row)])
        }
        (false, Some(principal)) => (None, vec![Also::Erase(row_of(principal))]),
        (false, None) => (None, Vec::new()),
    };
    let mut own = draft.existing.as_ref().map_or_else(Map::new, |existing| {
        existing.own.as_object().cloned().unwrap_or_default()
    });
    own.shift_remove("identity");
    if let Some(principal) = principal {
        let identity = json!({ "principalId": principal, "tenantId": cx.site.tenant });
        own.insert(String::from("identity"), identity);
    }
    Ok((Value::Object(own), also))
}

/// Who gives a resource an identity must be allowed to assign that identity (features MI-02).
pub(crate) fn ways(asked: &Asked<'_>, own: Need) -> Vec<Vec<Need>> {
    let mut needs = vec![own];
    if let Asked::Write(draft) = asked {
        let before: Vec<ResourceId> = draft
            .existing
            .as_ref()
            .map_or_else(Vec::new, |existing| assigned(&existing.sent).collect());
        let added = assigned(&draft.body).filter(|id| !before.contains(id));
        needs.extend(added.map(|id| Need::action(ASSIGN, id).linked()));
    }
    vec![needs]
}

/// The resource's own principal goes with it.
pub(crate) fn erase(resource: &Resource) -> Erased {
    let also = principal(resource).map(|principal| Also::Erase(row_of(principal)));
    Erased {
        also: also.into_iter().collect(),
        guards: Vec::new(),
    }
}

/// Says of each assigned identity who it is.
pub(crate) fn show(snapshot: &Snapshot, body: &mut Value) {
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

/// Whether a resource was given this identity.
pub(crate) fn has(resource: &Resource, identity: &ResourceId) -> bool {
    assigned(&resource.sent).any(|id| id == *identity)
}

/// The object id of a resource's own principal.
fn principal(resource: &Resource) -> Option<Uuid> {
    resource
        .own
        .pointer("/identity/principalId")?
        .as_str()?
        .parse()
        .ok()
}

fn row_of(principal: Uuid) -> ResourceId {
    directory::object_id(directory::SERVICE_PRINCIPALS, principal)
}

fn kinds(body: &Value) -> Result<Vec<&'static str>, ArmError> {
    let text = nave_engine::Fields(body)
        .text("/identity/type")?
        .unwrap_or("None");
    let find = |word: &str| {
        KINDS
            .into_iter()
            .find(|kind| kind.eq_ignore_ascii_case(word.trim()))
    };
    text.split(',')
        .map(|word| find(word).ok_or_else(|| unknown(text)))
        .collect()
}

fn unknown(text: &str) -> ArmError {
    let message = format!(
        "The value '{text}' of 'identity.type' is not made of '{}'.",
        KINDS.join("', '")
    );
    ArmError::new(ErrorCode::InvalidParameter, message).on("identity.type")
}

fn members(body: &Value) -> impl Iterator<Item = (&String, &Value)> {
    body.pointer("/identity/userAssignedIdentities")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::iter)
}

/// The identities a body names; null takes one away.
fn assigned(body: &Value) -> impl Iterator<Item = ResourceId> {
    members(body)
        .filter(|(_, value)| !value.is_null())
        .filter_map(|(id, _)| ResourceId::parse(id).ok())
}

fn check_assigned(snapshot: &Snapshot, body: &Value) -> Result<(), ArmError> {
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
