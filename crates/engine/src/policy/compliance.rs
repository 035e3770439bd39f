//! How what is there stands to the policies that reach it (policy-language 6 and 7).
//!
//! Nothing is worked out when something is written: who asks gets the states of the present, and each is kept until what
//! it was made of is another. What a policy said of a resource is made of the resource as it is shown, of its group and
//! subscription, and of the assignment with its definitions; where one of them changed, it is judged again, and nowhere
//! else. Exemptions, attestations and conflicts are looked at each time, on top of what is kept.

mod attested;
mod kept;
mod related;
mod view;

use std::sync::Arc;

use jiff::Timestamp;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_policy::{Assignment, Changed, Compliance, Effect, Existence, Judgement, Policy, shape};
use serde_json::{Value, json};

use crate::{Caller, Engine, History, Resource, Snapshot, soft_delete};

pub use attested::ATTESTATIONS;
pub(crate) use kept::Kept;
pub use related::Related;
use view::View;

/// Which resources are asked about.
#[derive(Debug, Clone)]
pub enum Within {
    /// This one.
    One(ResourceId),
    /// These, and all below them.
    Below(Vec<ResourceId>),
}

/// How one resource stands to one policy of one assignment.
#[derive(Debug, Clone)]
pub struct PolicyState {
    /// The resource.
    pub resource: Arc<Resource>,
    /// The assignment's row.
    pub assignment: Arc<Resource>,
    /// How it stands.
    pub state: Compliance,
    /// What the policy said.
    pub judgement: Arc<Judgement>,
    /// What was found beside the resource, where the effect looks for something.
    pub related: Option<Related>,
    /// Since when: what it was made of was written then, at the latest.
    pub since: Timestamp,
    bound: Arc<Assignment>,
    at: usize,
}

impl PolicyState {
    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.bound.policies[self.at]
    }

    /// The effect it has on this resource.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.judgement.effect
    }

    /// What the definition is called in its initiative.
    #[must_use]
    pub fn reference_id(&self) -> Option<&str> {
        self.policy().reference_id()
    }

    /// Whether something is to be done about it.
    #[must_use]
    pub fn is_non_compliant(&self) -> bool {
        self.state == Compliance::NonCompliant
    }

    /// Where the resource is.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.resource.text("/location")
    }
}

/// A change that a policy makes to a body.
#[derive(Debug, Clone, PartialEq)]
pub struct Reshaped {
    /// `append`, `addOrReplace`, `add` or `remove`.
    pub operation: &'static str,
    /// The field, as the definition names it.
    pub field: String,
    /// The value that is written; null where it is removed.
    pub value: Value,
}

impl From<Changed<'_>> for Reshaped {
    fn from(changed: Changed<'_>) -> Self {
        Self {
            operation: changed.operation,
            field: changed.field,
            value: changed.value,
        }
    }
}

impl Engine {
    /// How these resources stand to every policy that applies to them, by the ids of the resources.
    #[must_use]
    pub fn policy_states(&self, snapshot: &Snapshot, within: &Within) -> Vec<PolicyState> {
        let caller = Caller::system();
        let view = View::new(self, snapshot, &caller);
        let mut states = Vec::new();
        for resource in resources(snapshot, within) {
            view.states(resource, &mut states);
        }
        if matches!(within, Within::Below(roots) if roots.iter().any(ResourceId::is_tenant)) {
            self.compliances.forget_all_but(snapshot);
        }
        states
    }

    /// How a resource would stand that is about to be written at an id, whatever is there now. Nothing of it is kept.
    #[must_use]
    pub fn policy_states_of_proposed(
        &self,
        snapshot: &Snapshot,
        id: &ResourceId,
        body: Value,
    ) -> Vec<PolicyState> {
        let now = self.world().now();
        let proposed = Arc::new(Resource {
            id: id.clone(),
            sent: body,
            own: json!({}),
            sealed: None,
            etag: String::new(),
            claims: Vec::new(),
            history: History {
                created_at: now,
                created_by: String::new(),
                updated_at: now,
                updated_by: String::new(),
            },
        });
        let caller = Caller::system();
        let mut states = Vec::new();
        View::new(self, snapshot, &caller)
            .of_proposed()
            .states(&proposed, &mut states);
        states
    }

    /// The body of a resource as a policy that changes it wants it, and what that changes.
    ///
    /// # Errors
    /// Where the policy contradicts what is there.
    pub fn reshaped(
        &self,
        snapshot: &Snapshot,
        state: &PolicyState,
    ) -> Result<(Value, Vec<Reshaped>), ArmError> {
        let caller = Caller::system();
        let view = View::new(self, snapshot, &caller);
        let mut body = state.resource.sent.clone();
        let changed = view.judged_as(&state.resource, |subject| {
            let changed = shape(&mut body, &[state.policy()], subject).map_err(|conflict| conflict.field)?;
            Ok(changed.into_iter().map(Reshaped::from).collect())
        });
        match changed {
            Ok(changed) => Ok((body, changed)),
            Err::<_, String>(field) => Err(ArmError::new(
                ErrorCode::InvalidPolicyRuleEffectDetails,
                format!(
                    "The policy '{}' cannot change '{field}' of '{}': its operations contradict what is there.",
                    state.policy().definition_id,
                    state.resource.id
                ),
            )),
        }
    }

    /// What a policy looks for beside a resource, and what it deploys where that is missing.
    ///
    /// # Errors
    /// Where an expression of its details has no value for this resource.
    pub fn wanted_beside(
        &self,
        snapshot: &Snapshot,
        state: &PolicyState,
    ) -> Result<Option<Existence>, ArmError> {
        let caller = Caller::system();
        let view = View::new(self, snapshot, &caller);
        let existence = view.judged_as(&state.resource, |subject| state.policy().existence(subject));
        existence.map_err(|fault| {
            let message = format!(
                "The policy '{}' cannot say what to deploy for '{}': {fault}.",
                state.policy().definition_id,
                state.resource.id
            );
            ArmError::new(ErrorCode::InvalidPolicyRuleEffectDetails, message)
        })
    }
}

fn resources<'a>(
    snapshot: &'a Snapshot,
    within: &'a Within,
) -> Box<dyn Iterator<Item = &'a Arc<Resource>> + 'a> {
    match within {
        Within::One(id) => Box::new(snapshot.get(id).into_iter()),
        Within::Below(roots) => Box::new(
            roots
                .iter()
                .flat_map(|root| snapshot.get(root).into_iter().chain(snapshot.below(root)))
                // what was deleted and is kept is no resource
                .filter(|row| !soft_delete::is_deleted(row)),
        ),
    }
}
