//! The face of nave towards the network: one TLS port, behind it one engine with every plane.
//!
//! A request is decoded ([`Face::answer`]), its caller found, served by the engine, and the reply encoded. Nothing is
//! decided here. `assemble` is the only place that knows all planes; [`setup`] makes an installation out of an empty
//! directory or opens the one that is there; [`listen`] serves it until it is told to stop.
//!
//! Invariants:
//! * every answer carries its request id and correlation id, whatever went wrong;
//! * a panic while one request is answered is a 500 for that request and nothing more;
//! * no log line holds a query string, a header or a body.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod access_log;
mod assemble;
mod body;
mod cut;
mod decode;
mod encode;
mod face;
mod listen;
mod proxies;
pub mod setup;
mod throttle;
mod zones;

pub use face::Face;
pub use listen::{GRACE, keep_certificate, keep_signing_keys, listen};
pub use proxies::TrustedProxy;
pub use throttle::Limits;
