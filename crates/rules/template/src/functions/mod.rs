//! The functions of the language: one table, put together from a part for each subject.
//!
//! To add a function, add a line to the table of its subject: name, fewest and most arguments, and what runs.

mod arguments;
mod arrays;
mod cidr;
mod dates;
mod hash;
mod lambdas;
mod logic;
mod number_format;
mod numbers;
mod objects;
mod run_time;
mod scopes;
mod strings;
mod text_format;
mod uris;

pub use cidr::range_contains;
pub use dates::{add_days, moment, show_moment};
pub(crate) use scopes::identify;
pub(crate) use uris::join as join_uris;

use std::{collections::HashMap, sync::LazyLock};

use serde_json::Value;

use crate::{
    evaluator::{Environment, Evaluator},
    expression::{Call, Expression},
    fault::{Halt, Outcome},
};

/// One function of the table.
pub(crate) struct Function {
    name: &'static str,
    least: usize,
    most: usize,
    run: Run,
}

/// What a function needs to run.
enum Run {
    /// Its arguments alone.
    Pure(fn(&[Value]) -> Result<Value, String>),
    /// Its arguments and the place of the call.
    Placed(fn(&Evaluator<'_>, &Environment<'_>, &[Value]) -> Outcome<Value>),
    /// The unevaluated arguments, of which it evaluates what it needs.
    Lazy(fn(&Evaluator<'_>, &Environment<'_>, &[Expression]) -> Outcome<Value>),
}

/// Any number of arguments.
const MANY: usize = usize::MAX;

const fn pure(
    name: &'static str,
    least: usize,
    most: usize,
    run: fn(&[Value]) -> Result<Value, String>,
) -> Function {
    Function {
        name,
        least,
        most,
        run: Run::Pure(run),
    }
}

const fn placed(
    name: &'static str,
    least: usize,
    most: usize,
    run: fn(&Evaluator<'_>, &Environment<'_>, &[Value]) -> Outcome<Value>,
) -> Function {
    Function {
        name,
        least,
        most,
        run: Run::Placed(run),
    }
}

const fn lazy(
    name: &'static str,
    least: usize,
    most: usize,
    run: fn(&Evaluator<'_>, &Environment<'_>, &[Expression]) -> Outcome<Value>,
) -> Function {
    Function {
        name,
        least,
        most,
        run: Run::Lazy(run),
    }
}

const SUBJECTS: &[&[Function]] = &[
    arrays::TABLE,
    cidr::TABLE,
    dates::TABLE,
    hash::TABLE,
    lambdas::TABLE,
    logic::TABLE,
    numbers::TABLE,
    objects::TABLE,
    run_time::TABLE,
    scopes::TABLE,
    strings::TABLE,
    uris::TABLE,
];

static BY_NAME: LazyLock<HashMap<String, &'static Function>> = LazyLock::new(|| {
    let all = SUBJECTS.iter().flat_map(|subject| subject.iter());
    all.map(|function| (function.name.to_ascii_lowercase(), function))
        .collect()
});

/// Whether there is a built-in function of the call's name.
pub(crate) fn known(call: &Call) -> bool {
    call.is_list() || BY_NAME.contains_key(&call.name.to_ascii_lowercase())
}

/// The sentence about a function that does not exist.
pub(crate) fn unknown(call: &Call) -> String {
    let namespace = call
        .namespace
        .as_ref()
        .map(|namespace| format!("{namespace}."))
        .unwrap_or_default();
    format!(
        "The template function '{namespace}{}' is not valid. Please see https://aka.ms/arm-functions for usage details.",
        call.name
    )
}

/// The sentence about a wrong number of arguments.
pub(crate) fn wrong_count(name: &str, wanted: &str, given: usize) -> String {
    format!(
        "Unable to evaluate template language function '{name}': function requires {wanted} argument(s) while {given} \
         were provided. Please see https://aka.ms/arm-functions for usage details."
    )
}

/// Runs a built-in function.
pub(crate) fn call(evaluator: &Evaluator<'_>, call: &Call, environment: &Environment<'_>) -> Outcome<Value> {
    let given = call.arguments.len();
    let Some(function) = BY_NAME.get(&call.name.to_ascii_lowercase()) else {
        if call.is_list() {
            let arguments = evaluator.arguments(&call.arguments, environment)?;
            return run_time::list(evaluator, environment, &call.name, &arguments);
        }
        return Err(Halt::failed(unknown(call)));
    };
    if given < function.least || given > function.most {
        return Err(Halt::failed(wrong_count(
            function.name,
            &function.wanted(),
            given,
        )));
    }
    match function.run {
        Run::Pure(run) => {
            let arguments = evaluator.arguments(&call.arguments, environment)?;
            run(&arguments).map_err(|why| function.failed(&why))
        }
        Run::Placed(run) => run(
            evaluator,
            environment,
            &evaluator.arguments(&call.arguments, environment)?,
        ),
        Run::Lazy(run) => run(evaluator, environment, &call.arguments),
    }
}

impl Function {
    fn failed(&self, why: &str) -> Halt {
        Halt::failed(format!(
            "Unable to evaluate template language function '{}': {why}. Please see https://aka.ms/arm-functions for usage details.",
            self.name
        ))
    }

    fn wanted(&self) -> String {
        match (self.least, self.most) {
            (least, MANY) => format!("at least {least}"),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        }
    }
}

#[cfg(test)]
pub(crate) mod checks {
    //! `check(expression, value)` for the tests of the subjects.

    use serde_json::{Map, Value, json};

    use crate::{
        Scope, Template,
        budget::Budget,
        evaluator::{Allowed, Environment, Evaluator, Parameters},
    };

    pub(crate) fn evaluate(expression: &str) -> Result<Value, String> {
        let template = Template::parse(
            &json!({"resources": [], "outputs": {"o": {"type": "object", "value": expression}}}),
        );
        let template = template.map_err(|error| error.message)?;
        let scope = Scope {
            subscription: json!({"id": "/subscriptions/s1", "subscriptionId": "s1", "tenantId": "t1"}),
            resource_group: Some(
                json!({"id": "/subscriptions/s1/resourceGroups/g1", "name": "g1", "location": "here"}),
            ),
            tenant: json!({"tenantId": "t1"}),
            deployment_name: String::from("d1"),
            utc_now: String::from("20261124T161242Z"),
            ..Scope::default()
        };
        let none = Map::new();
        let budget = Budget::of_a_plan();
        let evaluator = Evaluator::new(&template.parts, &scope, Parameters::Given(&none), &budget);
        let environment = Environment::outermost(Allowed {
            variables: true,
            run_time: false,
            chance: true,
        });
        let value = evaluator.text(expression, &environment);
        value.map_err(|halt| nave_arm::ArmError::from(halt).message)
    }

    /// Each expression gives the value beside it.
    #[track_caller]
    pub(crate) fn check(cases: &[(&str, Value)]) {
        for (expression, expected) in cases {
            let found = evaluate(expression);
            assert_eq!(found.as_ref(), Ok(expected), "{expression}");
        }
    }

    /// Each expression fails.
    #[track_caller]
    pub(crate) fn check_fails(cases: &[&str]) {
        for expression in cases {
            let found = evaluate(expression);
            assert!(found.is_err(), "{expression} gave {found:?}");
        }
    }

    #[test]
    fn arguments_are_counted() {
        check_fails(&[
            "[toLower()]",
            "[toLower('a', 'b')]",
            "[and(true())]",
            "[nothing('x')]",
            "[ns.nothing('x')]",
        ]);
    }

    #[test]
    fn names_are_found_without_case() {
        check(&[("[TOLOWER('A')]", json!("a")), ("[ToLower('A')]", json!("a"))]);
    }
}
