//! The services plane: the ARM faces of what hubs stand on. Model accounts and their deployments are served in
//! full; storage, vaults, registries, search and logs are resources that can be created, listed, keyed and deleted,
//! while their data planes say plainly that they come later.
//!
//! Files are named by the ARM type they serve. What these types have in common is beside them: a name that becomes
//! a host (`host_name`), a pair of keys (`keys`), and what GET adds to what was sent (`face`).
//!
//! Invariants:
//! * keys are made here, sealed, and shown by a POST action and by nothing else;
//! * an account's key is found by its fingerprint, and its old fingerprint goes in the commit that brings the new;
//! * URLs are made of the [`Site`](nave_engine::site::Site) when they are shown, never stored.

#![warn(missing_docs)]

mod cognitive_services;
mod container_registry;
mod data_planes;
mod face;
mod host_name;
mod insights;
mod key_authenticator;
mod key_vault;
mod keys;
mod managed_identity;
mod nothing;
mod operational_insights;
mod place;
mod search;
mod shape;
mod storage;

use std::sync::Arc;

use nave_engine::{Registry, own_identity as identity};
use nave_vault::Random;

pub use key_authenticator::KeyAuthenticator;

/// Adds the plane's types and routes. New keys are made of `random`.
pub fn register(registry: &mut Registry, random: &Arc<dyn Random>) {
    cognitive_services::register(registry, random);
    container_registry::register(registry, random);
    insights::register(registry);
    key_vault::register(registry);
    managed_identity::register(registry);
    operational_insights::register(registry, random);
    search::register(registry, random);
    storage::register(registry, random);
    registry.add_routes(data_planes::routes());
}
