//! The program itself: what it prints, how it ends, and what survives when it is killed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod command_line;
mod life;
mod policy;
mod program;
mod template;
