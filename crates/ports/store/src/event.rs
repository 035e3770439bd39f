//! The log.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::Revision;

/// One event: what one commit was about.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The commit's revision.
    pub revision: Revision,
    /// Its own id.
    pub id: Uuid,
    /// The decision it rests on.
    pub decision: Uuid,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub operation: String,
    /// The id of the resource it was done to.
    pub resource: String,
    /// The key of another resource that it went through, or that it was decided at as well: the connection a project
    /// has from its hub, the hub a project joins. It is in the log of that one, too.
    pub through: Option<String>,
    /// The object id of who did it.
    pub caller: String,
    /// The name of who did it.
    pub caller_name: String,
    /// How it ended.
    pub outcome: String,
    /// Ties together the events of one client call.
    pub correlation_id: String,
    /// The event it follows from, where it follows from one that somebody else caused: what was cut follows from what
    /// took the right to it away.
    pub cause: Option<Uuid>,
    /// Anything else.
    pub detail: Value,
    /// The link of the hash chain, in hexadecimal: made of this event, its rows and the link before.
    pub hash: String,
}

/// Which events to read, the newest first unless [`Self::after`] is given. The default is all of them.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// Those about resources at or below this key, and those that went through such.
    pub under: Option<String>,
    /// Those whose commit wrote or deleted the row at this key.
    pub touching: Option<String>,
    /// Those at this instant or later.
    pub from: Option<Timestamp>,
    /// Those at this instant or earlier.
    pub to: Option<Timestamp>,
    /// Those that rest on this decision.
    pub decision: Option<Uuid>,
    /// Those of this client call.
    pub correlation_id: Option<String>,
    /// Those that follow from this event.
    pub cause: Option<Uuid>,
    /// Those of revisions before this one: the last of the page before.
    pub before: Option<Revision>,
    /// Those of revisions after this one, the oldest first: for who follows the log.
    pub after: Option<Revision>,
    /// The most events.
    pub limit: Option<u32>,
}

/// The result of recomputing the hash chain: it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The last revision, which is also the number of commits.
    pub head: Revision,
    /// The last link, in hexadecimal. Kept elsewhere, it proves later that nothing before it was changed.
    pub hash: String,
}
