//! The work itself: each resource when those it depends on are done, as many at a time as may be. A failure stops what
//! depends on it and nothing else; what was done stays.
//!
//! In a rehearsal one resource comes after the other, and what depends on a failure is tried all the same: all that the
//! caller may not do is said at once.

use std::collections::BTreeSet;

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use jiff::Timestamp;
use nave_arm::{ArmError, Detail, ErrorCode, ResourceId};
use nave_template::{PlannedResource, RuntimeValues};
use serde_json::Value;

use super::{
    complete,
    door::Refusal,
    job::Job,
    live::Progress,
    operations::Operation,
    prepare::{Prepared, target},
    record::Ended,
    rehearse::Tried,
    wanted::Mode,
};

/// How many resources of one deployment are worked on at a time.
const AT_ONCE: usize = 64;

/// A deployment under way.
pub(super) struct Run<'r> {
    pub(super) job: &'r Job,
    pub(super) prepared: &'r Prepared,
    pub(super) progress: &'r Progress,
    /// How deep it stands in others.
    pub(super) depth: usize,
}

/// How far the resources are.
struct Graph<'g> {
    resources: &'g [PlannedResource],
    /// The place of each in the order of the plan.
    rank: Vec<usize>,
    /// How many each still waits for.
    waits: Vec<usize>,
    /// Who waits for each.
    dependents: Vec<Vec<usize>>,
    failed: Vec<bool>,
    /// What can be begun, by rank.
    ready: BTreeSet<(usize, usize)>,
}

/// One resource, worked on.
struct Step {
    at: usize,
    outcome: Result<(), Detail>,
}

impl Run<'_> {
    /// Does everything.
    pub(super) fn carry_out(&self) -> BoxFuture<'_, Ended> {
        self.all().boxed()
    }

    async fn all(&self) -> Ended {
        let mut graph = Graph::of(&self.prepared.plan);
        let mut causes = Vec::new();
        let mut written = BTreeSet::new();
        let mut under_way: FuturesUnordered<BoxFuture<'_, Step>> = FuturesUnordered::new();
        let at_once = if self.job.is_rehearsal() { 1 } else { AT_ONCE };
        let mut is_stopped = false;
        loop {
            while under_way.len() < at_once
                && let Some(at) = graph.next()
            {
                let resource = &graph.resources[at];
                let waits_for_a_failure = graph.waits_for_a_failure(at);
                if resource.existing {
                    graph.end(at, waits_for_a_failure);
                } else if waits_for_a_failure && !self.job.is_rehearsal() {
                    graph.end(at, true);
                } else if self.may_begin(resource) {
                    under_way.push(self.step(at, resource, waits_for_a_failure).boxed());
                } else {
                    is_stopped = true;
                }
            }
            let Some(Step { at, outcome }) = under_way.next().await else {
                break;
            };
            match outcome {
                Ok(()) => drop(written.insert((graph.rank[at], at))),
                Err(cause) => causes.push((graph.rank[at], cause)),
            }
            let failed = causes.iter().any(|(rank, _)| *rank == graph.rank[at]);
            graph.end(at, failed || graph.waits_for_a_failure(at));
        }
        causes.sort_by_key(|(rank, _)| *rank);
        let causes = causes.into_iter().map(|(_, cause)| cause).collect();
        let written = written.into_iter().map(|(_, at)| graph.resources[at].id.clone());
        self.end(causes, written.collect(), is_stopped).await
    }

    /// Whether a resource may be begun: not when it was asked to stop, but for what is done already.
    fn may_begin(&self, resource: &PlannedResource) -> bool {
        !self.job.stop.is_asked() || self.job.earlier.has(&resource.id)
    }

    async fn end(&self, mut causes: Vec<Detail>, written: Vec<ResourceId>, is_stopped: bool) -> Ended {
        let mut outputs = Value::Null;
        let mut state = "Failed";
        if is_stopped {
            state = "Canceled";
        } else if causes.is_empty() {
            if self.prepared.wanted.settings.mode == Mode::Complete {
                causes.extend(complete::delete_the_rest(self).await);
            }
            match self.outputs().await {
                Ok(found) => outputs = found,
                Err(cause) => causes.push(cause),
            }
        }
        if state == "Failed" && causes.is_empty() {
            state = "Succeeded";
        }
        let error = (state == "Failed").then(|| failure(causes));
        Ended {
            state,
            outputs: if error.is_some() { Value::Null } else { outputs },
            written,
            operations: self.progress.operations(),
            error,
        }
    }

    async fn step(&self, at: usize, resource: &PlannedResource, waits_for_a_failure: bool) -> Step {
        let mut operation = self.operation("Create", Some(&resource.id), Some(target(resource)));
        let earlier = resource
            .nested
            .is_none()
            .then(|| self.job.earlier.take(&resource.id));
        if let Some(when) = earlier.flatten() {
            let status = if self.was_created(&resource.id, when) {
                201
            } else {
                200
            };
            operation.began(when);
            self.progress.begin(operation.succeeded(status, when));
            return Step { at, outcome: Ok(()) };
        }
        let place = self.progress.begin(operation.running());
        let outcome = self.write(at, resource, waits_for_a_failure).await;
        let now = self.now();
        match outcome {
            Ok(status) => {
                self.progress.end(place, operation.succeeded(status, now));
                Step { at, outcome: Ok(()) }
            }
            Err(refusal) => {
                self.progress.end(place, operation.failed(&refusal, now));
                let mut cause = *refusal.detail;
                cause.target.get_or_insert_with(|| resource.id.to_string());
                Step {
                    at,
                    outcome: Err(cause),
                }
            }
        }
    }

    /// Whether a write that is in the log made the resource.
    fn was_created(&self, id: &ResourceId, when: Timestamp) -> bool {
        let snapshot = self.job.engine.snapshot();
        snapshot.get(id).is_some_and(|row| row.history.created_at == when)
    }

    async fn write(
        &self,
        at: usize,
        resource: &PlannedResource,
        waits_for_a_failure: bool,
    ) -> Result<u16, Refusal> {
        let body = self.job.resolve(|known| self.prepared.plan.body(at, known)).await;
        let plan = &self.prepared.plan;
        let tried = |outcome: Result<u16, Refusal>, is_evaluated: bool| Tried {
            resource: resource.clone(),
            deployment: self.prepared.id.clone(),
            body: self
                .job
                .keeps_bodies
                .then(|| plan.preview(at).unwrap_or_default()),
            is_known: outcome.is_err() && plan.body(at, &RuntimeValues::new()).is_ok(),
            is_evaluated,
            waits_for_a_failure,
            outcome,
        };
        let body = match body {
            Ok(body) => body,
            Err(refusal) => {
                self.job.note(|| tried(Err(refusal.clone()), false));
                return Err(refusal);
            }
        };
        if resource.nested.is_some() {
            return match self.nested(&resource.id, &body).await {
                Ok(ended) => ended,
                // it did not begin
                Err(refusal) => {
                    self.job.note(|| tried(Err(refusal.clone()), true));
                    Err(refusal)
                }
            };
        }
        let turn = self.job.turns.acquire().await;
        let outcome = self.job.put(resource, &body).await;
        drop(turn);
        self.job.note(|| tried(outcome.clone(), true));
        outcome
    }

    async fn outputs(&self) -> Result<Value, Detail> {
        if !self.prepared.plan.has_outputs() {
            return Ok(Value::Null);
        }
        let operation = self.operation("EvaluateDeploymentOutput", None, None);
        let place = self.progress.begin(operation.running());
        let outputs = self.job.resolve(|known| self.prepared.plan.outputs(known)).await;
        let now = self.now();
        match outputs {
            Ok(outputs) => {
                self.progress.end(place, operation.succeeded(200, now));
                Ok(outputs)
            }
            Err(refusal) => {
                self.progress.end(place, operation.failed(&refusal, now));
                Err(*refusal.detail)
            }
        }
    }

    pub(super) fn operation(
        &self,
        kind: &'static str,
        about: Option<&ResourceId>,
        target: Option<Value>,
    ) -> Operation {
        let run = self.job.begun.run;
        Operation::new(&self.prepared.id, run, kind, about, target, self.now())
    }

    pub(super) fn now(&self) -> Timestamp {
        self.job.engine.world().now()
    }
}

impl<'g> Graph<'g> {
    fn of(plan: &'g nave_template::Plan) -> Self {
        let resources = plan.resources();
        let mut graph = Self {
            resources,
            rank: vec![0; resources.len()],
            waits: resources
                .iter()
                .map(|resource| resource.depends_on.len())
                .collect(),
            dependents: vec![Vec::new(); resources.len()],
            failed: vec![false; resources.len()],
            ready: BTreeSet::new(),
        };
        for (rank, at) in plan.order().iter().enumerate() {
            graph.rank[*at] = rank;
        }
        for (at, resource) in resources.iter().enumerate() {
            for needed in &resource.depends_on {
                graph.dependents[*needed].push(at);
            }
            if resource.depends_on.is_empty() {
                graph.ready.insert((graph.rank[at], at));
            }
        }
        graph
    }

    /// The next that can be begun.
    fn next(&mut self) -> Option<usize> {
        self.ready.pop_first().map(|(_, at)| at)
    }

    fn waits_for_a_failure(&self, at: usize) -> bool {
        let mut needed = self.resources[at].depends_on.iter();
        needed.any(|needed| self.failed[*needed])
    }

    /// Takes in that one is over, whether it was worked on or passed over.
    fn end(&mut self, at: usize, failed: bool) {
        self.failed[at] = failed;
        for waiting in std::mem::take(&mut self.dependents[at]) {
            self.waits[waiting] -= 1;
            if self.waits[waiting] == 0 {
                self.ready.insert((self.rank[waiting], waiting));
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
