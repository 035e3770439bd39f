//! What answers: one trait for nave's own model and for other servers.

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::{ask::Ask, failure::Failure};

/// Something that answers requests.
#[async_trait]
pub(crate) trait Model: Send + Sync {
    /// Answers, in the form that was asked for.
    async fn answer(&self, ask: &Ask<'_>) -> Result<Answer, Failure>;
}

/// An answer.
pub(crate) enum Answer {
    /// At once: a JSON document.
    Whole(Bytes),
    /// In pieces: complete server-sent events, blank line included, the last one `data: [DONE]`.
    Events(BoxStream<'static, Result<Bytes, Failure>>),
}

/// What a call used, as models report it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// Tokens of what was sent.
    #[serde(default)]
    pub(crate) prompt_tokens: u64,
    /// Tokens of what came back.
    #[serde(default)]
    pub(crate) completion_tokens: u64,
}
