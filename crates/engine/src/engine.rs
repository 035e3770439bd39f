//! The engine: the snapshot everybody reads, the one way to be allowed, the one way to change anything.
//!
//! [`serve`] finds the operation a request names; [`permission`] asks whether it may be done; [`commits`] does it and
//! lets the snapshot follow; [`reads`] gives out what a grant allows to see.

mod advice;
mod again;
mod commits;
mod cuts;
mod explaining;
mod following;
mod locked;
mod moves;
mod past;
mod permission;
mod reads;
mod refusals;
mod rehearsal;
mod retention;
mod serve;

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use nave_arm::ArmError;
use nave_store::{Revision, Store, StoreError};
use nave_vault::KeyRing;
use tokio::sync::{Mutex, oneshot, watch};

use crate::{
    Caller, Registry, Snapshot,
    access::Uses,
    clock::World,
    declaration::Cx,
    explain::{AskedFor, Refusals, TurnedAway, Widths},
    live::Live,
    long_running::Underway,
    policy::Kept,
    request::Request,
    site::Site,
};

pub use commits::Done;
pub use explaining::{At, Decided, Named};
pub(crate) use permission::not_signed_in;
use rehearsal::Rehearsal;
pub(crate) use serve::not_allowed;

/// Finds out who is asking. Planes provide them: tokens are the identity plane's, keys those of accounts.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// The caller; `None` when the request carries nothing this one understands.
    async fn authenticate(&self, engine: &Engine, request: &Request) -> Result<Option<Caller>, ArmError>;
}

/// What an engine is made of.
pub struct Parts {
    /// The store.
    pub store: Store,
    /// The key ring.
    pub vault: Arc<KeyRing>,
    /// The server's public face.
    pub site: Site,
    /// Time and ids.
    pub world: Arc<dyn World>,
    /// Types and routes.
    pub registry: Registry,
    /// Who can tell who is asking, in order.
    pub authenticators: Vec<Box<dyn Authenticator>>,
}

/// The engine. It alone holds the store.
pub struct Engine {
    store: Store,
    snapshot: ArcSwap<Snapshot>,
    following: Mutex<()>,
    live: Arc<Live>,
    /// The revision that everybody sees.
    moves: watch::Sender<Revision>,
    vault: Arc<KeyRing>,
    site: Site,
    world: Arc<dyn World>,
    registry: Registry,
    authenticators: Vec<Box<dyn Authenticator>>,
    refusals: Refusals,
    turned_away: TurnedAway,
    past: explaining::Past,
    widths: OnceLock<Widths>,
    /// Those who were overtaken again and again make their attempts one after the other.
    overtaken: Mutex<()>,
    /// What changes would do is worked out for one who asks at a time.
    pub(crate) foreseeing: Mutex<()>,
    pub(crate) uses: Uses,
    pub(crate) underway: Underway,
    /// What policies said of what is there.
    pub(crate) compliances: Kept,
    /// What it wrote, of an engine whose commits go nowhere.
    rehearsal: Option<Rehearsal>,
    /// The revision of its state, of an engine that shows the past.
    stands_at: Option<Revision>,
    /// Ends the task that follows the log when the engine is dropped.
    _alive: oneshot::Sender<()>,
}

impl Engine {
    /// Loads the state and starts to follow the log, whoever writes it.
    pub async fn open(parts: Parts) -> Result<Arc<Self>, StoreError> {
        let snapshot = reads::load(&parts.store, &parts.registry).await?;
        let (engine, ended) = Self::made_of(parts, snapshot, None);
        engine.catch_up().await?;
        tokio::spawn(commits::keep_up(Arc::downgrade(&engine), ended));
        tokio::spawn(refusals::count(Arc::downgrade(&engine)));
        tokio::spawn(retention::keep(Arc::downgrade(&engine)));
        tokio::spawn(cuts::as_time_goes_on(Arc::downgrade(&engine)));
        Ok(engine)
    }

    /// An engine on a state, and the end of its life.
    fn made_of(
        parts: Parts,
        snapshot: Snapshot,
        rehearsal: Option<Rehearsal>,
    ) -> (Arc<Self>, oneshot::Receiver<()>) {
        let Parts {
            store,
            vault,
            site,
            world,
            registry,
            authenticators,
        } = parts;
        let (_alive, ended) = oneshot::channel();
        let engine = Arc::new(Self {
            store,
            moves: watch::Sender::new(snapshot.revision()),
            snapshot: ArcSwap::from_pointee(snapshot),
            following: Mutex::new(()),
            live: Arc::default(),
            vault,
            site,
            world,
            registry,
            authenticators,
            refusals: Refusals::default(),
            turned_away: TurnedAway::default(),
            past: explaining::Past::default(),
            widths: OnceLock::new(),
            overtaken: Mutex::default(),
            foreseeing: Mutex::default(),
            uses: Uses::default(),
            underway: Underway::default(),
            compliances: Kept::default(),
            rehearsal,
            stands_at: None,
            _alive,
        });
        (engine, ended)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The present state.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The server's public face.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Every type and route.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Time and ids.
    #[must_use]
    pub fn world(&self) -> &dyn World {
        &*self.world
    }

    /// The key ring, for fingerprints.
    #[must_use]
    pub fn vault(&self) -> &KeyRing {
        &self.vault
    }

    /// What pure functions of a type may look at.
    #[must_use]
    pub fn cx<'a>(&'a self, snapshot: &'a Snapshot, caller: &'a Caller) -> Cx<'a> {
        Cx {
            snapshot,
            site: &self.site,
            vault: &self.vault,
            world: &*self.world,
            now: self.world.now(),
            caller,
        }
    }

    /// Finds out who is asking. `None`: the request carries no credential. A credential that is not accepted is refused
    /// with an id to ask about it.
    pub async fn authenticate(&self, request: &Request) -> Result<Option<Caller>, ArmError> {
        let found = self.find_caller(request).await;
        found.map_err(|error| self.turn_away(AskedFor::of(request), error))
    }

    async fn find_caller(&self, request: &Request) -> Result<Option<Caller>, ArmError> {
        for authenticator in &self.authenticators {
            if let Some(mut caller) = authenticator.authenticate(self, request).await? {
                caller.sign_in.address = request.peer;
                return Ok(Some(caller));
            }
        }
        Ok(None)
    }
}
