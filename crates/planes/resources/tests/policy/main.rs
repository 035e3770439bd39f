//! Policy: definitions, sets, assignments and exemptions as resources, and what they do to requests.

#[path = "../common/mod.rs"]
mod common;

mod definitions;
mod effects;
mod exemptions;
mod hubs;
mod kit;
mod ready_made;
mod scopes;
mod sight;
