//! The whole deployment carried out in a rehearsal before anything is changed, by the code that carries it out: may the
//! caller do each write, would each be accepted, and what would be there afterwards. All that is missing is reported at
//! once (features DEP-04).
//!
//! What refuses the deployment as a whole is what can be said of its text: a template that is wrong, a right that is
//! missing, a policy that denies, a body that its provider does not take. What depends on an answer of run time, and what
//! clashes with what is there, fails in its turn, as an operation.

use std::sync::Arc;

use nave_arm::{ArmError, Detail, ErrorCode, ResourceId};
use nave_engine::Engine;
use nave_template::PlannedResource;
use serde_json::Value;

use super::{door::Refusal, job::Job, live::locked, prepare::Prepared, run::Run, wanted::Validation};

/// One write that was tried.
pub(super) struct Tried {
    pub(super) resource: PlannedResource,
    /// The deployment it belongs to.
    pub(super) deployment: ResourceId,
    /// What would be sent, with what only a run can tell as it is written; where bodies are kept.
    pub(super) body: Option<Value>,
    /// Of a failure, whether the body needed no answer of run time.
    pub(super) is_known: bool,
    /// Whether the body could be worked out, and was sent.
    pub(super) is_evaluated: bool,
    /// Whether something it depends on had failed before.
    pub(super) waits_for_a_failure: bool,
    pub(super) outcome: Result<u16, Refusal>,
}

/// What was seen.
pub(super) struct Rehearsed {
    /// The engine it was done in.
    pub(super) stage: Job,
    /// Every write, in its order; not the nested deployments that began.
    pub(super) tried: Vec<Tried>,
}

/// Carries a deployment out where nothing comes of it.
///
/// # Errors
/// What refuses it: 403 with the code of the first refusal, or `InvalidTemplateDeployment`.
pub(super) async fn check(job: &Job, prepared: &Prepared) -> Result<Rehearsed, ArmError> {
    check_on(job, prepared, job.engine.rehearsal()).await
}

/// The same on a stage that is set already.
pub(super) async fn check_on(
    job: &Job,
    prepared: &Prepared,
    stage: Arc<Engine>,
) -> Result<Rehearsed, ArmError> {
    let rehearsed = rehearse(job, prepared, stage).await?;
    match rehearsed.verdict(prepared) {
        None => Ok(rehearsed),
        Some(error) => Err(job.engine.tell(&rehearsed.stage.engine, error).await),
    }
}

async fn rehearse(job: &Job, prepared: &Prepared, stage: Arc<Engine>) -> Result<Rehearsed, ArmError> {
    let stage = job.rehearsed(stage);
    stage.count(prepared, 0)?;
    let started = stage.live.begin(&prepared.id, &stage.stop)?;
    let run = Run {
        job: &stage,
        prepared,
        progress: &started.progress,
        depth: 0,
    };
    run.carry_out().await;
    drop(started);
    let tried = stage
        .tried
        .as_ref()
        .map(|tried| std::mem::take(&mut *locked(tried)));
    Ok(Rehearsed {
        stage,
        tried: tried.unwrap_or_default(),
    })
}

impl Tried {
    /// Why the caller may not, where that is so.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        let refusal = self.outcome.as_ref().err()?;
        let is_refusal = self.is_evaluated && refusal.status == 403 && !self.is_denied_by_policy();
        is_refusal.then_some(refusal)
    }

    fn is_denied_by_policy(&self) -> bool {
        let refusal = self.outcome.as_ref().err();
        refusal.is_some_and(|refusal| refusal.detail.code == "RequestDisallowedByPolicy")
    }

    /// What is wrong with it whatever happens meanwhile.
    fn fault(&self) -> Option<&Refusal> {
        let refusal = self.outcome.as_ref().err()?;
        let is_unknown = matches!(
            refusal.detail.code.as_str(),
            "InvalidResourceNamespace"
                | "InvalidResourceType"
                | "InvalidResourceId"
                | "InvalidContentLink"
                | "InvalidApiVersionParameter"
                | "JobSizeExceeded"
        );
        let is_of_the_text =
            matches!(refusal.status, 400 | 404 | 413) && self.is_known && !self.waits_for_a_failure;
        (is_unknown || self.is_denied_by_policy() || is_of_the_text).then_some(refusal)
    }

    fn cause(&self, refusal: &Refusal) -> Detail {
        let mut detail = (*refusal.detail).clone();
        detail.target.get_or_insert_with(|| self.resource.id.to_string());
        detail
    }
}

impl Rehearsed {
    fn verdict(&self, prepared: &Prepared) -> Option<ArmError> {
        let level = prepared.wanted.settings.level;
        let refused = self
            .tried
            .iter()
            .filter_map(|tried| Some((tried, tried.refusal()?)));
        let refusals: Vec<Detail> = refused
            .map(|(tried, refusal)| missing_right(tried, refusal))
            .collect();
        if level != Validation::ProviderNoRbac && !refusals.is_empty() {
            return Some(all_missing(refusals));
        }
        let faults = self
            .tried
            .iter()
            .filter_map(|tried| Some(tried.cause(tried.fault()?)));
        let faults: Vec<Detail> = faults.collect();
        (!faults.is_empty()).then(|| self.invalid(prepared, faults))
    }

    fn invalid(&self, prepared: &Prepared, faults: Vec<Detail>) -> ArmError {
        let message = format!(
            "The template deployment '{}' is not valid according to the validation procedure. The tracking id is '{}'. \
             See inner errors for details.",
            prepared.id.name(),
            self.stage.engine.world().new_id()
        );
        ArmError::new(ErrorCode::InvalidTemplateDeployment, message).because(faults)
    }
}

fn missing_right(tried: &Tried, refusal: &Refusal) -> Detail {
    let resource = &tried.resource;
    Detail {
        message: format!(
            "Authorization failed for template resource '{}' of type '{}'. {}",
            resource.name, resource.resource_type, refusal.detail.message
        ),
        target: Some(resource.id.to_string()),
        ..(*refusal.detail).clone()
    }
}

/// The refusal that says all: with the code, and the decision, of the first.
fn all_missing(refusals: Vec<Detail>) -> ArmError {
    let (first, many) = (refusals.first().cloned(), refusals.len());
    let first = first.unwrap_or_else(|| Detail::new("AuthorizationFailed", ""));
    let known = ErrorCode::ALL.iter().find(|code| code.face().1 == first.code);
    let message = match many {
        1 => first.message,
        several => format!(
            "Authorization failed for {several} template resources. {}",
            first.message
        ),
    };
    let mut error =
        ArmError::new(*known.unwrap_or(&ErrorCode::AuthorizationFailed), message).because(refusals);
    error.additional_info = first.additional_info;
    error
}
