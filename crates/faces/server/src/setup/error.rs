//! Why a server cannot start on a data directory. All of it is for the operator, so each says what to do.

use std::path::PathBuf;

use nave_arm::ArmError;
use nave_engine::StoreError;
use nave_tls::TlsError;
use nave_vault::VaultError;

/// A failure to open an installation or to make one.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The directory holds something that nave did not write.
    #[error("`{}` is not empty and is not a nave data directory; name an empty or new one", .0.display())]
    NotOurs(PathBuf),
    /// There is no installation in the directory.
    #[error("there is no nave in `{}`; start one there with `nave up --data`", .0.display())]
    NotThere(PathBuf),
    /// Another process serves this directory.
    #[error("another nave is running on `{}`; stop it, or name another directory", .0.display())]
    InUse(PathBuf),
    /// The directory was written by a release this one knows nothing about.
    #[error("`{}` was written by a newer nave (data format {found}, this release knows {known}); use that release", path.display())]
    Newer {
        /// The directory.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The newest this release knows.
        known: u64,
    },
    /// The settings file cannot be understood. It is left as it is.
    #[error("the settings file `{}` cannot be read: {reason}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The public address is not one.
    #[error("`{0}` is not an origin: it has the form `https://host[:port]`, without a path")]
    Origin(String),
    /// The domain is not one.
    #[error("`{0}` is not a domain name, such as `contoso.com`")]
    Domain(String),
    /// Keys or files.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The database.
    #[error("the database in the data directory cannot be opened")]
    Store(#[from] StoreError),
    /// There can be no calls to model servers.
    #[error("no client for calls to model servers can be made")]
    Outbound(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The engine refused one of the first things that exist.
    #[error("setting up failed at the step `{step}`: {cause}")]
    Step {
        /// What was being made.
        step: &'static str,
        /// What the engine said.
        cause: Box<ArmError>,
    },
}
