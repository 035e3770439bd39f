//! What is wrong with a definition, a set, an assignment or an exemption when it is written (policy-language 10).

use nave_arm::{ArmError, ErrorCode};

/// A refusal, with the place it is about.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct PolicyError {
    /// ARM's code.
    pub code: ErrorCode,
    /// The sentence a person reads.
    pub message: String,
    /// The JSON path, seen from `properties`, such as `policyRule.if.allOf[1].field`; empty where it is about the whole.
    pub path: String,
}

pub(crate) type Read<T> = Result<T, PolicyError>;

impl PolicyError {
    pub(crate) fn new(code: ErrorCode, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            path: path.into(),
        }
    }

    pub(crate) fn rule(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidPolicyRule, path, message)
    }

    pub(crate) fn details(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidPolicyRuleEffectDetails, path, message)
    }

    pub(crate) fn parameters(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidPolicyParameters, path, message)
    }

    pub(crate) fn assignment(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidCreatePolicyAssignmentRequest, path, message)
    }
}

impl From<PolicyError> for ArmError {
    fn from(error: PolicyError) -> Self {
        let plain = Self::new(error.code, error.message);
        if error.path.is_empty() {
            plain
        } else {
            plain.on(error.path)
        }
    }
}
