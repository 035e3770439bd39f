//! Authorization codes, as they wait to be exchanged.

use crate::signin::Known;

/// What a code stands for.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    /// Who signed in, and how.
    pub(crate) known: Known,
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
