//! Who may sign in with a password of this directory: everybody, or only the accounts for emergencies, where people have
//! an identity provider for everything else.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Expect, Put, Resource, Snapshot, directory};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::principal;

/// The type of the one row.
pub(super) const SETTINGS: &str = "Nave.Identity/signInSettings";
const EVERYBODY: &str = "everybody";
const BREAK_GLASS: &str = "breakGlass";

fn id() -> ResourceId {
    ResourceId::tenant().extension(SETTINGS, "default")
}

pub(super) fn shown(snapshot: &Snapshot) -> Value {
    let kept = snapshot.get(&id());
    let member = |name: &str, usual: Value| kept.and_then(|row| row.sent.get(name).cloned()).unwrap_or(usual);
    json!({
        "localPasswords": member("localPasswords", EVERYBODY.into()),
        "breakGlassAccounts": member("breakGlassAccounts", json!([])),
    })
}

/// Whether only the accounts for emergencies may use a password.
pub(crate) fn passwords_are_for_emergencies(snapshot: &Snapshot) -> bool {
    shown(snapshot)["localPasswords"] == BREAK_GLASS
}

/// Whether a person may use his password.
pub(crate) fn may_use_password(snapshot: &Snapshot, person: &Resource) -> bool {
    let settings = shown(snapshot);
    let accounts = settings["breakGlassAccounts"].as_array();
    let id = principal::object_id(person).to_string();
    settings["localPasswords"] != BREAK_GLASS
        || accounts.is_some_and(|accounts| accounts.iter().any(|account| *account == id.as_str()))
}

/// The row with what a body changes. Without an account that is left, nobody could ever let anybody in again.
pub(super) fn row(snapshot: &Snapshot, body: &Value) -> Result<Put, ArmError> {
    let bad = |message: String| ArmError::new(ErrorCode::Request_BadRequest, message);
    let mut settings = shown(snapshot);
    for (name, value) in body.as_object().into_iter().flatten() {
        match name.as_str() {
            "localPasswords" | "breakGlassAccounts" => settings[name] = value.clone(),
            name if name.contains('@') => {}
            name => return Err(bad(format!("The sign-in settings have no '{name}'."))),
        }
    }
    let passwords = settings["localPasswords"].as_str().unwrap_or_default();
    if ![EVERYBODY, BREAK_GLASS].contains(&passwords) {
        return Err(bad(format!(
            "localPasswords must be '{EVERYBODY}' or '{BREAK_GLASS}'."
        )));
    }
    let accounts = settings["breakGlassAccounts"].as_array().cloned();
    let accounts =
        accounts.ok_or_else(|| bad(String::from("breakGlassAccounts must be a list of object ids.")))?;
    let usable = |account: &Value| {
        let id = account.as_str().and_then(|id| Uuid::parse_str(id).ok())?;
        let person = snapshot.get(&directory::object_id(directory::USERS, id))?;
        Some((person.sealed.is_some() && principal::enabled(person), id))
    };
    let found: Option<Vec<(bool, Uuid)>> = accounts.iter().map(usable).collect();
    let found = found.ok_or_else(|| {
        bad(String::from(
            "Each of the breakGlassAccounts must be the object id of a user.",
        ))
    })?;
    if passwords == BREAK_GLASS && !found.iter().any(|(usable, _)| *usable) {
        return Err(bad(String::from(
            "Name at least one breakGlassAccount that is enabled and has a password: otherwise nobody could sign in when \
             the identity provider cannot be reached.",
        )));
    }
    settings["breakGlassAccounts"] = found.iter().map(|(_, id)| json!(id)).collect();
    let mut put = Put::new(id(), settings);
    put.expect = snapshot
        .get(&id())
        .map_or(Expect::Absent, |row| Expect::Etag(row.etag.clone()));
    Ok(put)
}
