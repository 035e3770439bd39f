//! Access, looked at before and after: what a change to roles would do, and which rights somebody really uses.
//!
//! [`WhatIf`] makes a change in a rehearsal ([`Engine::rehearsal`](crate::Engine::rehearsal)), by the request that would
//! make it, and compares the two states: rights of principals at places, and recorded calls decided again. [`Use`]s are
//! counted where grants are made, and are what a role that allows no more than was done is made from.
//!
//! Invariants:
//! * nothing here decides a request, changes the state or waits in a request's way;
//! * what is told of a change is exact at the state it was asked of: no right that does not change, and none is left
//!   out. Only where a condition asks for what a real request alone will bring is it said so instead.

mod affected;
mod calls;
mod gains;
mod kept;
mod operations;
mod places;
mod proof;
mod proposal;
mod reach;
mod suggest;
mod uses;
mod what_if;

pub use calls::{Flip, Flips, LOOKED_AT};
pub use gains::{Difference, Entry, Kind};
pub use kept::{KEPT_DAYS, USES, keep_uses, since};
pub use operations::{Asked, operations};
pub use places::{places, topmost};
pub use proof::Proof;
pub use proposal::{Impossible, Proposed, Rehearsed};
pub use suggest::{Beyond, SuggestedRole, Suggestion, UnderCondition, Wish};
pub use uses::Use;
pub(crate) use uses::Uses;
pub use what_if::{Foreseen, NoAnswer, WhatIf};
