//! The language as a whole: what rules say about resources, what assignments make of them, and real policies.

#[path = "../common/mod.rs"]
mod common;

mod assigning;
mod conditions;
mod functions;
mod properties;
mod real_policies;
mod refusals;
mod shaping;
mod states;
