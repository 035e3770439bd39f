//! All planes on one engine. The only place that knows every one of them.

use std::sync::Arc;

use nave_engine::{Parts, Registry, Store, clock::World, site::Site};
use nave_vault::{KeyRing, Random, SigningKeys};

/// What the planes stand on.
pub struct Ground {
    /// The store.
    pub store: Store,
    /// The key ring.
    pub vault: Arc<KeyRing>,
    /// The keys that sign tokens.
    pub keys: Arc<SigningKeys>,
    /// The server's public face.
    pub site: Site,
    /// Time and ids.
    pub world: Arc<dyn World>,
    /// The bytes that account keys are made of.
    pub random: Arc<dyn Random>,
}

/// An engine's parts with every plane registered.
#[must_use]
pub fn parts(ground: Ground) -> Parts {
    let Ground {
        store,
        vault,
        keys: _,
        site,
        world,
        random: _,
    } = ground;
    let mut registry = Registry::default();
    nave_resources::register(&mut registry);
    Parts {
        store,
        vault,
        site,
        world,
        registry,
        authenticators: Vec::new(),
    }
}
