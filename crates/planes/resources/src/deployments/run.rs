//! The work itself: each resource after those it depends on. A failure stops what depends on it and nothing else;
//! what was done stays.

use std::{collections::HashSet, sync::Arc};

use nave_arm::{ArmError, Detail, ErrorCode, ResourceId};
use nave_engine::{Act, Change, Engine, Grant, Put, Request};
use nave_template::{PlannedResource, RuntimeValues, Unresolved};
use serde_json::{Value, json};

use super::{
    complete,
    door::{Door, Refusal},
    live::{Live, Started},
    operations::Operation,
    prepare::{Prepared, target},
    record::{self, Ended},
    wanted::Mode,
};

/// A deployment under way.
pub(super) struct Run {
    pub(super) engine: Arc<Engine>,
    pub(super) live: Arc<Live>,
    pub(super) started: Started,
    pub(super) grant: Grant<Act>,
    pub(super) request: Request,
    pub(super) prepared: Prepared,
    /// What was stored at the start.
    pub(super) own: Value,
}

impl Run {
    /// Carries the deployment out and writes down what came of it.
    pub(super) async fn carry_out(self) {
        let since = self.engine.world().now();
        let mut work = Work {
            run: &self,
            failed: HashSet::new(),
            causes: Vec::new(),
            written: Vec::new(),
        };
        let (state, outputs) = work.all().await;
        let Work { causes, written, .. } = work;
        let error = (state == "Failed").then(|| failure(causes));
        let failed = error.as_ref().map(|error| json!({ "error": error.body() }));
        let operations = self.started.progress.operations();
        let ended = Ended {
            state,
            outputs,
            written,
            operations,
            error,
        };
        self.write_down(record::ended(
            self.own.clone(),
            ended,
            since,
            self.engine.world().now(),
        ))
        .await;
        if let Some(failed) = failed {
            self.record_failure(failed).await;
        }
    }

    async fn write_down(&self, own: Value) {
        let mut put = Put::new(self.prepared.id.clone(), record::sent(&self.prepared));
        put.own = own;
        let change = Change {
            puts: vec![put],
            ..Change::default()
        };
        let correlation = self.request.correlation_id;
        match self.engine.commit_for(&self.grant, change, correlation).await {
            Ok(_) => self.live.settle(self.own["run"].as_str().unwrap_or_default()),
            Err(error) => {
                tracing::error!(id = %self.prepared.id, %error, "the end of a deployment could not be written down");
            }
        }
    }

    async fn record_failure(&self, failed: Value) {
        let correlation = self.request.correlation_id;
        if let Err(error) = self
            .engine
            .record(&self.grant, "Failed", correlation, failed)
            .await
        {
            tracing::error!(id = %self.prepared.id, %error, "the failure of a deployment could not be recorded");
        }
    }
}

struct Work<'w> {
    run: &'w Run,
    /// The places of what did not succeed.
    failed: HashSet<usize>,
    causes: Vec<Detail>,
    written: Vec<ResourceId>,
}

impl Work<'_> {
    /// Does everything; answers the state and the outputs.
    async fn all(&mut self) -> (&'static str, Value) {
        let plan = &self.run.prepared.plan;
        for at in plan.order() {
            if self.run.started.progress.is_cancelled() {
                return ("Canceled", Value::Null);
            }
            let resource = &plan.resources()[*at];
            if resource
                .depends_on
                .iter()
                .any(|needed| self.failed.contains(needed))
            {
                self.failed.insert(*at);
            } else if !resource.existing {
                self.one(*at, resource).await;
            }
        }
        if !self.failed.is_empty() {
            return ("Failed", Value::Null);
        }
        if self.run.prepared.wanted.mode == Mode::Complete {
            let causes =
                complete::delete_the_rest(&self.door(), &self.run.prepared, &self.run.started.progress).await;
            self.causes.extend(causes);
        }
        let outputs = self.outputs().await;
        if self.causes.is_empty() {
            ("Succeeded", outputs)
        } else {
            ("Failed", Value::Null)
        }
    }

    async fn one(&mut self, at: usize, resource: &PlannedResource) {
        let operation = self.operation("Create", Some(target(resource)));
        let progress = &self.run.started.progress;
        let place = progress.begin(operation.running());
        let door = self.door();
        let done = match resolve(&door, |known| self.run.prepared.plan.body(at, known)).await {
            Ok(body) => door.put(resource, &body).await,
            Err(refusal) => Err(refusal),
        };
        let now = self.run.engine.world().now();
        match done {
            Ok(status) => {
                progress.end(place, operation.succeeded(status, now));
                self.written.push(resource.id.clone());
            }
            Err(refusal) => {
                progress.end(place, operation.failed(&refusal, now));
                self.failed.insert(at);
                self.fail(refusal, Some(&resource.id));
            }
        }
    }

    async fn outputs(&mut self) -> Value {
        if !self.run.prepared.plan.has_outputs() {
            return Value::Null;
        }
        let operation = self.operation("EvaluateDeploymentOutput", None);
        let progress = &self.run.started.progress;
        let place = progress.begin(operation.running());
        let outputs = resolve(&self.door(), |known| self.run.prepared.plan.outputs(known)).await;
        let now = self.run.engine.world().now();
        match outputs {
            Ok(outputs) => {
                progress.end(place, operation.succeeded(200, now));
                outputs
            }
            Err(refusal) => {
                progress.end(place, operation.failed(&refusal, now));
                self.fail(refusal, None);
                Value::Null
            }
        }
    }

    fn fail(&mut self, refusal: Refusal, id: Option<&ResourceId>) {
        let mut cause = refusal.detail;
        if cause.target.is_none() {
            cause.target = id.map(ResourceId::to_string);
        }
        self.causes.push(cause);
    }

    fn operation(&self, kind: &'static str, target: Option<Value>) -> Operation {
        let world = self.run.engine.world();
        Operation::new(&self.run.prepared.id, world.new_id(), kind, target, world.now())
    }

    fn door(&self) -> Door<'_> {
        let Run {
            engine,
            live,
            grant,
            request,
            ..
        } = self.run;
        Door {
            engine,
            caller: grant.caller(),
            outer: request,
            live,
        }
    }
}

/// Evaluates to the end, making each run-time call when it is needed. What was answered for another resource is
/// not used again: the deployment may have changed it.
async fn resolve(
    door: &Door<'_>,
    evaluate: impl Fn(&RuntimeValues) -> Result<Value, Unresolved>,
) -> Result<Value, Refusal> {
    let mut known = RuntimeValues::new();
    loop {
        match evaluate(&known) {
            Ok(value) => return Ok(value),
            Err(Unresolved::Failed(error)) => return Err(error.into()),
            Err(Unresolved::Call(call)) => {
                let answer = door.answer(&call).await?;
                known.insert(&call, answer);
            }
        }
    }
}

fn failure(causes: Vec<Detail>) -> ArmError {
    ArmError::new(
        ErrorCode::DeploymentFailed,
        "At least one resource deployment operation failed. Please list deployment operations for details. Please see \
         https://aka.ms/arm-deployment-operations for usage details.",
    )
    .because(causes)
}
