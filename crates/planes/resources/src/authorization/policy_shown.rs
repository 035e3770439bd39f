//! What policy objects have in common where they are shown: who wrote them, in their metadata.

use nave_engine::Resource;
use serde_json::{Value, json};

/// Says in an object's metadata when and by whom it was written; what is ready-made was written by nobody.
pub(super) fn sign(metadata: &mut Value, resource: &Resource) {
    let Some(members) = metadata.as_object_mut().filter(|_| !resource.etag.is_empty()) else {
        return;
    };
    let was_changed = resource.history.updated_at != resource.history.created_at;
    let by = |name: &str| resource.own.get(name).cloned().unwrap_or_default();
    let at = |time: jiff::Timestamp, counts: bool| json!(counts.then(|| time.to_string()));
    members.insert(String::from("createdBy"), by("createdBy"));
    members.insert(String::from("createdOn"), at(resource.history.created_at, true));
    let updated_by = if was_changed { by("updatedBy") } else { Value::Null };
    members.insert(String::from("updatedBy"), updated_by);
    members.insert(
        String::from("updatedOn"),
        at(resource.history.updated_at, was_changed),
    );
}

/// The envelope without nave's own members.
pub(super) fn plain(mut shown: Value) -> Value {
    if let Some(members) = shown.as_object_mut() {
        for own in ["createdBy", "updatedBy", "etag"] {
            members.shift_remove(own);
        }
        if members
            .get("systemData")
            .is_some_and(|data| data["createdBy"] == "")
        {
            members.shift_remove("systemData");
        }
    }
    shown
}
