//! All planes on one engine. The only place that knows every one of them.

use std::{path::PathBuf, sync::Arc};

use nave_engine::{Authenticator, Parts, Registry, Store, clock::World, site::Site};
use nave_identity::{Identity, provisioning::ProvisioningAuthenticator};
use nave_inference::{Inference, Patience};
use nave_monitor::Monitor;
use nave_outbound::Outbound;
use nave_resources::deployments::Deployments;
use nave_services::KeyAuthenticator;
use nave_vault::{KeyRing, Random, SigningKeys};

use crate::setup::SetupError;

/// What the planes stand on.
pub(crate) struct Ground {
    /// The store.
    pub(crate) store: Store,
    /// The key ring.
    pub(crate) vault: Arc<KeyRing>,
    /// The keys that sign tokens.
    pub(crate) keys: Arc<SigningKeys>,
    /// The server's public face.
    pub(crate) site: Site,
    /// Time and ids.
    pub(crate) world: Arc<dyn World>,
    /// The bytes that account keys are made of.
    pub(crate) random: Arc<dyn Random>,
    /// Where logs that are files are kept.
    pub(crate) logs: PathBuf,
}

/// The planes that are spoken to besides their routes.
pub(crate) struct Planes {
    /// Has work left when the server stops.
    pub(crate) inference: Arc<Inference>,
    /// Is told which passwords are known.
    pub(crate) identity: Identity,
    /// Delivers what happens.
    pub(crate) monitor: Monitor,
    /// Goes on with what a stopped server left.
    pub(crate) deployments: Deployments,
}

/// An engine's parts with every plane registered, and the planes that are spoken to from outside.
pub(crate) fn assemble(ground: Ground) -> Result<(Parts, Planes), SetupError> {
    let Ground {
        store,
        vault,
        keys,
        site,
        world,
        random,
        logs,
    } = ground;
    let outbound = Outbound::new().map_err(|error| SetupError::Outbound(error.into()))?;
    let monitor = Monitor::new(outbound.clone(), logs);
    let identity = Identity::new(keys, random.clone(), outbound);
    let client = nave_inference::client().map_err(|error| SetupError::Outbound(error.into()))?;
    let inference = Inference::new(client, Patience::default());
    let mut registry = Registry::default();
    identity.register(&mut registry);
    nave_inference::register(&mut registry, &inference);
    let deployments = nave_resources::register(&mut registry);
    nave_hub::register(&mut registry);
    nave_services::register(&mut registry, &random);
    monitor.register(&mut registry);
    // Keys first: on the paths of model calls a bearer token may be one.
    let authenticators: Vec<Box<dyn Authenticator>> = vec![
        Box::new(KeyAuthenticator),
        Box::new(ProvisioningAuthenticator),
        Box::new(identity.authenticator()),
    ];
    Ok((
        Parts {
            store,
            vault,
            site,
            world,
            registry,
            authenticators,
        },
        Planes {
            inference,
            identity,
            monitor,
            deployments,
        },
    ))
}
