//! The run-time side: which answers an evaluation has, and which one it needs next.

use std::collections::HashMap;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::{Value, json};

use crate::{
    evaluator::References,
    fault::{Halt, Outcome},
    graph::Directory,
};

/// A call the deployment has to make, with the rights of its caller, before an evaluation can go on.
#[derive(Debug, Clone, PartialEq)]
pub enum RuntimeCall {
    /// GET the resource. The answer is its `properties`, or the whole resource when `full`.
    Reference {
        /// The resource.
        id: ResourceId,
        /// The version the template asks for, else the one it deploys the resource with.
        api_version: Option<String>,
        /// Whether the whole resource is wanted.
        full: bool,
    },
    /// POST an action whose name starts with `list`. The answer is its body.
    List {
        /// The action, as the template spells it.
        function: String,
        /// The resource.
        id: ResourceId,
        /// The version the template asks for.
        api_version: Option<String>,
        /// The body to send.
        body: Option<Value>,
    },
}

/// The answers known so far. Start each resource with those that still hold: what a resource says may change
/// when the deployment writes it.
#[derive(Debug, Clone, Default)]
pub struct RuntimeValues {
    answers: HashMap<String, Value>,
}

/// Makes run-time calls at once, for callers that are not asynchronous.
pub trait Runtime {
    /// Reads a resource: its `properties`, or all of it when `full`.
    ///
    /// # Errors
    /// Whatever the read fails with.
    fn reference(&self, id: &ResourceId, api_version: Option<&str>, full: bool) -> Result<Value, ArmError>;

    /// Calls a `list…` action.
    ///
    /// # Errors
    /// Whatever the action fails with.
    fn list(
        &self,
        function: &str,
        id: &ResourceId,
        api_version: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Value, ArmError>;
}

/// Why an evaluation gave no value yet.
#[derive(Debug, Clone, PartialEq)]
pub enum Unresolved {
    /// Make this call, keep its answer in [`RuntimeValues`], evaluate again.
    Call(Box<RuntimeCall>),
    /// It cannot be evaluated.
    Failed(ArmError),
}

impl RuntimeCall {
    fn key(&self) -> String {
        match self {
            Self::Reference {
                id,
                api_version,
                full,
            } => {
                format!(
                    "reference {} {} {full}",
                    id.key(),
                    api_version.as_deref().unwrap_or_default().to_lowercase()
                )
            }
            Self::List {
                function,
                id,
                api_version,
                body,
            } => format!(
                "{} {} {} {}",
                function.to_lowercase(),
                id.key(),
                api_version.as_deref().unwrap_or_default().to_lowercase(),
                body.as_ref().map(Value::to_string).unwrap_or_default()
            ),
        }
    }

    /// Makes the call.
    ///
    /// # Errors
    /// Whatever the call fails with.
    pub fn make(&self, runtime: &dyn Runtime) -> Result<Value, ArmError> {
        match self {
            Self::Reference {
                id,
                api_version,
                full,
            } => runtime.reference(id, api_version.as_deref(), *full),
            Self::List {
                function,
                id,
                api_version,
                body,
            } => runtime.list(function, id, api_version.as_deref(), body.as_ref()),
        }
    }
}

impl RuntimeValues {
    /// Nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the answer of a call.
    pub fn insert(&mut self, call: &RuntimeCall, answer: Value) {
        self.answers.insert(call.key(), answer);
    }

    /// The answer of a call, if it is known.
    #[must_use]
    pub fn get(&self, call: &RuntimeCall) -> Option<&Value> {
        self.answers.get(&call.key())
    }
}

/// Evaluates to the end, making each call when it is needed.
///
/// # Errors
/// When the evaluation or one of its calls fails.
pub fn resolve(
    runtime: &dyn Runtime,
    mut evaluate: impl FnMut(&RuntimeValues) -> Result<Value, Unresolved>,
) -> Result<Value, ArmError> {
    /// More calls than a sensible body makes; a guard against an answer that never settles.
    const MOST: usize = 10_000;
    let mut known = RuntimeValues::new();
    for _ in 0..MOST {
        match evaluate(&known) {
            Ok(value) => return Ok(value),
            Err(Unresolved::Failed(error)) => return Err(error),
            Err(Unresolved::Call(call)) => known.insert(&call, call.make(runtime)?),
        }
    }
    Err(ArmError::new(
        ErrorCode::InvalidTemplate,
        "The template makes too many run-time calls.",
    ))
}

/// Finds what a run-time function speaks of and answers from what is known.
pub(crate) struct Answers<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) known: &'a RuntimeValues,
}

impl Answers<'_> {
    fn answer(&self, call: RuntimeCall) -> Outcome<Value> {
        match self.known.get(&call) {
            Some(answer) => Ok(answer.clone()),
            None => Err(Halt::Call(Box::new(call))),
        }
    }

    /// The resource's id and the version the template deploys it with.
    fn find(&self, function: &str, target: &str, versioned: bool) -> Outcome<(ResourceId, Option<String>)> {
        let declared = self.directory.single(target);
        if let Some(entry) = declared {
            if !entry.included && !versioned {
                return Err(not_defined(function, target));
            }
            if let Some(id) = &entry.id {
                return Ok((id.clone(), entry.api_version.clone()));
            }
        }
        let id = ResourceId::parse(target).map_err(|_| not_defined(function, target))?;
        if versioned || function != "reference" {
            Ok((id, None))
        } else {
            Err(not_defined(function, target))
        }
    }
}

fn not_defined(function: &str, target: &str) -> Halt {
    Halt::failed(format!(
        "The resource '{target}' named by the template function '{function}' is not defined in the template. Please see https://aka.ms/arm-function-reference for usage details."
    ))
}

impl References for Answers<'_> {
    fn reference(&self, target: &str, api_version: Option<&str>, full: bool) -> Outcome<Value> {
        let (id, declared) = self.find("reference", target, api_version.is_some())?;
        let api_version = api_version.map(str::to_owned).or(declared);
        self.answer(RuntimeCall::Reference {
            id,
            api_version,
            full,
        })
    }

    fn references(&self, name: &str, full: bool) -> Outcome<Value> {
        let entries = self
            .directory
            .loop_members(name)
            .ok_or_else(|| not_defined("references", name))?;
        let included = entries.into_iter().filter(|entry| entry.included);
        let calls = included.filter_map(|entry| {
            let id = entry.id.clone()?;
            Some(RuntimeCall::Reference {
                id,
                api_version: entry.api_version.clone(),
                full,
            })
        });
        calls.map(|call| self.answer(call)).collect()
    }

    fn list(
        &self,
        function: &str,
        target: &str,
        api_version: Option<&str>,
        body: Option<&Value>,
    ) -> Outcome<Value> {
        let (id, declared) = self.find(function, target, api_version.is_some())?;
        let api_version = api_version.map(str::to_owned).or(declared);
        self.answer(RuntimeCall::List {
            function: function.to_owned(),
            id,
            api_version,
            body: body.cloned(),
        })
    }

    fn info(&self, name: &str) -> Outcome<Value> {
        let entry = self
            .directory
            .single(name)
            .ok_or_else(|| not_defined("resourceInfo", name))?;
        let id = entry
            .id
            .as_ref()
            .ok_or_else(|| not_defined("resourceInfo", name))?;
        Ok(
            json!({"id": id, "name": entry.name, "type": entry.resource_type, "apiVersion": entry.api_version}),
        )
    }
}
