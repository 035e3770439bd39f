//! Functions that take a lambda. A lambda is no value: it stands as an argument and is read there.

use serde_json::{Map, Value};

use super::{Function, lazy, objects, placed, pure};
use crate::{
    evaluator::{Environment, Evaluator, Locals, local},
    expression::Expression,
    fault::{Halt, Outcome},
    values::kind_of,
};

pub(super) const TABLE: &[Function] = &[
    lazy("map", 2, 2, |evaluator, environment, given| {
        let place = Place {
            evaluator,
            environment,
            name: "map",
        };
        let (elements, lambda) = (place.array(given)?, place.lambda(given, 1)?);
        elements
            .iter()
            .enumerate()
            .map(|(at, element)| place.apply(&lambda, &[element, &at.into()]))
            .collect()
    }),
    lazy("filter", 2, 2, |evaluator, environment, given| {
        let place = Place {
            evaluator,
            environment,
            name: "filter",
        };
        let (elements, lambda) = (place.array(given)?, place.lambda(given, 1)?);
        let mut kept = Vec::new();
        for (at, element) in elements.into_iter().enumerate() {
            if place.holds(&lambda, &[&element, &at.into()])? {
                kept.push(element);
            }
        }
        Ok(kept.into())
    }),
    lazy("reduce", 3, 3, |evaluator, environment, given| {
        let place = Place {
            evaluator,
            environment,
            name: "reduce",
        };
        let (elements, lambda) = (place.array(given)?, place.lambda(given, 2)?);
        let mut result = place.value(given, 1)?;
        for (at, element) in elements.iter().enumerate() {
            result = place.apply(&lambda, &[&result, element, &at.into()])?;
        }
        Ok(result)
    }),
    lazy("sort", 2, 2, |evaluator, environment, given| {
        let place = Place {
            evaluator,
            environment,
            name: "sort",
        };
        let (elements, lambda) = (place.array(given)?, place.lambda(given, 1)?);
        place.sorted(elements, &lambda).map(Value::Array)
    }),
    lazy("toObject", 2, 3, |evaluator, environment, given| {
        let place = Place {
            evaluator,
            environment,
            name: "toObject",
        };
        let mut made = objects::Members::default();
        for (key, value) in place.keyed(given)? {
            made.put(&key, value);
        }
        Ok(made.into_value())
    }),
    lazy("groupBy", 2, 3, |evaluator, environment, given| {
        let place = Place {
            evaluator,
            environment,
            name: "groupBy",
        };
        let mut groups = Map::new();
        for (key, value) in place.keyed(given)? {
            match groups.entry(key).or_insert_with(|| Value::Array(Vec::new())) {
                Value::Array(group) => group.push(value),
                _ => return Err(place.fail("a group must be an array")),
            }
        }
        Ok(groups.into())
    }),
    lazy("mapValues", 2, 2, |evaluator, environment, given| {
        let place = Place {
            evaluator,
            environment,
            name: "mapValues",
        };
        let lambda = place.lambda(given, 1)?;
        match place.value(given, 0)? {
            Value::Object(members) => members
                .into_iter()
                .map(|(name, value)| Ok((name, place.apply(&lambda, &[&value])?)))
                .collect::<Outcome<Map<_, _>>>()
                .map(Value::Object),
            other => Err(place.fail(&format!(
                "the first argument must be an object, not of type '{}'",
                kind_of(&other)
            ))),
        }
    }),
    pure("lambda", 1, usize::MAX, |_| {
        Err(String::from(
            "a lambda can only stand as an argument of a function that takes one",
        ))
    }),
    placed("lambdaVariables", 1, 1, |_, environment, given| {
        let name = given.first().and_then(Value::as_str).unwrap_or_default();
        local(environment.locals, name)
            .cloned()
            .ok_or_else(|| Halt::failed(format!("The lambda variable '{name}' is not found")))
    }),
];

/// The call of a lambda function.
struct Place<'p> {
    evaluator: &'p Evaluator<'p>,
    environment: &'p Environment<'p>,
    name: &'static str,
}

/// The names of a lambda's arguments, and its body.
struct Lambda<'p> {
    names: Vec<&'p str>,
    body: &'p Expression,
}

impl<'p> Place<'p> {
    fn value(&self, given: &[Expression], at: usize) -> Outcome<Value> {
        let argument = given.get(at).ok_or_else(|| self.fail("an argument is missing"))?;
        self.evaluator.expression(argument, self.environment)
    }

    fn array(&self, given: &[Expression]) -> Outcome<Vec<Value>> {
        match self.value(given, 0)? {
            Value::Array(elements) => Ok(elements),
            other => Err(self.fail(&format!(
                "the first argument must be an array, not of type '{}'",
                kind_of(&other)
            ))),
        }
    }

    fn lambda<'g>(&self, given: &'g [Expression], at: usize) -> Outcome<Lambda<'g>> {
        let wrong = || self.fail(&format!("the argument at position {} must be a lambda", at + 1));
        let call = given
            .get(at)
            .and_then(Expression::as_call)
            .filter(|call| call.is("lambda"))
            .ok_or_else(wrong)?;
        let (body, names) = call.arguments.split_last().ok_or_else(wrong)?;
        let names = names
            .iter()
            .map(Expression::as_literal)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(wrong)?;
        Ok(Lambda { names, body })
    }

    /// Runs the body with as many of the values as the lambda names.
    fn apply(&self, lambda: &Lambda<'_>, values: &[&Value]) -> Outcome<Value> {
        if lambda.names.len() > values.len() {
            return Err(self.fail(&format!("the lambda has more than {} arguments", values.len())));
        }
        self.bind(&lambda.names, values, self.environment.locals, lambda.body)
    }

    fn bind(
        &self,
        names: &[&str],
        values: &[&Value],
        outer: Option<&Locals<'_>>,
        body: &Expression,
    ) -> Outcome<Value> {
        match (names, values) {
            ([name, names @ ..], [value, values @ ..]) => {
                self.bind(names, values, Some(&Locals { name, value, outer }), body)
            }
            _ => self.evaluator.expression(
                body,
                &Environment {
                    locals: outer,
                    ..*self.environment
                },
            ),
        }
    }

    fn holds(&self, lambda: &Lambda<'_>, values: &[&Value]) -> Outcome<bool> {
        let found = self.apply(lambda, values)?;
        found
            .as_bool()
            .ok_or_else(|| self.fail("the lambda must give a boolean"))
    }

    /// The pairs of key and value that `toObject` and `groupBy` collect.
    fn keyed(&self, given: &[Expression]) -> Outcome<Vec<(String, Value)>> {
        let (elements, key) = (self.array(given)?, self.lambda(given, 1)?);
        let value = if given.len() > 2 {
            Some(self.lambda(given, 2)?)
        } else {
            None
        };
        let mut pairs = Vec::new();
        for element in elements {
            let Value::String(key) = self.apply(&key, &[&element])? else {
                return Err(self.fail("the lambda for keys must give a string"));
            };
            let value = match &value {
                Some(lambda) => self.apply(lambda, &[&element])?,
                None => element,
            };
            pairs.push((key, value));
        }
        Ok(pairs)
    }

    /// Merge sort: stable, and the lambda may fail.
    fn sorted(&self, mut elements: Vec<Value>, before: &Lambda<'_>) -> Outcome<Vec<Value>> {
        if elements.len() < 2 {
            return Ok(elements);
        }
        let right = elements.split_off(elements.len() / 2);
        let mut left = self.sorted(elements, before)?.into_iter().peekable();
        let mut right = self.sorted(right, before)?.into_iter().peekable();
        let mut merged = Vec::new();
        while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
            let swap = self.holds(before, &[second, first])? && !self.holds(before, &[first, second])?;
            merged.extend(if swap { right.next() } else { left.next() });
        }
        merged.extend(left);
        merged.extend(right);
        Ok(merged)
    }

    fn fail(&self, why: &str) -> Halt {
        Halt::failed(format!(
            "Unable to evaluate template language function '{}': {why}. Please see https://aka.ms/arm-functions for usage details.",
            self.name
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::functions::checks::{check, check_fails};

    #[test]
    fn lambdas_see_their_arguments_and_those_around() {
        check(&[
            (
                "[map(range(1, 2), lambda('x', mul(lambdaVariables('X'), 10)))]",
                json!([10, 20]),
            ),
            (
                "[map(createArray('a', 'b'), lambda('x', 'i', concat(lambdaVariables('x'), lambdaVariables('i'))))]",
                json!(["a0", "b1"]),
            ),
            (
                "[map(range(0, 2), lambda('x', map(range(0, 2), lambda('y', add(mul(lambdaVariables('x'), 2), lambdaVariables('y'))))))]",
                json!([[0, 1], [2, 3]]),
            ),
            ("[map(range(0, 2), lambda(7))]", json!([7, 7])),
            (
                "[filter(range(0, 5), lambda('x', 'i', equals(mod(lambdaVariables('i'), 2), 0)))]",
                json!([0, 2, 4]),
            ),
            (
                "[reduce(range(1, 4), 0, lambda('a', 'x', add(lambdaVariables('a'), lambdaVariables('x'))))]",
                json!(10),
            ),
            (
                "[mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))]",
                json!({"a": 2}),
            ),
            (
                "[toObject(createArray('a'), lambda('x', lambdaVariables('x')))]",
                json!({"a": "a"}),
            ),
            (
                "[groupBy(createArray('a', 'b', 'a'), lambda('x', lambdaVariables('x')), lambda('x', 1))]",
                json!({"a": [1, 1], "b": [1]}),
            ),
        ]);
        check_fails(&[
            "[map(range(0, 1), 'x')]",
            "[map('x', lambda('x', 1))]",
            "[lambda('x', 1)]",
            "[lambdaVariables('x')]",
            "[filter(range(0, 1), lambda('x', 1))]",
            "[map(range(0, 1), lambda('a', 'b', 'c', 1))]",
            "[toObject(range(0, 1), lambda('x', 1))]",
            "[mapValues(createArray(), lambda('v', 1))]",
        ]);
    }

    #[test]
    fn sorting_keeps_the_order_of_equals() {
        check(&[
            (
                "[sort(createArray('b1', 'a1', 'b0', 'a0'), lambda('x', 'y', less(first(lambdaVariables('x')), first(lambdaVariables('y')))))]",
                json!(["a1", "a0", "b1", "b0"]),
            ),
            (
                "[sort(createArray(3, 1, 2, 1), lambda('x', 'y', lessOrEquals(lambdaVariables('x'), lambdaVariables('y'))))]",
                json!([1, 1, 2, 3]),
            ),
        ]);
    }
}
