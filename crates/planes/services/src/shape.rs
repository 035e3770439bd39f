//! The members of a body that have a type, as a table: what is not in it is stored as it came.

use nave_arm::{ArmError, ErrorCode};
use nave_engine::Fields;
use serde_json::Value;

/// What a member must be, if it is there.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// True or false; as a text too.
    Flag,
    /// A text.
    Text,
    /// A whole number between two others; as a text too.
    Integer(i64, i64),
    /// One of a few words, in any case.
    Word(&'static [&'static str]),
    /// A list.
    List,
    /// An object.
    Object,
}

/// `Enabled` or `Disabled`.
pub(crate) const ENABLED: Shape = Shape::Word(&["Enabled", "Disabled"]);

/// Checks a body against the table of its type.
pub(crate) fn check(body: &Value, shapes: &[(&str, Shape)]) -> Result<(), ArmError> {
    shapes
        .iter()
        .try_for_each(|(pointer, shape)| check_one(Fields(body), pointer, *shape))
}

fn check_one(fields: Fields<'_>, pointer: &str, shape: Shape) -> Result<(), ArmError> {
    match shape {
        Shape::Flag => fields.flag(pointer).map(drop),
        Shape::Text => fields.text(pointer).map(drop),
        Shape::Word(words) => fields.choice(pointer, words).map(drop),
        Shape::List => expect(fields, pointer, Value::is_array, "an array"),
        Shape::Object => expect(fields, pointer, Value::is_object, "an object"),
        Shape::Integer(least, most) => match fields.integer(pointer)? {
            Some(number) if !(least..=most).contains(&number) => {
                let name = dotted(pointer);
                let message = format!("The value {number} of '{name}' is not between {least} and {most}.");
                Err(ArmError::new(ErrorCode::InvalidParameter, message).on(name))
            }
            _ => Ok(()),
        },
    }
}

fn expect(fields: Fields<'_>, pointer: &str, is: fn(&Value) -> bool, what: &str) -> Result<(), ArmError> {
    if fields.value(pointer).is_none_or(is) {
        return Ok(());
    }
    let name = dotted(pointer);
    let message = format!("The value of '{name}' must be {what}.");
    Err(ArmError::new(ErrorCode::InvalidRequestFormat, message).on(name))
}

/// A JSON pointer as messages write it: `properties.model.name`.
pub(crate) fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_there_has_the_type_of_the_table_and_what_is_absent_is_nobodys_business() {
        let table: &[(&str, Shape, Value, Value)] = &[
            ("/p", Shape::Flag, json!("true"), json!("yes")),
            ("/p", Shape::Text, json!("a"), json!(1)),
            ("/p", Shape::Integer(1, 3), json!("3"), json!(4)),
            ("/p", Shape::Integer(1, 3), json!(1), json!("one")),
            ("/p", ENABLED, json!("enabled"), json!("on")),
            ("/p", Shape::List, json!([]), json!({})),
            ("/p", Shape::Object, json!({}), json!([])),
        ];
        for (pointer, shape, good, bad) in table {
            assert_eq!(check(&json!({ "p": good }), &[(pointer, *shape)]), Ok(()));
            let refused = check(&json!({ "p": bad }), &[(pointer, *shape)]).expect_err("refused");
            assert_eq!(
                (refused.status(), refused.target.as_deref()),
                (400, Some("p")),
                "{shape:?} {bad}"
            );
            assert_eq!(check(&json!({ "p": null }), &[(pointer, *shape)]), Ok(()));
        }
    }
}
