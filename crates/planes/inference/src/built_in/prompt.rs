//! What a request says, as text.

use nave_arm::{ArmError, ErrorCode};
use serde::Deserialize;
use serde_json::Value;

use crate::ask::Kind;

/// The body of a request for a chat answer or a completion; members the built-in model has no use for are left out.
#[derive(Debug, Deserialize)]
pub(super) struct Prompt {
    #[serde(default)]
    messages: Vec<Message>,
    prompt: Option<Texts>,
    pub(super) n: Option<usize>,
    max_tokens: Option<usize>,
    max_completion_tokens: Option<usize>,
    pub(super) stop: Option<Texts>,
    tool_choice: Option<Value>,
    response_format: Option<Format>,
}

#[derive(Debug, Deserialize)]
struct Message {
    #[expect(dead_code, reason = "a message must have a role, whichever it is")]
    role: String,
    content: Option<Content>,
}

/// A message's content: text, or parts of which some are text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    text: Option<String>,
}

/// One text or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Texts {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct Format {
    r#type: String,
}

impl Texts {
    pub(super) fn all(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

impl Message {
    fn text(&self) -> String {
        match &self.content {
            None => String::new(),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => parts
                .iter()
                .filter_map(|part| part.text.as_deref())
                .collect::<Vec<_>>()
                .join(" "),
        }
    }
}

impl Prompt {
    /// Reads a body and refuses what the built-in model cannot do.
    pub(super) fn read(kind: Kind, body: &[u8]) -> Result<Self, ArmError> {
        let prompt: Self = serde_json::from_slice(body).map_err(|error| {
            ArmError::new(
                ErrorCode::InvalidRequestFormat,
                format!("The body is not a request the model understands: {error}."),
            )
        })?;
        if prompt.texts(kind).len() > 1 && kind == Kind::Completion {
            return Err(unsupported("answers one prompt at a time", "prompt"));
        }
        if !(1..=128).contains(&prompt.n.unwrap_or(1)) {
            return Err(ArmError::new(ErrorCode::InvalidRequestFormat, "'n' must be from 1 to 128.").on("n"));
        }
        if prompt.limit() == Some(0) {
            return Err(ArmError::new(
                ErrorCode::InvalidRequestFormat,
                "'max_tokens' must be at least 1.",
            )
            .on("max_tokens"));
        }
        let calls_tools = prompt
            .tool_choice
            .as_ref()
            .is_some_and(|choice| choice.is_object() || choice == "required");
        if calls_tools {
            return Err(unsupported("calls no tools", "tool_choice"));
        }
        Ok(prompt)
    }

    /// Every text of the request, in order.
    pub(super) fn texts(&self, kind: Kind) -> Vec<String> {
        match (kind, &self.prompt) {
            (Kind::Chat, _) => self.messages.iter().map(Message::text).collect(),
            (_, Some(prompt)) => prompt.all().to_vec(),
            (_, None) => Vec::new(),
        }
    }

    /// The most tokens of an answer.
    pub(super) fn limit(&self) -> Option<usize> {
        self.max_completion_tokens.or(self.max_tokens)
    }

    /// Whether the answer must be JSON.
    pub(super) fn wants_json(&self) -> bool {
        self.response_format
            .as_ref()
            .is_some_and(|format| format.r#type != "text")
    }
}

fn unsupported(what: &str, member: &str) -> ArmError {
    let message = format!("nave's built-in model {what}; deploy a model of another server for that.");
    ArmError::new(ErrorCode::OperationNotSupported, message).on(member)
}

/// The texts of a request, for counting; none where it is not understood.
pub(crate) fn texts(kind: Kind, body: &[u8]) -> Vec<String> {
    match kind {
        Kind::Embedding => super::embedding::texts(body),
        Kind::Chat | Kind::Completion => {
            serde_json::from_slice::<Prompt>(body).map_or_else(|_| Vec::new(), |prompt| prompt.texts(kind))
        }
    }
}
