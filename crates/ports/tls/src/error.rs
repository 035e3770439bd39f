//! Why the server cannot speak TLS as configured. All of it is for the operator who starts it.

use std::path::PathBuf;

use nave_vault::VaultError;

/// A failure of certificates or of the files they live in.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The configured base host cannot stand in a certificate.
    #[error("`{0}` is not a host name or an IP address")]
    BaseHost(String),
    /// A file of the authority could not be read or written.
    #[error(transparent)]
    Files(#[from] VaultError),
    /// The authority's certificate or key is there but cannot be used. It is left as it is, because clients
    /// trust it: replace it, or remove `ca.pem` and `ca.key` to have a new one that clients must then trust.
    #[error("the certificate authority cannot be used: {0}")]
    Authority(String),
    /// A certificate and key that were brought along do not make a server.
    #[error("the certificate cannot be used: {0}")]
    Certificate(String),
    /// The bundle of trusted certificates could not be written.
    #[error("cannot write the certificate bundle `{}`", path.display())]
    Bundle {
        /// Where it should have been.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
