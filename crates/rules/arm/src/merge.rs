//! JSON merge patch (RFC 7396), the meaning of PATCH on `properties`.

use std::collections::{HashMap, HashSet};

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
    // found by name and taken out at the end, not one by one: a body may have a hundred thousand members
    let mut spelled: HashMap<String, String> = HashMap::new();
    for name in members.keys() {
        spelled
            .entry(name.to_ascii_lowercase())
            .or_insert_with(|| name.clone());
    }
    let mut gone = HashSet::new();
    for (name, value) in patch {
        let known = spelled.get(&name.to_ascii_lowercase()).unwrap_or(name);
        if value.is_null() {
            gone.insert(known.clone());
            continue;
        }
        let slot = members.entry(known.clone()).or_insert(Value::Null);
        if gone.remove(known) {
            *slot = Value::Null;
        }
        merge_patch(slot, value);
    }
    members.retain(|name, _| !gone.contains(name));
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

    #[test]
    fn many_members_are_merged_as_few_are() {
        let many = |value: &serde_json::Value| {
            (0..100_000)
                .map(|at| (format!("Member{at}"), value.clone()))
                .collect()
        };
        let mut target = serde_json::Value::Object(many(&json!(1)));
        merge_patch(&mut target, &serde_json::Value::Object(many(&json!(2))));
        assert_eq!(
            (target["Member0"].as_i64(), target["Member99999"].as_i64()),
            (Some(2), Some(2))
        );
        merge_patch(&mut target, &serde_json::Value::Object(many(&json!(null))));
        assert_eq!(target, json!({}));
    }

    #[test]
    fn what_is_taken_away_and_named_again_starts_anew() {
        let mut target = json!({"a": {"old": 1}});
        merge_patch(&mut target, &json!({"A": null, "a": {"new": 2}}));
        assert_eq!(target, json!({"a": {"new": 2}}));
    }
}
