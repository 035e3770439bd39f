//! Access, foreseen and as it is used: what is predicted of a change is what happens when it is made, and a role made
//! from uses allows them and nothing else.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod foresight;
mod suggest;
mod what_if;
mod world;
