//! The store: one log of commits, and the rows they wrote.
//!
//! Every commit has a [`Revision`], one more than the commit before; none is ever left out. It writes one [`Event`]
//! and any number of [`Row`]s, all or nothing. A row is never overwritten: its versions stand side by side, each with
//! the revisions between which it was current, so the state *as of* any revision is a query. The events are chained
//! by hash ([`Store::verify`]).
//!
//! Two databases, one text of SQL: SQLite in a folder, and PostgreSQL where several processes share a store. Only how
//! they are reached and their table definitions differ (`database.rs`, `migrations/`), and one conformance suite runs
//! on both.
//!
//! One task writes ([`Store::commit`] waits for it); changes that come while it writes go into the next transaction
//! together, and so share one wait for the disk. Readers wait for nobody.

mod apply;
mod chain;
mod change;
mod database;
mod error;
mod event;
mod keys;
mod marks;
mod reads;
mod recent;
mod row;
mod store;
mod stored;
mod verify;
mod writer;

pub use change::{Change, Committed, Expect, Guard, Headline, NewEvent, PutRow, Write};
pub use error::StoreError;
pub use event::{Event, EventQuery, Verified};
pub use row::{ListQuery, Page, Revision, Row};
pub use store::Store;
