//! The run-time side: which answers an evaluation has, and which one it needs next.

use std::collections::HashMap;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::{Value, json};

use crate::{
    evaluator::References,
    fault::{Halt, Outcome},
    graph::Directory,
    table::member,
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
    parts: HashMap<String, Part>,
}

/// What is known of an answer before its call is made.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    known: Value,
    /// Whether the objects in it are known whole; otherwise only plain values are.
    whole: bool,
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

    /// Keeps what is sure about a resource before it is there, so that `reference(…).some.member` can be told: the whole
    /// resource as a GET would show it. Members that are missing are unknown, and so is an object as a whole.
    pub fn foresee(&mut self, id: &ResourceId, resource: &Value) {
        self.insert_part(id, resource, false);
    }

    /// Keeps what a nested deployment will say: its outputs, `{name: {type, value}}`, of which those are missing that
    /// only a run can tell.
    pub fn foresee_outputs(&mut self, id: &ResourceId, outputs: &Value) {
        self.insert_part(id, &json!({ "properties": { "outputs": outputs } }), true);
    }

    fn insert_part(&mut self, id: &ResourceId, resource: &Value, whole: bool) {
        let mut keep = |full: bool, known: Value| {
            self.parts
                .insert(format!("{} {full}", id.key()), Part { known, whole });
        };
        keep(false, resource["properties"].clone());
        keep(true, resource.clone());
    }

    fn part(&self, call: &RuntimeCall) -> Option<&Part> {
        match call {
            RuntimeCall::Reference { id, full, .. } => self.parts.get(&format!("{} {full}", id.key())),
            RuntimeCall::List { .. } => None,
        }
    }
}

impl Part {
    /// What can be said about a value in it.
    fn sure(&self, value: &Value) -> Option<Value> {
        let plain = |value: &Value| !value.is_null() && !value.is_object() && !value.is_array();
        let is_sure = match value {
            Value::Null => false,
            Value::Object(_) => self.whole,
            Value::Array(elements) => self.whole || elements.iter().all(plain),
            _ => true,
        };
        is_sure.then(|| value.clone())
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

/// What `reference(…, 'Full')` adds to what a GET shows: the parts of the id, and how the resource was read.
fn whole(call: &RuntimeCall, mut answer: Value) -> Value {
    if let (
        RuntimeCall::Reference {
            id,
            api_version,
            full: true,
        },
        Some(members),
    ) = (call, answer.as_object_mut())
    {
        for (name, value) in read_as(id, api_version.as_deref()) {
            members.entry(name).or_insert(value);
        }
    }
    answer
}

fn read_as(id: &ResourceId, api_version: Option<&str>) -> Vec<(&'static str, Value)> {
    let block = id
        .as_str()
        .rsplit_once("/providers/")
        .map_or("", |(_, block)| block);
    let own_type = id.resource_type();
    let own: Vec<&str> = block.split('/').skip(2).step_by(2).collect();
    // of a scope that is a resource itself, such as a management group: its type and name
    let scope = id.scope().and_then(|scope| {
        let (_, block) = scope.as_str().rsplit_once("/providers/")?;
        Some(block.to_owned())
    });
    let mut shown = vec![
        ("apiVersion", json!(api_version)),
        ("referenceApiVersion", json!(api_version)),
        ("resourceId", format!("{own_type}/{}", own.join("/")).into()),
        ("condition", true.into()),
        ("isConditionTrue", true.into()),
        ("isAction", false.into()),
        ("provisioningOperation", "Read".into()),
    ];
    shown.extend(
        id.subscription()
            .map(|subscription| ("subscriptionId", subscription.into())),
    );
    shown.extend(
        id.resource_group()
            .map(|group| ("resourceGroupName", group.into())),
    );
    shown.extend(scope.map(|scope| ("scope", scope.into())));
    shown
}

/// Finds what a run-time function speaks of and answers from what is known.
pub(crate) struct Answers<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) known: &'a RuntimeValues,
}

impl Answers<'_> {
    fn answer(&self, call: RuntimeCall) -> Outcome<Value> {
        match self.known.get(&call) {
            Some(answer) => Ok(whole(&call, answer.clone())),
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
    fn foreseen(&self, call: &RuntimeCall, steps: &[Value]) -> Option<Value> {
        let part = self.known.part(call)?;
        let mut found = &part.known;
        for step in steps {
            found = match (found, step) {
                (Value::Object(members), Value::String(name)) => member(members, name)?,
                (Value::Array(elements), Value::Number(at)) => {
                    elements.get(usize::try_from(at.as_u64()?).ok()?)?
                }
                _ => return None,
            };
        }
        part.sure(found)
    }

    fn foresees(&self) -> bool {
        !self.known.parts.is_empty()
    }

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
