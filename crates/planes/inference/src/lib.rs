//! Model calls: the OpenAI-shaped data plane of accounts and of projects.
//!
//! A call names a deployment of an account (`/ai/{account}/openai/…`) or, at a project
//! (`/api/projects/{project}/openai/…`), a deployment behind one of the project's connections. It is decided like
//! everything else, before its body is looked at; then the deployment is looked up, a [`model::Model`] answers, and
//! bytes pass through as they come. What a call used is recorded twice: the open record is made durable while the
//! model is already working, and the first byte to the client waits for it; the settlement follows when the answer
//! is over, also when the client hung up.
//!
//! Invariants:
//! * what people say to a model, and what it answers, is never recorded or logged;
//! * a credential is opened in [`outbound`] and nowhere else, and goes only to the server it was stored for;
//! * a failure of a model's server is told as such, in the envelope, without the server's address.

#![warn(missing_docs)]

mod account;
mod answer;
mod ask;
mod broker;
mod built_in;
mod deliver;
mod failure;
mod flow;
mod frames;
mod meter;
mod model;
mod models;
mod operations;
mod outbound;
mod place;
mod record;
mod tokens;

use std::sync::Arc;

use nave_engine::Registry;

pub use outbound::{Patience, client};

/// The plane: what its routes share.
#[derive(Debug)]
pub struct Inference {
    client: reqwest::Client,
    patience: Patience,
    unsettled: record::Unsettled,
}

impl Inference {
    /// The plane, calling out through `client`; [`client()`] makes one that is fit for it.
    #[must_use]
    pub fn new(client: reqwest::Client, patience: Patience) -> Arc<Self> {
        Arc::new(Self {
            client,
            patience,
            unsettled: record::Unsettled::default(),
        })
    }

    /// Waits until every call so far is settled: for a server that stops, once it takes no more calls.
    pub async fn settled(&self) {
        self.unsettled.none().await;
    }
}

/// Adds the plane's routes.
pub fn register(registry: &mut Registry, inference: &Arc<Inference>) {
    registry.add_routes(operations::routes(inference));
}
