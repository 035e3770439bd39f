//! A rule: `{"if": condition, "then": {"effect", "details"}}`.
//!
//! It is read twice: when the definition is written, to find what is wrong with it, and when it is bound, with the values of
//! its parameters. Whatever does not look at a resource is worked out then.

pub(crate) mod applicability;
pub(crate) mod condition;
pub(crate) mod details;
pub(crate) mod operator;
pub(crate) mod proof;

use serde_json::{Map, Value};

use self::{
    applicability::Applicability,
    condition::{Condition, Counted, FieldTerm, Reader, Sight},
    details::Details,
};
use crate::{
    compliance::Compliance,
    effect::Effect,
    error::{PolicyError, Read},
    field::Field,
    parameters::{Parameters, Values},
    term::{Known, Term},
    words::{among, part, same},
};

/// A rule whose parameters have values.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) condition: Condition,
    pub(crate) effect: Effect,
    pub(crate) details: Details,
    pub(crate) applicability: Applicability,
    /// The types that the condition can hold for, in lower case.
    pub(crate) types: Option<Vec<String>>,
    pub(crate) reads_tags: bool,
}

/// What a definition learns from its rule before any parameter has a value.
pub(crate) struct Outline {
    pub(crate) effects: Vec<Effect>,
    pub(crate) aliases: Vec<String>,
}

const EFFECT: &str = "policyRule.then.effect";

impl Rule {
    /// Checks a rule whose parameters have no values yet.
    pub(crate) fn check(rule: &Value, parameters: &Parameters) -> Read<Outline> {
        let (condition, effect, details) = parts(rule)?;
        let mut reader = Reader::new(Known::Declared(parameters));
        let condition = reader.condition(condition, "policyRule.if")?;
        let effect = reader.term(effect, EFFECT)?;
        let effects = possible_effects(&effect, parameters)?;
        Details::read(details, &effects, &mut reader)?;
        Ok(Outline {
            effects,
            aliases: aliases(&condition),
        })
    }

    /// Reads a rule with the values of its parameters.
    pub(crate) fn read(rule: &Value, values: &Values) -> Read<Self> {
        let (condition, effect, details) = parts(rule)?;
        let mut reader = Reader::new(Known::Bound(values));
        let condition = reader.condition(condition, "policyRule.if")?;
        let effect = reader.term(effect, EFFECT)?;
        let effect = effect
            .constant()
            .ok_or_else(|| PolicyError::rule(EFFECT, "The effect cannot depend on the resource"))?;
        let effect = read_effect(effect)?;
        let details = Details::read(details, &[effect], &mut reader)?;
        Ok(Self {
            effect,
            details,
            applicability: Applicability::of(&condition),
            types: applicability::types(&condition),
            reads_tags: reads_tags(&condition),
            condition,
        })
    }

    pub(crate) fn default_state(&self) -> Compliance {
        match self.details {
            Details::Manual(state) => state,
            _ => Compliance::Unknown,
        }
    }
}

/// The condition, the effect and the details.
fn parts(rule: &Value) -> Read<(&Value, &Value, Option<&Value>)> {
    let members = rule
        .as_object()
        .ok_or_else(|| PolicyError::rule("policyRule", "A policy rule is an object with 'if' and 'then'"))?;
    only(members, &["if", "then"], "policyRule")?;
    let condition =
        part(rule, "if").ok_or_else(|| PolicyError::rule("policyRule.if", "A policy rule needs an 'if'"))?;
    let then = part(rule, "then")
        .ok_or_else(|| PolicyError::rule("policyRule.then", "A policy rule needs a 'then'"))?;
    let then_members = then
        .as_object()
        .ok_or_else(|| PolicyError::rule("policyRule.then", "'then' is an object with an 'effect'"))?;
    only(then_members, &["effect", "details"], "policyRule.then")?;
    let effect = part(then, "effect").ok_or_else(|| PolicyError::rule(EFFECT, "'then' needs an 'effect'"))?;
    Ok((condition, effect, part(then, "details")))
}

fn only(members: &Map<String, Value>, known: &[&str], path: &str) -> Read<()> {
    match members
        .keys()
        .find(|key| !known.iter().any(|word| same(word, key)))
    {
        Some(other) => Err(PolicyError::rule(
            format!("{path}.{other}"),
            format!("'{other}' is not a member of '{path}'"),
        )),
        None => Ok(()),
    }
}

/// The effects of a rule whose parameters have no values: those that its parameter allows, or its default.
fn possible_effects(effect: &Term, parameters: &Parameters) -> Read<Vec<Effect>> {
    if let Some(word) = effect.constant() {
        return Ok(vec![read_effect(word)?]);
    }
    let mut parameter = None;
    effect.each_formula(&mut |expression| parameter = expression.formula.only("parameters"));
    let Some(parameter) = parameter.and_then(|name| parameters.find(name)) else {
        return Ok(Vec::new());
    };
    let words = if parameter.allowed.is_empty() {
        parameter.default.as_slice()
    } else {
        &parameter.allowed
    };
    words.iter().map(read_effect).collect()
}

fn read_effect(word: &Value) -> Read<Effect> {
    let found = word.as_str().and_then(Effect::read);
    found.ok_or_else(|| {
        let known: Vec<_> = Effect::ALL.iter().map(|effect| effect.word()).collect();
        PolicyError::rule(
            EFFECT,
            format!("The effect {word} is not one of {}", known.join(", ")),
        )
    })
}

fn aliases(condition: &Condition) -> Vec<String> {
    let mut found = Vec::new();
    condition.each_leaf(&mut |leaf| {
        match &leaf.looks_at {
            Sight::Field(FieldTerm::Known(Field::Alias(alias), _)) => found.push(alias.name.clone()),
            Sight::Count(count) => {
                if let Counted::Field(alias) = &count.over {
                    found.push(alias.name.clone());
                }
            }
            _ => {}
        }
        leaf.each_term(&mut |term| {
            term.each_formula(&mut |expression| {
                found.extend(expression.fields().filter_map(|field| match field {
                    Field::Alias(alias) => Some(alias.name.clone()),
                    _ => None,
                }));
            });
        });
    });
    let mut seen: Vec<String> = Vec::new();
    found.retain(|name| {
        let is_new = !among(&seen, name);
        seen.push(name.clone());
        is_new
    });
    found
}

fn reads_tags(condition: &Condition) -> bool {
    let mut found = false;
    condition.each_leaf(&mut |leaf| {
        found |= match &leaf.looks_at {
            Sight::Field(FieldTerm::Known(field, _)) => field.reads_tags(),
            Sight::Field(FieldTerm::Later(_)) => true,
            _ => false,
        };
        leaf.each_term(&mut |term| term.each_formula(&mut |expression| found |= expression.reads_tags()));
    });
    found
}
