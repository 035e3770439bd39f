//! Words of the language: matched without case, whoever writes them.

use serde_json::{Map, Value};

/// Whether two texts are one, without case.
pub(crate) fn same(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right)
        || (!(left.is_ascii() && right.is_ascii()) && left.to_lowercase() == right.to_lowercase())
}

/// A member of an object, its name compared without case; the exact spelling wins.
pub(crate) fn member<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object.get(name).or_else(|| {
        let found = object.iter().find(|(key, _)| same(key, name));
        found.map(|(_, value)| value)
    })
}

/// A member of a value that may be no object; null counts as absent.
pub(crate) fn part<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value
        .as_object()
        .and_then(|object| member(object, name))
        .filter(|value| !value.is_null())
}

/// A text member.
pub(crate) fn text_part<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    part(value, name).and_then(Value::as_str)
}

/// The spelling in which an object has a member already, else the one given.
pub(crate) fn spelling(object: &Map<String, Value>, name: &str) -> String {
    if object.contains_key(name) {
        return name.to_owned();
    }
    let found = object.keys().find(|key| same(key, name));
    found.cloned().unwrap_or_else(|| name.to_owned())
}

/// The texts of an array member.
pub(crate) fn texts(value: Option<&Value>) -> Vec<String> {
    let elements = value.and_then(Value::as_array).into_iter().flatten();
    elements.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether one of the words is the text.
pub(crate) fn among<T: AsRef<str>>(words: &[T], text: &str) -> bool {
    words.iter().any(|word| same(word.as_ref(), text))
}

/// The last segment of an id.
pub(crate) fn last_segment(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// A location in its normal form: lower case, no white space.
pub(crate) fn location(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}
