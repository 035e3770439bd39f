//! Authorization codes, as they wait to be exchanged.

use uuid::Uuid;

/// What a code stands for.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    /// Who signed in.
    pub(crate) object_id: Uuid,
    /// The person's epoch then.
    pub(crate) epoch: u64,
    /// The application the code was made for.
    pub(crate) client: String,
    /// The address it was sent to.
    pub(crate) redirect_uri: String,
    /// The PKCE challenge, where the client made one.
    pub(crate) challenge: Option<String>,
    /// What for.
    pub(crate) scope: String,
    /// The text the client bound the sign-in to.
    pub(crate) nonce: Option<String>,
}
