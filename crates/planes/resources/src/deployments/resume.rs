//! Deployments that a stopped server left under way, taken up again.
//!
//! What one needs to go on is sealed in its row; what it had done is in the log. It goes on as the same caller, with the
//! rights that caller has now. One whose caller may no longer deploy there, and one that cannot be read, fails.

use std::{collections::HashSet, sync::Arc};

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Act, Change, CommitError, Engine, Expect, Put, Resource, operation::Surface};
use serde_json::Value;

use super::{
    DEPLOYMENTS, Deployments, access,
    earlier::Earlier,
    job::{DEPTH, Job},
    prepare::{self, Place, Prepared},
    put::Root,
    record,
    wanted::Request,
};

impl Deployments {
    /// Goes on with the deployments that say they run. To be called once, after the engine is open and before requests
    /// are taken: then nothing runs. The work goes on in tasks of its own.
    ///
    /// # Errors
    /// Where the store cannot be read or written.
    pub async fn resume(&self, engine: &Arc<Engine>) -> Result<(), CommitError> {
        let snapshot = engine.snapshot();
        let running = |row: &&Arc<Resource>| record::state(row) == record::RUNNING;
        let running: Vec<Arc<Resource>> = snapshot.of_type(DEPLOYMENTS).filter(running).cloned().collect();
        let (nested, roots): (Vec<_>, Vec<_>) = running.iter().partition(|row| within(row).is_some());
        let mut going_on = HashSet::new();
        for row in roots {
            match self.taken_up(engine, row).await {
                Ok(root) => {
                    tracing::info!(id = %row.id, "the deployment goes on after the server was stopped");
                    going_on.insert(row.id.as_str());
                    drop(tokio::spawn(root.carry_out()));
                }
                Err(error) => fail(engine, row, &error).await?,
            }
        }
        for row in nested {
            // whoever carries out the one around it goes on with it
            if !outermost(&running, row).is_some_and(|root| going_on.contains(root.id.as_str())) {
                fail(engine, row, &interrupted(&row.id)).await?;
            }
        }
        Ok(())
    }

    async fn taken_up(&self, engine: &Arc<Engine>, row: &Arc<Resource>) -> Result<Root, ArmError> {
        let system = engine.on_own_account::<Act>(&prepare::permission(), &row.id);
        let kept = engine.open_secrets(&system, row);
        let kept = kept.and_then(|kept| Job::taken_up(engine, &self.live, &self.links, &row.id, &kept));
        let (mut job, request) = kept.ok_or_else(|| interrupted(&row.id))?;
        let wanted = Request::of_body(&request, None)?.fetched(&job.fetched).await?;
        let hub = access::hub_in(&engine.snapshot(), &row.id, &wanted);
        let ways = access::ways_to_start(&row.id, hub);
        let grant = engine
            .authorize(&job.caller, Surface::Arm, ways, &row.id, &job.outer)
            .await?;
        job.earlier = Earlier::read(engine, &row.id, job.outer.correlation_id).await?;
        if row.own["cancelled"] == true {
            job.stop.ask();
        }
        let prepared = Prepared::new(&job, &row.id, wanted, Place::Root)?;
        let started = job.live.begin(&row.id, &job.stop)?;
        Ok(Root {
            job,
            prepared,
            started,
            grant,
            own: row.own.clone(),
        })
    }
}

/// The deployment that one is nested in.
fn within(row: &Resource) -> Option<&str> {
    row.own.get("within").and_then(Value::as_str)
}

/// The deployment that a client asked for, of those that run.
fn outermost<'r>(running: &'r [Arc<Resource>], row: &'r Arc<Resource>) -> Option<&'r Arc<Resource>> {
    let outer = |row: &&'r Arc<Resource>| {
        let outer = within(row)?;
        running.iter().find(|found| found.id.as_str() == outer)
    };
    // no deeper than deployments may stand in one another
    let last = std::iter::successors(Some(row), outer).take(DEPTH + 1).last();
    last.filter(|row| within(row).is_none())
}

/// Writes down that a deployment has failed.
async fn fail(engine: &Arc<Engine>, row: &Resource, error: &ArmError) -> Result<(), CommitError> {
    let mut put = Put::new(row.id.clone(), row.sent.clone());
    put.own = row.own.clone();
    put.own["properties"]["provisioningState"] = "Failed".into();
    put.own["properties"]["error"] = error.body();
    put.expect = Expect::Etag(row.etag.clone());
    let grant = engine.on_own_account::<Act>(&prepare::permission(), &row.id);
    let change = Change {
        puts: vec![put],
        ..Change::default()
    };
    engine.commit(&grant, change).await?;
    tracing::warn!(id = %row.id, %error, "the deployment cannot go on after the server was stopped and has failed");
    Ok(())
}

/// Why a deployment failed that nobody can go on with.
fn interrupted(id: &ResourceId) -> ArmError {
    ArmError::new(
        ErrorCode::DeploymentFailed,
        format!(
            "The deployment '{}' was interrupted by the end of the server. What it had deployed by then is in place; \
             deploy the template again to complete it.",
            id.name()
        ),
    )
}
