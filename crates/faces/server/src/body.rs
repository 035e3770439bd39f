//! Reading a request's body: whole, bounded, and not for ever.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use nave_arm::{ArmError, ErrorCode};
use tokio::time::timeout;

/// What ARM accepts.
pub(crate) const ARM_LIMIT: usize = 4 * 1024 * 1024;
/// What a model call may carry: pictures and long conversations.
pub(crate) const MODEL_LIMIT: usize = 32 * 1024 * 1024;
/// What it takes to sign in, and to ask what may be asked without.
pub(crate) const SIGN_IN_LIMIT: usize = 64 * 1024;
/// How long a client may take to send it.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the body of a request to this path may be. `path` is the decoded one. Who did not sign in gets no more
/// room than it takes to do that.
pub(crate) fn limit(path: &str, is_signed_in: bool) -> usize {
    let is_model_call = ["/ai/", "/api/projects/"]
        .iter()
        .any(|root| path.starts_with(root));
    match (is_signed_in, is_model_call) {
        (false, _) => SIGN_IN_LIMIT,
        (true, true) => MODEL_LIMIT,
        (true, false) => ARM_LIMIT,
    }
}

/// Reads the body.
pub(crate) async fn read(body: Body, limit: usize) -> Result<Bytes, ArmError> {
    timeout(PATIENCE, collect(body, limit))
        .await
        .unwrap_or_else(|_| Err(interrupted("it did not arrive in time")))
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, ArmError> {
    let mut chunks = body.into_data_stream();
    let mut bytes = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| interrupted(&error.to_string()))?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn too_large(limit: usize) -> ArmError {
    ArmError::new(
        ErrorCode::RequestEntityTooLarge,
        format!("The request content is larger than the limit of {limit} bytes."),
    )
}

fn interrupted(why: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidRequestContent,
        format!("The request content could not be read: {why}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit() {
        let body = |length: usize| Body::from(vec![b'x'; length]);
        assert_eq!(read(body(8), 8).await.unwrap().len(), 8);
        assert_eq!(
            read(body(9), 8).await.unwrap_err().code,
            ErrorCode::RequestEntityTooLarge
        );
    }

    #[test]
    fn model_calls_may_be_longer_and_signing_in_is_short() {
        assert_eq!(limit("/subscriptions/s", true), ARM_LIMIT);
        assert_eq!(limit("/ai/a/openai/v1/chat/completions", true), MODEL_LIMIT);
        assert_eq!(limit("/ai/a/openai/v1/chat/completions", false), SIGN_IN_LIMIT);
        assert_eq!(limit("/common/oauth2/v2.0/token", false), SIGN_IN_LIMIT);
        assert_eq!(limit("/api/projects/p/openai/v1/embeddings", true), MODEL_LIMIT);
    }
}
