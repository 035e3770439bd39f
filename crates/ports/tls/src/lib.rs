//! TLS for the server: a certificate authority of its own, and a listener that no client can hold up.
//!
//! Why an own authority: clients of Azure's protocols insist on HTTPS and on host names per service zone, and
//! a first start on a laptop must not depend on anybody issuing certificates. Those who have certificates
//! bring them ([`own_certificate`]); those who have a company authority put an intermediate of it in place of
//! `tls/ca.pem` and `tls/ca.key`.
//!
//! Invariants: the cryptographic provider is named, never the process's default, so nothing here depends on
//! what another part of the program installed; keys are readable by their owner only; there is no clock
//! except in the listener's time limit, `now` is an argument, in seconds since 1970.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod authority;
mod bundle;
mod error;
mod issuer;
mod leaf;
mod listener;
mod server_config;
mod server_names;

pub use authority::Authority;
pub use error::TlsError;
pub use listener::{HandshakeLimits, Peer, TlsListener};
pub use server_config::own_certificate;
