//! Deployments that a stopped server left behind.

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Act, Change, CommitError, Engine, Expect, Put, Resource};
use serde_json::Value;

use super::DEPLOYMENTS;

/// Writes down that the deployments which say they run have failed. To be called once, after the engine is open and
/// before requests are taken: then nothing runs.
///
/// # Errors
/// Where the store cannot be written. Until it is, such a deployment is shown as failed all the same.
pub async fn settle_interrupted(engine: &Arc<Engine>) -> Result<(), CommitError> {
    let snapshot = engine.snapshot();
    for row in snapshot.of_type(DEPLOYMENTS).filter(|row| is_unfinished(row)) {
        let mut put = Put::new(row.id.clone(), row.sent.clone());
        put.own = row.own.clone();
        put.own["properties"]["provisioningState"] = "Failed".into();
        put.own["properties"]["error"] = error(&row.id).body();
        put.expect = Expect::Etag(row.etag.clone());
        let grant = engine.on_own_account::<Act>("Microsoft.Resources/deployments/write", &row.id);
        engine
            .commit(
                &grant,
                Change {
                    puts: vec![put],
                    ..Change::default()
                },
            )
            .await?;
        tracing::warn!(id = %row.id, "the deployment was interrupted by the end of the server and is marked as failed");
    }
    Ok(())
}

fn is_unfinished(row: &Resource) -> bool {
    row.own
        .pointer("/properties/provisioningState")
        .and_then(Value::as_str)
        == Some("Running")
}

/// Why an interrupted deployment failed.
pub(super) fn error(id: &ResourceId) -> ArmError {
    ArmError::new(
        ErrorCode::DeploymentFailed,
        format!(
            "The deployment '{}' was interrupted by the end of the server. What it had deployed by then is in place; \
             deploy the template again to complete it.",
            id.name()
        ),
    )
}
