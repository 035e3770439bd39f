//! Permission: the questions a request raises, their answers, and the refusals.

use http::header::AUTHORIZATION;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_rbac::Plane;
use serde_json::json;
use uuid::Uuid;

use super::{Engine, advice::advice};
use crate::{
    Caller, Grant, Snapshot,
    decision::{Basis, Decision, Finding, Need, Outcome, Question, admit, decide},
    grant::Allows,
    operation::Surface,
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
        self.granted(decision, surface, id, request).await
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
        let outcome = admit(&self.snapshot(), &self.site.origin, caller, surface);
        let decision = self.one_finding(operation, id, caller.clone(), outcome);
        self.granted(decision, surface, id, request).await
    }

    async fn granted<A: Allows>(
        &self,
        decision: Decision,
        surface: Surface,
        id: &ResourceId,
        request: &Request,
    ) -> Result<Grant<A>, ArmError> {
        let operation = decision
            .findings
            .first()
            .map_or_else(String::new, |finding| finding.operation.clone());
        if decision.allowed {
            return Ok(Grant::new(decision, id.clone(), operation));
        }
        let event = self.event(
            &decision,
            &operation,
            id,
            "Denied",
            request.correlation_id,
            json!({}),
        );
        self.append(event).await?;
        let mut refusal = decision.refusal(surface);
        if let Some(advice) = advice(&self.snapshot(), &decision) {
            refusal.message.push_str(advice);
        }
        Err(decision.named(refusal))
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

    /// Whether a caller may do one control-plane action, on a given snapshot.
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
            ..Need::action(action.to_owned(), id.clone())
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

    fn one_finding(&self, operation: &str, id: &ResourceId, caller: Caller, outcome: Outcome) -> Decision {
        Decision {
            id: self.world.new_id(),
            revision: self.snapshot.load().revision(),
            caller,
            allowed: outcome.passed(),
            findings: vec![Finding {
                operation: operation.to_owned(),
                scope: id.clone(),
                basis: Basis::Own,
                outcome,
            }],
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
