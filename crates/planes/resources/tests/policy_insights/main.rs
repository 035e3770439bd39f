//! What policies say of what is there, and what brings it in line.

#[path = "../common/mod.rs"]
mod common;
mod events;
mod kit;
mod queries;
mod reconcile;
mod remediations;
mod restrictions;
mod states;
