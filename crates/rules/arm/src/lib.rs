//! The parts of Azure Resource Manager every plane shares, without I/O, clock or async: resource ids and
//! scopes, api-versions, the error envelope, `$filter` expressions and paging.
//!
//! Two invariants hold here and are relied on everywhere else:
//! * ids compare without case and by whole segments, and print as they were first written;
//! * a message for the caller becomes bytes in one place, [`ArmError::envelope`].

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod api_version;
mod error;
mod filter;
mod id;
mod merge;
mod page;
mod tags;

pub use api_version::ApiVersion;
pub use error::{ArmError, Challenge, Detail, ErrorCode};
pub use filter::{Filter, FilterError};
pub use id::{ArmPath, InvalidId, ResourceId};
pub use merge::merge_patch;
pub use page::SkipToken;
pub use tags::check_tags;

/// The example of the read-me is a test too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;
