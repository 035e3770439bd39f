//! `PUT deployments/{name}`.

use std::{sync::Arc, time::Duration};

use http::Method;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Act, Engine, Grant, Reply,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Value, json};

use super::{
    Deployments, access, begin, export,
    job::Job,
    levels::at_all_scopes,
    live::Started,
    on_error,
    prepare::{Place, Prepared},
    record, rehearse,
    run::Run,
    statuses,
    wanted::{Request, Validation},
};

/// How long the answer waits for the work to end.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn routes(deployments: &Deployments) -> Vec<Route> {
    let paths = at_all_scopes!("/providers/Microsoft.Resources/deployments/{name}");
    paths
        .map(|path| {
            let deployments = deployments.clone();
            let access = Access::action("Microsoft.Resources/deployments/write");
            let route = Route::new(Method::PUT, path, Surface::Arm, access, move |call: Call| {
                put(deployments.clone(), call)
            });
            route.about(access::to_start)
        })
        .into()
}

async fn put(deployments: Deployments, call: Call) -> Result<Reply, ArmError> {
    let Call {
        engine,
        grant,
        request,
        ..
    } = call;
    let job = Job::new(&engine, &deployments.live, &deployments.links, &request);
    let wanted = Request::of(&request)?.fetched(&job.fetched).await?;
    let prepared = Prepared::new(&job, grant.id(), wanted, Place::Root)?;
    let started = job.live.begin(&prepared.id, &job.stop)?;
    if let Err(error) = check(&job, &prepared).await {
        record_refusal(&job, &grant, &error).await?;
        return Err(error);
    }
    let is_new = engine.snapshot().get(&prepared.id).is_none();
    let own = record::started(&prepared, &job, None, Some(export::of_root(&prepared.wanted)));
    let kept = job.kept(&prepared);
    begin::write_down(&job, &grant, &prepared, own.clone(), Some(kept)).await?;
    let id = prepared.id.clone();
    let version = request.query("api-version").unwrap_or_default().to_owned();
    let root = Root {
        job,
        prepared,
        started,
        grant,
        own,
    };
    // a task of its own: the work goes on when the client has hung up
    let work = tokio::spawn(root.carry_out());
    if let Ok(Err(error)) = tokio::time::timeout(PATIENCE, work).await {
        tracing::error!(%id, %error, "the work of a deployment broke off");
    }
    answer(&engine, &id, if is_new { 201 } else { 200 }, &version).await
}

async fn check(job: &Job, prepared: &Prepared) -> Result<(), ArmError> {
    on_error::check(job, prepared)?;
    match prepared.wanted.settings.level {
        Validation::Template => Ok(()),
        Validation::Provider | Validation::ProviderNoRbac => rehearse::check(job, prepared).await.map(drop),
    }
}

/// A deployment that was asked for, on its way.
pub(super) struct Root {
    pub(super) job: Job,
    pub(super) prepared: Prepared,
    pub(super) started: Started,
    pub(super) grant: Grant<Act>,
    /// What its row says.
    pub(super) own: Value,
}

impl Root {
    /// Carries the deployment out and writes down what came of it.
    pub(super) async fn carry_out(self) {
        let Self {
            job,
            prepared,
            started,
            grant,
            mut own,
        } = self;
        let run = Run {
            job: &job,
            prepared: &prepared,
            progress: &started.progress,
            depth: 0,
        };
        let since = run.now();
        let ended = run.carry_out().await;
        if ended.error.is_some() {
            on_error::deploy(&run, &mut own).await;
        }
        begin::finish(&job, &grant, &prepared, own, ended, since).await;
    }
}

/// A deployment that is refused as a whole has changed nothing, and is recorded all the same.
async fn record_refusal(job: &Job, grant: &Grant<Act>, error: &ArmError) -> Result<(), ArmError> {
    let outcome = if error.status() == 403 { "Denied" } else { "Failed" };
    let detail = json!({ "error": error.body() });
    job.engine
        .record(grant, outcome, job.outer.correlation_id, detail)
        .await
}

async fn answer(
    engine: &Arc<Engine>,
    id: &ResourceId,
    status: u16,
    version: &str,
) -> Result<Reply, ArmError> {
    let snapshot = engine.snapshot();
    let Some(row) = snapshot.get(id) else {
        return Ok(Reply::empty(status));
    };
    let view = record::view(row);
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
