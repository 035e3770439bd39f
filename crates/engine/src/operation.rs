//! What can be asked: every operation of every plane is declared, and what is not declared does not exist.

use std::fmt;

use http::Method;
use nave_rbac::Plane;

/// One operation: its verb, its path, and what it takes to be allowed.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The HTTP verb.
    pub method: Method,
    /// The path, with `{placeholders}`; `{scope}` stands for any number of segments.
    pub path: String,
    /// What it takes to be allowed.
    pub access: Access,
    /// The protocol its callers speak.
    pub surface: Surface,
}

/// What it takes to be allowed to do an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anybody: it discloses only what a client needs before it can sign in, or checks credentials itself.
    Public,
    /// Any signed-in caller: the answer holds only what the caller may see anyway.
    SignedIn,
    /// A role that grants this action at the target.
    Action(String),
    /// A role that grants this data action at the target, or a key of the target.
    DataAction(String),
}

impl Access {
    /// A control-plane action.
    #[must_use]
    pub fn action(action: impl Into<String>) -> Self {
        Self::Action(action.into())
    }

    /// The action and its plane, where a role is needed.
    #[must_use]
    pub fn needed(&self) -> Option<(&str, Plane)> {
        match self {
            Self::Public | Self::SignedIn => None,
            Self::Action(action) => Some((action, Plane::Control)),
            Self::DataAction(action) => Some((action, Plane::Data)),
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("anybody"),
            Self::SignedIn => f.write_str("any signed-in caller"),
            Self::Action(action) => f.write_str(action),
            Self::DataAction(action) => write!(f, "{action} (data)"),
        }
    }
}

/// The protocols. Each has its own audience for tokens and its own way to say no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Surface {
    /// Azure Resource Manager.
    Arm,
    /// Microsoft Graph.
    Graph,
    /// OAuth and OpenID Connect; checks credentials itself.
    Token,
    /// The OpenAI-shaped model calls.
    Inference,
    /// The Machine Learning workspace data plane.
    Workspace,
}

impl Surface {
    /// Whether a token for `audience` (no trailing slash) may be used here. `origin` is this server's own.
    #[must_use]
    pub fn accepts(self, audience: &str, origin: &str) -> bool {
        let own = audience == origin;
        let arm = matches!(
            audience,
            "https://management.azure.com" | "https://management.core.windows.net"
        );
        match self {
            Self::Arm => own || arm,
            Self::Graph => audience == format!("{origin}/graph") || audience == "https://graph.microsoft.com",
            Self::Token => false,
            Self::Inference => {
                own || matches!(
                    audience,
                    "https://cognitiveservices.azure.com" | "https://ai.azure.com" | "https://ml.azure.com"
                )
            }
            Self::Workspace => {
                own || arm || matches!(audience, "https://ml.azure.com" | "https://ai.azure.com")
            }
        }
    }
}
