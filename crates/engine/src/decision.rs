//! The one function that decides, and what it answers.
//!
//! [`decide`] is pure: the same snapshot, caller and question give the same decision, with its reasons. Nothing
//! else in nave says yes or no.

use std::borrow::Cow;

use jiff::Timestamp;
use nave_arm::{ArmError, Detail, ErrorCode, ResourceId};
use nave_rbac::{AccessRequest, Attributes, Evaluation, Plane, Reason, Refusal, RoleIndex};
use nave_store::Revision;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Caller, CallerKind, Snapshot, directory,
    locks::{self, Effect, Lock},
    operation::Surface,
    standing::stands,
    subscriptions::State,
    surroundings::Surroundings,
};

/// One thing a caller must be allowed to do for a request to pass.
#[derive(Debug, Clone)]
pub struct Need {
    /// The operation, such as `Microsoft.MachineLearningServices/workspaces/write`.
    pub operation: Cow<'static, str>,
    /// The plane the operation is of.
    pub plane: Plane,
    /// Where.
    pub scope: ResourceId,
    /// How the need belongs to the request.
    pub basis: Basis,
    /// What conditions may look at, besides what every request has.
    pub attributes: Attributes,
}

/// How a need belongs to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// It is what was asked.
    Own,
    /// It is needed on a second scope that the request links to.
    Linked,
    /// The caller must hold one of these built-in roles at the scope or above; actions do not count.
    Role(&'static RoleGate),
    /// Whoever signed in may: the answer holds only what the caller may see anyway.
    SignedIn,
    /// It would change along with what was asked. No right to it is needed, but no lock may be there.
    Along,
}

/// A rule that asks for a role, not for an action.
#[derive(Debug, PartialEq, Eq)]
pub struct RoleGate {
    /// The rule's name, as decisions print it.
    pub rule: &'static str,
    /// The roles that pass.
    pub roles: &'static [Uuid],
    /// The roles, for people.
    pub names: &'static str,
}

impl Need {
    /// A control-plane operation at a scope.
    #[must_use]
    pub fn action(operation: impl Into<Cow<'static, str>>, scope: ResourceId) -> Self {
        Self {
            operation: operation.into(),
            plane: Plane::Control,
            scope,
            basis: Basis::Own,
            attributes: Attributes::default(),
        }
    }

    /// A data-plane operation at a scope.
    #[must_use]
    pub fn data(operation: impl Into<Cow<'static, str>>, scope: ResourceId) -> Self {
        Self {
            plane: Plane::Data,
            ..Self::action(operation, scope)
        }
    }

    /// The same, on a scope the request links to.
    #[must_use]
    pub fn linked(mut self) -> Self {
        self.basis = Basis::Linked;
        self
    }

    /// Asks for a role instead of an action.
    #[must_use]
    pub fn through(mut self, gate: &'static RoleGate) -> Self {
        self.basis = Basis::Role(gate);
        self
    }

    /// Asks for no more than a credential that is good here.
    #[must_use]
    pub fn signed_in(mut self) -> Self {
        self.basis = Basis::SignedIn;
        self
    }

    /// With what conditions may look at.
    #[must_use]
    pub fn with(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }
}

/// The question: who, over which protocol, needs what. Any one of the alternatives is enough; each is a list of
/// needs that must all be met. The first alternative is the usual one, and the one a refusal speaks of, unless another
/// has nothing but a lock in its way.
#[derive(Debug, Clone)]
pub struct Question {
    /// The protocol.
    pub surface: Surface,
    /// Ways to be allowed.
    pub alternatives: Vec<Vec<Need>>,
    /// When it is asked: roles may be good until, or from, a time.
    pub now: Timestamp,
}

/// The answer, with its reasons.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The decision's own id, for `x-nave-decision` and the activity log.
    pub id: Uuid,
    /// The revision of the state it was made on.
    pub revision: Revision,
    /// Who asked.
    pub caller: Caller,
    /// The protocol.
    pub surface: Surface,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// Whether the request may proceed.
    pub allowed: bool,
    /// Each need of the alternative that decided, with what came of it.
    pub findings: Vec<Finding>,
    /// Of a refusal: the other ways to be allowed, none of which was open either.
    pub others: Vec<Vec<Need>>,
}

/// One need and what came of it.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The operation.
    pub operation: String,
    /// The plane it is of.
    pub plane: Plane,
    /// Where.
    pub scope: ResourceId,
    /// How it belongs to the request.
    pub basis: Basis,
    /// What conditions could look at.
    pub attributes: Attributes,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of one need.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A role assignment grants it.
    Granted(Reason),
    /// A rule of nave grants it; the name of the rule.
    Rule(&'static str),
    /// No role grants it, or a deny assignment takes it.
    Refused(Refusal),
    /// A role grants it, and these locks are in the way.
    Locked(Vec<Lock>),
    /// It would be allowed, but the subscription was cancelled: there one reads and deletes.
    SubscriptionClosed(State),
    /// None of the roles the gate asks for is held.
    RoleMissing,
    /// The caller is disabled or gone from the directory.
    PrincipalUnusable,
    /// The key is of another account, or keys do not reach this plane.
    KeyOutOfReach,
    /// The account does not take keys.
    KeysDisabled,
    /// The token is for another audience.
    WrongAudience,
    /// The credential was good once and has been called back since: the principal's tokens were, or the session was
    /// ended, or the key was replaced.
    CalledBack,
}

impl Outcome {
    pub(crate) fn passed(&self) -> bool {
        matches!(self, Self::Granted(_) | Self::Rule(_))
    }

    /// Whether nothing but a lock, or the state of the subscription, is in the way: the right is there.
    pub(crate) fn is_locked(&self) -> bool {
        matches!(self, Self::Locked(_) | Self::SubscriptionClosed(_))
    }

    /// The outcome in one word, as events keep it.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Granted(_) => "granted",
            Self::Rule(_) => "rule",
            Self::Refused(Refusal::DenyAssignment { .. }) => "denied",
            Self::Refused(Refusal::NoAssignment { .. }) => "refused",
            Self::Locked(_) => "locked",
            Self::SubscriptionClosed(_) => "subscriptionClosed",
            Self::RoleMissing => "roleMissing",
            Self::PrincipalUnusable => "principalUnusable",
            Self::KeyOutOfReach => "keyOutOfReach",
            Self::KeysDisabled => "keysDisabled",
            Self::WrongAudience => "wrongAudience",
            Self::CalledBack => "calledBack",
        }
    }
}

/// Decides a question on a snapshot. `id` names the decision; `origin` is the server's own audience.
#[must_use]
pub fn decide(snapshot: &Snapshot, origin: &str, id: Uuid, caller: &Caller, question: &Question) -> Decision {
    let snapshot = snapshot.rights();
    let found = |needs: &Vec<Need>| -> Vec<Finding> {
        let find = |need| Finding::of(need, consider(snapshot, origin, caller, question, need));
        needs.iter().map(find).collect()
    };
    let mut decision = Decision {
        id,
        revision: snapshot.revision(),
        caller: caller.clone(),
        surface: question.surface,
        asked_at: question.now,
        allowed: false,
        findings: Vec::new(),
        others: Vec::new(),
    };
    let mut told = (0, false);
    for (at, needs) in question.alternatives.iter().enumerate() {
        let findings = found(needs);
        decision.allowed = findings.iter().all(|finding| finding.outcome.passed());
        let only_locked = findings
            .iter()
            .all(|finding| finding.outcome.passed() || finding.outcome.is_locked());
        if decision.allowed || at == 0 || only_locked && !told.1 {
            decision.findings = findings;
            told = (at, only_locked);
        }
        if decision.allowed {
            return decision;
        }
    }
    let others = question.alternatives.iter().enumerate();
    decision.others = others
        .filter(|(at, _)| *at != told.0)
        .map(|(_, way)| way.clone())
        .collect();
    decision
}

/// Whether a caller's credential is good on a surface, whatever is asked: the rule `SignedIn`, or why not.
fn admit(snapshot: &Snapshot, origin: &str, caller: &Caller, surface: Surface) -> Outcome {
    match &caller.kind {
        CallerKind::System => Outcome::Rule("System"),
        CallerKind::AccountKey { account, .. } if surface == Surface::Inference => {
            key_of(snapshot, caller, account)
        }
        CallerKind::AccountKey { .. } => Outcome::KeyOutOfReach,
        _ if !surface.accepts(&caller.audience, origin) => Outcome::WrongAudience,
        _ if !is_usable(snapshot, caller.object_id) => Outcome::PrincipalUnusable,
        _ if !stands(snapshot, caller) => Outcome::CalledBack,
        _ => Outcome::Rule("SignedIn"),
    }
}

/// Whether a principal is in the directory and enabled.
fn is_usable(snapshot: &Snapshot, object_id: Uuid) -> bool {
    snapshot
        .principal(object_id)
        .is_some_and(|principal| directory::is_enabled(principal))
}

fn consider(snapshot: &Snapshot, origin: &str, caller: &Caller, question: &Question, need: &Need) -> Outcome {
    match &caller.kind {
        CallerKind::System => return Outcome::Rule("System"),
        _ if need.basis == Basis::Along => {
            return unless_locked(snapshot, question.surface, need, Outcome::Rule("Unlocked"));
        }
        CallerKind::AccountKey { account, .. } if need.basis != Basis::SignedIn => {
            return unless_closed(snapshot, need, consider_key(snapshot, caller, account, need));
        }
        _ => {}
    }
    match admit(snapshot, origin, caller, question.surface) {
        Outcome::Rule(_) if need.basis != Basis::SignedIn => {}
        decided => return decided,
    }
    if question.surface == Surface::Graph && directory_member_may(&need.operation) {
        return Outcome::Rule("DirectoryMember");
    }
    if question.surface == Surface::Scim && provisions(snapshot, caller.object_id) {
        return Outcome::Rule("ProvisioningToken");
    }
    match ask(snapshot, caller, question, need, RoleIndex::evaluate) {
        Evaluation::Allowed(reason) => match need.basis {
            Basis::Role(gate)
                if !snapshot
                    .roles()
                    .holds_role(caller.object_id, gate.roles, &need.scope) =>
            {
                Outcome::RoleMissing
            }
            _ => {
                let granted = unless_closed(snapshot, need, Outcome::Granted(reason));
                match granted.passed() {
                    true => unless_locked(snapshot, question.surface, need, granted),
                    false => granted,
                }
            }
        },
        Evaluation::Denied(refusal) => Outcome::Refused(refusal),
    }
}

/// What was allowed, unless the subscription is one in which this is not done.
fn unless_closed(snapshot: &Snapshot, need: &Need, allowed: Outcome) -> Outcome {
    let state = snapshot.subscription_state(&need.scope);
    match allowed.passed() && !state.permits(&need.operation) {
        true => Outcome::SubscriptionClosed(state),
        false => allowed,
    }
}

/// What was allowed, unless a lock is in the way.
fn unless_locked(snapshot: &Snapshot, surface: Surface, need: &Need, allowed: Outcome) -> Outcome {
    let locks = locks::in_the_way(snapshot, surface, need);
    if locks.is_empty() {
        allowed
    } else {
        Outcome::Locked(locks)
    }
}

/// Asks the roles about a need, with all that conditions may look at.
pub(crate) fn ask<T>(
    snapshot: &Snapshot,
    caller: &Caller,
    question: &Question,
    need: &Need,
    answer: impl FnOnce(&RoleIndex, &AccessRequest<'_>) -> T,
) -> T {
    let surroundings = Surroundings::new(snapshot, caller.object_id, &caller.sign_in, question.now);
    let request = AccessRequest {
        principal: caller.object_id,
        operation: &need.operation,
        plane: need.plane,
        scope: &need.scope,
        sub_operation: None,
        attributes: &need.attributes,
        surroundings: &surroundings,
    };
    answer(snapshot.roles(), &request)
}

/// Members of a directory may read it, as in Entra; to write it they need a role at the tenant.
fn directory_member_may(operation: &str) -> bool {
    operation.ends_with("/read")
}

/// A provisioning token may do all of SCIM; its audience keeps it out of everything else.
fn provisions(snapshot: &Snapshot, object_id: Uuid) -> bool {
    snapshot.principal(object_id).is_some_and(|principal| {
        principal
            .id
            .resource_type()
            .eq_ignore_ascii_case(directory::PROVISIONING_TOKENS)
    })
}

/// A key opens the data plane of its own account, unless the account switched keys off.
fn consider_key(snapshot: &Snapshot, caller: &Caller, account: &ResourceId, need: &Need) -> Outcome {
    if need.plane != Plane::Data || !account.contains(&need.scope) {
        return Outcome::KeyOutOfReach;
    }
    key_of(snapshot, caller, account)
}

fn key_of(snapshot: &Snapshot, caller: &Caller, account: &ResourceId) -> Outcome {
    match snapshot.get(account) {
        Some(account) if account.value("/properties/disableLocalAuth").is_some_and(is_true) => {
            Outcome::KeysDisabled
        }
        Some(_) if !stands(snapshot, caller) => Outcome::CalledBack,
        Some(_) => Outcome::Rule("AccountKey"),
        None => Outcome::KeyOutOfReach,
    }
}

fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or(false)
        || value
            .as_str()
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// The type of the addition to an error that names the decision.
const ADDITION: &str = "Decision";

impl Decision {
    /// The refusal as the caller sees it: all that is missing at once, each told once.
    #[must_use]
    pub fn refusal(&self) -> ArmError {
        let surface = self.surface;
        let failed: Vec<&Finding> = self
            .findings
            .iter()
            .filter(|finding| !finding.outcome.passed())
            .collect();
        // who lacks a right is told that, and nothing of locks
        let rights = failed.iter().find(|finding| !finding.outcome.is_locked());
        let Some(first) = rights.or(failed.first()) else {
            return ArmError::new(ErrorCode::AuthorizationFailed, "Nothing grants this request.");
        };
        let error = self.refuse_one(first, surface);
        if failed.len() == 1 {
            return error;
        }
        let mut others: Vec<ArmError> = Vec::new();
        let told = failed
            .iter()
            .filter(|finding| rights.is_none() || !finding.outcome.is_locked());
        for other in told.map(|finding| self.refuse_one(finding, surface)) {
            if other.message != error.message && others.iter().all(|told| told.message != other.message) {
                others.push(other);
            }
        }
        error.because(others.into_iter().map(Detail::from).collect())
    }

    fn refuse_one(&self, finding: &Finding, surface: Surface) -> ArmError {
        let Finding { operation, scope, .. } = finding;
        let (name, id) = (&self.caller.name, self.caller.object_id);
        match &finding.outcome {
            Outcome::WrongAudience => ArmError::new(
                ErrorCode::InvalidAuthenticationTokenAudience,
                format!(
                    "The access token was made for the audience '{}', which is not accepted here. Ask for a token \
                     for the resource you are calling.",
                    self.caller.audience
                ),
            ),
            Outcome::PrincipalUnusable => ArmError::new(
                ErrorCode::InvalidAuthenticationToken,
                format!(
                    "The account '{name}' with object id '{id}' is disabled or no longer in the directory."
                ),
            ),
            Outcome::CalledBack if matches!(self.caller.kind, CallerKind::AccountKey { .. }) => {
                ArmError::new(
                    ErrorCode::PermissionDenied,
                    "Access denied: the key was regenerated and is no longer accepted.",
                )
            }
            Outcome::CalledBack => ArmError::new(
                ErrorCode::InvalidAuthenticationToken,
                format!(
                    "The access token of '{name}' was called back: the password changed, the account was disabled, or \
                     the session was ended. Sign in again."
                ),
            ),
            Outcome::KeysDisabled => ArmError::new(
                ErrorCode::AuthenticationTypeDisabled,
                "Key based authentication is disabled for this resource.",
            ),
            Outcome::KeyOutOfReach => ArmError::new(
                ErrorCode::PermissionDenied,
                "Access denied: the key is not a key of this resource.",
            ),
            Outcome::RoleMissing => {
                let Basis::Role(gate) = finding.basis else {
                    return internal(finding);
                };
                ArmError::new(
                    ErrorCode::AuthorizationFailed,
                    format!(
                        "The client '{name}' with object id '{id}' does not have authorization to perform action \
                         '{operation}' over scope '{scope}': the rule {} asks for the built-in role {} at this scope \
                         or above, and no other role or custom role stands in for it.",
                        gate.rule, gate.names
                    ),
                )
            }
            Outcome::Refused(Refusal::DenyAssignment { id: deny }) => self.blocked_by(deny, finding),
            Outcome::Refused(_) if surface == Surface::Inference => ArmError::new(
                ErrorCode::PermissionDenied,
                format!(
                    "The principal '{id}' lacks the required data action '{operation}' to perform this operation on \
                     '{scope}'."
                ),
            ),
            Outcome::Refused(_) if surface == Surface::Graph => ArmError::new(
                ErrorCode::Authorization_RequestDenied,
                format!(
                    "Insufficient privileges to complete the operation: '{operation}' is needed at the tenant."
                ),
            ),
            Outcome::Refused(_) if finding.basis == Basis::Linked => {
                let own = self
                    .findings
                    .iter()
                    .find(|own| own.basis == Basis::Own && own.outcome.passed());
                let but = own.map_or_else(String::new, |own| {
                    format!(
                        "has permission to perform action '{}' on scope '{}'; however, it ",
                        own.operation, own.scope
                    )
                });
                ArmError::new(
                    ErrorCode::LinkedAuthorizationFailed,
                    format!(
                        "The client '{name}' with object id '{id}' {but}does not have permission to perform action \
                         '{operation}' on the linked scope(s) '{scope}' or the linked scope(s) are invalid."
                    ),
                )
            }
            Outcome::Locked(locks) => locked(finding, locks),
            Outcome::SubscriptionClosed(state) => closed(finding, *state),
            Outcome::Refused(refusal) => {
                let or_condition = if refusal.condition_in_play() {
                    " or an ABAC condition not fulfilled"
                } else {
                    ""
                };
                ArmError::new(
                    ErrorCode::AuthorizationFailed,
                    format!(
                        "The client '{name}' with object id '{id}' does not have authorization{or_condition} to \
                         perform action '{operation}' over scope '{scope}' or the scope is invalid. If access was \
                         recently granted, please refresh your credentials."
                    ),
                )
            }
            Outcome::Granted(_) | Outcome::Rule(_) => internal(finding),
        }
    }

    /// A ruling (rbac-semantics 7.3, where the documents are silent): what a deny assignment blocks is answered 403
    /// `DenyAssignmentAuthorizationFailed`, on every surface, and names it.
    fn blocked_by(&self, deny: &ResourceId, finding: &Finding) -> ArmError {
        let Finding { operation, scope, .. } = finding;
        let (name, id) = (&self.caller.name, self.caller.object_id);
        ArmError::new(
            ErrorCode::DenyAssignmentAuthorizationFailed,
            format!(
                "The client '{name}' with object id '{id}' has permission to perform action '{operation}' on scope \
                 '{scope}'; however, the access is denied because of the deny assignment '{deny}'."
            ),
        )
    }

    /// The operation that was asked for.
    #[must_use]
    pub fn operation(&self) -> &str {
        self.findings
            .first()
            .map_or("", |finding| finding.operation.as_str())
    }

    /// The question it answered, asked at another time.
    pub(crate) fn question(&self, now: Timestamp) -> Question {
        let own = self.findings.iter().map(Finding::need).collect();
        Question {
            surface: self.surface,
            alternatives: std::iter::once(own).chain(self.others.iter().cloned()).collect(),
            now,
        }
    }

    /// Whether a condition had a part in what was refused: on an assignment that would have granted it, or on a deny
    /// assignment that took it.
    pub(crate) fn asked_a_condition(&self) -> bool {
        self.findings.iter().any(|finding| match &finding.outcome {
            Outcome::Refused(Refusal::DenyAssignment { .. }) => true,
            Outcome::Refused(refusal) => refusal.condition_in_play(),
            _ => false,
        })
    }

    /// What tells this refusal from another one of the same caller.
    pub(crate) fn what_is_refused(&self, id: &ResourceId) -> String {
        let findings: Vec<Value> = self.findings.iter().map(Finding::record).collect();
        format!("{:?} {} {}", self.surface, id.key(), Value::from(findings))
    }

    /// The id of the decision that a refusal came of, if one did.
    pub(crate) fn named_in(error: &ArmError) -> Option<&str> {
        let named = |info: &'_ Value| info["type"] == ADDITION;
        error
            .additional_info
            .iter()
            .find(|info| named(info))?
            .pointer("/info/id")?
            .as_str()
    }

    /// The id of a decision in what an error says of it.
    pub(crate) fn id_in(addition: &mut Value) -> Option<&mut String> {
        if addition["type"] != ADDITION {
            return None;
        }
        match addition.pointer_mut("/info/id")? {
            Value::String(id) => Some(id),
            _ => None,
        }
    }

    /// Names this decision in a refusal that came after it, unless the refusal has one of its own.
    pub(crate) fn named_once(&self, refusal: ArmError) -> ArmError {
        match matches!(refusal.status(), 401 | 403) && Self::named_in(&refusal).is_none() {
            true => self.named(refusal),
            false => refusal,
        }
    }

    /// Names this decision in a refusal that came of it.
    pub(crate) fn named(&self, refusal: ArmError) -> ArmError {
        Self::name(self.id, refusal)
    }

    /// Names the decision of this id in a refusal.
    pub(crate) fn name(id: Uuid, mut refusal: ArmError) -> ArmError {
        refusal.additional_info.push(Self::addition(id));
        refusal
    }

    /// What an error says of the decision it came of.
    pub(crate) fn addition(id: Uuid) -> Value {
        json!({ "type": ADDITION, "info": { "id": id } })
    }
}

impl Finding {
    /// The need it was found for.
    pub(crate) fn need(&self) -> Need {
        Need {
            operation: self.operation.clone().into(),
            plane: self.plane,
            scope: self.scope.clone(),
            basis: self.basis,
            attributes: self.attributes.clone(),
        }
    }

    pub(crate) fn of(need: &Need, outcome: Outcome) -> Self {
        Self {
            operation: need.operation.clone().into_owned(),
            plane: need.plane,
            scope: need.scope.clone(),
            basis: need.basis,
            attributes: need.attributes.clone(),
            outcome,
        }
    }
}

/// Azure's sentence, and what helps.
fn closed(finding: &Finding, state: State) -> ArmError {
    let subscription = finding.scope.subscription().unwrap_or_default();
    ArmError::new(
        ErrorCode::ReadOnlyDisabledSubscription,
        format!(
            "The subscription '{subscription}' is {} and therefore marked as read only. You cannot perform any write \
             actions on this subscription until it is re-enabled: POST \
             /subscriptions/{subscription}/providers/Microsoft.Subscription/enable.",
            state.word().to_lowercase(),
        ),
    )
}

/// Azure's sentence, and which locks they are.
fn locked(finding: &Finding, locks: &[Lock]) -> ArmError {
    let word = Effect::of(&finding.operation).unwrap_or(Effect::Write).word();
    let mut scopes: Vec<ResourceId> = locks.iter().map(Lock::scope).collect();
    scopes.dedup();
    let joined = |texts: Vec<String>| texts.join("','");
    let scopes = joined(scopes.iter().map(ToString::to_string).collect());
    let named = locks
        .iter()
        .map(|lock| format!("{} ({})", lock.id.name(), lock.level.word()));
    let mut error = ArmError::new(
        ErrorCode::ScopeLocked,
        format!(
            "The scope '{}' cannot perform {word} operation because following scope(s) are locked: '{scopes}'. Please \
             remove the lock and try again. Locked by: '{}'.",
            finding.scope,
            joined(named.collect()),
        ),
    );
    let locks: Vec<Value> = locks.iter().map(Lock::record).collect();
    error
        .additional_info
        .push(json!({ "type": "Locks", "info": { "locks": locks } }));
    error
}

fn internal(finding: &Finding) -> ArmError {
    tracing::error!(
        operation = finding.operation,
        "a finding that passed was asked for its refusal"
    );
    ArmError::new(
        ErrorCode::InternalServerError,
        "The decision could not be explained; the log has the cause.",
    )
}
