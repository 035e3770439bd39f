//! What is committed: rows, the event that explains them, and what must hold for both to happen.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{Revision, Row};

/// One commit: everything in it happens at one revision, or nothing does.
#[derive(Debug, Clone)]
pub struct Change {
    /// What the log says about it.
    pub event: NewEvent,
    /// The rows; each key at most once.
    pub writes: Vec<Write>,
    /// What must hold besides what each write expects.
    pub guards: Vec<Guard>,
    /// When. Kept to the microsecond.
    pub at: Timestamp,
}

/// An event before it has a revision.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Its own id.
    pub id: Uuid,
    /// The decision it rests on. Several events may rest on one decision.
    pub decision: Uuid,
    /// What was done, such as `Microsoft.Resources/subscriptions/resourceGroups/write`.
    pub operation: String,
    /// The id of the resource it was done to.
    pub resource: String,
    /// The key of another resource that it went through, or that it was decided at as well.
    pub through: Option<String>,
    /// The object id of who did it.
    pub caller: String,
    /// The name of who did it.
    pub caller_name: String,
    /// How it ended, such as `Succeeded` or `Denied`.
    pub outcome: String,
    /// Ties together the events of one client call.
    pub correlation_id: String,
    /// The event it follows from, where it follows from one that somebody else caused.
    pub cause: Option<Uuid>,
    /// Anything else.
    pub detail: Value,
}

impl NewEvent {
    /// The event in short.
    #[must_use]
    pub fn headline(&self) -> Headline {
        Headline {
            event: self.id,
            operation: self.operation.clone(),
            resource: self.resource.clone(),
            caller: self.caller.clone(),
            caller_name: self.caller_name.clone(),
        }
    }
}

/// A write to one row.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "nearly every write is a put")]
pub enum Write {
    /// Creates it or replaces it.
    Put(PutRow),
    /// Deletes it. With [`Expect::Any`], one that is not there is left so.
    Delete {
        /// Its key.
        key: String,
        /// What must be there now.
        expect: Expect,
    },
}

/// A row to write.
#[derive(Debug, Clone)]
pub struct PutRow {
    /// The key: the id in lower case, `/` between its segments.
    pub key: String,
    /// The resource type in lower case.
    pub type_key: String,
    /// The id as it was first written.
    pub id: String,
    /// The body.
    pub body: Value,
    /// What is secret, encrypted.
    pub sealed: Option<Vec<u8>>,
    /// The new opaque version.
    pub etag: String,
    /// The unique names it holds from now on; those it held before and not now are free.
    pub claims: Vec<String>,
    /// What must be there now.
    pub expect: Expect,
    /// The name of who writes it.
    pub by: String,
    /// When and by whom it was created, where that was not at this key: it was moved. A row that is there keeps its own.
    pub created: Option<(Timestamp, String)>,
}

/// What must be at a key before a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Absent,
    /// Whatever there is.
    Any,
    /// A row of exactly this version.
    Etag(String),
}

/// What must hold for a commit besides what its writes expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// No row of the type at or below the key was written or deleted after the revision.
    Unchanged {
        /// The resource type in lower case.
        type_key: String,
        /// The key.
        under: String,
        /// The revision of the state the change was made on.
        since: Revision,
    },
    /// Once the writes are done, there is a row at the key.
    Present {
        /// The key.
        key: String,
    },
    /// Once the writes are done, there is no row at or below the key.
    Gone {
        /// The key.
        under: String,
    },
}

/// A commit's event in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// The event's id.
    pub event: Uuid,
    /// What was done.
    pub operation: String,
    /// The id of the resource it was done to.
    pub resource: String,
    /// The object id of who did it.
    pub caller: String,
    /// The name of who did it.
    pub caller_name: String,
}

/// A commit that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Committed {
    /// Its revision.
    pub revision: Revision,
    /// What it was about.
    pub headline: Headline,
    /// The rows as written, in the order of their keys when read back, in the order of the writes otherwise.
    pub rows: Vec<Row>,
    /// The rows that were deleted, as they were.
    pub deleted: Vec<Row>,
}

impl Write {
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Put(put) => &put.key,
            Self::Delete { key, .. } => key,
        }
    }

    pub(crate) fn expect(&self) -> &Expect {
        match self {
            Self::Put(put) => &put.expect,
            Self::Delete { expect, .. } => expect,
        }
    }
}
