//! Functions on objects.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    Function, MANY,
    arguments::{Given, array, object, text},
    pure,
};
use crate::values::culture_order;

pub(super) const TABLE: &[Function] = &[
    pure("createObject", 0, MANY, create),
    pure("items", 1, 1, |given| {
        let entries = sorted(object(given, 0)?);
        Ok(entries
            .into_iter()
            .map(|(key, value)| json!({"key": key, "value": value}))
            .collect())
    }),
    pure("objectKeys", 1, 1, |given| {
        Ok(sorted(object(given, 0)?)
            .into_iter()
            .map(|(key, _)| Value::from(key.as_str()))
            .collect())
    }),
    pure("shallowMerge", 1, 1, shallow_merge),
];

fn create(given: &[Value]) -> Given<Value> {
    if !given.len().is_multiple_of(2) {
        return Err(String::from(
            "the number of arguments must be even: names and values in turn",
        ));
    }
    let mut members = Members::default();
    for (at, value) in given.iter().enumerate().skip(1).step_by(2) {
        members.put(text(given, at - 1)?, value.clone());
    }
    Ok(members.into_value())
}

fn sorted(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = members.iter().collect();
    entries.sort_by(|left, right| culture_order(left.0, right.0));
    entries
}

fn shallow_merge(given: &[Value]) -> Given<Value> {
    let mut merged = Members::default();
    for element in array(given, 0)? {
        let members = element
            .as_object()
            .ok_or_else(|| String::from("every element must be an object"))?;
        for (name, value) in members {
            merged.put(name, value.clone());
        }
    }
    Ok(merged.into_value())
}

/// An object in the making. A name that is there in another case keeps its first spelling and gets the last value.
#[derive(Default)]
pub(super) struct Members {
    made: Map<String, Value>,
    /// The spelling of each name, by the name in lower case.
    spellings: HashMap<String, String>,
}

impl Members {
    pub(super) fn put(&mut self, name: &str, value: Value) {
        let spelling = self
            .spellings
            .entry(name.to_lowercase())
            .or_insert_with(|| name.to_owned());
        self.made.insert(spelling.clone(), value);
    }

    pub(super) fn into_value(self) -> Value {
        self.made.into()
    }
}

/// Merges objects inside each other; anything else is replaced.
pub(super) fn merge(into: &mut Map<String, Value>, members: &Map<String, Value>) {
    let mut spellings: HashMap<String, String> = into
        .keys()
        .map(|name| (name.to_lowercase(), name.clone()))
        .collect();
    for (name, value) in members {
        let spelling = spellings
            .entry(name.to_lowercase())
            .or_insert_with(|| name.clone());
        match (into.get_mut(spelling), value) {
            (Some(Value::Object(inner)), Value::Object(added)) => merge(inner, added),
            _ => drop(into.insert(spelling.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::functions::checks::{check, check_fails};

    #[test]
    fn objects_are_made_and_read() {
        check(&[
            ("[createObject()]", json!({})),
            (
                "[createObject('a', 1, 'b', createArray())]",
                json!({"a": 1, "b": []}),
            ),
            (
                "[objectKeys(createObject('b', 1, 'a', 2, 'B2', 3))]",
                json!(["a", "b", "B2"]),
            ),
            (
                "[items(createObject('b', 1, 'a', 2))]",
                json!([{"key": "a", "value": 2}, {"key": "b", "value": 1}]),
            ),
            (
                "[shallowMerge(createArray(createObject('Key', 1), createObject('key', 2)))]",
                json!({"Key": 2}),
            ),
            ("[createObject('Name', 'x').NAME]", json!("x")),
            ("[createObject('Name', 'x')['name']]", json!("x")),
        ]);
        check_fails(&[
            "[createObject('a')]",
            "[createObject(1, 2)]",
            "[items(1)]",
            "[shallowMerge(createArray(1))]",
            "[createObject('a', 1).b]",
            "[createObject('a', 1)[0]]",
            "[null().a]",
            "['x'.a]",
        ]);
    }
}
