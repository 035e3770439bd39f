//! Managed identities, as the code that runs with one sees them: a session, and the endpoints that give tokens for it.
//!
//! Azure tells code by the machine it runs on. Here it is told by a session: a secret that stands for one resource, from
//! which the resource's identities, and no others, can be used. Executors open one for what they run
//! ([`Identity::open_session`](crate::Identity::open_session)); people open one where they may use the identity anyway:
//! whoever may assign it, or may change the resource whose own it is, could run code as it.
//!
//! A session is good while it has not ended and the identity is what it was when the session was opened: it is still the
//! resource's, it is enabled, and its tokens were not called back.

mod endpoints;
mod identities;
mod routes;
mod session;

use nave_engine::route::Route;

pub use session::IdentitySession;
pub(crate) use session::{Wanted, close, open};

use crate::Identity;

/// Where the endpoints are, below the origin. What follows is a session's secret, so no log holds it.
const PATH: &str = "msi";

pub(crate) fn routes(identity: &Identity) -> Vec<Route> {
    let mut all = routes::routes(identity);
    all.extend(endpoints::routes(identity));
    all
}
