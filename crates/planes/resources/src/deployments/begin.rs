//! The beginning and the end of a deployment's row.
//!
//! While it runs, the row holds, sealed, what is needed to go on after a restart: the request with every value in it,
//! who asked, and what was settled when it began. At the end that goes.

use jiff::Timestamp;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{Act, Change, Erase, Grant, Put, PutSecrets, Snapshot};
use serde_json::{Value, json};

use super::{
    DEPLOYMENTS,
    job::Job,
    prepare::Prepared,
    record::{self, Ended},
};

/// How many deployments of a scope are kept (template-language 9).
const KEPT: usize = 800;

/// Writes the row that says that a deployment runs. `kept` is sealed.
pub(super) async fn write_down(
    job: &Job,
    grant: &Grant<Act>,
    prepared: &Prepared,
    own: Value,
    kept: Option<Value>,
) -> Result<(), ArmError> {
    let mut put = Put::new(prepared.id.clone(), record::sent(prepared));
    put.own = own;
    if let Some(kept) = kept {
        put.secrets = PutSecrets::Plain(kept);
    }
    let change = Change {
        puts: vec![put],
        erases: superfluous(&job.engine.snapshot(), &prepared.id),
        ..Change::default()
    };
    job.engine
        .commit_for(grant, change, job.outer.correlation_id)
        .await?;
    Ok(())
}

/// The oldest of the scope, where there are more than are kept. Those that run stay.
fn superfluous(snapshot: &Snapshot, id: &ResourceId) -> Vec<Erase> {
    let scope = id.scope();
    let others = snapshot
        .of_type(DEPLOYMENTS)
        .filter(|row| row.id.scope() == scope && row.id != *id);
    let mut others: Vec<_> = others.collect();
    let many = others.len().saturating_sub(KEPT - 1);
    if many == 0 {
        return Vec::new();
    }
    others.retain(|row| record::state(row) != record::RUNNING);
    others.sort_by_key(|row| row.history.updated_at);
    others.truncate(many);
    others.into_iter().map(|row| Erase::of(row)).collect()
}

/// Writes down what came of a deployment; what its row says now.
pub(super) async fn finish(
    job: &Job,
    grant: &Grant<Act>,
    prepared: &Prepared,
    own: Value,
    ended: Ended,
    since: Timestamp,
) -> Value {
    let failed = ended.error.as_ref().map(|error| json!({ "error": error.body() }));
    let own = record::ended(own, ended, since, job.engine.world().now());
    let mut put = Put::new(prepared.id.clone(), record::sent(prepared));
    put.own = own.clone();
    let change = Change {
        puts: vec![put],
        ..Change::default()
    };
    let correlation = job.outer.correlation_id;
    if let Err(error) = job.engine.commit_for(grant, change, correlation).await {
        tracing::error!(id = %prepared.id, %error, "the end of a deployment could not be written down");
    }
    if let Some(failed) = failed
        && let Err(error) = job.engine.record(grant, "Failed", correlation, failed).await
    {
        tracing::error!(id = %prepared.id, %error, "the failure of a deployment could not be recorded");
    }
    own
}
