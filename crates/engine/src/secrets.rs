//! The secret members of a body: taken out before anything is stored, opened by one function.

use nave_vault::{KeyRing, Secret};
use serde_json::{Map, Value};

use crate::Resource;

/// Takes the declared secret members out of a body, however their names are cased. What is taken is keyed by its JSON
/// pointer; null members are dropped without a trace. `None` when the body had none.
pub(crate) fn take(body: &mut Value, pointers: &[&str]) -> Option<Value> {
    let mut taken = Map::new();
    for pointer in pointers {
        let path: Vec<&str> = pointer.split('/').skip(1).collect();
        if let Some(value) = take_at(body, &path).into_iter().find(|value| !value.is_null()) {
            taken.insert((*pointer).to_owned(), value);
        }
    }
    (!taken.is_empty()).then_some(Value::Object(taken))
}

/// Takes out every member at a path: a body may hold one name in several casings.
fn take_at(body: &mut Value, path: &[&str]) -> Vec<Value> {
    let (Some(members), [name, below @ ..]) = (body.as_object_mut(), path) else {
        return Vec::new();
    };
    let named: Vec<String> = members
        .keys()
        .filter(|key| key.eq_ignore_ascii_case(name))
        .cloned()
        .collect();
    if below.is_empty() {
        return named.iter().filter_map(|key| members.shift_remove(key)).collect();
    }
    named
        .iter()
        .flat_map(|key| {
            members
                .get_mut(key)
                .map_or_else(Vec::new, |inner| take_at(inner, below))
        })
        .collect()
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
        let taken = take(
            &mut body,
            &[
                "/properties/credentials",
                "/properties/password",
                "/properties/other",
            ],
        );
        assert_eq!(taken, Some(json!({"/properties/credentials": {"key": "K"}})));
        assert_eq!(body, json!({"properties": {"target": "t"}}));
        assert_eq!(take(&mut body, &["/properties/credentials"]), None);
    }

    #[test]
    fn no_casing_hides_a_secret() {
        let mut body = json!({
            "Properties": {"Credentials": {"key": "K"}, "CREDENTIALS": "L", "credentials": null},
            "properties": {"credentials": ["M"], "target": "t"},
            "PROPERTIES": "text",
        });
        let taken = take(&mut body, &["/properties/credentials"]);
        assert_eq!(taken, Some(json!({"/properties/credentials": {"key": "K"}})));
        assert_eq!(
            body,
            json!({"Properties": {}, "properties": {"target": "t"}, "PROPERTIES": "text"})
        );
    }
}
