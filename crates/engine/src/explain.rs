//! Why a decision came out as it did, and the smallest grant that would change it.
//!
//! A decision is recorded with what it was made on ([`record`]); the state of its revision is in the store for ever. So it
//! is not kept why something was refused: it is decided again when somebody asks, with everything that had a say
//! ([`reasons`]). What would help is worked out on the present state ([`smallest`]), because it is now that it shall help.
//! What is shown to whom is decided last ([`sight`]).
//!
//! Every refusal has an id. Those that are not in the log are in memory, for a while ([`turned_away`], [`refusals`]).

mod command;
mod explanation;
mod people;
mod reasons;
mod record;
mod refusals;
mod sight;
mod smallest;
mod turned_away;

pub use crate::engine::{At, Decided, Named};
pub use explanation::*;
pub use people::principals_called;
pub(crate) use reasons::reasons;
pub(crate) use record::Recorded;
pub(crate) use refusals::{Count, Noted, Refusals};
pub use sight::{READ_ASSIGNMENTS, Sight};
pub(crate) use smallest::{Finder, Widths};
pub use turned_away::TurnedAwayRequest;
pub(crate) use turned_away::{Asked as AskedFor, Kept, Stranger, TurnedAway, Unwritten};
