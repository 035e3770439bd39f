//! `PUT deployments/{name}`.

use std::{sync::Arc, time::Duration};

use http::Method;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Act, Change, Engine, Erase, Expect, Grant, Put, Reply, Request, Snapshot,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Value, json};

use super::{
    DEPLOYMENTS, access, at_both_scopes, door::Door, live::Live, preflight, prepare::Prepared, record,
    run::Run, statuses, wanted::Wanted,
};

/// How long the answer waits for the work to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many deployments of a scope are kept (template-language 9).
const KEPT: usize = 800;

pub(super) fn routes(live: &Arc<Live>) -> Vec<Route> {
    let paths = at_both_scopes!("/providers/Microsoft.Resources/deployments/{name}");
    paths
        .map(|path| {
            let live = live.clone();
            let access = Access::action("Microsoft.Resources/deployments/write");
            let route = Route::new(Method::PUT, path, Surface::Arm, access, move |call: Call| {
                put(live.clone(), call)
            });
            route.about(access::to_start)
        })
        .into()
}

async fn put(live: Arc<Live>, call: Call) -> Result<Reply, ArmError> {
    let Call {
        engine,
        grant,
        request,
        ..
    } = call;
    let wanted = Wanted::of(&request)?;
    let prepared = Prepared::new(&engine, grant.caller(), grant.id(), wanted)?;
    let started = live.begin(&prepared.id)?;
    let door = Door {
        engine: &engine,
        caller: grant.caller(),
        outer: &request,
        live: &live,
    };
    if let Err(error) = preflight::check(&door, &prepared).await {
        record_refusal(&engine, &grant, &request, &error).await?;
        return Err(error);
    }
    let is_new = engine.snapshot().get(&prepared.id).is_none();
    let own = begin(&engine, &grant, &request, &prepared).await?;
    let (id, version) = (
        prepared.id.clone(),
        request.query("api-version").unwrap_or_default().to_owned(),
    );
    let run = Run {
        engine: engine.clone(),
        live,
        started,
        grant,
        request,
        prepared,
        own,
    };
    // a task of its own: the work goes on when the client has hung up
    let work = tokio::spawn(run.carry_out());
    if let Ok(Err(error)) = tokio::time::timeout(PATIENCE, work).await {
        tracing::error!(%id, %error, "the work of a deployment broke off");
    }
    answer(&engine, &id, if is_new { 201 } else { 200 }, &version).await
}

/// Writes the row that says that the deployment runs.
async fn begin(
    engine: &Engine,
    grant: &Grant<Act>,
    request: &Request,
    prepared: &Prepared,
) -> Result<Value, ArmError> {
    let now = engine.world().now();
    let own = record::started(prepared, engine.world().new_id(), request.correlation_id, now);
    let mut put = Put::new(prepared.id.clone(), record::sent(prepared));
    put.own = own.clone();
    let erases = superfluous(&engine.snapshot(), &prepared.id);
    engine
        .commit_for(
            grant,
            Change {
                puts: vec![put],
                erases,
                ..Change::default()
            },
            request.correlation_id,
        )
        .await?;
    Ok(own)
}

/// The oldest of the scope, where there are more than are kept.
fn superfluous(snapshot: &Snapshot, id: &ResourceId) -> Vec<Erase> {
    let scope = id.scope();
    let others = snapshot
        .of_type(DEPLOYMENTS)
        .filter(|row| row.id.scope() == scope && row.id != *id);
    let mut others: Vec<_> = others.collect();
    others.sort_by_key(|row| row.history.updated_at);
    let many = others.len().saturating_sub(KEPT - 1);
    others.truncate(many);
    others
        .into_iter()
        .map(|row| Erase {
            id: row.id.clone(),
            expect: Expect::Etag(row.etag.clone()),
        })
        .collect()
}

/// A deployment that is refused as a whole has changed nothing, and is recorded all the same.
async fn record_refusal(
    engine: &Engine,
    grant: &Grant<Act>,
    request: &Request,
    error: &ArmError,
) -> Result<(), ArmError> {
    let outcome = if error.status() == 403 { "Denied" } else { "Failed" };
    engine
        .record(
            grant,
            outcome,
            request.correlation_id,
            json!({ "error": error.body() }),
        )
        .await
}

async fn answer(
    engine: &Arc<Engine>,
    id: &ResourceId,
    status: u16,
    version: &str,
) -> Result<Reply, ArmError> {
    let snapshot = engine.snapshot();
    let kind = engine.registry().resource_type(DEPLOYMENTS);
    let (Some(row), Some(kind)) = (snapshot.get(id), kind) else {
        return Ok(Reply::empty(status));
    };
    let caller = nave_engine::Caller::system();
    let view = kind.view(&engine.cx(&snapshot, &caller), row);
    let is_success = statuses::is_success(&view);
    let reply = Reply::json(status, view);
    // an error status on this very answer breaks the command-line client (client contract 4), so failure is told
    // where it looks next
    Ok(if is_success {
        reply
    } else {
        statuses::announce(reply, engine, row, version)
    })
}
