//! The kinds of workspace. They are one ARM type; what they may hold, and who may make them, differs.

use nave_arm::{ArmError, ErrorCode};
use nave_engine::Resource;
use serde_json::Value;

/// The kind of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What projects belong to: it owns settings, shared connections and dependent resources.
    Hub,
    /// A workspace with a hub.
    Project,
    /// A workspace for itself.
    Default,
}

impl Kind {
    /// The documented spelling.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Hub => "Hub",
            Self::Project => "Project",
            Self::Default => "Default",
        }
    }

    /// The kind of a stored workspace.
    pub(crate) fn of(workspace: &Resource) -> Self {
        Self::named(&workspace.kind()).unwrap_or(Self::Default)
    }

    /// The kind a body asks for; a silent body means what is there, or a plain workspace.
    pub(crate) fn asked(body: &Value, existing: Option<&Resource>) -> Result<Self, ArmError> {
        let Some(word) = body
            .get("kind")
            .and_then(Value::as_str)
            .filter(|word| !word.is_empty())
        else {
            return Ok(existing.map_or(Self::Default, Self::of));
        };
        Self::named(word).ok_or_else(|| {
            ArmError::new(
                ErrorCode::WorkspaceKindNotSupported,
                format!("Workspaces of kind '{word}' are not supported here; the kinds are Hub, Project and Default."),
            )
            .on("kind")
        })
    }

    fn named(word: &str) -> Option<Self> {
        [Self::Hub, Self::Project, Self::Default]
            .into_iter()
            .find(|kind| kind.word().eq_ignore_ascii_case(word))
    }
}

#[cfg(test)]
mod tests {
    use nave_arm::ErrorCode;
    use serde_json::json;

    use super::Kind;

    #[test]
    fn clients_write_kinds_in_any_case_or_not_at_all() {
        for (body, kind) in [
            (json!({"kind": "hub"}), Kind::Hub),
            (json!({"kind": "PROJECT"}), Kind::Project),
            (json!({"kind": "Default"}), Kind::Default),
            (json!({"kind": ""}), Kind::Default),
            (json!({}), Kind::Default),
        ] {
            assert_eq!(Kind::asked(&body, None), Ok(kind), "{body}");
        }
        let refused = Kind::asked(&json!({"kind": "featurestore"}), None).map_err(|error| error.code);
        assert_eq!(refused, Err(ErrorCode::WorkspaceKindNotSupported));
    }
}
