//! One piece of work: a deployment that was asked for, with all that are nested in it, for one caller.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Caller, Engine, Request};
use nave_vault::Purpose;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{
    earlier::Earlier,
    links::{Fetched, Links},
    live::{Live, Stop, locked},
    prepare::Prepared,
    rehearse::Tried,
    surroundings::Seeded,
};

/// How many requests are made at a time.
const AT_ONCE: usize = 32;

/// The most that one request may lead to.
const RESOURCES: usize = 10_000;
const DEPLOYMENTS: usize = 800;
/// How deep templates may stand in one another.
pub(super) const DEPTH: usize = 10;

/// What is shared by everybody who works on it.
pub(super) struct Job {
    /// The engine, or that of a rehearsal.
    pub(super) engine: Arc<Engine>,
    pub(super) live: Arc<Live>,
    pub(super) caller: Caller,
    /// The request it came by, without its body.
    pub(super) outer: Request,
    pub(super) begun: Begun,
    pub(super) fetched: Arc<Fetched>,
    pub(super) stop: Stop,
    pub(super) turns: Semaphore,
    /// What was done before the server was stopped.
    pub(super) earlier: Earlier,
    /// Whether a rehearsal keeps the bodies that would be sent.
    pub(super) keeps_bodies: bool,
    /// In a rehearsal, what was tried.
    pub(super) tried: Option<Mutex<Vec<Tried>>>,
    resources: AtomicUsize,
    deployments: AtomicUsize,
}

/// What was settled when it began, and stays when it is taken up again.
#[derive(Debug, Clone)]
pub(super) struct Begun {
    /// Names this run of the deployment.
    pub(super) run: Uuid,
    /// `utcNow()` without a format.
    pub(super) utc_now: String,
    /// What `newGuid()` is made of.
    pub(super) seed: Uuid,
    /// What the template found around it, where it was begun before.
    pub(super) around: Option<Value>,
}

impl Begun {
    pub(super) fn now(engine: &Engine) -> Self {
        let world = engine.world();
        Self {
            run: world.new_id(),
            utc_now: world.now().strftime("%Y%m%dT%H%M%SZ").to_string(),
            seed: world.new_id(),
            around: None,
        }
    }

    /// The new guids of a deployment.
    pub(super) fn chance(&self, id: &ResourceId) -> Seeded {
        Seeded::from(Uuid::new_v5(&self.seed, id.key().as_bytes()))
    }
}

impl Job {
    pub(super) fn new(engine: &Arc<Engine>, live: &Arc<Live>, links: &Arc<Links>, request: &Request) -> Self {
        Self::of(
            engine.clone(),
            live.clone(),
            request.caller.clone().unwrap_or_else(Caller::nobody),
            without_body(request),
            Begun::now(engine),
            Arc::new(Fetched::new(links.clone())),
        )
    }

    fn of(
        engine: Arc<Engine>,
        live: Arc<Live>,
        caller: Caller,
        outer: Request,
        begun: Begun,
        fetched: Arc<Fetched>,
    ) -> Self {
        Self {
            engine,
            live,
            caller,
            outer,
            begun,
            fetched,
            stop: Stop::default(),
            turns: Semaphore::new(AT_ONCE),
            earlier: Earlier::default(),
            keeps_bodies: false,
            tried: None,
            resources: AtomicUsize::new(0),
            deployments: AtomicUsize::new(0),
        }
    }

    /// The same work in an engine whose commits go nowhere.
    pub(super) fn rehearsed(&self, stage: Arc<Engine>) -> Self {
        let tried = Some(Mutex::default());
        let Self {
            keeps_bodies,
            caller,
            outer,
            begun,
            fetched,
            ..
        } = self;
        Self {
            keeps_bodies: *keeps_bodies,
            tried,
            ..Self::of(
                stage,
                Arc::default(),
                caller.clone(),
                outer.clone(),
                begun.clone(),
                fetched.clone(),
            )
        }
    }

    /// Notes what was tried, in a rehearsal.
    pub(super) fn note(&self, tried: impl FnOnce() -> Tried) {
        if let Some(list) = &self.tried {
            locked(list).push(tried());
        }
    }

    pub(super) fn is_rehearsal(&self) -> bool {
        self.tried.is_some()
    }

    /// Counts what a deployment is about to do, and how deep it stands.
    pub(super) fn count(&self, prepared: &Prepared, depth: usize) -> Result<(), ArmError> {
        let own = prepared.written().count();
        let resources = self.resources.fetch_add(own, Ordering::Relaxed) + own;
        let deployments = self.deployments.fetch_add(1, Ordering::Relaxed) + 1;
        let over = [
            (resources, RESOURCES, "resources"),
            (deployments, DEPLOYMENTS, "deployments"),
            (depth, DEPTH, "deployments inside one another"),
        ];
        match over.into_iter().find(|(count, most, _)| count > most) {
            None => Ok(()),
            Some((_, most, what)) => Err(ArmError::new(
                ErrorCode::JobSizeExceeded,
                format!("A deployment may come to at most {most} {what}; divide it into several."),
            )),
        }
    }

    /// What is kept of it while it runs, to be sealed.
    pub(super) fn kept(&self, prepared: &Prepared) -> Value {
        json!({
            "request": prepared.wanted.body(),
            "around": prepared.around,
            "documents": self.fetched.kept(),
            "base": prepared.wanted.template_link.as_ref().map(|link| link.base()),
            "caller": self.caller.record(),
            "run": self.begun.run,
            "utcNow": self.begun.utc_now,
            "seed": self.begun.seed,
            "correlationId": self.outer.correlation_id,
            "host": self.outer.host,
        })
    }

    /// The work that was kept; `None` where it cannot be read. The request's body, too.
    pub(super) fn taken_up(
        engine: &Arc<Engine>,
        live: &Arc<Live>,
        links: &Arc<Links>,
        id: &ResourceId,
        kept: &nave_vault::Secret<Value>,
    ) -> Option<(Self, Value)> {
        let kept = kept.expose(&Purpose::Check);
        let text = |name: &str| kept.get(name).and_then(Value::as_str);
        let guid = |name: &str| text(name).and_then(|text| text.parse::<Uuid>().ok());
        let caller = Caller::from_record(kept.get("caller")?)?;
        let outer = Request {
            method: http::Method::PUT,
            path: id.as_str().to_owned(),
            query: Vec::new(),
            headers: http::HeaderMap::new(),
            body: Default::default(),
            peer: caller.sign_in.address,
            caller: Some(caller.clone()),
            host: text("host")?.to_owned(),
            correlation_id: guid("correlationId")?,
        };
        let begun = Begun {
            run: guid("run")?,
            utc_now: text("utcNow")?.to_owned(),
            seed: guid("seed")?,
            around: kept.get("around").cloned(),
        };
        let fetched = Arc::new(Fetched::again(links.clone(), kept.get("documents")?));
        let job = Self::of(engine.clone(), live.clone(), caller, outer, begun, fetched);
        Some((job, kept.get("request")?.clone()))
    }
}

fn without_body(request: &Request) -> Request {
    Request {
        body: Default::default(),
        headers: http::HeaderMap::new(),
        ..request.clone()
    }
}
