//! Values in a rule: constants, and expressions that are worked out as early as possible.

use std::{borrow::Cow, sync::Arc};

use nave_template::{Budget, Formula, Written};
use serde_json::Value;

use crate::{
    error::{PolicyError, Read},
    evaluation::Place,
    field::Field,
    functions::{self, AtBinding, AtJudgement},
    judgement::Fault,
    parameters::{Parameters, Values},
};

/// What the constants of one binding may cost.
const BUDGET: usize = 16 << 20;

/// A value of a rule.
#[derive(Debug, Clone)]
pub(crate) enum Term {
    /// The same at each judgement.
    Constant(Value),
    /// An expression.
    Formula(Arc<Expression>),
    /// A list with expressions in it.
    List(Vec<Term>),
    /// An object with expressions in it.
    Object(Vec<(String, Term)>),
}

/// An expression with the fields that it names.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) formula: Formula,
    fields: Vec<(String, Field)>,
}

/// What is known while terms are read: the values of parameters when a definition is bound, their declarations before.
#[derive(Debug)]
pub(crate) enum Known<'k> {
    Declared(&'k Parameters),
    Bound(&'k Values),
}

impl Term {
    /// Reads a value; `functions` counts the calls in it.
    pub(crate) fn read(value: &Value, known: &Known<'_>, path: &str, functions: &mut usize) -> Read<Self> {
        match value {
            Value::String(text) => Self::read_text(text, known, path, functions),
            Value::Array(elements) => {
                let read = elements
                    .iter()
                    .enumerate()
                    .map(|(at, element)| Self::read(element, known, &format!("{path}[{at}]"), functions));
                Ok(Self::list(read.collect::<Read<_>>()?))
            }
            Value::Object(members) => {
                let read = members.iter().map(|(name, member)| {
                    let term = Self::read(member, known, &format!("{path}.{name}"), functions)?;
                    Ok((name.clone(), term))
                });
                Ok(Self::object(read.collect::<Read<_>>()?))
            }
            plain => Ok(Self::Constant(plain.clone())),
        }
    }

    fn read_text(text: &str, known: &Known<'_>, path: &str, functions: &mut usize) -> Read<Self> {
        let formula = match Written::read(text).map_err(|error| PolicyError::rule(path, error.message))? {
            Written::Text(text) => return Ok(Self::Constant(Value::from(text))),
            Written::Formula(formula) => formula,
        };
        let parameters = match known {
            Known::Declared(parameters) => Some(*parameters),
            Known::Bound(_) => None,
        };
        *functions += functions::check(&formula, parameters, path)?;
        if let Known::Bound(values) = known
            && functions::is_settled(&formula)
            && let Ok(value) = formula.evaluate(&AtBinding(values), &Budget::of(BUDGET))
        {
            return Ok(Self::Constant(value));
        }
        let calls = formula.calls();
        let literals = calls
            .iter()
            .filter(|call| call.function.eq_ignore_ascii_case("field"))
            .filter_map(|call| call.literal);
        let fields = literals
            .filter_map(|name| Some((name.to_owned(), Field::read(name)?)))
            .collect();
        Ok(Self::Formula(Arc::new(Expression { formula, fields })))
    }

    fn list(terms: Vec<Self>) -> Self {
        match terms.iter().map(Self::constant).collect::<Option<Vec<_>>>() {
            Some(values) => Self::Constant(values.into_iter().cloned().collect()),
            None => Self::List(terms),
        }
    }

    fn object(terms: Vec<(String, Self)>) -> Self {
        let constants = terms
            .iter()
            .map(|(name, term)| Some((name.clone(), term.constant()?.clone())));
        match constants.collect::<Option<serde_json::Map<_, _>>>() {
            Some(values) => Self::Constant(Value::Object(values)),
            None => Self::Object(terms),
        }
    }

    /// The value, where it is the same at each judgement.
    pub(crate) fn constant(&self) -> Option<&Value> {
        match self {
            Self::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// The value at this judgement.
    pub(crate) fn value<'t>(&'t self, place: &Place<'_, '_>, at: &str) -> Result<Cow<'t, Value>, Fault> {
        Ok(match self {
            Self::Constant(value) => Cow::Borrowed(value),
            Self::Formula(expression) => Cow::Owned(expression.value(place, at)?),
            Self::List(terms) => {
                let values = terms
                    .iter()
                    .map(|term| term.value(place, at).map(Cow::into_owned));
                Cow::Owned(values.collect::<Result<_, _>>()?)
            }
            Self::Object(terms) => {
                let values = terms
                    .iter()
                    .map(|(name, term)| Ok((name.clone(), term.value(place, at)?.into_owned())));
                Cow::Owned(Value::Object(values.collect::<Result<_, Fault>>()?))
            }
        })
    }

    /// Visits every expression.
    pub(crate) fn each_formula<'t>(&'t self, visit: &mut dyn FnMut(&'t Expression)) {
        match self {
            Self::Constant(_) => {}
            Self::Formula(expression) => visit(expression),
            Self::List(terms) => terms.iter().for_each(|term| term.each_formula(visit)),
            Self::Object(terms) => terms.iter().for_each(|(_, term)| term.each_formula(visit)),
        }
    }

    /// The text as a person would write it: the expression, or the constant.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Constant(Value::String(text)) => text.clone(),
            Self::Constant(value) => value.to_string(),
            Self::Formula(expression) => expression.formula.text().to_owned(),
            Self::List(_) => String::from("[…]"),
            Self::Object(_) => String::from("{…}"),
        }
    }
}

impl Expression {
    fn value(&self, place: &Place<'_, '_>, at: &str) -> Result<Value, Fault> {
        // what most expressions are needs no evaluator
        if let ([(_, field)], Some(_)) = (&self.fields[..], self.formula.only("field")) {
            return Ok(place.field_value(field));
        }
        let host = AtJudgement {
            place,
            fields: &self.fields,
        };
        self.formula
            .evaluate(&host, &place.evaluation.budget)
            .map_err(|error| {
                if error.used_up {
                    Fault::used_up(at)
                } else {
                    Fault::new(at, format!("{}: {}", self.formula.text(), error.message))
                }
            })
    }

    /// Whether it reads a tag of the resource, or a field that is only known at the judgement.
    pub(crate) fn reads_tags(&self) -> bool {
        let calls = self.formula.calls();
        let mut fields = calls
            .iter()
            .filter(|call| call.function.eq_ignore_ascii_case("field"));
        fields.any(|call| {
            call.literal
                .is_none_or(|name| Field::read(name).is_some_and(|field| field.reads_tags()))
        })
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().map(|(_, field)| field)
    }
}

/// Checks the values that a member of a set gives to the parameters of its definition.
pub(crate) fn check_values(given: &Value, parameters: &Parameters, path: &str) -> Read<()> {
    Term::read(given, &Known::Declared(parameters), path, &mut 0).map(drop)
}

/// The values that a member of a set gives, with those of the set's parameters in their place.
pub(crate) fn evaluate_values(given: &Value, values: &Values, path: &str) -> Read<Value> {
    let term = Term::read(given, &Known::Bound(values), path, &mut 0)?;
    term.constant().cloned().ok_or_else(|| {
        PolicyError::parameters(
            path,
            "The parameters of a set's member may only use functions that do not look at a resource",
        )
    })
}
