//! Writing along a path of an alias: members, and elements of arrays (policy-language 3, "writing arrays").

use serde_json::{Map, Value};

use crate::{
    alias::Step,
    compare::equal,
    words::{member, same, spelling},
};

/// What becomes of a value that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// It stays; a different one is in the way.
    Append,
    /// It stays.
    Add,
    /// It is replaced.
    Replace,
}

/// What a write came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Written {
    /// Nothing was changed.
    Nothing,
    /// Something was.
    Changed,
    /// A different value was in the way.
    Obstructed,
}

/// Writes a value at the end of a path, and makes the objects on the way. Elements of arrays are not made on the way: where
/// there are none, nothing is written into them.
pub(crate) fn write(root: &mut Value, steps: &[Step], how: How, value: &Value) -> Written {
    write_at(root, steps, how, value, true)
}

fn write_at(here: &mut Value, steps: &[Step], how: How, value: &Value, is_root: bool) -> Written {
    match steps {
        [] => Written::Nothing,
        [Step::Member(name)] => match holder(here, name, is_root) {
            Some(object) => put(object, name, how, value),
            None => obstruction(how),
        },
        [Step::Member(name), Step::Each] => match holder(here, name, is_root) {
            Some(object) => put_element(object, name, how, value),
            None => obstruction(how),
        },
        [Step::Each] => Written::Nothing,
        [Step::Member(name), Step::Each, rest @ ..] => {
            let Some(object) = holder(here, name, is_root) else {
                return Written::Nothing;
            };
            let name = spelling(object, name);
            let elements = object
                .get_mut(&name)
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten();
            elements
                .map(|element| write_at(element, rest, how, value, false))
                .max()
                .unwrap_or(Written::Nothing)
        }
        [Step::Member(name), rest @ ..] => match holder(here, name, is_root) {
            Some(object) => {
                let name = spelling(object, name);
                write_at(object.entry(name).or_insert(Value::Null), rest, how, value, false)
            }
            None => obstruction(how),
        },
        [Step::Each, rest @ ..] => {
            let elements = here.as_array_mut().into_iter().flatten();
            elements
                .map(|element| write_at(element, rest, how, value, false))
                .max()
                .unwrap_or(Written::Nothing)
        }
    }
}

fn obstruction(how: How) -> Written {
    if how == How::Append {
        Written::Obstructed
    } else {
        Written::Nothing
    }
}

/// The object that has the member, or is to have it: of what wraps its members in `properties`, that.
fn holder<'v>(here: &'v mut Value, name: &str, is_root: bool) -> Option<&'v mut Map<String, Value>> {
    if here.is_null() {
        *here = Value::Object(Map::new());
    }
    let object = here.as_object_mut()?;
    let wrapped = member(object, "properties").and_then(Value::as_object);
    let is_wrapped = !same(name, "properties")
        && member(object, name).is_none()
        && wrapped.is_some_and(|inside| !is_root || member(inside, name).is_some());
    if !is_wrapped {
        return Some(object);
    }
    let properties = spelling(object, "properties");
    object.get_mut(&properties).and_then(Value::as_object_mut)
}

fn put(object: &mut Map<String, Value>, name: &str, how: How, value: &Value) -> Written {
    let name = spelling(object, name);
    let existing = object.get(&name).filter(|existing| !existing.is_null());
    match (existing, how) {
        (Some(existing), _) if existing == value => Written::Nothing,
        (Some(existing), How::Append) if equal(existing, value) => Written::Nothing,
        (Some(_), How::Append) => Written::Obstructed,
        (Some(_), How::Add) => Written::Nothing,
        _ => {
            object.insert(name, value.clone());
            Written::Changed
        }
    }
}

fn put_element(object: &mut Map<String, Value>, name: &str, how: How, value: &Value) -> Written {
    let name = spelling(object, name);
    let list = object.entry(name).or_insert(Value::Null);
    if how == How::Replace || list.is_null() {
        let only = Value::Array(vec![value.clone()]);
        let is_same = *list == only;
        *list = only;
        return if is_same {
            Written::Nothing
        } else {
            Written::Changed
        };
    }
    match list.as_array_mut() {
        Some(elements) if elements.iter().any(|element| equal(element, value)) => Written::Nothing,
        Some(elements) => {
            elements.push(value.clone());
            Written::Changed
        }
        None => obstruction(how),
    }
}

/// Removes a member; `true` when there was one.
pub(crate) fn remove(object: &mut Map<String, Value>, name: &str) -> bool {
    let name = spelling(object, name);
    object.shift_remove(&name).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{How, Written, write};
    use crate::alias::Alias;

    fn check(mut body: Value, path: &str, how: How, value: Value, written: Written, expected: Value) {
        let alias = Alias::read(&format!("A.B/t/{path}")).expect(path);
        assert_eq!(
            write(&mut body, &alias.places[0].steps, how, &value),
            written,
            "{path} {how:?}"
        );
        assert_eq!(body["properties"], expected, "{path} {how:?}");
    }

    #[test]
    fn members_are_added_replaced_or_in_the_way() {
        let body = || json!({"properties": {"A": 1}});
        check(
            body(),
            "a",
            How::Replace,
            json!(2),
            Written::Changed,
            json!({"A": 2}),
        );
        check(body(), "a", How::Add, json!(2), Written::Nothing, json!({"A": 1}));
        check(
            body(),
            "a",
            How::Append,
            json!(2),
            Written::Obstructed,
            json!({"A": 1}),
        );
        check(
            body(),
            "a",
            How::Append,
            json!("1"),
            Written::Nothing,
            json!({"A": 1}),
        );
        check(
            body(),
            "b.c",
            How::Add,
            json!(2),
            Written::Changed,
            json!({"A": 1, "b": {"c": 2}}),
        );
        check(
            body(),
            "a.b",
            How::Append,
            json!(2),
            Written::Obstructed,
            json!({"A": 1}),
        );
        check(
            json!({}),
            "b",
            How::Append,
            json!(2),
            Written::Changed,
            json!({"b": 2}),
        );
    }

    #[test]
    fn elements_are_added_or_replace_all() {
        let body = || json!({"properties": {"list": [1], "objs": [{"p": 1}, {"properties": {"q": 1}}]}});
        let objs = json!([{"p": 1}, {"properties": {"q": 1}}]);
        check(
            body(),
            "list[*]",
            How::Append,
            json!(2),
            Written::Changed,
            json!({"list": [1, 2], "objs": objs}),
        );
        check(
            body(),
            "list[*]",
            How::Add,
            json!(1),
            Written::Nothing,
            json!({"list": [1], "objs": objs}),
        );
        check(
            body(),
            "list[*]",
            How::Replace,
            json!(2),
            Written::Changed,
            json!({"list": [2], "objs": objs}),
        );
        let written = json!([{"p": 2}, {"properties": {"q": 1, "p": 2}}]);
        check(
            body(),
            "objs[*].p",
            How::Replace,
            json!(2),
            Written::Changed,
            json!({"list": [1], "objs": written}),
        );
        check(
            json!({"properties": {}}),
            "none[*].p",
            How::Replace,
            json!(2),
            Written::Nothing,
            json!({}),
        );
        check(
            json!({"properties": {}}),
            "none[*]",
            How::Append,
            json!(2),
            Written::Changed,
            json!({"none": [2]}),
        );
    }
}
