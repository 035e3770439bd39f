//! The secret members of a body: taken out before anything is stored, opened by one function.

use nave_vault::{KeyRing, Secret};
use serde_json::{Map, Value};

use crate::Resource;

/// Takes the declared secret members out of a body. What is taken is keyed by its JSON pointer; null members are
/// dropped without a trace. `None` when the body had none.
pub(crate) fn take(body: &mut Value, pointers: &[&str]) -> Option<Value> {
    let mut taken = Map::new();
    for pointer in pointers {
        let Some((parent, name)) = pointer.rsplit_once('/') else { continue };
        let Some(members) = body.pointer_mut(parent).and_then(Value::as_object_mut) else { continue };
        let Some(written) = members.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned() else { continue };
        match members.shift_remove(&written) {
            None | Some(Value::Null) => {}
            Some(value) => drop(taken.insert((*pointer).to_owned(), value)),
        }
    }
    (!taken.is_empty()).then_some(Value::Object(taken))
}

/// Opens a resource's sealed secrets. `None` when it has none, or when they do not open: then the log says why.
pub(crate) fn open(vault: &KeyRing, resource: &Resource) -> Option<Secret<Value>> {
    let sealed = resource.sealed.as_deref()?;
    vault
        .unseal_json(resource.id.key(), sealed)
        .inspect_err(|error| tracing::error!(id = %resource.id, %error, "sealed secrets do not open"))
        .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::take;

    #[test]
    fn takes_what_is_declared_and_nothing_else() {
        let mut body = json!({"properties": {"Credentials": {"key": "K"}, "target": "t", "password": null}});
        let taken = take(&mut body, &["/properties/credentials", "/properties/password", "/properties/other"]);
        assert_eq!(taken, Some(json!({"/properties/credentials": {"key": "K"}})));
        assert_eq!(body, json!({"properties": {"target": "t"}}));
        assert_eq!(take(&mut body, &["/properties/credentials"]), None);
    }
}
