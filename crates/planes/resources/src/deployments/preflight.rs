//! The whole template looked at before anything is changed: may the caller do each write, and would each be
//! accepted as far as can be told now. All that is missing is reported at once (features DEP-04).

use std::{collections::HashSet, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use nave_arm::{ArmError, Detail, ErrorCode, ResourceId};
use nave_engine::{Decision, Engine, Request};
use nave_template::{PlannedResource, RuntimeValues};
use serde_json::Value;

use super::{door::Door, prepare::Prepared, wanted::Wanted};

/// One write as it is expected to go.
pub(super) struct Foreseen {
    pub(super) resource: PlannedResource,
    /// The deployment it belongs to.
    pub(super) deployment: ResourceId,
    /// What GET shows now.
    pub(super) before: Option<Value>,
    /// What GET would show after it; `None` where that cannot be told.
    pub(super) after: Option<Value>,
    /// What would be sent.
    pub(super) body: Value,
    /// Whether `after` is sure: nothing in it waits for an answer or for another resource.
    pub(super) exact: bool,
}

/// How much of what is seen is sure.
#[derive(Clone, Copy, Default)]
struct Sight {
    /// Something else comes first and may mend what is wrong.
    waits: bool,
    /// The template's parameters are not known yet: what it makes is a guess, and nothing is refused for a guess.
    /// It is looked at again, before it changes anything, when its turn comes.
    is_guess: bool,
}

/// What was found.
#[derive(Default)]
struct Findings {
    foreseen: Vec<Foreseen>,
    refusals: Vec<Detail>,
    refused: Option<ArmError>,
    faults: Vec<Detail>,
    /// What the templates make, so that it need not be there yet.
    made: HashSet<ResourceId>,
}

/// Looks at every write of a deployment, nested ones included.
///
/// # Errors
/// The refusals, else the faults: 403 with the code of the first refusal, or `InvalidTemplateDeployment`.
pub(super) async fn check(door: &Door<'_>, prepared: &Prepared) -> Result<Vec<Foreseen>, ArmError> {
    let mut findings = Findings::default();
    look(door, prepared, Sight::default(), &mut findings).await?;
    findings.verdict(door.engine, prepared)
}

fn look<'a>(
    door: &'a Door<'_>,
    prepared: &'a Prepared,
    sight: Sight,
    findings: &'a mut Findings,
) -> BoxFuture<'a, Result<(), ArmError>> {
    async move {
        findings
            .made
            .extend(prepared.written().map(|(_, resource)| resource.id.clone()));
        for (at, resource) in prepared.written() {
            let body = match prepared.plan.preview(at) {
                Ok(body) => body,
                Err(_) if sight.is_guess => continue,
                Err(error) => return Err(prepared.wanted.located(error)),
            };
            let exact = prepared.plan.body(at, &RuntimeValues::new()).is_ok();
            let sight = Sight {
                waits: sight.waits || !resource.depends_on.is_empty(),
                ..sight
            };
            let look = Look {
                door,
                prepared,
                resource,
                sight,
                exact,
            };
            look.at_write(body.clone(), findings).await;
            if resource.nested.is_some() {
                look.inside(&body, findings).await?;
            }
        }
        Ok(())
    }
    .boxed()
}

/// A look at one resource.
struct Look<'l> {
    door: &'l Door<'l>,
    prepared: &'l Prepared,
    resource: &'l PlannedResource,
    sight: Sight,
    /// Whether its body is known.
    exact: bool,
}

impl Look<'_> {
    async fn at_write(&self, body: Value, findings: &mut Findings) {
        // an expression in the id is an answer that is not there yet
        if self.resource.id.as_str().contains('[') {
            return;
        }
        let request = self.door.request(self.resource, &body);
        let preview = match self.door.engine.preview(&request).await {
            Ok(preview) => preview,
            Err(error) => return self.note(error, findings),
        };
        if !preview.decision.allowed {
            return self.refused(preview.decision, &request, findings).await;
        }
        let after = preview.after.unwrap_or_else(|error| {
            self.note(error, findings);
            None
        });
        findings.foreseen.push(Foreseen {
            resource: self.resource.clone(),
            deployment: self.prepared.id.clone(),
            before: preview.before,
            after,
            body,
            exact: self.exact && !self.sight.waits && !self.sight.is_guess,
        });
    }

    /// A nested deployment's own resources, if its template is known.
    async fn inside(&self, body: &Value, findings: &mut Findings) -> Result<(), ArmError> {
        let nested = Wanted::of_body(body)
            .and_then(|wanted| Prepared::new(self.door.engine, self.door.caller, &self.resource.id, wanted));
        match nested {
            Ok(nested) => {
                let is_guess = self.sight.is_guess || !self.exact;
                let sight = Sight {
                    is_guess,
                    ..self.sight
                };
                look(self.door, &nested, sight, findings).await
            }
            Err(error) => {
                self.note(error, findings);
                Ok(())
            }
        }
    }

    async fn refused(&self, decision: Decision, request: &Request, findings: &mut Findings) {
        if self.sight.is_guess {
            return;
        }
        let engine = self.door.engine;
        let refusal = engine.refuse(decision, &self.resource.id, request).await;
        let mut detail = Detail::from(refusal.clone());
        detail.message = format!(
            "Authorization failed for template resource '{}' of type '{}'. {}",
            self.resource.name, self.resource.resource_type, refusal.message
        );
        detail.target = Some(self.resource.id.to_string());
        findings.refused.get_or_insert(refusal);
        findings.refusals.push(detail);
    }

    /// A fault counts when nothing can mend it before the resource's turn.
    fn note(&self, error: ArmError, findings: &mut Findings) {
        let parents = [self.resource.id.parent(), self.resource.id.resource_group_id()];
        let made_before = parents
            .iter()
            .flatten()
            .any(|parent| findings.made.contains(parent));
        let lasts = match error.code {
            ErrorCode::InvalidResourceNamespace
            | ErrorCode::InvalidResourceType
            | ErrorCode::InvalidResourceId
            | ErrorCode::InvalidContentLink
            | ErrorCode::InvalidApiVersionParameter => true,
            ErrorCode::InvalidTemplate => self.exact && !made_before,
            _ => self.exact && !self.sight.waits && !made_before,
        };
        if lasts && !self.sight.is_guess {
            let mut detail = Detail::from(error);
            detail.target.get_or_insert_with(|| self.resource.id.to_string());
            findings.faults.push(detail);
        }
    }
}

impl Findings {
    fn verdict(self, engine: &Arc<Engine>, prepared: &Prepared) -> Result<Vec<Foreseen>, ArmError> {
        if let (Some(refused), Some(first)) = (self.refused, self.refusals.first()) {
            let message = match self.refusals.len() {
                1 => first.message.clone(),
                several => format!(
                    "Authorization failed for {several} template resources. {}",
                    first.message
                ),
            };
            return Err(ArmError { message, ..refused }.because(self.refusals));
        }
        if self.faults.is_empty() {
            return Ok(self.foreseen);
        }
        let message = format!(
            "The template deployment '{}' is not valid according to the validation procedure. The tracking id is \
             '{}'. See inner errors for details.",
            prepared.id.name(),
            engine.world().new_id()
        );
        Err(ArmError::new(ErrorCode::InvalidTemplateDeployment, message).because(self.faults))
    }
}
