//! Secrets at rest and in memory: the key ring that seals them, the values that must not leak, and the
//! proofs made from them (password hashes, API key fingerprints, signed tokens). Proofs that others made, with keys of
//! theirs, are verified here too ([`Foreign`]).
//!
//! Why it is a crate of its own: everything that touches key material is here, so reviewing how nave keeps
//! secrets is reading this folder. Four invariants hold:
//! * a [`Secret`] has no serialiser, no `Display` and no `Clone`, and is opened only by naming a [`Purpose`];
//! * a sealed blob opens only in the row it was sealed for ([`KeyRing::seal`] binds a context);
//! * a key file is written whole or not at all, is readable by its owner only, and is never overwritten
//!   because it could not be understood;
//! * there is no clock here. Where time matters, `now` is an argument, in seconds since 1970.
//!
//! What is stored where, below the data directory: `keys/ring.json` (the key ring) and `keys/signing/*.pem`
//! (token signing keys). A backup without `keys/` cannot open any secret in the database.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

pub mod api_key;
mod certificate;
mod envelope;
mod error;
mod foreign;
mod key_ring;
pub mod password;
mod private_dir;
mod random;
mod ring_file;
mod secret;
mod signing_keys;
mod token;

pub use certificate::{BadCertificate, Certificate};
pub use error::VaultError;
pub use foreign::{Foreign, PublicKey, PublicKeys};
pub use key_ring::KeyRing;
pub use private_dir::{DirLock, PrivateDir};
pub use random::{Random, SeededRandom, SystemRandom};
pub use secret::{Purpose, Secret, Wipe};
pub use signing_keys::{KeyUse, SigningKeys};
pub use token::{TokenError, Verified};
