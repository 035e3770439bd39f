//! Functions on numbers. Integers have 64 bits and overflow is an error.

use serde_json::{Number, Value};

use super::{
    Function, MANY,
    arguments::{Given, get, integer, wrong},
    pure,
};

pub(super) const TABLE: &[Function] = &[
    pure("add", 2, 2, |given| calculate(given, i64::checked_add)),
    pure("sub", 2, 2, |given| calculate(given, i64::checked_sub)),
    pure("mul", 2, 2, |given| calculate(given, i64::checked_mul)),
    pure("div", 2, 2, |given| calculate(given, i64::checked_div)),
    pure("mod", 2, 2, |given| calculate(given, i64::checked_rem)),
    pure("int", 1, 1, to_integer),
    pure("float", 1, 1, to_float),
    pure("min", 1, MANY, |given| extreme(given, false)),
    pure("max", 1, MANY, |given| extreme(given, true)),
];

fn calculate(given: &[Value], operation: fn(i64, i64) -> Option<i64>) -> Given<Value> {
    let result = operation(integer(given, 0)?, integer(given, 1)?);
    result
        .map(Value::from)
        .ok_or_else(|| String::from("the divisor is zero or the result does not fit into 64 bits"))
}

fn to_integer(given: &[Value]) -> Given<Value> {
    match get(given, 0) {
        Value::String(text) => {
            let number = text.trim().parse::<i64>();
            number
                .map(Value::from)
                .map_err(|_| String::from("the string can't be converted to an integer"))
        }
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().unwrap_or_default().trunc();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the cast saturates, and the range is checked"
            )]
            let whole = (float.abs() < 9.2e18).then_some(float as i64);
            whole
                .map(Value::from)
                .ok_or_else(|| String::from("the number does not fit into 64 bits"))
        }
        number @ Value::Number(_) => Ok(number.clone()),
        _ => Err(wrong(given, 0, "a string or an integer")),
    }
}

fn to_float(given: &[Value]) -> Given<Value> {
    let float = match get(given, 0) {
        Value::String(text) => text.trim().parse::<f64>().ok(),
        Value::Number(number) => number.as_f64(),
        _ => return Err(wrong(given, 0, "a string or a number")),
    };
    let number = float.and_then(Number::from_f64);
    number
        .map(Value::Number)
        .ok_or_else(|| String::from("the string can't be converted to a number"))
}

fn extreme(given: &[Value], most: bool) -> Given<Value> {
    let numbers = match given {
        [Value::Array(elements)] => elements.as_slice(),
        numbers => numbers,
    };
    let integers = (0..numbers.len())
        .map(|at| integer(numbers, at))
        .collect::<Given<Vec<_>>>()?;
    let found = if most {
        integers.into_iter().max()
    } else {
        integers.into_iter().min()
    };
    found
        .map(Value::from)
        .ok_or_else(|| String::from("the array is empty"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::functions::checks::{check, check_fails};

    #[test]
    fn calculates_with_integers() {
        check(&[
            ("[add(2, -5)]", json!(-3)),
            ("[sub(2, 5)]", json!(-3)),
            ("[div(-7, 2)]", json!(-3)),
            ("[mod(-7, 2)]", json!(-1)),
            ("[int('-12')]", json!(-12)),
            ("[int(json('4.9'))]", json!(4)),
            ("[float('1.5')]", json!(1.5)),
            ("[max(1, 3, 2)]", json!(3)),
            ("[min(createArray(4, -1))]", json!(-1)),
        ]);
        check_fails(&[
            "[div(1, 0)]",
            "[mod(1, 0)]",
            "[add(9223372036854775807, 1)]",
            "[add('1', 1)]",
            "[int('x')]",
            "[int(true())]",
            "[max(createArray())]",
            "[max('a')]",
            "[float('x')]",
        ]);
    }
}
