//! What can go wrong, by what the caller can do about it.

use crate::Revision;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row at the key has another version.
    #[error("`{key}` has another etag")]
    Etag {
        /// The key.
        key: String,
    },
    /// There is a row at the key already.
    #[error("`{key}` exists")]
    Exists {
        /// The key.
        key: String,
    },
    /// There is no row at the key.
    #[error("`{key}` does not exist")]
    Missing {
        /// The key.
        key: String,
    },
    /// A guard does not hold.
    #[error("what is under `{under}` changed meanwhile")]
    Changed {
        /// The key the guard is about.
        under: String,
    },
    /// A unique name is held by another row.
    #[error("`{claim}` is held by `{holder}`")]
    ClaimTaken {
        /// The name.
        claim: String,
        /// The key of its holder.
        holder: String,
    },
    /// A change writes one key twice.
    #[error("one change writes `{key}` twice")]
    Twice {
        /// The key.
        key: String,
    },
    /// The hash chain does not hold: the log or a row was changed behind the store's back.
    #[error("the log was altered at revision {revision}")]
    Altered {
        /// The first revision whose link does not hold.
        revision: Revision,
    },
    /// What is stored cannot be read: it was not written by this store, or by a later one.
    #[error("a stored {what} cannot be read: {why}")]
    Unreadable {
        /// What it is.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The database said no.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The database could not be brought to this version's tables.
    #[error("the database could not be migrated")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}
