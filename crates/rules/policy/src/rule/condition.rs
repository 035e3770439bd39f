//! Conditions as they are written, read into a tree (policy-language 3).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::operator::Operator;
use crate::{
    alias::Alias,
    error::{PolicyError, Read},
    field::Field,
    functions::no_alias,
    parameters::kind_word,
    term::{Known, Term},
    words::{same, text_part},
};

/// The most conditions and functions of a rule, and how deep they may stand inside each other.
const MAX_CONDITIONS: usize = 4096;
const MAX_FUNCTIONS: usize = 2048;
const MAX_DEPTH: usize = 64;

/// A condition.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    Not(Box<Condition>),
    AllOf(Vec<Condition>),
    AnyOf(Vec<Condition>),
    Leaf(Box<Leaf>),
}

/// A comparison.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    pub(crate) looks_at: Sight,
    pub(crate) operator: Operator,
    pub(crate) operand: Term,
    /// Where it stands, such as `if.allOf[1]`.
    pub(crate) at: String,
}

/// What a comparison looks at.
#[derive(Debug, Clone)]
pub(crate) enum Sight {
    Field(FieldTerm),
    Value(Term),
    Count(Count),
}

/// A field, perhaps named by an expression.
#[derive(Debug, Clone)]
pub(crate) enum FieldTerm {
    Known(Field, String),
    /// Named by parameters without values yet, or by other fields.
    Later(Term),
}

/// How many elements there are, of those that a condition holds for.
#[derive(Debug, Clone)]
pub(crate) struct Count {
    pub(crate) over: Counted,
    pub(crate) filter: Option<Condition>,
}

#[derive(Debug, Clone)]
pub(crate) enum Counted {
    Field(Arc<Alias>),
    /// Named by parameters without values yet.
    Later(Term),
    Value {
        elements: Term,
        name: Option<String>,
    },
}

/// Reads the conditions of one rule and counts what is limited.
pub(crate) struct Reader<'k> {
    pub(crate) known: Known<'k>,
    conditions: usize,
    pub(crate) functions: usize,
}

impl<'k> Reader<'k> {
    pub(crate) fn new(known: Known<'k>) -> Self {
        Self {
            known,
            conditions: 0,
            functions: 0,
        }
    }

    pub(crate) fn condition(&mut self, value: &Value, path: &str) -> Read<Condition> {
        self.nested(value, path, 0)
    }

    fn nested(&mut self, value: &Value, path: &str, depth: usize) -> Read<Condition> {
        if depth > MAX_DEPTH {
            return Err(PolicyError::rule(
                path,
                format!("more than {MAX_DEPTH} conditions inside each other"),
            ));
        }
        let members = value.as_object().ok_or_else(|| {
            PolicyError::rule(
                path,
                format!(
                    "A condition is an object, not a value of type '{}'",
                    kind_word(value)
                ),
            )
        })?;
        let Some((word, inside)) = logical(members) else {
            return self
                .leaf(members, path, depth)
                .map(|leaf| Condition::Leaf(Box::new(leaf)));
        };
        if members.len() != 1 {
            return Err(PolicyError::rule(
                path,
                format!("Beside '{word}' stands something else in the same condition"),
            ));
        }
        let path = format!("{path}.{word}");
        if word == "not" {
            return Ok(Condition::Not(Box::new(self.nested(inside, &path, depth + 1)?)));
        }
        let elements = inside
            .as_array()
            .ok_or_else(|| PolicyError::rule(&path, format!("'{word}' takes an array of conditions")))?;
        let read = elements
            .iter()
            .enumerate()
            .map(|(at, element)| self.nested(element, &format!("{path}[{at}]"), depth + 1));
        let read = read.collect::<Read<Vec<_>>>()?;
        Ok(if word == "allOf" {
            Condition::AllOf(read)
        } else {
            Condition::AnyOf(read)
        })
    }

    fn leaf(&mut self, members: &Map<String, Value>, path: &str, depth: usize) -> Read<Leaf> {
        self.conditions += 1;
        if self.conditions > MAX_CONDITIONS {
            return Err(PolicyError::rule(
                path,
                format!("A policy rule has at most {MAX_CONDITIONS} conditions"),
            ));
        }
        let (mut sight, mut comparison) = (None, None);
        for (key, value) in members {
            let known = ["field", "value", "count"]
                .into_iter()
                .find(|word| same(word, key));
            if let Some(word) = known {
                if sight.replace((word, value)).is_some() {
                    return Err(PolicyError::rule(
                        path,
                        "A condition looks at one of 'field', 'value' and 'count'",
                    ));
                }
            } else if let Some(operator) = Operator::read(key) {
                if comparison.replace((operator, key, value)).is_some() {
                    return Err(PolicyError::rule(path, "A condition has one operator"));
                }
            } else {
                let message = format!(
                    "'{key}' is not an operator, and not one of 'field', 'value', 'count', 'not', 'allOf', 'anyOf'"
                );
                return Err(PolicyError::rule(format!("{path}.{key}"), message));
            }
        }
        let (word, value) = sight
            .ok_or_else(|| PolicyError::rule(path, "A condition needs a 'field', a 'value' or a 'count'"))?;
        let (operator, key, operand) = comparison
            .ok_or_else(|| PolicyError::rule(path, "A condition needs an operator, such as 'equals'"))?;
        let inside = format!("{path}.{word}");
        let looks_at = match word {
            "field" => Sight::Field(self.field(value, &inside)?),
            "value" => Sight::Value(self.term(value, &inside)?),
            _ => Sight::Count(self.count(value, &inside, depth)?),
        };
        let beside = format!("{path}.{key}");
        let operand = self.term(operand, &beside)?;
        if let Some(wrong) = operand
            .constant()
            .filter(|_| matches!(self.known, Known::Declared(_)))
            .and_then(|operand| operator.refuse(operand))
        {
            return Err(PolicyError::rule(beside, wrong));
        }
        let at = path.strip_prefix("policyRule.").unwrap_or(path).to_owned();
        Ok(Leaf {
            looks_at,
            operator,
            operand,
            at,
        })
    }

    fn count(&mut self, value: &Value, path: &str, depth: usize) -> Read<Count> {
        let members = value
            .as_object()
            .ok_or_else(|| PolicyError::rule(path, "'count' takes an object with 'field' or 'value'"))?;
        let (mut over, mut filter, mut name) = (None, None, None);
        for (key, value) in members {
            let inside = format!("{path}.{key}");
            match key.to_ascii_lowercase().as_str() {
                "field" if over.is_none() => over = Some(self.counted_field(value, &inside)?),
                "value" if over.is_none() => {
                    over = Some(Counted::Value {
                        elements: self.term(value, &inside)?,
                        name: None,
                    })
                }
                "where" => filter = Some(self.nested(value, &inside, depth + 1)?),
                "name" => name = text_part(&Value::Object(members.clone()), "name").map(str::to_owned),
                _ => {
                    return Err(PolicyError::rule(
                        inside,
                        "'count' has one 'field' or 'value', and perhaps 'name' and 'where'",
                    ));
                }
            }
        }
        let over = match over {
            Some(Counted::Value { elements, .. }) => Counted::Value { elements, name },
            Some(field) if name.is_none() => field,
            Some(_) => {
                return Err(PolicyError::rule(
                    path,
                    "Only a count of values can have a 'name'",
                ));
            }
            None => return Err(PolicyError::rule(path, "'count' needs a 'field' or a 'value'")),
        };
        Ok(Count { over, filter })
    }

    fn counted_field(&mut self, value: &Value, path: &str) -> Read<Counted> {
        match self.field(value, path)? {
            FieldTerm::Known(Field::Alias(alias), _) if alias.name.ends_with("[*]") => {
                Ok(Counted::Field(Arc::new(alias)))
            }
            FieldTerm::Known(_, name) => Err(PolicyError::rule(
                path,
                format!("'{name}' cannot be counted: it must be the alias of an array that ends in '[*]'"),
            )),
            FieldTerm::Later(term) => Ok(Counted::Later(term)),
        }
    }

    pub(crate) fn field(&mut self, value: &Value, path: &str) -> Read<FieldTerm> {
        if !value.is_string() {
            return Err(PolicyError::rule(
                path,
                format!(
                    "A field is named by a string, not by a value of type '{}'",
                    kind_word(value)
                ),
            ));
        }
        let term = self.term(value, path)?;
        match term.constant() {
            Some(Value::String(name)) => match Field::read(name) {
                Some(field) => Ok(FieldTerm::Known(field, name.clone())),
                None => Err(no_alias(name, path)),
            },
            Some(other) => Err(PolicyError::rule(
                path,
                format!(
                    "A field is named by a string, not by a value of type '{}'",
                    kind_word(other)
                ),
            )),
            None => Ok(FieldTerm::Later(term)),
        }
    }

    pub(crate) fn term(&mut self, value: &Value, path: &str) -> Read<Term> {
        let term = Term::read(value, &self.known, path, &mut self.functions)?;
        if self.functions > MAX_FUNCTIONS {
            return Err(PolicyError::rule(
                path,
                format!("A policy rule has at most {MAX_FUNCTIONS} functions"),
            ));
        }
        Ok(term)
    }
}

fn logical(members: &Map<String, Value>) -> Option<(&'static str, &Value)> {
    members.iter().find_map(|(key, value)| {
        let word = ["not", "allOf", "anyOf"]
            .into_iter()
            .find(|word| same(word, key))?;
        Some((word, value))
    })
}

impl Condition {
    /// Visits every comparison, those inside counts too.
    pub(crate) fn each_leaf<'c>(&'c self, visit: &mut dyn FnMut(&'c Leaf)) {
        match self {
            Self::Not(inside) => inside.each_leaf(visit),
            Self::AllOf(inside) | Self::AnyOf(inside) => {
                inside.iter().for_each(|condition| condition.each_leaf(visit))
            }
            Self::Leaf(leaf) => {
                visit(leaf);
                if let Sight::Count(Count {
                    filter: Some(filter), ..
                }) = &leaf.looks_at
                {
                    filter.each_leaf(visit);
                }
            }
        }
    }
}

impl Leaf {
    /// Visits every term that the comparison is made of.
    pub(crate) fn each_term<'l>(&'l self, visit: &mut dyn FnMut(&'l Term)) {
        match &self.looks_at {
            Sight::Field(FieldTerm::Later(term))
            | Sight::Value(term)
            | Sight::Count(Count {
                over: Counted::Later(term) | Counted::Value { elements: term, .. },
                ..
            }) => visit(term),
            Sight::Field(FieldTerm::Known(..)) | Sight::Count(_) => {}
        }
        visit(&self.operand);
    }

    /// The field that it looks at, where it looks at one that is known.
    pub(crate) fn field(&self) -> Option<&Field> {
        match &self.looks_at {
            Sight::Field(FieldTerm::Known(field, _)) => Some(field),
            _ => None,
        }
    }
}
