//! The identity of a resource: a principal of its own that lives and dies with it, and identities that are
//! resources themselves.
//!
//! A type that has one calls [`write`] where it is written and [`erase`] where it is deleted.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    Fields, Resource, assigned_identities,
    declaration::{Also, Cx, Draft, Erased},
    directory,
};

/// The kinds of identity; a resource has any number of them, separated by commas.
const KINDS: [&str; 3] = ["None", "SystemAssigned", "UserAssigned"];

/// What a body's identity makes of nave's own part of a row, and of the directory. The rest of that part stays.
///
/// # Errors
/// A kind of identity that there is not.
pub fn write(cx: &Cx<'_>, draft: &Draft) -> Result<(Value, Vec<Also>), ArmError> {
    let kinds = kinds(&draft.body)?;
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

/// The resource's own principal goes with it.
#[must_use]
pub fn erase(resource: &Resource) -> Erased {
    let also = principal(resource).map(|principal| Also::Erase(row_of(principal)));
    Erased {
        also: also.into_iter().collect(),
        guards: Vec::new(),
    }
}

/// Whether a resource was given this identity.
#[must_use]
pub fn has(resource: &Resource, identity: &ResourceId) -> bool {
    assigned_identities::of(&resource.sent).any(|id| id == *identity)
}

/// The object id of a resource's own principal.
#[must_use]
pub fn principal(resource: &Resource) -> Option<Uuid> {
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
    let text = Fields(body).text("/identity/type")?.unwrap_or("None");
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
