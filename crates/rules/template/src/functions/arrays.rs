//! Functions on arrays, and those that take arrays and texts alike.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::{
    Function, MANY,
    arguments::{Given, array, get, integer, text, wrong},
    objects, pure,
    strings::{cut, has_member, index_of, units},
};
use crate::{
    table::member,
    values::{equal, plain_text, same_text},
};

/// What `range` may make.
const LONGEST_RANGE: i64 = 10_000;

pub(super) const TABLE: &[Function] = &[
    pure("array", 1, 1, |given| match get(given, 0) {
        already @ Value::Array(_) => Ok(already.clone()),
        single => Ok(Value::Array(vec![single.clone()])),
    }),
    pure("createArray", 0, MANY, |given| Ok(given.to_vec().into())),
    pure("concat", 1, MANY, concat),
    pure("contains", 2, 2, contains),
    pure("distinct", 1, 1, |given| Ok(distinct(array(given, 0)?).into())),
    pure("empty", 1, 1, |given| match get(given, 0) {
        Value::Null => Ok(true.into()),
        value => Ok(
            (length_of(value).ok_or_else(|| wrong(given, 0, "a string, an array or an object"))? == 0).into(),
        ),
    }),
    pure("length", 1, 1, |given| {
        let length = length_of(get(given, 0));
        Ok(length
            .ok_or_else(|| wrong(given, 0, "a string, an array or an object"))?
            .into())
    }),
    pure("first", 1, 1, |given| end_of(given, true)),
    pure("last", 1, 1, |given| end_of(given, false)),
    pure("take", 2, 2, |given| part_of(given, true)),
    pure("skip", 2, 2, |given| part_of(given, false)),
    pure("flatten", 1, 1, flatten),
    pure("indexOf", 2, 2, |given| place_of(given, false)),
    pure("lastIndexOf", 2, 2, |given| place_of(given, true)),
    pure("indexFromEnd", 2, 2, |given| {
        from_end(given)?
            .cloned()
            .ok_or_else(|| String::from("the index is out of bounds"))
    }),
    pure("tryIndexFromEnd", 2, 2, |given| {
        Ok(from_end(given)?.cloned().unwrap_or_default())
    }),
    pure("range", 2, 2, range),
    pure("tryGet", 2, MANY, try_get),
    pure("union", 1, MANY, union),
    pure("intersection", 1, MANY, intersection),
];

fn concat(given: &[Value]) -> Given<Value> {
    if given.iter().all(Value::is_array) {
        return Ok(given
            .iter()
            .filter_map(Value::as_array)
            .flatten()
            .cloned()
            .collect());
    }
    let mut text = String::new();
    for (at, value) in given.iter().enumerate() {
        let part = plain_text(value).filter(|_| !value.is_null());
        text.push_str(
            &part.ok_or_else(|| wrong(given, at, "a string, integer or boolean, or all must be arrays"))?,
        );
    }
    Ok(text.into())
}

fn contains(given: &[Value]) -> Given<Value> {
    let item = get(given, 1);
    match get(given, 0) {
        Value::Array(elements) => Ok(elements.iter().any(|element| equal(element, item)).into()),
        Value::Object(_) => has_member(given, text(given, 1)?),
        Value::String(whole) => match item {
            Value::String(_) | Value::Number(_) => {
                Ok(whole.contains(&plain_text(item).unwrap_or_default()).into())
            }
            _ => Err(wrong(given, 1, "a string")),
        },
        _ => Err(wrong(given, 0, "an array, an object or a string")),
    }
}

/// Each element once, in the order of first appearance.
fn distinct<'v>(elements: impl IntoIterator<Item = &'v Value>) -> Vec<Value> {
    let mut seen = HashSet::new();
    let fresh = elements
        .into_iter()
        .filter(|element| seen.insert(same_text(element)));
    fresh.cloned().collect()
}

fn length_of(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(units(text).len()),
        Value::Array(elements) => Some(elements.len()),
        Value::Object(members) => Some(members.len()),
        _ => None,
    }
}

fn end_of(given: &[Value], first: bool) -> Given<Value> {
    match get(given, 0) {
        Value::Array(elements) => {
            let end = if first { elements.first() } else { elements.last() };
            Ok(end.cloned().unwrap_or_default())
        }
        Value::String(text) => {
            let mut letters = text.chars();
            let end = if first {
                letters.next()
            } else {
                letters.next_back()
            };
            Ok(end.map(String::from).unwrap_or_default().into())
        }
        _ => Err(wrong(given, 0, "an array or a string")),
    }
}

fn part_of(given: &[Value], take: bool) -> Given<Value> {
    match get(given, 0) {
        Value::String(text) => cut(text, given, take),
        Value::Array(elements) => {
            let at = usize::try_from(integer(given, 1)?)
                .unwrap_or(0)
                .min(elements.len());
            let (head, tail) = elements.split_at(at);
            Ok(if take { head } else { tail }.to_vec().into())
        }
        _ => Err(wrong(given, 0, "an array or a string")),
    }
}

fn flatten(given: &[Value]) -> Given<Value> {
    let mut flat = Vec::new();
    for element in array(given, 0)? {
        let inner = element
            .as_array()
            .ok_or_else(|| String::from("every element of the argument must be an array"))?;
        flat.extend(inner.iter().cloned());
    }
    Ok(flat.into())
}

fn place_of(given: &[Value], last: bool) -> Given<Value> {
    match get(given, 0) {
        Value::String(whole) => Ok(index_of(whole, text(given, 1)?, last)),
        Value::Array(elements) => {
            let same = |element: &Value| equal(element, get(given, 1));
            let found = if last {
                elements.iter().rposition(same)
            } else {
                elements.iter().position(same)
            };
            Ok(found.map_or(json!(-1), Value::from))
        }
        _ => Err(wrong(given, 0, "an array or a string")),
    }
}

fn from_end(given: &[Value]) -> Given<Option<&Value>> {
    let elements = array(given, 0)?;
    let back = usize::try_from(integer(given, 1)?).unwrap_or(0);
    Ok(elements
        .len()
        .checked_sub(back)
        .filter(|_| back > 0)
        .and_then(|at| elements.get(at)))
}

fn range(given: &[Value]) -> Given<Value> {
    let (start, count) = (integer(given, 0)?, integer(given, 1)?);
    let fits = (0..=LONGEST_RANGE).contains(&count) && start.saturating_add(count) <= i64::from(i32::MAX);
    if !fits {
        return Err(String::from(
            "the count must be 0 to 10000 and the sum of both at most 2147483647",
        ));
    }
    Ok((start..start.saturating_add(count)).map(Value::from).collect())
}

/// Follows the keys; a step that leads nowhere gives null.
fn try_get(given: &[Value]) -> Given<Value> {
    let mut value = get(given, 0);
    for (at, key) in given.iter().enumerate().skip(1) {
        let next = match key {
            Value::String(name) => value.as_object().and_then(|members| member(members, name)),
            Value::Number(_) => usize::try_from(integer(given, at)?)
                .ok()
                .and_then(|at| value.as_array().and_then(|list| list.get(at))),
            _ => return Err(wrong(given, at, "a string or an integer")),
        };
        match next {
            Some(next) => value = next,
            None => return Ok(Value::Null),
        }
    }
    Ok(value.clone())
}

fn union(given: &[Value]) -> Given<Value> {
    if given.iter().all(Value::is_array) {
        return Ok(distinct(given.iter().filter_map(Value::as_array).flatten()).into());
    }
    let mut merged = Map::new();
    for (at, _) in given.iter().enumerate() {
        let members = get(given, at)
            .as_object()
            .ok_or_else(|| wrong(given, at, "an object, or all must be arrays"))?;
        objects::merge(&mut merged, members);
    }
    Ok(merged.into())
}

fn intersection(given: &[Value]) -> Given<Value> {
    if let [Value::Array(first), others @ ..] = given
        && others.iter().all(Value::is_array)
    {
        let others: Vec<HashSet<String>> = others
            .iter()
            .filter_map(Value::as_array)
            .map(|list| list.iter().map(same_text).collect())
            .collect();
        let everywhere = |element: &Value| {
            let text = same_text(element);
            others.iter().all(|other| other.contains(&text))
        };
        return Ok(distinct(first).into_iter().filter(everywhere).collect());
    }
    if let [Value::Object(first), others @ ..] = given
        && others.iter().all(Value::is_object)
    {
        let others: Vec<HashMap<String, &Value>> = others
            .iter()
            .filter_map(Value::as_object)
            .map(|other| {
                other
                    .iter()
                    .map(|(name, value)| (name.to_lowercase(), value))
                    .collect()
            })
            .collect();
        let everywhere = |(name, value): &(&String, &Value)| {
            let name = name.to_lowercase();
            others
                .iter()
                .all(|other| other.get(&name).is_some_and(|other| equal(value, other)))
        };
        let common = first.iter().filter(everywhere);
        return Ok(common
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect());
    }
    Err(String::from("the arguments must all be arrays or all be objects"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::functions::checks::{check, check_fails};

    #[test]
    fn arrays_are_built_and_cut() {
        check(&[
            ("[array(createArray(1))]", json!([1])),
            ("[array('a')]", json!(["a"])),
            (
                "[concat(createArray(1), createArray('x'), createArray())]",
                json!([1, "x"]),
            ),
            ("[concat('a', 1, true())]", json!("a1True")),
            ("[distinct(createArray(1, 2, 1, '1'))]", json!([1, 2, "1"])),
            ("[range(2, 3)]", json!([2, 3, 4])),
            ("[skip(createArray(1, 2, 3), 2)]", json!([3])),
            ("[skip('abc', 9)]", json!("")),
            ("[take('abc', 9)]", json!("abc")),
            ("[first(createArray())]", json!(null)),
            ("[first('xyz')]", json!("x")),
            ("[last('')]", json!("")),
            (
                "[flatten(createArray(createArray(1, createArray(2))))]",
                json!([1, [2]]),
            ),
        ]);
        check_fails(&[
            "[concat('a', createArray())]",
            "[concat('a', null())]",
            "[range(1, 10001)]",
            "[range(2147483647, 1)]",
            "[range(1, -1)]",
            "[flatten(createArray(1))]",
            "[first(1)]",
            "[length(1)]",
        ]);
    }

    #[test]
    fn elements_are_found() {
        check(&[
            ("[contains('aBc', 'b')]", json!(false)),
            ("[contains(createObject('Key', 1), 'kEY')]", json!(true)),
            ("[contains(createArray(1), '1')]", json!(false)),
            ("[lastIndexOf('abcABC', 'c')]", json!(5)),
            ("[lastIndexOf(createArray(1, 2, 1), 1)]", json!(2)),
            ("[indexOf('abc', 'x')]", json!(-1)),
            ("[indexFromEnd(createArray(1, 2, 3), 1)]", json!(3)),
            ("[tryIndexFromEnd(createArray(1, 2, 3), 4)]", json!(null)),
            ("[tryIndexFromEnd(createArray(1), 0)]", json!(null)),
            ("[tryGet(json('{\"a\": [{\"B\": 1}]}'), 'A', 0, 'b')]", json!(1)),
            ("[tryGet(null(), 'a')]", json!(null)),
            ("[empty('')]", json!(true)),
            ("[empty(createObject('a', 1))]", json!(false)),
        ]);
        check_fails(&[
            "[indexFromEnd(createArray(1), 2)]",
            "[empty(1)]",
            "[createArray(1)[1]]",
            "[createArray(1)[-1]]",
        ]);
    }

    #[test]
    fn sets_are_joined_and_cut() {
        check(&[
            ("[union(createArray(1, 2), createArray(2, 3))]", json!([1, 2, 3])),
            (
                "[union(json('{\"a\": {\"x\": 1, \"l\": [1]}}'), json('{\"a\": {\"y\": 2, \"l\": [2]}, \"b\": null}'))]",
                json!({"a": {"x": 1, "l": [2], "y": 2}, "b": null}),
            ),
            (
                "[length(union(range(0, 10000), range(5000, 10000)))]",
                json!(15_000),
            ),
            (
                "[union(json('{\"Key\": {\"a\": 1}}'), json('{\"kEY\": {\"A\": 2, \"b\": 3}}'))]",
                json!({"Key": {"a": 2, "b": 3}}),
            ),
            (
                "[distinct(json('[1, 1.0, {\"a\": 1, \"b\": 2}, {\"b\": 2, \"a\": 1}, \"1\"]'))]",
                json!([1, {"a": 1, "b": 2}, "1"]),
            ),
            (
                "[intersection(createArray(1, 2, 2), createArray(2, 3))]",
                json!([2]),
            ),
            (
                "[intersection(json('{\"a\": 1, \"b\": 2}'), json('{\"a\": 1, \"b\": 3}'))]",
                json!({"a": 1}),
            ),
        ]);
        check_fails(&[
            "[union(createArray(), createObject())]",
            "[intersection(createArray(), createObject())]",
        ]);
    }
}
