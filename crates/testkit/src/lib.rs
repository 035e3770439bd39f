//! A whole nave for tests: every plane, in a temporary folder, in this process.
//!
//! [`TestServer`] answers requests without a socket, through the same face that a listener uses, so that a test sees
//! what a client sees: statuses, headers, bodies. Where a real client is needed, [`TestServer::listen`] serves it over
//! TLS on a port the system chooses. Time stands still unless the test moves it. [`Upstream`] is a model server that
//! says what a test tells it to say.
//!
//! Test support panics where something is not as the test assumes: that is how a test fails.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ask;
mod people;
mod server;
mod upstream;

pub use ask::{Answer, Ask};
pub use people::{Audience, Everybody, Person};
pub use server::{Listening, PASSWORD, TestServer};
pub use upstream::{Received, Scripted, Upstream};
