//! `then.details`: what each effect needs to know (policy-language 5).

use serde_json::Value;

use super::condition::{Condition, FieldTerm, Reader};
use crate::{
    compliance::Compliance,
    effect::Effect,
    error::{PolicyError, Read},
    field::Field,
    parameters::kind_word,
    term::Term,
    words::{part, same, text_part, texts},
};

/// The details, by their form: one definition may allow several effects, of which one needs them.
#[derive(Debug, Clone, Default)]
pub(crate) enum Details {
    /// None, or those of an effect that is only kept.
    #[default]
    None,
    Append(Vec<Addition>),
    Modify(Modification),
    Related(Box<Related>),
    DenyAction(Vec<String>),
    Manual(Compliance),
}

/// One entry of `append`.
#[derive(Debug, Clone)]
pub(crate) struct Addition {
    pub(crate) field: FieldTerm,
    pub(crate) value: Term,
    pub(crate) at: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Modification {
    pub(crate) on_conflict: OnConflict,
    pub(crate) operations: Vec<Operation>,
}

/// What becomes of a modification that contradicts another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnConflict {
    Deny,
    Audit,
    Disabled,
}

/// One operation of `modify`.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) kind: OperationKind,
    pub(crate) field: FieldTerm,
    pub(crate) value: Option<Term>,
    pub(crate) condition: Option<Term>,
    pub(crate) at: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OperationKind {
    AddOrReplace,
    Add,
    Remove,
}

/// What auditIfNotExists and deployIfNotExists look for.
#[derive(Debug, Clone)]
pub(crate) struct Related {
    pub(crate) resource_type: Term,
    pub(crate) kind: Option<Term>,
    pub(crate) name: Option<Term>,
    pub(crate) resource_group_name: Option<Term>,
    pub(crate) existence_scope: Option<Term>,
    pub(crate) evaluation_delay: Option<Term>,
    pub(crate) condition: Option<Condition>,
    pub(crate) deployment: Option<DeploymentTerms>,
}

#[derive(Debug, Clone)]
pub(crate) struct DeploymentTerms {
    pub(crate) scope: Option<Term>,
    pub(crate) location: Option<Term>,
    /// Everything but the parameters, as it was written: a template has its own expressions.
    pub(crate) properties: Value,
    pub(crate) parameters: Option<Term>,
}

const PATH: &str = "policyRule.then.details";

impl Details {
    /// Reads the details for the effects that the rule may have.
    pub(crate) fn read(details: Option<&Value>, effects: &[Effect], reader: &mut Reader<'_>) -> Read<Self> {
        let has = |name: &str| details.is_some_and(|details| part(details, name).is_some());
        let read = match details {
            None => Self::None,
            Some(Value::Array(entries)) => Self::Append(read_append(entries, reader)?),
            Some(Value::Object(_)) if has("operations") => Self::Modify(read_modify(details, reader)?),
            Some(Value::Object(_)) if has("actionNames") => Self::DenyAction(read_deny_action(details)?),
            Some(Value::Object(_)) if has("type") => Self::Related(Box::new(Related::read(details, reader)?)),
            Some(Value::Object(_)) => Self::Manual(read_default_state(details)?),
            Some(other) => {
                let message = format!(
                    "The details of an effect are an object or an array, not a value of type '{}'",
                    kind_word(other)
                );
                return Err(PolicyError::details(PATH, message));
            }
        };
        for effect in effects {
            read.serve(*effect, details)?;
        }
        Ok(read)
    }

    /// Refuses details that the effect cannot do with.
    fn serve(&self, effect: Effect, details: Option<&Value>) -> Read<()> {
        let lacks = |name: &str| details.is_none_or(|details| part(details, name).is_none());
        let wrong = match effect {
            Effect::Append if !matches!(self, Self::Append(_)) => "needs an array of 'field' and 'value'",
            Effect::Modify if !matches!(self, Self::Modify(_)) => "needs 'operations'",
            Effect::AuditIfNotExists | Effect::DeployIfNotExists if !matches!(self, Self::Related(_)) => {
                "needs the 'type' of the related resource"
            }
            Effect::DeployIfNotExists if lacks("deployment") => "needs a 'deployment'",
            Effect::Modify | Effect::DeployIfNotExists if lacks("roleDefinitionIds") => {
                "needs 'roleDefinitionIds'"
            }
            Effect::DenyAction if !matches!(self, Self::DenyAction(_)) => "needs 'actionNames'",
            _ => return Ok(()),
        };
        Err(PolicyError::details(
            PATH,
            format!("The effect '{effect}' {wrong} in its details"),
        ))
    }
}

fn read_append(entries: &[Value], reader: &mut Reader<'_>) -> Read<Vec<Addition>> {
    if entries.is_empty() {
        return Err(PolicyError::details(PATH, "There is nothing to append"));
    }
    let read = entries.iter().enumerate().map(|(at, entry)| {
        let path = format!("{PATH}[{at}]");
        let value = entry
            .as_object()
            .and_then(|members| crate::words::member(members, "value"));
        let value = value.ok_or_else(|| PolicyError::details(&path, "What is appended needs a 'value'"))?;
        Ok(Addition {
            field: written_field(entry, &path, reader)?,
            value: reader.term(value, &format!("{path}.value"))?,
            at: format!("then.details[{at}]"),
        })
    });
    read.collect()
}

fn read_modify(details: Option<&Value>, reader: &mut Reader<'_>) -> Read<Modification> {
    let details = details.unwrap_or(&Value::Null);
    let on_conflict = match part(details, "conflictEffect") {
        None => OnConflict::Deny,
        Some(word) => read_conflict_effect(word, reader)?,
    };
    let operations = part(details, "operations")
        .and_then(Value::as_array)
        .filter(|operations| !operations.is_empty());
    let operations = operations.ok_or_else(|| {
        PolicyError::details(
            format!("{PATH}.operations"),
            "The operations are an array with at least one",
        )
    })?;
    let read = operations
        .iter()
        .enumerate()
        .map(|(at, operation)| read_operation(operation, at, reader));
    Ok(Modification {
        on_conflict,
        operations: read.collect::<Read<_>>()?,
    })
}

fn read_conflict_effect(word: &Value, reader: &mut Reader<'_>) -> Read<OnConflict> {
    let path = format!("{PATH}.conflictEffect");
    let term = reader.term(word, &path)?;
    match term.constant() {
        None => Ok(OnConflict::Deny),
        Some(Value::String(word)) if same(word, "deny") => Ok(OnConflict::Deny),
        Some(Value::String(word)) if same(word, "audit") => Ok(OnConflict::Audit),
        Some(Value::String(word)) if same(word, "disabled") => Ok(OnConflict::Disabled),
        Some(other) => Err(PolicyError::details(
            path,
            format!("The conflict effect {other} is not one of audit, deny, disabled"),
        )),
    }
}

fn read_operation(value: &Value, at: usize, reader: &mut Reader<'_>) -> Read<Operation> {
    let path = format!("{PATH}.operations[{at}]");
    let word = part(value, "operation")
        .ok_or_else(|| PolicyError::details(&path, "An operation needs an 'operation'"))?;
    let word = reader.term(word, &format!("{path}.operation"))?;
    let kind = match word.constant() {
        None => OperationKind::AddOrReplace,
        Some(Value::String(word)) if same(word, "addOrReplace") => OperationKind::AddOrReplace,
        Some(Value::String(word)) if same(word, "add") => OperationKind::Add,
        Some(Value::String(word)) if same(word, "remove") => OperationKind::Remove,
        Some(other) => {
            let message = format!("The operation {other} is not one of addOrReplace, Add, Remove");
            return Err(PolicyError::details(format!("{path}.operation"), message));
        }
    };
    let field = written_field(value, &path, reader)?;
    let given = value
        .as_object()
        .and_then(|members| crate::words::member(members, "value"));
    if kind != OperationKind::Remove && given.is_none() {
        return Err(PolicyError::details(
            &path,
            "An operation needs the 'value' that it writes",
        ));
    }
    if let (OperationKind::Remove, FieldTerm::Known(field, name)) = (kind, &field)
        && !field.reads_tags()
    {
        return Err(PolicyError::details(
            format!("{path}.field"),
            format!("'{name}' cannot be removed: only tags can"),
        ));
    }
    let mut term = |name: &str| {
        part(value, name)
            .map(|term| reader.term(term, &format!("{path}.{name}")))
            .transpose()
    };
    Ok(Operation {
        kind,
        condition: term("condition")?,
        value: given
            .map(|given| reader.term(given, &format!("{path}.value")))
            .transpose()?,
        field,
        at: format!("then.details.operations[{at}]"),
    })
}

/// The field that is written; name, type and id are the resource's own.
fn written_field(value: &Value, path: &str, reader: &mut Reader<'_>) -> Read<FieldTerm> {
    let name =
        part(value, "field").ok_or_else(|| PolicyError::details(path, "What is written needs a 'field'"))?;
    let path = format!("{path}.field");
    let field = reader.field(name, &path)?;
    match &field {
        FieldTerm::Known(Field::Name | Field::FullName | Field::Type | Field::Id | Field::Kind, name) => Err(
            PolicyError::details(path, format!("The field '{name}' cannot be changed")),
        ),
        _ => Ok(field),
    }
}

fn read_deny_action(details: Option<&Value>) -> Read<Vec<String>> {
    let actions = texts(details.and_then(|details| part(details, "actionNames")));
    match actions.iter().find(|action| !same(action, "delete")) {
        Some(other) => Err(PolicyError::details(
            format!("{PATH}.actionNames"),
            format!("The action '{other}' cannot be denied: only 'delete' can"),
        )),
        None => Ok(actions),
    }
}

fn read_default_state(details: Option<&Value>) -> Read<Compliance> {
    match details.and_then(|details| text_part(details, "defaultState")) {
        None => Ok(Compliance::Unknown),
        Some(word) => Compliance::read(word).ok_or_else(|| {
            PolicyError::details(
                format!("{PATH}.defaultState"),
                format!("'{word}' is not a state of compliance"),
            )
        }),
    }
}

impl Related {
    fn read(details: Option<&Value>, reader: &mut Reader<'_>) -> Read<Self> {
        let details = details.unwrap_or(&Value::Null);
        let condition = part(details, "existenceCondition")
            .map(|condition| reader.condition(condition, &format!("{PATH}.existenceCondition")));
        let condition = condition.transpose()?;
        let deployment = part(details, "deployment")
            .map(|deployment| DeploymentTerms::read(deployment, details, reader))
            .transpose()?;
        let mut term = |name: &str| {
            part(details, name)
                .map(|term| reader.term(term, &format!("{PATH}.{name}")))
                .transpose()
        };
        Ok(Self {
            resource_type: term("type")?.unwrap_or(Term::Constant(Value::Null)),
            kind: term("kind")?,
            name: term("name")?,
            resource_group_name: term("resourceGroupName")?,
            existence_scope: term("existenceScope")?,
            evaluation_delay: term("evaluationDelay")?,
            condition,
            deployment,
        })
    }
}

impl DeploymentTerms {
    fn read(deployment: &Value, details: &Value, reader: &mut Reader<'_>) -> Read<Self> {
        let path = format!("{PATH}.deployment");
        let properties = part(deployment, "properties").and_then(Value::as_object);
        let properties = properties.ok_or_else(|| {
            PolicyError::details(format!("{path}.properties"), "A deployment needs 'properties'")
        })?;
        let is_parameters = |name: &str| same(name, "parameters");
        let parameters = properties.iter().find(|(name, _)| is_parameters(name));
        let parameters = parameters
            .map(|(_, term)| reader.term(term, &format!("{path}.properties.parameters")))
            .transpose()?;
        let others = properties.iter().filter(|(name, _)| !is_parameters(name));
        let properties = others
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut term = |holder: &Value, name: &str| {
            part(holder, name)
                .map(|term| reader.term(term, &format!("{path}.{name}")))
                .transpose()
        };
        Ok(Self {
            scope: term(details, "deploymentScope")?,
            location: term(deployment, "location")?,
            properties: Value::Object(properties),
            parameters,
        })
    }
}
