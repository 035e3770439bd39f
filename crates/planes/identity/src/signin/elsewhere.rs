//! Signing in with another provider: which ones the first page offers, and the way there. The way back ends in
//! [`super::complete`].

use nave_engine::{Reply, Snapshot, route::Call};

use super::Flow;
use crate::{Inner, pages};

/// Another way to sign in, as a button of the first page.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    /// What the button sends in the field `with`.
    pub(crate) id: String,
    /// What it says.
    pub(crate) label: String,
}

/// What the first page offers besides the password.
pub(crate) fn offered(_: &Snapshot) -> Vec<Offered> {
    Vec::new()
}

/// Sends a person to another provider.
pub(crate) async fn leave(_: &Inner, _: &Call, _: Flow, with: &str) -> Reply {
    pages::stop(
        400,
        "You cannot sign in this way",
        &format!("This server knows no provider '{with}'. Go back and choose another way."),
    )
}
