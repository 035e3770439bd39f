//! Evaluates expressions and whole values in an environment.
//!
//! An [`Evaluator`] belongs to one task (planning, one body, the outputs) and remembers what it worked out;
//! an [`Environment`] says what is visible at one place: loops, lambda arguments, which functions are allowed.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    budget::{Budget, EACH},
    copy::{self, Loop},
    expression::{Call, Expression, Postfix, Primary, Reading, read},
    fault::{Halt, Outcome},
    formula::Host,
    functions, parameters,
    run::RuntimeCall,
    scope::Scope,
    table::{member, same_name},
    template::Parts,
    types,
    values::kind_of,
};

/// The source of randomness for `newGuid()`.
pub trait Chance {
    /// A fresh random guid.
    fn new_guid(&self) -> Uuid;
}

/// No randomness: every `newGuid()` is the nil guid. For checks that are not carried out.
#[derive(Debug, Clone, Copy)]
pub struct WithoutChance;

impl Chance for WithoutChance {
    fn new_guid(&self) -> Uuid {
        Uuid::nil()
    }
}

/// How run-time functions find their answers.
pub(crate) trait References {
    /// `reference(target, [apiVersion], ['Full'])`.
    fn reference(&self, target: &str, api_version: Option<&str>, full: bool) -> Outcome<Value>;
    /// `references(loop, ['Full'])`.
    fn references(&self, name: &str, full: bool) -> Outcome<Value>;
    /// `list…(target, apiVersion, [body])`.
    fn list(
        &self,
        function: &str,
        target: &str,
        api_version: Option<&str>,
        body: Option<&Value>,
    ) -> Outcome<Value>;
    /// `resourceInfo(symbolicName)`.
    fn info(&self, name: &str) -> Outcome<Value>;
    /// What is sure about a member of an answer before its call is made.
    fn foreseen(&self, call: &RuntimeCall, steps: &[Value]) -> Option<Value>;
    /// Whether there is anything that is sure before its call is made.
    fn foresees(&self) -> bool;
}

/// How deep evaluations may go inside each other: calls, variables and user functions together.
const MAX_DEPTH: usize = 250;

/// What parameters are: given ones to be worked out on use, or the finished values.
pub(crate) enum Parameters<'a> {
    Given(&'a Map<String, Value>),
    Known(&'a HashMap<String, Value>),
}

pub(crate) struct Evaluator<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) scope: &'a Scope,
    pub(crate) parameters: Parameters<'a>,
    /// The given parameters whose values only a run can tell.
    pub(crate) unknown_parameters: &'a [String],
    pub(crate) chance: Option<&'a dyn Chance>,
    pub(crate) references: Option<&'a dyn References>,
    /// The language the expressions belong to, where that is not the template's.
    pub(crate) host: Option<&'a dyn Host>,
    /// What becomes of a string whose expression needs an answer that is not there.
    pub(crate) unknown: Unknown,
    pub(crate) budget: &'a Budget,
    worked_out: RefCell<HashMap<String, Value>>,
    under_way: RefCell<Vec<String>>,
    depth: Cell<usize>,
}

/// What becomes of a string that cannot be told before the deployment runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// The evaluation stops there.
    Stops,
    /// It stays as it is written.
    Stays,
    /// It becomes null.
    IsNull,
}

/// Which families of functions a place allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub(crate) variables: bool,
    /// `reference` and `list…`.
    pub(crate) run_time: bool,
    /// `newGuid` and `utcNow`.
    pub(crate) chance: bool,
}

/// What is visible at one place of the template.
#[derive(Clone, Copy)]
pub(crate) struct Environment<'e> {
    /// The copy loops around, outermost first.
    pub(crate) loops: &'e [Loop],
    /// Lambda arguments, innermost first.
    pub(crate) locals: Option<&'e Locals<'e>>,
    /// The arguments, inside a user function.
    pub(crate) arguments: Option<&'e HashMap<String, Value>>,
    pub(crate) allowed: Allowed,
}

/// One lambda argument and those around it.
pub(crate) struct Locals<'e> {
    pub(crate) name: &'e str,
    pub(crate) value: &'e Value,
    pub(crate) outer: Option<&'e Locals<'e>>,
}

impl Environment<'_> {
    /// Outside every loop, lambda and function.
    pub(crate) const fn outermost(allowed: Allowed) -> Self {
        Self {
            loops: &[],
            locals: None,
            arguments: None,
            allowed,
        }
    }
}

impl Allowed {
    pub(crate) const DEFAULT_VALUE: Self = Self {
        variables: false,
        run_time: false,
        chance: true,
    };
    pub(crate) const STRUCTURE: Self = Self {
        variables: true,
        run_time: false,
        chance: false,
    };
    pub(crate) const BODY: Self = Self {
        variables: true,
        run_time: true,
        chance: false,
    };
    pub(crate) const USER_FUNCTION: Self = Self {
        variables: false,
        run_time: false,
        chance: false,
    };
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(
        parts: &'a Parts,
        scope: &'a Scope,
        parameters: Parameters<'a>,
        budget: &'a Budget,
    ) -> Self {
        Self {
            parts,
            scope,
            parameters,
            unknown_parameters: &[],
            chance: None,
            references: None,
            host: None,
            unknown: Unknown::Stops,
            budget,
            worked_out: RefCell::default(),
            under_way: RefCell::default(),
            depth: Cell::new(0),
        }
    }

    /// A JSON value with every expression in it evaluated and its `copy` members expanded.
    pub(crate) fn value(&self, value: &Value, environment: &Environment<'_>) -> Outcome<Value> {
        self.budget.spend(EACH)?;
        match value {
            Value::String(text) => match self.text(text, environment) {
                Err(Halt::Call(_) | Halt::Unknown) if self.unknown == Unknown::Stays => Ok(value.clone()),
                Err(Halt::Call(_) | Halt::Unknown) if self.unknown == Unknown::IsNull => Ok(Value::Null),
                evaluated => evaluated,
            },
            Value::Array(elements) => elements
                .iter()
                .enumerate()
                .map(|(at, element)| {
                    self.value(element, environment)
                        .map_err(|halt| halt.in_element(at))
                })
                .collect(),
            Value::Object(members) => self.object(members, environment).map(Value::Object),
            plain => Ok(plain.clone()),
        }
    }

    /// An object: names may be expressions too, as in `userAssignedIdentities`.
    pub(crate) fn object(
        &self,
        members: &Map<String, Value>,
        environment: &Environment<'_>,
    ) -> Outcome<Map<String, Value>> {
        let mut evaluated = Map::new();
        for (name, value) in members {
            if let Some(loops) = copy::member_loops(name, value) {
                copy::expand_members(self, loops, environment, &mut evaluated)
                    .map_err(|halt| halt.in_member(name))?;
                continue;
            }
            let name = match self
                .text(name, environment)
                .map_err(|halt| halt.in_member(name))?
            {
                Value::String(name) => name,
                _ => return Err(Halt::failed("A member name must be a string").in_member(name)),
            };
            let value = self
                .value(value, environment)
                .map_err(|halt| halt.in_member(&name))?;
            evaluated.insert(name, value);
        }
        Ok(evaluated)
    }

    /// A JSON string: literal text or an expression.
    pub(crate) fn text(&self, text: &str, environment: &Environment<'_>) -> Outcome<Value> {
        self.budget.spend(text.len())?;
        if let Some(expression) = self.parts.expressions.get(text) {
            return self
                .expression(expression, environment)
                .map_err(|halt| halt.in_expression(text));
        }
        match read(text).map_err(|error| Halt::failed(error.to_string()).in_expression(text))? {
            Reading::Literal(literal) => Ok(Value::from(literal)),
            Reading::Expression(expression) => self
                .expression(&expression, environment)
                .map_err(|halt| halt.in_expression(text)),
        }
    }

    /// One expression.
    pub(crate) fn expression(
        &self,
        expression: &Expression,
        environment: &Environment<'_>,
    ) -> Outcome<Value> {
        self.deeper(|| {
            let mut value = match &expression.primary {
                Primary::Text(text) => Value::from(text.as_str()),
                Primary::Integer(number) => Value::from(*number),
                Primary::Call(call) => match self.call(call, environment) {
                    Err(Halt::Call(needed)) => return self.foreseen(needed, call, expression, environment),
                    called => called?,
                },
            };
            let may_lack = self.host_allows_gaps(&expression.primary);
            for postfix in &expression.postfix {
                let step = match postfix {
                    Postfix::Member(name) => read_member(value, name),
                    Postfix::Index(index) => read_index(value, &self.expression(index, environment)?),
                };
                value = match step {
                    Err(_) if may_lack => Value::Null,
                    read => read.map_err(Halt::failed)?,
                };
            }
            self.budget.spend_on(&value)?;
            Ok(value)
        })
    }

    /// A member of an answer that is not there yet, where it is sure what it will be.
    fn foreseen(
        &self,
        needed: Box<RuntimeCall>,
        call: &Call,
        expression: &Expression,
        environment: &Environment<'_>,
    ) -> Outcome<Value> {
        let references = self.references.filter(|references| references.foresees());
        let (true, Some(references)) = (call.is("reference"), references) else {
            return Err(Halt::Call(needed));
        };
        // what is missing may be the answer of another call, in the arguments of this one
        self.arguments(&call.arguments, environment)?;
        let step = |postfix: &Postfix| match postfix {
            Postfix::Member(name) => Ok(Value::from(name.as_str())),
            Postfix::Index(index) => self.expression(index, environment),
        };
        let steps = expression.postfix.iter().map(step).collect::<Outcome<Vec<_>>>()?;
        references.foreseen(&needed, &steps).ok_or(Halt::Call(needed))
    }

    fn call(&self, call: &Call, environment: &Environment<'_>) -> Outcome<Value> {
        match &call.namespace {
            Some(namespace) => self.user_function(&format!("{namespace}.{}", call.name), call, environment),
            None => match self.host.filter(|host| host.answers(&call.name)) {
                Some(host) => {
                    let arguments = self.arguments(&call.arguments, environment)?;
                    host.call(&call.name, &arguments).map_err(Halt::failed)
                }
                None => functions::call(self, call, environment),
            },
        }
    }

    /// Whether what is read off this primary may be missing, and is null then.
    fn host_allows_gaps(&self, primary: &Primary) -> bool {
        match (self.host, primary) {
            (Some(host), Primary::Call(call)) => call.namespace.is_none() && host.allows_gaps(&call.name),
            _ => false,
        }
    }

    /// The arguments of a call, all evaluated.
    pub(crate) fn arguments(
        &self,
        arguments: &[Expression],
        environment: &Environment<'_>,
    ) -> Outcome<Vec<Value>> {
        arguments
            .iter()
            .map(|argument| self.expression(argument, environment))
            .collect()
    }

    fn user_function(&self, name: &str, call: &Call, environment: &Environment<'_>) -> Outcome<Value> {
        let Some(function) = self.parts.functions.get(name) else {
            return Err(Halt::failed(functions::unknown(call)));
        };
        let given = call.arguments.len();
        if given != function.parameters.len() {
            let wanted = function.parameters.len();
            return Err(Halt::failed(functions::wrong_count(
                name,
                &wanted.to_string(),
                given,
            )));
        }
        let values = self.arguments(&call.arguments, environment)?;
        let wrong = |why: String| {
            Halt::failed(format!(
                "Unable to evaluate template language function '{name}': {why}. Please see https://aka.ms/arm-functions for usage details."
            ))
        };
        let mut arguments = HashMap::new();
        for ((parameter, declaration), value) in function.parameters.iter().zip(values) {
            types::check(declaration, &value, self.parts)
                .map_err(|why| wrong(format!("the argument '{parameter}' is not valid: {why}")))?;
            arguments.insert(parameter.to_lowercase(), value);
        }
        let inside = Environment {
            arguments: Some(&arguments),
            ..Environment::outermost(Allowed::USER_FUNCTION)
        };
        let value = self.value(&function.body, &inside).map_err(|halt| {
            halt.elsewhere()
                .reword(|why| format!("The template function '{name}' is not valid: {why}"))
        })?;
        types::check(&function.output, &value, self.parts)
            .map_err(|why| wrong(format!("its value is not valid: {why}")))?;
        Ok(value)
    }

    /// `parameters(name)`.
    pub(crate) fn parameter(&self, name: &str, environment: &Environment<'_>) -> Outcome<Value> {
        let missing = || {
            Halt::failed(format!(
                "The template parameter '{name}' is not found. Please see https://aka.ms/arm-syntax-parameters for usage details."
            ))
        };
        if let Some(arguments) = environment.arguments {
            return arguments.get(&name.to_lowercase()).cloned().ok_or_else(missing);
        }
        let (name, declaration) = self.parts.parameters.entry(name).ok_or_else(missing)?;
        match &self.parameters {
            Parameters::Known(values) => values.get(&name.to_lowercase()).cloned().ok_or(Halt::Unknown),
            Parameters::Given(given) => self.once(&format!("parameter {name}"), || {
                parameters::work_out(self, name, declaration, given)
            }),
        }
    }

    /// `variables(name)`.
    pub(crate) fn variable(&self, name: &str) -> Outcome<Value> {
        let environment = Environment::outermost(Allowed::STRUCTURE);
        let (name, value) = match (
            self.parts.variables.entry(name),
            self.parts.variable_loops.entry(name),
        ) {
            (Some((name, value)), _) => (
                name,
                self.once(&format!("variable {name}"), || self.value(value, &environment)),
            ),
            (None, Some((name, each))) => (
                name,
                self.once(&format!("variable {name}"), || {
                    copy::expand_array(self, each, &environment)
                }),
            ),
            (None, None) => {
                return Err(Halt::failed(format!(
                    "The template variable '{name}' is not found. Please see https://aka.ms/arm-syntax-variables for usage details."
                )));
            }
        };
        value.map_err(|halt| {
            let nested = |why: &str| why.starts_with("The template variable '");
            halt.elsewhere().reword(|why| if nested(&why) { why } else {
                format!("The template variable '{name}' is not valid: {why}. Please see https://aka.ms/arm-functions for usage details.")
            })
        })
    }

    /// Remembers the value of `key`; coming back to it while it is under way is a cycle.
    fn once(&self, key: &str, work_out: impl FnOnce() -> Outcome<Value>) -> Outcome<Value> {
        let key = key.to_lowercase();
        if let Some(known) = self.worked_out.borrow().get(&key) {
            return Ok(known.clone());
        }
        if self.under_way.borrow().contains(&key) {
            let chain = self.under_way.borrow().join("' -> '");
            return Err(Halt::failed(format!(
                "Circular reference detected: '{chain}' -> '{key}'"
            )));
        }
        self.under_way.borrow_mut().push(key.clone());
        let value = self.deeper(work_out);
        self.under_way.borrow_mut().pop();
        let value = value?;
        self.worked_out.borrow_mut().insert(key, value.clone());
        Ok(value)
    }

    fn deeper<T>(&self, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        if self.depth.get() >= MAX_DEPTH {
            return Err(Halt::failed(format!(
                "more than {MAX_DEPTH} evaluations inside each other"
            )));
        }
        self.depth.set(self.depth.get() + 1);
        let result = work();
        self.depth.set(self.depth.get() - 1);
        result
    }
}

fn read_member(value: Value, name: &str) -> Result<Value, String> {
    match &value {
        Value::Object(members) => member(members, name)
            .cloned()
            .ok_or_else(|| missing_member(members, name)),
        other => Err(format!(
            "The language expression property '{name}' can't be evaluated, the value is of type '{}'",
            kind_of(other)
        )),
    }
}

fn read_index(value: Value, index: &Value) -> Result<Value, String> {
    match (value, index) {
        (Value::Array(elements), Value::Number(number)) => {
            let at = number.as_u64().and_then(|at| usize::try_from(at).ok());
            let element = at.and_then(|at| elements.into_iter().nth(at));
            element.ok_or_else(|| {
                format!("The language expression property array index '{number}' is out of bounds")
            })
        }
        (value @ Value::Object(_), Value::String(name)) => read_member(value, name),
        (value, index) => Err(format!(
            "The language expression property can't be evaluated: a value of type '{}' can't be indexed by one of type '{}'",
            kind_of(&value),
            kind_of(index)
        )),
    }
}

fn missing_member(members: &Map<String, Value>, name: &str) -> String {
    let available = members.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    format!(
        "The language expression property '{name}' doesn't exist, available properties are '{available}'."
    )
}

/// Finds a lambda argument by name.
pub(crate) fn local<'e>(locals: Option<&'e Locals<'e>>, name: &str) -> Option<&'e Value> {
    let mut next = locals;
    while let Some(local) = next {
        if same_name(local.name, name) {
            return Some(local.value);
        }
        next = local.outer;
    }
    None
}
