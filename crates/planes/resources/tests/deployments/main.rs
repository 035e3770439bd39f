//! Deployments through the engine's door, with stand-ins for the types of other planes.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod access;
mod captured;
#[path = "../common/mod.rs"]
mod common;
mod kit;
mod life;
mod outcome;
mod refused;
mod restart;
mod scopes;
mod what_if;
