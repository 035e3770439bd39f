//! The whole server, from bytes to bytes: who may do what, what nobody may see, and what comes of bad input.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod authorization;
mod bad_input;
mod canary;
mod cases;
mod conformance;
mod drift;
mod explained;
mod logs;
mod smallest_grant;
mod templates;
mod tokens;
mod town;
mod wire;
