//! Failures inside the crate, which learn their place in the template while they travel outwards, and the one
//! conversion to the caller's [`ArmError`].

use nave_arm::{ArmError, ErrorCode};
use serde_json::json;

use crate::run::RuntimeCall;

/// Why an evaluation stopped.
#[derive(Debug, Clone)]
pub(crate) enum Halt {
    /// It needs the answer of a run-time call.
    Call(Box<RuntimeCall>),
    /// It failed.
    Failed(Box<Fault>),
}

/// A sentence and the place in the template it is about.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) message: String,
    /// The place, innermost step first.
    steps: Vec<String>,
}

/// What an evaluation gives.
pub(crate) type Outcome<T> = Result<T, Halt>;

impl Halt {
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(Box::new(Fault { message: message.into(), steps: Vec::new() }))
    }

    /// Adds the member the failure happened in.
    pub(crate) fn in_member(self, name: &str) -> Self {
        let plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '-'));
        self.step(if plain { format!(".{name}") } else { format!("['{name}']") })
    }

    /// Adds the element the failure happened in.
    pub(crate) fn in_element(self, index: usize) -> Self {
        self.step(format!("[{index}]"))
    }

    /// Adds a path already in its written form.
    pub(crate) fn in_path(self, path: &str) -> Self {
        self.step(path.to_owned())
    }

    /// Rewords the sentence; calls pass through.
    pub(crate) fn reword(self, reword: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Failed(mut fault) => {
                fault.message = reword(fault.message);
                Self::Failed(fault)
            }
            call @ Self::Call(_) => call,
        }
    }

    /// Forgets the place, for a failure that a longer sentence reports at another one.
    pub(crate) fn elsewhere(self) -> Self {
        match self {
            Self::Failed(mut fault) => {
                fault.steps.clear();
                Self::Failed(fault)
            }
            call @ Self::Call(_) => call,
        }
    }

    fn step(self, step: String) -> Self {
        match self {
            Self::Failed(mut fault) => {
                fault.steps.push(step);
                Self::Failed(fault)
            }
            call @ Self::Call(_) => call,
        }
    }
}

impl Fault {
    fn path(&self) -> String {
        let steps: String = self.steps.iter().rev().map(String::as_str).collect();
        format!("properties.template{}{steps}", if steps.starts_with(['.', '[']) || steps.is_empty() { "" } else { "." })
    }

    /// A failure found before anything is deployed.
    pub(crate) fn of_validation(self) -> ArmError {
        let message = format!("Deployment template validation failed: '{}'.", self.message);
        violation(message, &self.path())
    }

    /// A failure whose sentence stands alone.
    pub(crate) fn of_evaluation(self) -> ArmError {
        let path = self.path();
        violation(self.message, &path)
    }
}

impl From<Halt> for ArmError {
    /// For places where no run-time call can occur.
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Failed(fault) => fault.of_validation(),
            Halt::Call(_) => violation(
                String::from(
                    "Deployment template validation failed: 'a run-time function is not expected at this location'.",
                ),
                "properties.template",
            ),
        }
    }
}

fn violation(message: String, path: &str) -> ArmError {
    let mut error = ArmError::new(ErrorCode::InvalidTemplate, message);
    error.additional_info.push(json!({"type": "TemplateViolation", "info": {"path": path}}));
    error
}
