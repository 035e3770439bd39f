//! nave's own model: a fixed rule, so that a hub works and is tested without any other server.
//!
//! The same request has the same answer, always and everywhere. It is no language model and says so in every answer.

mod completion;
mod embedding;
mod prompt;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use nave_arm::{ArmError, ErrorCode};
use nave_engine::Resource;

pub(crate) use self::prompt::texts;
use crate::{
    ask::{Ask, Kind},
    failure::Failure,
    model::{Answer, Model},
};

/// What the built-in model calls itself in its answers.
pub(crate) const NAME: &str = "nave-built-in";

/// The built-in model.
#[derive(Debug)]
pub(crate) struct BuiltIn {
    /// The time of the answer, in seconds since 1970.
    pub(crate) created: i64,
}

#[async_trait]
impl Model for BuiltIn {
    async fn answer(&self, ask: &Ask<'_>) -> Result<Answer, Failure> {
        if ask.kind == Kind::Embedding {
            let body = ask.body.clone();
            let vectors = tokio::task::spawn_blocking(move || embedding::answer(&body)).await;
            return vectors
                .map_err(|_| Failure::Broken("stopped while it was working"))?
                .map(whole)
                .map_err(Failure::Unacceptable);
        }
        let completion =
            completion::Completion::of(ask.kind, ask.body, self.created).map_err(Failure::Unacceptable)?;
        Ok(if ask.stream {
            events(&completion)
        } else {
            whole(completion.whole())
        })
    }
}

/// The built-in model could answer anything, but a deployment of a model that embeds does not chat, and the other way
/// round: what works here would not work with the real model. Other servers know best what theirs can do.
pub(crate) fn check_capability(deployment: &Resource, kind: Kind) -> Result<(), ArmError> {
    let says = |name: &str| deployment.text(&format!("/properties/capabilities/{name}")) == Some("true");
    let (embeds, chats) = (says("embeddings"), says("chatCompletion"));
    let fits = if kind == Kind::Embedding {
        embeds || !chats
    } else {
        chats || !embeds
    };
    if fits {
        return Ok(());
    }
    let operation = kind.path().join("/");
    let model = deployment.text("/properties/model/name").unwrap_or_default();
    Err(ArmError::new(
        ErrorCode::OperationNotSupported,
        format!(
            "The operation '{operation}' does not work with the model '{model}' of the deployment '{}'; choose a \
             deployment of another model.",
            deployment.id.name()
        ),
    ))
}

fn whole(body: serde_json::Value) -> Answer {
    Answer::Whole(body.to_string().into())
}

fn events(completion: &completion::Completion) -> Answer {
    let chunks = completion
        .chunks()
        .into_iter()
        .map(|chunk| format!("data: {chunk}\n\n"));
    let all: Vec<_> = chunks
        .chain([String::from("data: [DONE]\n\n")])
        .map(|event| Ok(event.into()))
        .collect();
    Answer::Events(stream::iter(all).boxed())
}

/// A 64-bit hash (FNV-1a): the same on every machine and in every release.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
