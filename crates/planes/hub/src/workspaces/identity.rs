//! A workspace's own identity: a service principal that lives and dies with it (features MI-01, MI-03).

use nave_arm::ResourceId;
use nave_engine::{
    Resource,
    declaration::{Also, Cx},
    directory,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::assignments;

/// What became of the system-assigned identity.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// It was made now.
    New(Uuid),
    /// It was there before.
    Kept(Uuid),
    /// There is none.
    Absent,
}

/// Brings the identity in line with the body. A body that is silent means a system-assigned one.
pub(super) fn settle(cx: &Cx<'_>, id: &ResourceId, body: &Value, own: &mut Value) -> (Identity, Vec<Also>) {
    let held = principal_in(own);
    match (wants_system(body), held) {
        (true, Some(principal)) => (Identity::Kept(principal), Vec::new()),
        (true, None) => {
            let (principal, app) = (cx.world.new_id(), cx.world.new_id());
            own["identity"] =
                json!({ "type": "SystemAssigned", "principalId": principal, "tenantId": cx.site.tenant });
            let put = directory::managed_identity(principal, app, id.name(), id);
            (Identity::New(principal), vec![Also::Row(put)])
        }
        (false, held) => {
            if let Some(own) = own.as_object_mut() {
                own.remove("identity");
            }
            (
                Identity::Absent,
                held.map_or_else(Vec::new, |principal| ends(cx, principal)),
            )
        }
    }
}

/// The end of a workspace's identity, and of every role it has anywhere.
pub(super) fn end(cx: &Cx<'_>, workspace: &Resource) -> Vec<Also> {
    principal_in(&workspace.own).map_or_else(Vec::new, |principal| ends(cx, principal))
}

fn ends(cx: &Cx<'_>, principal: Uuid) -> Vec<Also> {
    let mut also = assignments::end_of(cx.snapshot, principal);
    also.push(Also::Erase(directory::object_id(
        directory::SERVICE_PRINCIPALS,
        principal,
    )));
    also
}

fn principal_in(own: &Value) -> Option<Uuid> {
    Uuid::parse_str(own.pointer("/identity/principalId")?.as_str()?).ok()
}

fn wants_system(body: &Value) -> bool {
    let word = body
        .pointer("/identity/type")
        .and_then(Value::as_str)
        .unwrap_or("SystemAssigned");
    word.split(',')
        .any(|word| word.eq_ignore_ascii_case("SystemAssigned"))
}
