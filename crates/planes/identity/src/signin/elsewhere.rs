//! Signing in with another provider: which ones the first page offers, and the way there. The way back ends in
//! [`super::complete`].

use nave_engine::{Reply, Snapshot, route::Call};

use super::{Flow, Goal};
use crate::{Inner, sso};

/// Another way to sign in, as a button of the first page.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    /// What the button sends in the field `with`.
    pub(crate) id: String,
    /// What it says.
    pub(crate) label: String,
}

/// What the first page offers besides the password.
pub(crate) fn offered(snapshot: &Snapshot) -> Vec<Offered> {
    sso::offered(snapshot)
}

/// Sends a person to another provider.
pub(crate) async fn leave(inner: &Inner, call: &Call, flow: Flow, with: &str) -> Reply {
    sso::leave(inner, call, flow, with).await
}

/// Sends a person to the provider that the program's hints lead to, if there is one.
pub(crate) async fn straight(inner: &Inner, call: &Call, goal: &Goal) -> Option<Reply> {
    let hint = |name| call.request.query(name).filter(|text| !text.is_empty());
    let provider = sso::hinted(&call.engine.snapshot(), hint("domain_hint"), hint("login_hint"))?;
    Some(leave(inner, call, Flow::at_first(goal.clone()), &provider).await)
}
