//! `GET …?asOf=<instant or revision>`: what a request would have been answered then. A house extension.
//!
//! The answer is made by the code that makes the present one, on an engine beside the real one whose state is that of
//! then; so every resource and every list has a past. Who may see it is decided by the rights of today
//! ([`Snapshot::rights`]): a role that somebody had once opens nothing, and who may read a resource now may read what it
//! was. Nothing can be written to the past, and no secret is opened there.
//!
//! A past state is made in a walk over the whole store. So it is only made for who is let in today.

use std::sync::Arc;

use http::{HeaderName, Method};
use nave_arm::{ArmError, ErrorCode};
use nave_store::{Event, EventQuery, Revision};

use super::{At, Engine, Parts, Rehearsal};
use crate::{
    Grant, Reply, Request, Snapshot, change::store_failed, grant::Allows, operation::Surface,
    registry::Routed,
};

const NAME: &str = "asOf";

/// The revision of the state that an answer shows.
const REVISION: HeaderName = HeaderName::from_static("x-nave-revision");

impl Engine {
    /// Answers a request: of the present, or of the time it asks about.
    pub(super) async fn answer(self: &Arc<Self>, request: Request) -> Reply {
        let at = match self.is_asked_of_the_past(&request) {
            Ok(None) => return self.answer_now(request).await,
            Ok(Some(at)) => at,
            Err(error) => return error.into(),
        };
        let now = self.answer_now(request.clone()).await;
        if !matches!(now.status, 200..300 | 404) {
            return now;
        }
        let past = match self.at(at).await {
            Ok(past) => past,
            Err(error) => return error.into(),
        };
        let (surface, shown) = past.served(request).await;
        match shown {
            Ok(reply) => reply.with(REVISION, &past.snapshot().revision().to_string()),
            Err(error) => surface.refused(self.tell(&past, error).await),
        }
    }

    async fn answer_now(self: &Arc<Self>, request: Request) -> Reply {
        let (surface, served) = self.served(request).await;
        served.unwrap_or_else(|error| surface.refused(error))
    }

    /// The time that a request asks about. Other protocols than ARM's know no such thing; and what would change something
    /// is refused, lest somebody takes the present for the past.
    fn is_asked_of_the_past(&self, request: &Request) -> Result<Option<At>, ArmError> {
        let Some(text) = request.query(NAME) else {
            return Ok(None);
        };
        let elsewhere = match self.registry.route(&request.method, &request.path) {
            Routed::Here(route, _) => route.operation.surface != Surface::Arm,
            Routed::OtherVerb | Routed::Nowhere => false,
        };
        if elsewhere || request.caller.is_none() {
            return Ok(None);
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return Err(refused("is for GET: the past is not changed"));
        }
        let at = At::parse(text.trim())
            .ok_or_else(|| refused("is an instant such as '2026-03-03T12:00:00Z', or a revision"))?;
        match at {
            At::Time(time) if time > self.world.now() => Err(refused("is an instant that is yet to come")),
            at => Ok(Some(at)),
        }
    }

    /// An engine whose present is that time.
    async fn at(self: &Arc<Self>, at: At) -> Result<Arc<Self>, ArmError> {
        let (then, _) = self.state_at(at).await?;
        let revision = then.revision();
        let parts = Parts {
            store: self.store.clone(),
            vault: self.vault.clone(),
            site: self.site.clone(),
            world: self.world.clone(),
            registry: self.registry.clone(),
            authenticators: Vec::new(),
        };
        let seen = Snapshot::clone(&then).seen_by(self.snapshot());
        let (mut engine, _) = Self::made_of(parts, seen, Some(Rehearsal::default()));
        if let Some(engine) = Arc::get_mut(&mut engine) {
            engine.stands_at = Some(revision);
        }
        Ok(engine)
    }

    /// Reads which events wrote or deleted the row a grant is for, the newest first.
    pub async fn history<A: Allows>(
        &self,
        grant: &Grant<A>,
        before: Option<Revision>,
        limit: u32,
    ) -> Result<Vec<Event>, ArmError> {
        let query = EventQuery {
            touching: Some(grant.id().key().to_owned()),
            before: self.not_after(before),
            limit: Some(limit),
            ..EventQuery::default()
        };
        let events = self.store.events(&query).await;
        events.map_err(|error| store_failed(&error))
    }

    /// A bound for revisions that are read, so that what stands in the past does not see what came later.
    pub(super) fn not_after(&self, before: Option<Revision>) -> Option<Revision> {
        match (before, self.stands_at) {
            (Some(before), Some(at)) => Some(before.min(at + 1)),
            (before, at) => before.or(at.map(|at| at + 1)),
        }
    }
}

fn refused(why: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidParameter,
        format!("The query parameter '{NAME}' {why}."),
    )
    .on(NAME)
}
