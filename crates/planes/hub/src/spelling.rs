//! ARM member names compare without case, and clients write them as they like. Rules look members up by their
//! documented names, so bodies are respelled before anything is decided on them.

use serde_json::{Map, Value};

/// Respells the members of an object that are, but for case, one of `names`. Their order stays.
pub(crate) fn spell(body: &mut Value, names: &[&str]) {
    let Some(members) = body.as_object_mut() else {
        return;
    };
    let known = |written: &str| names.iter().find(|name| name.eq_ignore_ascii_case(written));
    if members
        .keys()
        .all(|written| known(written).is_none_or(|name| name == written))
    {
        return;
    }
    let given = std::mem::take(members);
    *members = given
        .into_iter()
        .map(|(written, value)| {
            (
                known(&written).map_or(written.clone(), |name| (*name).to_owned()),
                value,
            )
        })
        .collect();
}

/// As [`spell`], in the objects inside as well; what lies in a member named in `free` has names of the user's own.
pub(crate) fn spell_deep(body: &mut Value, names: &[&str], free: &[&str]) {
    spell(body, names);
    for (name, value) in body.as_object_mut().into_iter().flatten() {
        if !free.contains(&name.as_str()) {
            spell_deep(value, names, free);
        }
    }
}

/// Takes out members that say nothing: null, or the empty text, which clients send for an id they do not have.
pub(crate) fn drop_silent(body: &mut Value) {
    let Some(members) = body.as_object_mut() else {
        return;
    };
    members.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
    members.values_mut().for_each(drop_silent);
}

/// Takes members out.
pub(crate) fn drop_named(members: &mut Map<String, Value>, names: &[&str]) {
    members.retain(|name, _| !names.contains(&name.as_str()));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{drop_silent, spell, spell_deep};

    #[test]
    fn known_names_get_their_documented_case_and_keep_their_place() {
        let mut body = json!({"a": 1, "HubResourceID": 2, "z": 3});
        spell(&mut body, &["hubResourceId"]);
        assert_eq!(body.to_string(), r#"{"a":1,"hubResourceId":2,"z":3}"#);
    }

    #[test]
    fn the_users_own_names_stay() {
        let mut body = json!({"Network": {"Status": "x", "rules": {"Status": {}}}});
        spell_deep(&mut body, &["network", "status"], &["rules"]);
        assert_eq!(body, json!({"network": {"status": "x", "rules": {"Status": {}}}}));
    }

    #[test]
    fn what_says_nothing_goes() {
        let mut body = json!({"a": null, "b": "", "c": {"d": "", "e": false}, "f": [], "g": [""]});
        drop_silent(&mut body);
        assert_eq!(body, json!({"c": {"e": false}, "f": [], "g": [""]}));
    }
}
