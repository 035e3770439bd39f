//! Reading typed arguments; each error is the sentence for the caller.

use serde_json::{Map, Value};

use crate::values::kind_of;

pub(super) type Given<T> = Result<T, String>;

pub(super) fn text(arguments: &[Value], at: usize) -> Given<&str> {
    get(arguments, at)
        .as_str()
        .ok_or_else(|| wrong(arguments, at, "a string"))
}

pub(super) fn integer(arguments: &[Value], at: usize) -> Given<i64> {
    let value = get(arguments, at);
    let whole = || {
        value
            .as_f64()
            .filter(|float| float.fract() == 0.0 && float.abs() < 9e15)
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be whole and within 2^53"
    )]
    value
        .as_i64()
        .or_else(|| whole().map(|float| float as i64))
        .ok_or_else(|| wrong(arguments, at, "an integer"))
}

pub(super) fn array(arguments: &[Value], at: usize) -> Given<&Vec<Value>> {
    get(arguments, at)
        .as_array()
        .ok_or_else(|| wrong(arguments, at, "an array"))
}

pub(super) fn object(arguments: &[Value], at: usize) -> Given<&Map<String, Value>> {
    get(arguments, at)
        .as_object()
        .ok_or_else(|| wrong(arguments, at, "an object"))
}

/// A count or index: never negative.
pub(super) fn size(arguments: &[Value], at: usize) -> Given<usize> {
    usize::try_from(integer(arguments, at)?)
        .map_err(|_| wrong(arguments, at, "an integer that is not negative"))
}

pub(super) fn get(arguments: &[Value], at: usize) -> &Value {
    arguments.get(at).unwrap_or(&Value::Null)
}

/// The sentence about an argument of the wrong kind. It names kinds and no values, which may be secrets.
pub(super) fn wrong(arguments: &[Value], at: usize, wanted: &str) -> String {
    let kind = kind_of(get(arguments, at));
    format!(
        "the argument at position {} must be {wanted}, not of type '{kind}'",
        at + 1
    )
}
