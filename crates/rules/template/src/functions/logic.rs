//! Conditions and comparisons. `if`, `and`, `or` and `coalesce` evaluate only what they need.

use std::cmp::Ordering;

use serde_json::Value;

use super::{
    Function, MANY,
    arguments::{Given, get, wrong},
    lazy, pure,
};
use crate::{
    evaluator::{Environment, Evaluator},
    expression::Expression,
    fault::{Halt, Outcome},
    values::{culture_order, equal, kind_of},
};

pub(super) const TABLE: &[Function] = &[
    pure("true", 0, 0, |_| Ok(true.into())),
    pure("false", 0, 0, |_| Ok(false.into())),
    pure("null", 0, 0, |_| Ok(Value::Null)),
    pure("bool", 1, 1, to_bool),
    pure("not", 1, 1, |given| match get(given, 0) {
        Value::Bool(holds) => Ok((!holds).into()),
        _ => Err(wrong(given, 0, "a boolean")),
    }),
    pure("equals", 2, 2, |given| {
        Ok(equal(get(given, 0), get(given, 1)).into())
    }),
    pure("less", 2, 2, |given| compare(given, Ordering::is_lt)),
    pure("lessOrEquals", 2, 2, |given| compare(given, Ordering::is_le)),
    pure("greater", 2, 2, |given| compare(given, Ordering::is_gt)),
    pure("greaterOrEquals", 2, 2, |given| compare(given, Ordering::is_ge)),
    lazy("if", 3, 3, |evaluator, environment, given| {
        let [condition, then, otherwise] = given else {
            return Ok(Value::Null);
        };
        let holds = holds("if", evaluator, environment, condition)?;
        evaluator.expression(if holds { then } else { otherwise }, environment)
    }),
    lazy("and", 2, MANY, |evaluator, environment, given| {
        until(false, "and", evaluator, environment, given)
    }),
    lazy("or", 2, MANY, |evaluator, environment, given| {
        until(true, "or", evaluator, environment, given)
    }),
    lazy("coalesce", 1, MANY, |evaluator, environment, given| {
        for argument in given {
            let value = evaluator.expression(argument, environment)?;
            if !value.is_null() {
                return Ok(value);
            }
        }
        Ok(Value::Null)
    }),
];

/// Evaluates until an argument is `stop`, which is then the result.
fn until(
    stop: bool,
    name: &str,
    evaluator: &Evaluator<'_>,
    environment: &Environment<'_>,
    given: &[Expression],
) -> Outcome<Value> {
    for argument in given {
        if holds(name, evaluator, environment, argument)? == stop {
            return Ok(stop.into());
        }
    }
    Ok((!stop).into())
}

fn holds(
    name: &str,
    evaluator: &Evaluator<'_>,
    environment: &Environment<'_>,
    argument: &Expression,
) -> Outcome<bool> {
    let value = evaluator.expression(argument, environment)?;
    value.as_bool().ok_or_else(|| {
        let kind = kind_of(&value);
        Halt::failed(format!(
            "Unable to evaluate template language function '{name}': a condition must be a boolean, not of type \
             '{kind}'. Please see https://aka.ms/arm-functions for usage details."
        ))
    })
}

fn to_bool(given: &[Value]) -> Given<Value> {
    match get(given, 0) {
        value @ Value::Bool(_) => Ok(value.clone()),
        Value::Number(number) => Ok((number.as_f64() != Some(0.0)).into()),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true.into()),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false.into()),
        Value::String(_) => Err(String::from("the string must be 'true' or 'false'")),
        _ => Err(wrong(given, 0, "a string or an integer")),
    }
}

fn compare(given: &[Value], wanted: fn(Ordering) -> bool) -> Given<Value> {
    let order = match (get(given, 0), get(given, 1)) {
        (Value::String(left), Value::String(right)) => Some(culture_order(left, right)),
        (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => left.as_f64().partial_cmp(&right.as_f64()),
        },
        _ => None,
    };
    let order = order.ok_or_else(|| String::from("both arguments must be integers or both strings"))?;
    Ok(wanted(order).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::functions::checks::{check, check_fails};

    #[test]
    fn only_the_needed_arguments_are_evaluated() {
        check(&[
            ("[if(true(), 'a', fail('no'))]", json!("a")),
            ("[if(false(), fail('no'), 'b')]", json!("b")),
            ("[and(true(), false(), fail('no'))]", json!(false)),
            ("[or(false(), true(), fail('no'))]", json!(true)),
            ("[coalesce(null(), '', fail('no'))]", json!("")),
        ]);
        check_fails(&["[if('true', 1, 2)]", "[and(true(), 'true')]", "[or(1, true())]"]);
    }

    #[test]
    fn values_are_compared_by_type() {
        check(&[
            ("[equals('a', 'A')]", json!(false)),
            ("[equals(1, '1')]", json!(false)),
            ("[equals(1, json('1.0'))]", json!(true)),
            ("[equals(null(), null())]", json!(true)),
            ("[greater('A', 'a')]", json!(true)),
            ("[less('a', 'B')]", json!(true)),
            ("[lessOrEquals(2, 2)]", json!(true)),
            ("[bool('TRUE')]", json!(true)),
            ("[bool(2)]", json!(true)),
        ]);
        check_fails(&["[less(1, 'a')]", "[bool('yes')]", "[not(1)]"]);
    }
}
