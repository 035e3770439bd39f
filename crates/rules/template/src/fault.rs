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
    /// It needs a value that nobody knows before the deployment runs.
    Unknown,
    /// It failed.
    Failed(Box<Fault>),
}

/// A sentence and the place in the template it is about.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) message: String,
    /// The place, innermost step first.
    steps: Vec<String>,
    /// The expression that failed.
    expression: Option<String>,
}

/// What an evaluation gives.
pub(crate) type Outcome<T> = Result<T, Halt>;

impl Halt {
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(Box::new(Fault {
            message: message.into(),
            steps: Vec::new(),
            expression: None,
        }))
    }

    /// Adds the member the failure happened in.
    pub(crate) fn in_member(self, name: &str) -> Self {
        let plain = name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '-'));
        self.step(if plain {
            format!(".{name}")
        } else {
            format!("['{name}']")
        })
    }

    /// Adds the element the failure happened in.
    pub(crate) fn in_element(self, index: usize) -> Self {
        self.step(format!("[{index}]"))
    }

    /// Adds a path already in its written form.
    pub(crate) fn in_path(self, path: &str) -> Self {
        self.step(path.to_owned())
    }

    /// Notes the expression that failed; the innermost one stays.
    pub(crate) fn in_expression(self, text: &str) -> Self {
        match self {
            Self::Failed(mut fault) => {
                fault.expression.get_or_insert_with(|| text.to_owned());
                Self::Failed(fault)
            }
            unknown => unknown,
        }
    }

    /// Rewords the sentence; calls pass through.
    pub(crate) fn reword(self, reword: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Failed(mut fault) => {
                fault.message = reword(fault.message);
                Self::Failed(fault)
            }
            unknown => unknown,
        }
    }

    /// Says which resource's expression failed, unless the sentence names something itself.
    pub(crate) fn of_resource(self, name: &str) -> Self {
        match self {
            Self::Failed(mut fault) => {
                let of_variable = fault.message.starts_with("The template variable '")
                    && fault.message.contains("' is not valid: ");
                let says_what = of_variable || fault.message.starts_with("The template resource '");
                if fault.expression.is_some() && !says_what {
                    fault.message = format!(
                        "The template resource '{name}' is not valid: {}. Please see https://aka.ms/arm-template-expressions for usage details.",
                        fault.message
                    );
                }
                Self::Failed(fault)
            }
            unknown => unknown,
        }
    }

    /// Forgets the place, for a failure that a longer sentence reports at another one.
    pub(crate) fn elsewhere(self) -> Self {
        match self {
            Self::Failed(mut fault) => {
                fault.steps.clear();
                Self::Failed(fault)
            }
            unknown => unknown,
        }
    }

    fn step(self, step: String) -> Self {
        match self {
            Self::Failed(mut fault) => {
                fault.steps.push(step);
                Self::Failed(fault)
            }
            unknown => unknown,
        }
    }
}

impl Fault {
    fn path(&self) -> String {
        let steps: String = self.steps.iter().rev().map(String::as_str).collect();
        format!(
            "properties.template{}{steps}",
            if steps.starts_with(['.', '[']) || steps.is_empty() {
                ""
            } else {
                "."
            }
        )
    }

    /// A failure found before anything is deployed.
    pub(crate) fn of_validation(self) -> ArmError {
        let message = format!("Deployment template validation failed: '{}'.", self.message);
        self.violation(message)
    }

    /// A failure while the deployment runs.
    pub(crate) fn of_run(self, what: &str) -> ArmError {
        let message = format!(
            "Unable to process template language expressions for {what}. '{}'",
            self.message
        );
        self.violation(message)
    }

    fn violation(&self, message: String) -> ArmError {
        let mut info = json!({ "path": self.path() });
        if let Some(expression) = &self.expression {
            info["expression"] = expression.as_str().into();
        }
        let mut error = ArmError::new(ErrorCode::InvalidTemplate, message);
        error
            .additional_info
            .push(json!({ "type": "TemplateViolation", "info": info }));
        error
    }
}

impl From<Halt> for ArmError {
    /// For places where no run-time call can occur.
    fn from(halt: Halt) -> Self {
        let fault = match halt {
            Halt::Failed(fault) => *fault,
            Halt::Call(_) | Halt::Unknown => Fault {
                message: String::from("a run-time function is not expected at this location"),
                steps: Vec::new(),
                expression: None,
            },
        };
        fault.of_validation()
    }
}
