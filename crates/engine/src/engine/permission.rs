//! Permission: the questions a request raises, their answers, and the refusals.

use http::header::AUTHORIZATION;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_rbac::Plane;
use serde_json::json;
use uuid::Uuid;

use super::{Engine, advice::advice, rehearsal::Refused};
use crate::{
    Caller, CallerKind, Grant, Snapshot, challenge,
    decision::{Decision, Finding, Need, Outcome, Question, decide},
    explain::{Kept, Noted, Unwritten},
    grant::Allows,
    operation::Surface,
    policy,
    request::Request,
};

impl Engine {
    /// Asks for leave. A refusal is recorded before it is told.
    pub async fn authorize<A: Allows>(
        &self,
        caller: &Caller,
        surface: Surface,
        alternatives: Vec<Vec<Need>>,
        id: &ResourceId,
        request: &Request,
    ) -> Result<Grant<A>, ArmError> {
        let decision = self.decide(caller, surface, alternatives);
        self.granted(decision, id, request).await
    }

    /// Asks for leave to do what every caller may whose credential is good here: the answer holds only what the
    /// caller may see anyway.
    pub(crate) async fn admit<A: Allows>(
        &self,
        caller: &Caller,
        surface: Surface,
        operation: &str,
        id: &ResourceId,
        request: &Request,
    ) -> Result<Grant<A>, ArmError> {
        let need = Need::action(operation.to_owned(), id.clone()).signed_in();
        let decision = self.decide(caller, surface, vec![vec![need]]);
        self.granted(decision, id, request).await
    }

    async fn granted<A: Allows>(
        &self,
        decision: Decision,
        id: &ResourceId,
        request: &Request,
    ) -> Result<Grant<A>, ArmError> {
        if decision.allowed {
            self.uses.note(&decision, &self.snapshot());
            let operation = decision.operation().to_owned();
            return Ok(Grant::new(decision, id.clone(), operation));
        }
        Err(self.refuse(decision, id, request).await)
    }

    /// The refusal that a decision comes to, recorded before it is told. Where the same was refused a moment ago, that
    /// refusal's id is told, which explains this one as well.
    pub async fn refuse(&self, decision: Decision, id: &ResourceId, request: &Request) -> ArmError {
        self.refuse_for(decision, id, request.correlation_id).await
    }

    pub(super) async fn refuse_for(
        &self,
        mut decision: Decision,
        id: &ResourceId,
        correlation_id: Uuid,
    ) -> ArmError {
        if let Some(rehearsal) = &self.rehearsal {
            let refused = Refused::Decided {
                decision: Box::new(decision.clone()),
                id: id.clone(),
                correlation_id,
            };
            rehearsal.note(decision.id, refused);
        } else if let Err(error) = self.record_refusal(&mut decision, id, correlation_id).await {
            return error;
        }
        let mut refusal = self.told(&decision);
        if let Some(advice) = advice(&self.snapshot(), &decision) {
            refusal.message.push_str(advice);
        }
        decision.named(refusal)
    }

    /// Records a refusal, unless the same was a moment ago: then the decision takes its id.
    async fn record_refusal(
        &self,
        decision: &mut Decision,
        id: &ResourceId,
        correlation_id: Uuid,
    ) -> Result<(), ArmError> {
        let what = decision.what_is_refused(id);
        match self
            .refusals
            .note(&decision.caller, &what, decision.id, self.world.now())
        {
            Noted::Again(first) => decision.id = first,
            Noted::New => {
                let event = self.event(
                    decision,
                    decision.operation(),
                    id,
                    "Denied",
                    correlation_id,
                    json!({}),
                );
                if let Err(error) = self.append(event).await {
                    self.refusals.forget(&decision.caller, &what);
                    return Err(error);
                }
            }
            Noted::Beyond => self.turned_away.keep(
                decision.id,
                Kept::Unwritten(Unwritten {
                    caller: decision.caller.record_id(),
                    resource: id.as_str().to_owned(),
                    decision: decision.record(),
                }),
            ),
        }
        Ok(())
    }

    /// The refusal, with what the client can do about it by itself.
    fn told(&self, decision: &Decision) -> ArmError {
        let refusal = decision.refusal();
        let mut outcomes = decision.findings.iter().map(|finding| &finding.outcome);
        let was_called_back = outcomes.any(|outcome| matches!(outcome, Outcome::CalledBack));
        if was_called_back && decision.caller.sign_in.heeds_challenges {
            return challenge::newer_token(&self.site, self.world.now(), refusal);
        }
        match self.second_factor_helps(decision) {
            true => challenge::second_factor(&self.site, &refusal),
            false => refusal,
        }
    }

    /// Whether the same caller would be allowed the same had it signed in with a second factor.
    fn second_factor_helps(&self, decision: &Decision) -> bool {
        let mut caller = decision.caller.clone();
        if caller.kind != CallerKind::User
            || caller.sign_in.is_multi_factor()
            || !decision.asked_a_condition()
        {
            return false;
        }
        let methods = caller.sign_in.methods.iter().map(String::as_str).chain(["mfa"]);
        caller.sign_in.methods = methods.map(str::to_owned).collect();
        let question = decision.question(self.world.now());
        decide(
            &self.snapshot(),
            &self.site.origin,
            Uuid::nil(),
            &caller,
            &question,
        )
        .allowed
    }

    /// A refusal that a rule of the resource makes after the decision allowed: it is recorded, and explained, under
    /// that decision.
    pub(crate) async fn refused_after<A: Allows>(
        &self,
        grant: &Grant<A>,
        error: ArmError,
        correlation_id: Uuid,
    ) -> ArmError {
        if !matches!(error.status(), 401 | 403) || Decision::named_in(&error).is_some() {
            return error;
        }
        let mut detail = json!({ "code": error.code.face().1, "message": error.message });
        let violations = policy::violations(&error);
        if !violations.is_empty() {
            detail["policies"] = violations.into();
        }
        match self.record(grant, "Denied", correlation_id, detail).await {
            Ok(()) => grant.decision().named(error),
            Err(fault) => fault,
        }
    }

    /// Decides without acting and without recording: for filtering lists and for showing what a caller may do.
    #[must_use]
    pub fn decide(&self, caller: &Caller, surface: Surface, alternatives: Vec<Vec<Need>>) -> Decision {
        let question = Question {
            surface,
            alternatives,
            now: self.world.now(),
        };
        decide(
            &self.snapshot(),
            &self.site.origin,
            self.world.new_id(),
            caller,
            &question,
        )
    }

    /// Whether a caller has the right to one control-plane action, on a given snapshot, whatever is locked.
    #[must_use]
    pub fn may(
        &self,
        snapshot: &Snapshot,
        caller: &Caller,
        surface: Surface,
        action: &str,
        id: &ResourceId,
    ) -> bool {
        let need = Need {
            plane: Plane::Control,
            ..Need::action(action.to_owned(), id.clone()).linked()
        };
        let question = Question {
            surface,
            alternatives: vec![vec![need]],
            now: self.world.now(),
        };
        decide(snapshot, &self.site.origin, Uuid::nil(), caller, &question).allowed
    }

    /// Leave for nave itself, for what follows from the running of the server and not from a caller's request.
    #[must_use]
    pub fn on_own_account<A: Allows>(&self, operation: &str, id: &ResourceId) -> Grant<A> {
        self.by_rule("System", operation, id, Caller::system())
    }

    /// Leave that a rule gives, whoever asks.
    pub(super) fn by_rule<A: Allows>(
        &self,
        rule: &'static str,
        operation: &str,
        id: &ResourceId,
        caller: Caller,
    ) -> Grant<A> {
        let decision = self.one_finding(operation, id, caller, Outcome::Rule(rule));
        Grant::new(decision, id.clone(), operation.to_owned())
    }

    pub(super) fn one_finding(
        &self,
        operation: &str,
        id: &ResourceId,
        caller: Caller,
        outcome: Outcome,
    ) -> Decision {
        let need = Need::action(operation.to_owned(), id.clone());
        Decision {
            id: self.world.new_id(),
            revision: self.snapshot.load().revision(),
            caller,
            surface: Surface::Arm,
            asked_at: self.world.now(),
            allowed: outcome.passed(),
            findings: vec![Finding::of(&need, outcome)],
            others: Vec::new(),
        }
    }
}

/// The refusal of a request without a credential, or with one that nobody here understands.
pub(crate) fn not_signed_in(request: &Request, surface: Surface) -> ArmError {
    if request.headers.contains_key(AUTHORIZATION) {
        return ArmError::new(
            ErrorCode::InvalidAuthenticationToken,
            "The access token is invalid: the 'Authorization' header holds no token of this server. Sign in and send \
             'Bearer', a blank and the token.",
        );
    }
    let key = match surface {
        Surface::Inference => ", or a key of the account in the 'api-key' header",
        _ => "",
    };
    ArmError::new(
        ErrorCode::AuthenticationFailed,
        format!(
            "Authentication failed. The 'Authorization' header is missing; sign in and send a bearer token{key}."
        ),
    )
}
