//! The mode `Complete`: what the group holds and the template does not is deleted, with the caller's rights.

use std::collections::HashSet;

use nave_arm::{Detail, ResourceId};
use nave_engine::{Engine, Snapshot};
use serde_json::json;

use super::{prepare::Prepared, run::Run};
use crate::resources;

/// Deletes what is not in the template; answers why something could not be. What others stand on goes after them:
/// who is refused is tried again as long as something else went.
pub(super) async fn delete_the_rest(run: &Run<'_>) -> Vec<Detail> {
    let engine = &run.job.engine;
    let mut rest = not_in_template(engine, &engine.snapshot(), run.prepared);
    loop {
        let mut refused = Vec::new();
        let before = rest.len();
        for id in rest {
            let target = json!({"id": id, "resourceType": id.resource_type(), "resourceName": id.name()});
            let operation = run.operation("Delete", Some(&id), Some(target));
            match run.job.delete(&id).await {
                Ok(status) => drop(run.progress.begin(operation.succeeded(status, run.now()))),
                Err(refusal) => refused.push((id, operation, refusal)),
            }
        }
        if refused.is_empty() || refused.len() == before {
            return refused
                .into_iter()
                .map(|(id, operation, refusal)| {
                    run.progress.begin(operation.failed(&refusal, run.now()));
                    let mut cause = *refusal.detail;
                    cause.target.get_or_insert_with(|| id.to_string());
                    cause
                })
                .collect();
        }
        rest = refused.into_iter().map(|(id, ..)| id).collect();
    }
}

/// The tracked resources of the group that the template does not name; not those below one that goes.
pub(super) fn not_in_template(engine: &Engine, snapshot: &Snapshot, prepared: &Prepared) -> Vec<ResourceId> {
    let Some(group) = prepared.id.resource_group_id() else {
        return Vec::new();
    };
    let named: HashSet<&ResourceId> = prepared
        .plan
        .resources()
        .iter()
        .map(|resource| &resource.id)
        .collect();
    snapshot
        .below(&group)
        .filter(|row| {
            resources::tracked(engine.registry(), row).is_some() && row.id.scope().as_ref() == Some(&group)
        })
        .filter(|row| row.id.parent().as_ref() == Some(&group) && !named.contains(&row.id))
        .map(|row| row.id.clone())
        .collect()
}
