//! Deployments inside deployments. Each is a deployment of its own, decided like one, with its own row and operations;
//! it is carried out by whoever carries out the one around it.

use nave_arm::{ArmError, ResourceId};
use nave_engine::{Act, Grant, Resource, operation::Surface};
use serde_json::Value;

use super::{
    access, begin,
    door::{Refusal, failed_inside},
    export, levels,
    prepare::{self, Place, Prepared},
    record,
    run::Run,
    wanted::{Request, Wanted},
};

impl Run<'_> {
    /// Carries out a nested deployment.
    ///
    /// # Errors
    /// Why it did not begin. How it ended, once it had begun, is the value.
    pub(super) async fn nested(
        &self,
        id: &ResourceId,
        body: &Value,
    ) -> Result<Result<u16, Refusal>, Refusal> {
        self.inner(id, body, Some(&self.prepared.id)).await
    }

    /// Carries out another deployment, `within` this one where that is where it stands.
    pub(super) async fn inner(
        &self,
        id: &ResourceId,
        body: &Value,
        within: Option<&ResourceId>,
    ) -> Result<Result<u16, Refusal>, Refusal> {
        let job = self.job;
        let earlier = self.begun_earlier(id);
        if let Some(row) = &earlier
            && record::state(row) != record::RUNNING
        {
            job.earlier.take_all(&row.own["operations"]);
            return Ok(outcome(200, &record::view(row)));
        }
        let base = self
            .prepared
            .wanted
            .template_link
            .as_ref()
            .map(|link| link.base());
        let wanted = Request::of_body(body, base)?.fetched(&job.fetched).await?;
        let grant = self.authorize(id, &wanted).await?;
        let prepared = Prepared::new(job, id, wanted, Place::Nested)?;
        job.count(&prepared, self.depth + 1)?;
        let started = job.live.begin(&prepared.id, &job.stop)?;
        let is_new = job.engine.snapshot().get(&prepared.id).is_none();
        let own = match earlier {
            Some(row) => row.own.clone(),
            None => {
                let template = export::of_inner(body, &prepared.wanted);
                let own = record::started(&prepared, job, within, template);
                begin::write_down(job, &grant, &prepared, own.clone(), None).await?;
                own
            }
        };
        let run = Run {
            job,
            prepared: &prepared,
            progress: &started.progress,
            depth: self.depth + 1,
        };
        let since = run.now();
        let ended = run.carry_out().await;
        let own = begin::finish(job, &grant, &prepared, own, ended, since).await;
        let view = record::shown(&prepared.id, &record::sent(&prepared), own["properties"].clone());
        Ok(outcome(if is_new { 201 } else { 200 }, &view))
    }

    /// The row of a nested deployment that was begun before the server was stopped.
    fn begun_earlier(&self, id: &ResourceId) -> Option<std::sync::Arc<Resource>> {
        let row = self.job.engine.snapshot().get(id).cloned()?;
        let is_of_this_run = row.own["run"] == serde_json::json!(self.job.begun.run)
            && row.own["within"].as_str() == Some(self.prepared.id.as_str());
        is_of_this_run.then_some(row)
    }

    async fn authorize(&self, id: &ResourceId, wanted: &Wanted) -> Result<Grant<Act>, ArmError> {
        let (engine, caller) = (&self.job.engine, &self.job.caller);
        let snapshot = engine.snapshot();
        let may = engine.may(&snapshot, caller, Surface::Arm, &prepare::permission(), id);
        let hub = (!may).then(|| access::hub_in(&snapshot, id, wanted)).flatten();
        let ways = access::ways_to_start(id, hub);
        let grant = engine
            .authorize(caller, Surface::Arm, ways, id, &self.job.outer)
            .await?;
        levels::check(&snapshot, id)?;
        Ok(grant)
    }
}

fn outcome(status: u16, view: &Value) -> Result<u16, Refusal> {
    match view
        .pointer("/properties/provisioningState")
        .and_then(Value::as_str)
    {
        Some("Succeeded") => Ok(status),
        _ => Err(failed_inside(view)),
    }
}
