//! How two states of a resource differ, in the form of a what-if answer.

use serde_json::{Map, Value, json};

use crate::values::equal;

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyChange {
    /// The place: members by dots from the root, or the index in an array.
    pub path: String,
    /// What happens to it.
    pub kind: PropertyChangeKind,
    /// The value before.
    pub before: Option<Value>,
    /// The value after.
    pub after: Option<Value>,
    /// The differences inside an array.
    pub children: Vec<PropertyChange>,
}

/// What happens to a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyChangeKind {
    /// It is new.
    Create,
    /// It goes.
    Delete,
    /// It changes.
    Modify,
    /// Elements of the array change.
    Array,
}

/// The differences between two bodies, in the order of the members of the first, then of the second.
#[must_use]
pub fn differences(before: &Value, after: &Value) -> Vec<PropertyChange> {
    let mut found = Vec::new();
    compare(String::new(), Some(before), Some(after), &mut found);
    found
}

impl PropertyChange {
    /// `{path, propertyChangeType, before, after, children}`.
    #[must_use]
    pub fn body(&self) -> Value {
        let kind = match self.kind {
            PropertyChangeKind::Create => "Create",
            PropertyChangeKind::Delete => "Delete",
            PropertyChangeKind::Modify => "Modify",
            PropertyChangeKind::Array => "Array",
        };
        let children: Value = match self.kind {
            PropertyChangeKind::Array => self.children.iter().map(Self::body).collect(),
            _ => Value::Null,
        };
        json!({"path": self.path, "propertyChangeType": kind, "before": self.before, "after": self.after,
               "children": children})
    }
}

fn compare(path: String, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<PropertyChange>) {
    let change = |kind, children| PropertyChange {
        path: path.clone(),
        kind,
        before: before.cloned(),
        after: after.cloned(),
        children,
    };
    match (before, after) {
        (Some(before), Some(after)) if equal(before, after) => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            compare_members(&path, before, after, found)
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            let mut children = Vec::new();
            for at in 0..before.len().max(after.len()) {
                compare(at.to_string(), before.get(at), after.get(at), &mut children);
            }
            found.push(change(PropertyChangeKind::Array, children));
        }
        (None, Some(_)) => found.push(change(PropertyChangeKind::Create, Vec::new())),
        (Some(_), None) => found.push(change(PropertyChangeKind::Delete, Vec::new())),
        _ => found.push(change(PropertyChangeKind::Modify, Vec::new())),
    }
}

fn compare_members(
    path: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    found: &mut Vec<PropertyChange>,
) {
    let added = after.keys().filter(|name| !before.contains_key(*name));
    for name in before.keys().chain(added) {
        let inside = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        compare(inside, before.get(name), after.get(name), found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::differences;

    fn check(before: Value, after: Value, expected: &[(&str, &str)]) {
        let found: Vec<Value> = differences(&before, &after)
            .iter()
            .map(super::PropertyChange::body)
            .collect();
        let short: Vec<(&str, &str)> = found
            .iter()
            .map(|change| {
                (
                    change["path"].as_str().unwrap_or("?"),
                    change["propertyChangeType"].as_str().unwrap_or("?"),
                )
            })
            .collect();
        assert_eq!(short, expected, "{before} {after}");
    }

    #[test]
    fn says_what_differs_and_nothing_else() {
        check(
            json!({"a": {"b": 1}, "c": [1]}),
            json!({"c": [1], "a": {"b": 1}}),
            &[],
        );
        check(
            json!({"a": {"b": 1, "x": 2}, "old": 1}),
            json!({"a": {"b": 2, "x": 2}, "new": {"deep": 1}}),
            &[("a.b", "Modify"), ("old", "Delete"), ("new", "Create")],
        );
        check(
            json!({"l": [1, {"k": 1}]}),
            json!({"l": [1, {"k": 2}, 3]}),
            &[("l", "Array")],
        );
        check(json!({"a": [1]}), json!({"a": "x"}), &[("a", "Modify")]);
    }

    #[test]
    fn arrays_differ_by_index() {
        let found = differences(&json!({"l": [1, {"k": 1}]}), &json!({"l": [1, {"k": 2}, 3]}));
        let inside: Vec<&str> = found[0]
            .children
            .iter()
            .map(|child| child.path.as_str())
            .collect();
        assert_eq!(inside, ["1.k", "2"]);
    }
}
