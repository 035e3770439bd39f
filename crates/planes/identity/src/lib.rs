//! The identity plane: who is who, and the tokens that prove it.
//!
//! Three faces of one directory, in the shapes Microsoft Entra and Microsoft Graph have: what a client asks before
//! it can sign in ([`metadata`], [`discovery`]), the token service ([`token`], [`authorize`], [`devices`]), and the
//! Graph subset that `az` needs ([`graph`]). People, groups and applications are rows whose form is the engine's
//! ([`nave_engine::directory`]); their credentials are sealed hashes.
//!
//! Invariants:
//! * a token says who somebody is, for whom it was made and until when; never what its holder may do;
//! * a credential is compared and then gone: it is in no answer, no event and no log;
//! * an authorization code, a device code and a page with a form each work once;
//! * whoever writes the directory can become anybody in it, so that takes the right to give roles at the tenant.

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod assertions;
mod audience;
mod authenticator;
mod authorize;
pub mod bootstrap;
mod claims_asked;
mod clients;
mod codes;
mod credentials;
mod devices;
mod discovery;
mod failures;
mod form;
mod graph;
mod issuers;
mod managed;
mod metadata;
mod methods;
mod one_time;
mod open_forms;
mod pages;
mod passwords;
mod paths;
mod policies;
mod principal;
pub mod provisioning;
mod refusal;
mod scim;
mod scope;
mod sessions;
mod signin;
pub mod sso;
mod throttle;
mod token;
mod tokens;

use std::{
    num::NonZeroUsize,
    sync::{Arc, OnceLock},
    thread,
};

use jiff::SignedDuration;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{Changes, Engine, Grant, Registry};
use nave_outbound::Outbound;
use nave_vault::{Random, SigningKeys};
use tokio::sync::Semaphore;
use uuid::Uuid;

pub use authenticator::TokenAuthenticator;
pub use managed::IdentitySession;
pub use passwords::BreachedPasswords;
pub use tokens::IssuedToken;

use crate::{
    assertions::FirstShown, authenticator::Verified, codes::Code, devices::Devices, failures::Failures,
    issuers::Issuers, one_time::OneTime, open_forms::OpenForm, sso::Away, throttle::Throttle,
    tokens::Lifetime,
};

/// How many pages with a form may be open at once.
const OPEN_FORMS: u64 = 10_000;
/// How many authorization codes may be waiting at once.
const WAITING_CODES: u64 = 10_000;
/// How many may hash or wait to: some seconds' worth.
const QUEUE: usize = 128;

/// The token service and what it keeps between requests. Clones are handles to the same one.
#[derive(Clone)]
pub struct Identity(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) keys: Arc<SigningKeys>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) verified: Verified,
    pub(crate) forms: OneTime<OpenForm>,
    pub(crate) codes: OneTime<Code>,
    pub(crate) away: OneTime<Away>,
    pub(crate) devices: Devices,
    pub(crate) first_shown: FirstShown,
    /// Other identity providers, and the keys they sign with.
    pub(crate) issuers: Issuers,
    /// Hashing is slow and takes memory on purpose: no more at once than there are processors.
    pub(crate) hashing: Semaphore,
    /// Places to wait for that.
    pub(crate) queue: Semaphore,
    /// Who has to wait before the next try.
    pub(crate) throttle: Throttle,
    /// Who could not sign in a moment ago.
    pub(crate) failures: Failures,
    /// Passwords that became known in breaches, if the operator has a list.
    pub(crate) breached: OnceLock<BreachedPasswords>,
}

impl Identity {
    /// A token service that signs with these keys, and asks other identity providers for theirs.
    #[must_use]
    pub fn new(keys: Arc<SigningKeys>, random: Arc<dyn Random>, outbound: Outbound) -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self(Arc::new(Inner {
            keys,
            random,
            verified: Verified::new(),
            forms: OneTime::new(OPEN_FORMS),
            codes: OneTime::new(WAITING_CODES),
            away: OneTime::new(OPEN_FORMS),
            devices: Devices::new(),
            first_shown: FirstShown::new(),
            issuers: Issuers::new(outbound),
            hashing: Semaphore::new(processors),
            queue: Semaphore::new(QUEUE),
            throttle: Throttle::new(),
            failures: Failures::new(),
            breached: OnceLock::new(),
        }))
    }

    /// Refuses passwords of this list from now on. A second list is not taken.
    pub fn refuse_breached(&self, list: BreachedPasswords) {
        if self.0.breached.set(list).is_err() {
            tracing::warn!("there is a list of breached passwords already");
        }
    }

    /// Adds the plane's routes.
    pub fn register(&self, registry: &mut Registry) {
        registry.add_routes(metadata::routes());
        registry.add_routes(discovery::routes(self));
        registry.add_routes(token::routes(self));
        registry.add_routes(authorize::routes(self));
        registry.add_routes(devices::routes(self));
        registry.add_routes(signin::routes(self));
        registry.add_routes(graph::routes(self));
        registry.add_routes(managed::routes(self));
        registry.add_routes(scim::routes());
        registry.add_routes(provisioning::routes(self));
        registry.add_routes(sso::routes(self));
    }

    /// Tells who presents a token of this service.
    #[must_use]
    pub fn authenticator(&self) -> TokenAuthenticator {
        TokenAuthenticator::new(self.clone())
    }

    /// A token for a resource's own identity, or for an application, for nave's executors to hand out. It lives for
    /// 24 hours.
    ///
    /// # Errors
    /// `Request_ResourceNotFound` where `principal` is no service principal; `Request_BadRequest` where `resource`
    /// is no audience of this server.
    pub fn issue_for(
        &self,
        engine: &Engine,
        principal: Uuid,
        resource: &str,
    ) -> Result<IssuedToken, ArmError> {
        tokens::issue_for(&self.0, engine, principal, resource, Lifetime::MANAGED_IDENTITY)
    }

    /// Opens a session for the identities of a resource: what an executor hands to the code that it runs, as environment
    /// variables ([`IdentitySession::environment`]). It lasts for eight hours unless asked otherwise.
    ///
    /// # Errors
    /// `ResourceNotFound` where there is no such resource, or it has no identity; `InvalidParameter` for more than a day.
    pub async fn open_session<A: Changes>(
        &self,
        engine: &Engine,
        grant: &Grant<A>,
        resource: &ResourceId,
        lifetime: Option<SignedDuration>,
        correlation: Uuid,
    ) -> Result<IdentitySession, ArmError> {
        let wanted = managed::Wanted {
            resource,
            lifetime,
            correlation,
        };
        managed::open(&self.0, engine, grant, &wanted).await
    }

    /// Closes a session before its time: no token is given for it any more.
    ///
    /// # Errors
    /// Where the change cannot be stored.
    pub async fn close_session<A: Changes>(
        &self,
        engine: &Engine,
        grant: &Grant<A>,
        session: Uuid,
        correlation: Uuid,
    ) -> Result<(), ArmError> {
        managed::close(engine, grant, session, correlation).await
    }
}
