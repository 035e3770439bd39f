//! `onErrorDeployment`: an earlier deployment, carried out again when this one failed.

use std::sync::Arc;

use futures::FutureExt;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Resource, Snapshot};
use serde_json::{Map, Value, json};

use super::{
    DEPLOYMENTS, door::Refusal, job::Job, levels::Level, prepare::Prepared, record, run::Run, wanted::OnError,
};

/// Refuses a deployment that names one to go back to which there is not.
pub(super) fn check(job: &Job, prepared: &Prepared) -> Result<(), ArmError> {
    let Some(wanted) = &prepared.wanted.settings.on_error else {
        return Ok(());
    };
    let on = |error: ArmError| error.on("properties.onErrorDeployment");
    if !matches!(Level::of(&prepared.id)?, Level::Group | Level::Subscription) {
        return Err(on(ArmError::new(
            ErrorCode::InvalidRequestContent,
            "'onErrorDeployment' is for deployments to a resource group or a subscription.",
        )));
    }
    let row = earlier(&job.engine.snapshot(), &prepared.id, wanted).map_err(on)?;
    request_of(&row).map(drop).map_err(on)
}

/// Carries out the earlier deployment. What came of it is put into what the failed one's row says.
pub(super) async fn deploy(run: &Run<'_>, own: &mut Value) {
    let Some(wanted) = &run.prepared.wanted.settings.on_error else {
        return;
    };
    let again = again(run, wanted).await;
    let shown = &mut own["properties"]["onErrorDeployment"];
    let state = match again {
        Ok((name, outcome)) => {
            shown["deploymentName"] = name.into();
            if outcome.is_ok() { "Succeeded" } else { "Failed" }
        }
        Err(refusal) => {
            tracing::warn!(id = %run.prepared.id, code = refusal.detail.code, "the deployment to go back to did not begin");
            "Failed"
        }
    };
    shown["provisioningState"] = state.into();
}

type Outcome = Result<(String, Result<u16, Refusal>), Refusal>;

async fn again(run: &Run<'_>, wanted: &OnError) -> Outcome {
    let row = earlier(&run.job.engine.snapshot(), &run.prepared.id, wanted)?;
    let request = request_of(&row)?;
    let ended = run.inner(&row.id, &request, None).boxed().await?;
    Ok((row.id.name().to_owned(), ended))
}

/// The deployment to go back to.
fn earlier(snapshot: &Snapshot, id: &ResourceId, wanted: &OnError) -> Result<Arc<Resource>, ArmError> {
    let scope = id.scope();
    let succeeded = snapshot.of_type(DEPLOYMENTS).filter(|row| {
        row.id != *id
            && row.id.scope() == scope
            && record::state(row) == "Succeeded"
            && row.own.get("within").is_none()
    });
    let found = match wanted {
        OnError::LastSuccessful => succeeded.max_by_key(|row| row.history.updated_at),
        OnError::Specific(name) => {
            let mut named = succeeded.filter(|row| row.id.name().eq_ignore_ascii_case(name));
            named.next()
        }
    };
    found.cloned().ok_or_else(|| {
        ArmError::new(
            ErrorCode::DeploymentNotFound,
            match wanted {
                OnError::LastSuccessful => {
                    String::from("No deployment of the scope has succeeded that could be gone back to.")
                }
                OnError::Specific(name) => {
                    format!("There is no deployment '{name}' that has succeeded and could be gone back to.")
                }
            },
        )
    })
}

/// The request that a deployment came by, as far as it is kept: secure values are not.
fn request_of(row: &Resource) -> Result<Value, ArmError> {
    let not_kept = |what: &str| {
        ArmError::new(
            ErrorCode::InvalidRequestContent,
            format!(
                "The deployment '{}' cannot be gone back to: {what}.",
                row.id.name()
            ),
        )
    };
    let template = row
        .own
        .get("template")
        .ok_or_else(|| not_kept("its template is not kept"))?;
    let shown = row
        .own
        .pointer("/properties/parameters")
        .and_then(Value::as_object);
    let mut parameters = Map::new();
    for (name, shown) in shown.into_iter().flatten() {
        match shown.get("value") {
            Some(value) => drop(parameters.insert(name.clone(), json!({ "value": value }))),
            None => {
                return Err(not_kept(&format!(
                    "the secure value of its parameter '{name}' is not kept"
                )));
            }
        }
    }
    Ok(json!({
        "location": row.sent.get("location"), "tags": row.sent.get("tags"),
        "properties": {"mode": "Incremental", "template": template, "parameters": parameters},
    }))
}
