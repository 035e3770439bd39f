//! The store: one log of commits, and the rows they wrote.

mod change;
mod error;
mod event;
mod row;
mod store;

pub use change::{Change, Committed, Expect, Guard, NewEvent, PutRow, Write};
pub use error::StoreError;
pub use event::{Event, EventQuery, Verified};
pub use row::{ListQuery, Page, Revision, Row};
pub use store::Store;
