//! JSON merge patch (RFC 7396), the meaning of PATCH on `properties`.

use serde_json::Value;

/// Merges `patch` into `target`: objects merge member by member, `null` removes, anything else replaces.
/// Member names match without case, as ARM property names do; the first spelling is kept.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(members) = target else { return };
    for (name, value) in patch {
        let known = members.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned();
        if value.is_null() {
            if let Some(known) = known {
                members.shift_remove(&known);
            }
        } else {
            let slot = members
                .entry(known.unwrap_or_else(|| name.clone()))
                .or_insert(Value::Null);
            merge_patch(slot, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::merge_patch;

    #[test]
    fn follows_rfc_7396() {
        let mut target = json!({"a": {"b": 1, "c": [1, 2]}, "d": "x"});
        merge_patch(
            &mut target,
            &json!({"a": {"B": null, "c": [3]}, "e": {"f": null}}),
        );
        assert_eq!(target, json!({"a": {"c": [3]}, "d": "x", "e": {}}));
    }
}
