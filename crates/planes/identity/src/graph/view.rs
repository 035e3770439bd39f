//! Rows as Graph shows them: never a credential, and in mixed lists with their type.

use nave_arm::ArmError;
use nave_engine::{Resource, fill, route::Call, site::Site};
use serde_json::{Map, Value, json};

use super::{
    key_credentials,
    kind::{Kind, kind_of, of_kind},
    not_found,
};

/// What a row keeps beside the object itself.
const KEPT: [&str; 2] = ["members", "owners"];

/// The object.
pub(super) fn view(object: &Resource) -> Value {
    let mut shown = object.sent.clone();
    if let Some(members) = shown.as_object_mut() {
        members.retain(|name, _| !KEPT.contains(&name.as_str()));
    }
    fill(&mut shown, &(kind_of(object).defaults)());
    key_credentials::hide(&mut shown);
    shown["createdDateTime"] = object.history.created_at.to_string().into();
    shown
}

/// The object with its type, as it stands among objects of other kinds.
pub(super) fn typed(object: &Resource) -> Value {
    marked("@odata.type", kind_of(object).odata_type, view(object))
}

/// The object as the answer to a request for it alone.
pub(super) fn entity(site: &Site, object: &Resource) -> Value {
    let kind = kind_of(object);
    let context = format!("{}#{}/$entity", context(site), kind.collection);
    marked("@odata.context", &context, view(object))
}

/// A list as the answer.
pub(super) fn list(site: &Site, collection: &str, value: Vec<Value>) -> Value {
    json!({ "@odata.context": format!("{}#{collection}", context(site)), "value": value })
}

/// The object a request's path names.
pub(super) fn named(kind: &Kind, call: &Call) -> Result<std::sync::Arc<Resource>, ArmError> {
    let key = call.params.get("id");
    of_kind(&call.engine.snapshot(), kind, key)
        .cloned()
        .ok_or_else(|| not_found(key))
}

fn context(site: &Site) -> String {
    format!("{}/graph/v1.0/$metadata", site.origin)
}

/// The mark stands first: it tells readers what follows.
fn marked(name: &str, value: &str, object: Value) -> Value {
    let mut marked = Map::new();
    marked.insert(name.to_owned(), value.into());
    if let Value::Object(members) = object {
        marked.extend(members);
    }
    Value::Object(marked)
}
