//! The engine: the snapshot everybody reads, the one way to be allowed, the one way to change anything.

use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use nave_arm::{ArmError, ErrorCode, ResourceId, SkipToken};
use nave_rbac::Plane;
use nave_store::{Event, EventQuery, ListQuery, NewEvent, Row, Store};
use nave_vault::{KeyRing, Secret};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    Caller, CallerKind, Grant, Registry, Reply, Resource, Snapshot,
    change::{Change, CommitError, store_failed},
    clock::World,
    declaration::Cx,
    decision::{Decision, Finding, Need, Outcome, Question, decide},
    grant::{Allows, Changes},
    operation::{Access, Surface},
    request::Request,
    route::{Call, Route, Target},
    secrets,
    site::Site,
};

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
    vault: Arc<KeyRing>,
    site: Site,
    world: Arc<dyn World>,
    registry: Registry,
    authenticators: Vec<Box<dyn Authenticator>>,
}

/// A committed change.
#[derive(Debug)]
pub struct Done {
    /// Its revision.
    pub revision: nave_store::Revision,
    /// The rows that are current now, in the order they were written.
    pub resources: Vec<Arc<Resource>>,
}

/// How many rows are read at a time when the state is loaded.
const LOAD: u32 = 1000;

impl Engine {
    /// Loads the state and starts.
    pub async fn open(parts: Parts) -> Result<Arc<Self>, nave_store::StoreError> {
        let Parts { store, vault, site, world, registry, authenticators } = parts;
        let head = store.head().await?;
        let mut snapshot = Snapshot::empty();
        let mut query = ListQuery {
            under: String::from("/"),
            type_key: None,
            after: None,
            limit: LOAD,
            as_of: Some(head),
        };
        loop {
            let page = store.list(&query).await?;
            for row in &page.rows {
                snapshot.put(row, registry.resident(&row.type_key));
            }
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        snapshot.at(head);
        Ok(Arc::new(Self {
            store,
            snapshot: ArcSwap::from_pointee(snapshot),
            following: Mutex::new(()),
            vault,
            site,
            world,
            registry,
            authenticators,
        }))
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
        Cx { snapshot, site: &self.site, vault: &self.vault, world: &*self.world, now: self.world.now(), caller }
    }

    /// Finds out who is asking. `None`: the request carries no credential.
    pub async fn authenticate(&self, request: &Request) -> Result<Option<Caller>, ArmError> {
        for authenticator in &self.authenticators {
            if let Some(caller) = authenticator.authenticate(self, request).await? {
                return Ok(Some(caller));
            }
        }
        Ok(None)
    }

    /// Answers a request: finds the operation, decides, does it.
    pub async fn serve(self: &Arc<Self>, request: Request) -> Reply {
        let found = self.registry.routes().iter().filter_map(|route| route.matches(&request.path).map(|p| (route, p)));
        let mut other_verb = false;
        for (route, params) in found {
            if route.operation.method == request.method {
                let route = route.clone();
                return self.routed(&route, request, params).await.unwrap_or_else(Reply::from);
            }
            other_verb = true;
        }
        if other_verb && !crate::arm::is_arm_path(&self.registry, &request) {
            return not_allowed(&request).into();
        }
        crate::arm::serve(self, request).await.unwrap_or_else(Reply::from)
    }

    async fn routed(
        self: &Arc<Self>,
        route: &Route,
        request: Request,
        params: crate::request::Params,
    ) -> Result<Reply, ArmError> {
        let Route { operation, .. } = route;
        if operation.access == Access::Public {
            let target = ResourceId::tenant();
            let decision = self.by_rule("Public", &operation.path, &target, request.caller.clone());
            let grant = Grant::new(decision, target, operation.path.clone());
            return route.handle(Call { engine: self.clone(), grant, request, params }).await;
        }
        let caller = request.caller.clone().ok_or_else(not_signed_in)?;
        if operation.surface == Surface::Arm {
            crate::arm::check_api_version(&request)?;
        }
        let snapshot = self.snapshot();
        let Target { id, ways } = route.target(&snapshot, &request, &params)?;
        let grant = match operation.access.needed() {
            _ if !ways.is_empty() => self.authorize(&caller, operation.surface, ways, &id, &request).await?,
            Some((action, plane)) => {
                let need = Need { plane, ..Need::action(action.to_owned(), id.clone()) };
                self.authorize(&caller, operation.surface, vec![vec![need]], &id, &request).await?
            }
            None => {
                self.check_audience(&caller, operation.surface)?;
                let decision = self.by_rule("SignedIn", &operation.path, &id, Some(caller));
                Grant::new(decision, id, operation.path.clone())
            }
        };
        route.handle(Call { engine: self.clone(), grant, request, params }).await
    }

    /// Asks for leave. A refusal is recorded before it is told.
    pub async fn authorize<A: Allows>(
        &self,
        caller: &Caller,
        surface: Surface,
        alternatives: Vec<Vec<Need>>,
        id: &ResourceId,
        request: &Request,
    ) -> Result<Grant<A>, ArmError> {
        let decision = self.decide(caller, surface, alternatives);
        let operation = decision.findings.first().map_or_else(String::new, |finding| finding.operation.clone());
        if decision.allowed {
            return Ok(Grant::new(decision, id.clone(), operation));
        }
        let event = self.event(&decision, &operation, id, "Denied", request.correlation_id, json!({}));
        self.append(event).await?;
        let mut refusal = decision.refusal(surface);
        refusal.additional_info.push(json!({ "type": "Decision", "info": { "id": decision.id } }));
        Err(refusal)
    }

    /// Decides without acting and without recording: for filtering lists and for showing what a caller may do.
    #[must_use]
    pub fn decide(&self, caller: &Caller, surface: Surface, alternatives: Vec<Vec<Need>>) -> Decision {
        let question = Question { surface, alternatives };
        decide(&self.snapshot(), &self.site.origin, self.world.new_id(), caller, &question)
    }

    /// Whether a caller may do one control-plane action, on a given snapshot.
    #[must_use]
    pub fn may(&self, snapshot: &Snapshot, caller: &Caller, surface: Surface, action: &str, id: &ResourceId) -> bool {
        let need = Need { plane: Plane::Control, ..Need::action(action.to_owned(), id.clone()) };
        let question = Question { surface, alternatives: vec![vec![need]] };
        decide(snapshot, &self.site.origin, Uuid::nil(), caller, &question).allowed
    }

    /// Leave for nave itself, for what follows from the running of the server and not from a caller's request.
    #[must_use]
    pub fn on_own_account<A: Allows>(&self, operation: &str, id: &ResourceId) -> Grant<A> {
        Grant::new(self.by_rule("System", operation, id, None), id.clone(), operation.to_owned())
    }

    /// Changes the state: rows and event in one commit, then the snapshot. When this returns, the change is
    /// durable and the next decision is made on it.
    pub async fn commit<A: Changes>(&self, grant: &Grant<A>, change: Change) -> Result<Done, CommitError> {
        self.commit_for(grant, change, Uuid::nil()).await
    }

    /// As [`Self::commit`], within a client call.
    pub async fn commit_for<A: Changes>(
        &self,
        grant: &Grant<A>,
        change: Change,
        correlation_id: Uuid,
    ) -> Result<Done, CommitError> {
        let caller = grant.caller();
        let mut writes = Vec::with_capacity(change.puts.len() + change.erases.len());
        let mut touched = Vec::new();
        for put in change.puts {
            touched.push(json!({"id": put.id.as_str(), "change": "Put"}));
            writes.push(put.into_write(&self.vault, caller, self.new_etag())?);
        }
        for erase in change.erases {
            touched.push(json!({"id": erase.id.as_str(), "change": "Delete"}));
            writes.push(nave_store::Write::Delete { key: erase.id.key().to_owned(), expect: erase.expect });
        }
        let changed = json!({ "changed": touched });
        let event = self.event(grant.decision(), grant.operation(), grant.id(), "Succeeded", correlation_id, changed);
        let committed = self
            .store
            .commit(nave_store::Change { event, writes, guards: change.guards, at: self.world.now() })
            .await?;
        self.follow(Some(&committed)).await?;
        let resources = committed.rows.iter().filter_map(Resource::from_row).map(Arc::new).collect();
        Ok(Done { revision: committed.revision, resources })
    }

    /// Records that something was done which changed no row: an action, a model call.
    pub async fn record<A: Allows>(
        &self,
        grant: &Grant<A>,
        outcome: &str,
        correlation_id: Uuid,
        detail: Value,
    ) -> Result<(), ArmError> {
        let event = self.event(grant.decision(), grant.operation(), grant.id(), outcome, correlation_id, detail);
        self.append(event).await
    }

    /// Reads the resource a grant is for, wherever its type keeps its rows.
    pub async fn read<A: Allows>(&self, grant: &Grant<A>) -> Result<Option<Arc<Resource>>, ArmError> {
        self.row(grant.id()).await
    }

    /// Reads the rows of a type below the resource a grant is for, one page.
    pub async fn rows_below<A: Allows>(
        &self,
        grant: &Grant<A>,
        resource_type: Option<&str>,
        after: Option<&SkipToken>,
        limit: u32,
    ) -> Result<(Vec<Arc<Resource>>, Option<SkipToken>), ArmError> {
        let query = ListQuery {
            under: grant.id().key().to_owned(),
            type_key: resource_type.map(str::to_lowercase),
            after: after.map(|token| token.key().to_owned()),
            limit,
            as_of: None,
        };
        let page = self.store.list(&query).await.map_err(|error| store_failed(&error))?;
        let rows = page.rows.iter().filter_map(Resource::from_row).map(Arc::new).collect();
        Ok((rows, page.next.as_deref().map(SkipToken::after)))
    }

    /// Reads the log. The grant says whose log may be seen: what happened at or below its resource.
    pub async fn events<A: Allows>(&self, grant: &Grant<A>, mut query: EventQuery) -> Result<Vec<Event>, ArmError> {
        query.under = Some(grant.id().key().to_owned());
        self.store.events(&query).await.map_err(|error| store_failed(&error))
    }

    /// Recomputes the hash chain of the whole log.
    pub async fn verify(&self) -> Result<nave_store::Verified, nave_store::StoreError> {
        self.store.verify().await
    }

    /// Opens the secrets of the resource a grant is for. The caller of this function says in its own code why.
    #[must_use]
    pub fn open_secrets<A: Changes>(&self, grant: &Grant<A>, resource: &Resource) -> Option<Secret<Value>> {
        tracing::debug!(id = %resource.id, operation = grant.operation(), "secrets opened");
        secrets::open(&self.vault, resource)
    }

    pub(crate) async fn row(&self, id: &ResourceId) -> Result<Option<Arc<Resource>>, ArmError> {
        if self.registry.resident(&id.resource_type().to_lowercase()) {
            return Ok(self.snapshot().get(id).cloned());
        }
        let row = self.store.get(id.key()).await.map_err(|error| store_failed(&error))?;
        Ok(row.as_ref().and_then(Resource::from_row).map(Arc::new))
    }

    pub(crate) async fn stored_below(&self, id: &ResourceId) -> Result<Vec<Row>, ArmError> {
        let mut query =
            ListQuery { under: id.key().to_owned(), type_key: None, after: None, limit: LOAD, as_of: None };
        let mut rows = Vec::new();
        loop {
            let page = self.store.list(&query).await.map_err(|error| store_failed(&error))?;
            rows.extend(page.rows);
            query.after = page.next;
            if query.after.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Brings the snapshot up to the log. Commits answer in any order; the snapshot takes them in theirs.
    async fn follow(&self, committed: Option<&nave_store::Committed>) -> Result<(), CommitError> {
        let _one_at_a_time = self.following.lock().await;
        let present = self.snapshot();
        let mut next = (*present).clone();
        match committed {
            Some(done) if done.revision <= present.revision() => return Ok(()),
            Some(done) if done.revision == present.revision() + 1 => self.take_in(&mut next, done),
            _ => loop {
                let commits = self.store.commits_after(next.revision(), LOAD).await?;
                if commits.is_empty() {
                    break;
                }
                for commit in &commits {
                    self.take_in(&mut next, commit);
                }
            },
        }
        self.snapshot.store(Arc::new(next));
        Ok(())
    }

    fn take_in(&self, snapshot: &mut Snapshot, commit: &nave_store::Committed) {
        for row in &commit.deleted {
            snapshot.remove(row);
        }
        for row in &commit.rows {
            snapshot.put(row, self.registry.resident(&row.type_key));
        }
        snapshot.at(commit.revision);
    }

    async fn append(&self, event: NewEvent) -> Result<(), ArmError> {
        let change =
            nave_store::Change { event, writes: Vec::new(), guards: Vec::new(), at: self.world.now() };
        let committed = self.store.commit(change).await.map_err(|error| store_failed(&error))?;
        self.follow(Some(&committed)).await.map_err(ArmError::from)
    }

    fn event(
        &self,
        decision: &Decision,
        operation: &str,
        id: &ResourceId,
        outcome: &str,
        correlation_id: Uuid,
        detail: Value,
    ) -> NewEvent {
        NewEvent {
            id: self.world.new_id(),
            decision: decision.id,
            operation: operation.to_owned(),
            resource: id.as_str().to_owned(),
            caller: decision.caller.record_id(),
            caller_name: decision.caller.name.clone(),
            outcome: outcome.to_owned(),
            correlation_id: correlation_id.to_string(),
            detail: json!({ "decision": decision.record(), "detail": detail }),
        }
    }

    fn by_rule(&self, rule: &'static str, operation: &str, id: &ResourceId, caller: Option<Caller>) -> Decision {
        Decision {
            id: self.world.new_id(),
            revision: self.snapshot.load().revision(),
            caller: caller.unwrap_or_else(Caller::system),
            allowed: true,
            findings: vec![Finding {
                operation: operation.to_owned(),
                scope: id.clone(),
                basis: crate::decision::Basis::Own,
                outcome: Outcome::Rule(rule),
            }],
        }
    }

    pub(crate) fn check_audience(&self, caller: &Caller, surface: Surface) -> Result<(), ArmError> {
        let usable = match caller.kind {
            CallerKind::System => true,
            CallerKind::AccountKey { .. } => surface == Surface::Inference,
            _ => surface.accepts(&caller.audience, &self.site.origin),
        };
        if usable {
            return Ok(());
        }
        Err(ArmError::new(
            ErrorCode::InvalidAuthenticationTokenAudience,
            format!("The access token was made for the audience '{}', which is not accepted here.", caller.audience),
        ))
    }

    fn new_etag(&self) -> String {
        format!("\"{}\"", self.world.new_id())
    }
}

/// The refusal of a request without a credential.
pub(crate) fn not_signed_in() -> ArmError {
    ArmError::new(
        ErrorCode::AuthenticationFailed,
        "Authentication failed. The 'Authorization' header is missing; sign in and send a bearer token.",
    )
}

/// The refusal of a verb that is not served on a path.
pub(crate) fn not_allowed(request: &Request) -> ArmError {
    ArmError::new(
        ErrorCode::MethodNotAllowed,
        format!("The method {} is not served at '{}'.", request.method, request.path),
    )
}
