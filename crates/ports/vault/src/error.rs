//! Why the vault could not do what was asked, told apart by what the caller can do about it.

use std::path::{Path, PathBuf};

/// A failure of the key ring, the signing keys or the files they live in. Never holds key material.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The file system refused. The operator has to look at the path.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// What was attempted, as a verb: `read`, `write`, `lock`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A key file exists but does not hold what it should. It is left as it is: restore it from a backup.
    #[error("the key file `{}` is not usable: {reason}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The blob was sealed with a key this ring does not hold: the data and the keys are from different
    /// installations or backups.
    #[error("the secret was sealed with the key `{0}`, which is not in the key ring")]
    UnknownKey(String),
    /// The blob was altered, or sealed for another row. Which of the two cannot be told.
    #[error("the sealed secret does not open in `{context}`: it was altered or belongs elsewhere")]
    DoesNotOpen {
        /// The context it was opened with.
        context: String,
    },
    /// The bytes are not a sealed secret, or are of a format a later version wrote.
    #[error("not a sealed secret of a format this version knows")]
    Format,
    /// The secret opened, but is not JSON.
    #[error("the sealed secret is not JSON")]
    NotJson,
    /// The cryptographic library refused, which only a broken build or machine explains.
    #[error("cannot {0}")]
    Crypto(&'static str),
}

impl VaultError {
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }

    pub(crate) fn key_file(path: &Path, reason: impl Into<String>) -> Self {
        Self::KeyFile {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}
