//! Long-running operations: work that goes on when the client has its answer.
//!
//! Most operations of this server are over before a client would ask again, and answer in their final state. What takes
//! longer than its patience is answered with 202 and the address of what will come of it (rest-surface 3.4), in one or
//! both of ARM's styles:
//!
//! * `Location`: `…/operationResults/{id}` is 202 while the work goes on, and then exactly what the synchronous call
//!   would have answered;
//! * `Azure-AsyncOperation`: `…/operationsStatus/{id}` is always 200, and says how far it is.
//!
//! The address hangs off the subscription, not off the resource, which may be gone by then. What is there is read by who
//! started it and by who holds the right to read operations at the resource it was about.
//!
//! An operation is a row from its first 202 to a day after its end, so every server on the store answers for it and a
//! restart forgets none. The work itself lives in one process: what that process left unfinished has failed, and says
//! so. The answer is sealed, as it may hold what only its reader may see.

mod answers;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::{
    HeaderMap, HeaderName,
    header::{LOCATION, RETRY_AFTER},
};
use jiff::SignedDuration;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use uuid::{Builder, Uuid};

use crate::{Act, Change, Engine, Erase, Grant, Put, PutSecrets, Reply, Request, Resource, grant::Allows};

pub use answers::routes;

/// The type of an operation's row.
pub const OPERATIONS: &str = "Nave.Operations/operations";

/// Seconds between two looks. Never 0, which clients take for half a minute (client contract 0.4).
const PAUSE: &str = "1";

const RUNNING: &str = "Running";
const MANAGEMENT_GROUPS: &str = "Microsoft.Management/managementGroups";
const AZURE_ASYNC_OPERATION: HeaderName = HeaderName::from_static("azure-asyncoperation");

/// How long an operation is kept after it began.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How many old operations go at a time.
const TOGETHER: u32 = 100;

/// How a client is told about an operation it does not wait for.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// The provider whose operation it is; its name stands in the address.
    pub namespace: &'static str,
    /// The headers.
    pub by: Style,
    /// How long the client waits for the answer itself.
    pub patience: Duration,
}

/// Which headers say where to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `Location`.
    Location,
    /// `Azure-AsyncOperation`.
    Status,
    /// Both.
    Both,
}

/// The operations this process works on.
#[derive(Debug, Default)]
pub(crate) struct Underway(Mutex<HashSet<Uuid>>);

impl Underway {
    fn ids(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An operation as it was when it began.
struct Begun {
    id: Uuid,
    own: Value,
}

impl Engine {
    /// Does `work` for the holder of a grant, in a task of its own: it goes on when the client goes away. What is over
    /// within the patience is answered at once; otherwise the answer is 202, and what comes of the work is kept. It has
    /// to be JSON or nothing.
    pub async fn long_running<A: Allows>(
        self: &Arc<Self>,
        grant: &Grant<A>,
        request: &Request,
        told: Told,
        work: impl Future<Output = Result<Reply, ArmError>> + Send + 'static,
    ) -> Result<Reply, ArmError> {
        if self.is_rehearsal() {
            return work.await;
        }
        let mut work = tokio::spawn(work);
        if !told.patience.is_zero()
            && let Ok(done) = tokio::time::timeout(told.patience, &mut work).await
        {
            return done.unwrap_or_else(|_| Err(broken_off()));
        }
        let begun = self.begun(grant, told);
        self.forget_old_operations().await;
        self.write_down(&begun, Value::Null, request.correlation_id)
            .await?;
        let accepted = self.accepted(&begun, told, request);
        self.underway.ids().insert(begun.id);
        let (engine, grant, correlation_id) = (self.clone(), grant.clone(), request.correlation_id);
        tokio::spawn(async move { engine.follow_up(&grant, begun, work, correlation_id).await });
        Ok(accepted)
    }

    fn begun<A: Allows>(&self, grant: &Grant<A>, told: Told) -> Begun {
        let now = self.world().now();
        // in the order of time, so that the oldest are found first
        let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
        let (_, random) = self.world().new_id().as_u64_pair();
        let mut tail = [0; 10];
        tail[2..].copy_from_slice(&random.to_be_bytes());
        let id = Builder::from_unix_timestamp_millis(millis, &tail).into_uuid();
        let own = json!({
            "about": grant.id(), "scope": scope_of(grant.id()), "namespace": told.namespace,
            "location": self.site().locations.first().map_or("global", |location| location.name),
            "startedBy": grant.caller().object_id, "began": now.to_string(), "status": RUNNING,
        });
        Begun { id, own }
    }

    /// 202, and where to look.
    fn accepted(&self, begun: &Begun, told: Told, request: &Request) -> Reply {
        let version = request.query("api-version").unwrap_or("2024-11-01");
        let url = |kind: &str| {
            format!(
                "{}{}?api-version={version}",
                self.site().origin,
                answers::path(&begun.own, kind, begun.id)
            )
        };
        let mut reply = Reply::empty(202).with(RETRY_AFTER, PAUSE);
        if told.by != Style::Status {
            reply = reply.with(LOCATION, &url("operationResults"));
        }
        if told.by != Style::Location {
            reply = reply.with(AZURE_ASYNC_OPERATION, &url("operationsStatus"));
        }
        reply
    }

    /// Waits for the end and writes it down.
    async fn follow_up<A: Allows>(
        self: Arc<Self>,
        grant: &Grant<A>,
        mut begun: Begun,
        work: JoinHandle<Result<Reply, ArmError>>,
        correlation_id: Uuid,
    ) {
        let reply = match work.await.unwrap_or_else(|_| Err(broken_off())) {
            Ok(reply) => reply,
            Err(error) => self.refused_after(grant, error, correlation_id).await.into(),
        };
        let ended = match (200..300).contains(&reply.status) {
            true => "Succeeded",
            false => "Failed",
        };
        begun.own["status"] = ended.into();
        begun.own["ended"] = self.world().now().to_string().into();
        begun.own["answer"] = json!({ "status": reply.status, "headers": texts(&reply.headers) });
        let body = reply.as_json().cloned().unwrap_or_default();
        if let Err(error) = self.write_down(&begun, body, correlation_id).await {
            tracing::error!(operation = %begun.id, message = error.message, "the end of an operation was not kept");
        }
        self.underway.ids().remove(&begun.id);
    }

    async fn write_down(&self, begun: &Begun, body: Value, correlation_id: Uuid) -> Result<(), ArmError> {
        let id = row_id(begun.id);
        let grant: Grant<Act> = self.on_own_account("Nave.Operations/operations/write", &id);
        let mut put = Put::new(id, json!({}));
        put.own = begun.own.clone();
        if !body.is_null() {
            put.secrets = PutSecrets::Plain(body);
        }
        let change = Change {
            puts: vec![put],
            ..Change::default()
        };
        self.commit_for(&grant, change, correlation_id).await?;
        Ok(())
    }

    /// Nobody asks any more for what began a day ago. Another server may be at the same, and the next operation comes
    /// here again.
    async fn forget_old_operations(&self) {
        let all = ResourceId::tenant();
        let grant: Grant<Act> = self.on_own_account("Nave.Operations/operations/delete", &all);
        let Ok((oldest, _)) = self.rows_below(&grant, Some(OPERATIONS), None, TOGETHER).await else {
            return;
        };
        let until = self.world().now().checked_sub(KEPT).unwrap_or_default();
        let is_old = |row: &&Arc<Resource>| row.history.created_at < until;
        let erases: Vec<Erase> = oldest.iter().filter(is_old).map(|row| Erase::of(row)).collect();
        if erases.is_empty() {
            return;
        }
        let change = Change {
            erases,
            ..Change::default()
        };
        if let Err(error) = self.commit(&grant, change).await {
            tracing::debug!(%error, "old operations stay for now");
        }
    }
}

/// The subscription or management group a resource is in, else the tenant: what an operation's address hangs off.
fn scope_of(id: &ResourceId) -> String {
    if let Some(subscription) = id.subscription() {
        return format!("/subscriptions/{subscription}");
    }
    let group = id
        .ancestors()
        .find(|place| place.resource_type().eq_ignore_ascii_case(MANAGEMENT_GROUPS));
    group.map_or_else(String::new, |group| group.as_str().to_owned())
}

fn row_id(operation: Uuid) -> ResourceId {
    ResourceId::tenant().extension(OPERATIONS, &operation.to_string())
}

fn texts(headers: &HeaderMap) -> Value {
    let pairs = headers.iter();
    let texts = pairs.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())));
    Value::Object(texts.collect())
}

fn broken_off() -> ArmError {
    ArmError::new(
        ErrorCode::InternalServerError,
        "The server failed in the middle of this operation; its log has the cause.",
    )
}

/// What comes of work whose process is gone.
fn interrupted() -> ArmError {
    ArmError::new(
        ErrorCode::OperationInterrupted,
        "The server was stopped in the middle of this operation. What it had done by then stays; the same request may \
         be made again.",
    )
}
