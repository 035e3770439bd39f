//! What can be asked: every operation of every plane is declared, and what is not declared does not exist.

use std::fmt;

use http::{Method, header::CONTENT_TYPE};
use nave_arm::ArmError;
use nave_rbac::Plane;
use serde_json::{Value, json};

use crate::{Body, Reply};

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
    /// SCIM: identity providers that keep users and groups up to date.
    Scim,
}

impl Surface {
    const NAMED: [(&'static str, Self); 6] = [
        ("arm", Self::Arm),
        ("graph", Self::Graph),
        ("token", Self::Token),
        ("inference", Self::Inference),
        ("workspace", Self::Workspace),
        ("scim", Self::Scim),
    ];

    /// The surface in one word, as decisions record it.
    #[must_use]
    pub fn word(self) -> &'static str {
        let named = Self::NAMED.iter().find(|(_, surface)| *surface == self);
        named.map_or("", |(word, _)| word)
    }

    /// The surface of this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let named = Self::NAMED.iter().find(|(known, _)| *known == word);
        named.map(|(_, surface)| *surface)
    }

    /// The surface an operation is asked for on.
    #[must_use]
    pub fn of_operation(operation: &str, plane: Plane) -> Self {
        let (namespace, _) = operation.split_once('/').unwrap_or((operation, ""));
        match plane {
            Plane::Data => Self::Inference,
            Plane::Control if namespace.eq_ignore_ascii_case("Microsoft.Graph") => Self::Graph,
            Plane::Control if namespace.eq_ignore_ascii_case("microsoft.directory") => Self::Graph,
            Plane::Control => Self::Arm,
        }
    }

    /// The audience to ask a token for.
    #[must_use]
    pub fn audience(self, origin: &str) -> String {
        match self {
            Self::Graph => format!("{origin}/graph"),
            Self::Scim => format!("{origin}/scim"),
            Self::Inference => String::from("https://cognitiveservices.azure.com"),
            Self::Arm | Self::Token | Self::Workspace => origin.to_owned(),
        }
    }

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
            Self::Scim => {
                own || audience == format!("{origin}/scim") || Self::Graph.accepts(audience, origin)
            }
        }
    }

    /// A refusal as callers of this protocol read it.
    #[must_use]
    pub fn refused(self, error: ArmError) -> Reply {
        let scim = (self == Self::Scim).then(|| scim_error(&error));
        let reply = Reply::from(error);
        match scim {
            Some(body) => Reply {
                body: Body::Json(body),
                ..reply
            }
            .with(CONTENT_TYPE, "application/scim+json"),
            None => reply,
        }
    }
}

/// SCIM's error message (RFC 7644 3.12). Its own words for what is wrong begin with a small letter; no others are told.
fn scim_error(error: &ArmError) -> Value {
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": error.status().to_string(),
        "detail": error.message,
    });
    let (_, word) = error.code.face();
    if word.starts_with(|c: char| c.is_ascii_lowercase()) {
        body["scimType"] = word.into();
    }
    body
}

#[cfg(test)]
mod tests {
    use super::Surface;

    #[test]
    fn a_provisioning_token_opens_provisioning_and_nothing_else() {
        let (origin, audience) = ("https://nave.test", "https://nave.test/scim");
        assert!(Surface::Scim.accepts(audience, origin));
        for other in [
            Surface::Arm,
            Surface::Graph,
            Surface::Token,
            Surface::Inference,
            Surface::Workspace,
        ] {
            assert!(!other.accepts(audience, origin), "{other:?}");
        }
    }
}
