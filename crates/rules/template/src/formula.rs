//! Expressions of another language that is written in this one's grammar, such as the rules of Azure Policy.
//!
//! The other language is a [`Host`]: it answers its own functions and those of this language that mean something else in it.
//! Everything else means what it means in a template.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::{
    Scope, Template,
    budget::{Budget, USED_UP},
    evaluator::{Allowed, Environment, Evaluator, Parameters},
    expression::{Expression, Postfix, Primary, Reading, read},
    fault::Halt,
    functions,
};

/// The functions of the language that an expression belongs to. Names come as they are written, in any case.
pub trait Host {
    /// Whether the host answers this function in place of the template language.
    fn answers(&self, function: &str) -> bool;

    /// The answer to a call whose arguments are evaluated.
    ///
    /// # Errors
    /// The sentence about why there is none.
    fn call(&self, function: &str, arguments: &[Value]) -> Result<Value, String>;

    /// Whether members that are read off this function's answer may be missing, and are null then.
    fn allows_gaps(&self, _function: &str) -> bool {
        false
    }
}

/// What a JSON string is.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// The text itself, one bracket removed from `[[`.
    Text(String),
    /// An expression.
    Formula(Formula),
}

/// An expression, read once and evaluated as often as is needed.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    text: String,
    expression: Expression,
}

/// A call in a formula.
#[derive(Debug, Clone, PartialEq)]
pub struct FormulaCall<'f> {
    /// The function, as it is written; a user function with its namespace.
    pub function: String,
    /// Whether the template language has such a function.
    pub known: bool,
    /// The first argument, if it is a text that stands there literally.
    pub literal: Option<&'f str>,
    /// How many arguments there are.
    pub arguments: usize,
}

/// Why a formula has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FormulaError {
    /// The sentence.
    pub message: String,
    /// Whether the budget did not suffice.
    pub used_up: bool,
}

impl Written {
    /// Reads a JSON string.
    ///
    /// # Errors
    /// What is wrong with its syntax, and where.
    pub fn read(text: &str) -> Result<Self, FormulaError> {
        match read(text) {
            Ok(Reading::Literal(literal)) => Ok(Self::Text(literal.to_owned())),
            Ok(Reading::Expression(expression)) => Ok(Self::Formula(Formula {
                text: text.to_owned(),
                expression,
            })),
            Err(error) => Err(FormulaError {
                message: error.to_string(),
                used_up: false,
            }),
        }
    }
}

impl Formula {
    /// The expression as it was written, in its brackets.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The name in `name('literal')`, if the whole formula is one call of `function` with one literal text.
    #[must_use]
    pub fn only(&self, function: &str) -> Option<&str> {
        let call = self.expression.as_call().filter(|call| call.is(function))?;
        match &call.arguments[..] {
            [only] => only.as_literal(),
            _ => None,
        }
    }

    /// The calls, outer ones first.
    #[must_use]
    pub fn calls(&self) -> Vec<FormulaCall<'_>> {
        let mut found = Vec::new();
        self.expression.each_call(&mut |call| {
            let namespace = call.namespace.iter().map(|name| format!("{name}."));
            found.push(FormulaCall {
                function: namespace.chain([call.name.clone()]).collect(),
                known: call.namespace.is_none() && functions::known(call),
                literal: call.arguments.first().and_then(Expression::as_literal),
                arguments: call.arguments.len(),
            });
        });
        found
    }

    /// How many texts of the formula read a member `name` off something, as `.name` or `['name']`.
    #[must_use]
    pub fn reads_member(&self, name: &str) -> bool {
        reads(&self.expression, name)
    }

    /// The value.
    ///
    /// # Errors
    /// When a function fails, or the budget does not suffice.
    pub fn evaluate(&self, host: &dyn Host, budget: &Budget) -> Result<Value, FormulaError> {
        static NOTHING: LazyLock<(Option<Template>, Scope, Map<String, Value>)> = LazyLock::new(|| {
            let empty = Template::parse(&json!({"resources": []})).ok();
            (empty, Scope::default(), Map::new())
        });
        let (template, scope, given) = &*NOTHING;
        let Some(template) = template else {
            return Err(FormulaError::from(Halt::failed("there is no empty template")));
        };
        let mut evaluator = Evaluator::new(&template.parts, scope, Parameters::Given(given), budget);
        evaluator.host = Some(host);
        let environment = Environment::outermost(Allowed::USER_FUNCTION);
        Ok(evaluator.expression(&self.expression, &environment)?)
    }
}

fn reads(expression: &Expression, name: &str) -> bool {
    let in_arguments = match &expression.primary {
        Primary::Call(call) => call.arguments.iter().any(|argument| reads(argument, name)),
        Primary::Text(_) | Primary::Integer(_) => false,
    };
    in_arguments
        || expression.postfix.iter().any(|postfix| match postfix {
            Postfix::Member(member) => member.eq_ignore_ascii_case(name),
            Postfix::Index(index) => {
                index
                    .as_literal()
                    .is_some_and(|text| text.eq_ignore_ascii_case(name))
                    || reads(index, name)
            }
        })
}

impl From<Halt> for FormulaError {
    fn from(halt: Halt) -> Self {
        let message = match halt {
            Halt::Failed(fault) => fault.message,
            Halt::Call(_) | Halt::Unknown => {
                String::from("a run-time function is not expected at this location")
            }
        };
        Self {
            used_up: message == USED_UP,
            message,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Budget, Formula, Host, Written};

    struct Weather;

    impl Host for Weather {
        fn answers(&self, function: &str) -> bool {
            ["weather", "concat"]
                .iter()
                .any(|own| function.eq_ignore_ascii_case(own))
        }

        fn call(&self, function: &str, arguments: &[Value]) -> Result<Value, String> {
            match arguments.len() {
                0 => Err(format!("{function} of where?")),
                _ => Ok(json!({"sun": true})),
            }
        }

        fn allows_gaps(&self, function: &str) -> bool {
            function.eq_ignore_ascii_case("weather")
        }
    }

    fn formula(text: &str) -> Formula {
        match Written::read(text).expect(text) {
            Written::Formula(formula) => formula,
            Written::Text(text) => panic!("{text} is no formula"),
        }
    }

    #[test]
    fn the_host_answers_first() {
        let value = |text: &str| formula(text).evaluate(&Weather, &Budget::of(10_000));
        assert_eq!(value("[Weather('here').sun]"), Ok(json!(true)));
        assert_eq!(value("[concat('a', 'b')]"), Ok(json!({"sun": true})));
        assert_eq!(value("[toUpper('a')]"), Ok(json!("A")));
        assert_eq!(value("[weather('here').rain.often]"), Ok(Value::Null));
        assert!(value("[concat('here').rain]").is_err());
        assert!(
            value("[weather()]")
                .expect_err("no place")
                .message
                .contains("of where?")
        );
        assert!(value("[reference('x')]").is_err());
    }

    #[test]
    fn calls_are_listed() {
        let formula = formula("[first(weather('here', 1).a['b'])]");
        let calls: Vec<_> = formula
            .calls()
            .into_iter()
            .map(|call| (call.function, call.known, call.literal.map(str::to_owned)))
            .collect();
        assert_eq!(
            calls,
            [
                (String::from("first"), true, None),
                (String::from("weather"), false, Some(String::from("here")))
            ]
        );
        assert!(formula.reads_member("B") && !formula.reads_member("c"));
        assert_eq!(Written::read("[[x]"), Ok(Written::Text(String::from("[x]"))));
    }

    #[test]
    fn a_budget_that_is_used_up_is_said() {
        let error = formula("[padLeft('', 4000, 'x')]")
            .evaluate(&Weather, &Budget::of(100))
            .expect_err("too much");
        assert!(error.used_up);
    }
}
