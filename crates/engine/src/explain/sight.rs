//! What an explanation shows to whom.
//!
//! Whoever was refused may know why, and that must not become a way to look around. So he is shown what is about himself:
//! his own assignments and groups, the deny assignment that blocks him by its id, the values he sent. What else an
//! explanation knows is shown to who may read role assignments at the scope: the names of management groups he has
//! nothing to do with, deny assignments that do not block, the values a condition saw on the resource or in the
//! directory, custom roles he does not hold. And whether something is there is shown to who may read it: to others, what
//! would help is said in a form that does not depend on it.
//!
//! Whoever has the data directory sees everything.

use nave_arm::ResourceId;

use super::explanation::{ConditionReasons, Explanation, NeedReasons};
use crate::{Caller, Engine, Snapshot, explain::reasons::MANAGEMENT_GROUPS, operation::Surface};

/// The right to see who has which role somewhere.
pub const READ_ASSIGNMENTS: &str = "Microsoft.Authorization/roleAssignments/read";

/// The right to see what is locked.
const READ_LOCKS: &str = "Microsoft.Authorization/locks/read";

/// The right to see what is assigned somewhere.
const READ_POLICIES: &str = "Microsoft.Authorization/policyAssignments/read";

/// What somebody may see.
#[derive(Clone, Copy)]
pub struct Sight<'a>(Option<Eyes<'a>>);

#[derive(Clone, Copy)]
struct Eyes<'a> {
    engine: &'a Engine,
    snapshot: &'a Snapshot,
    viewer: &'a Caller,
}

impl<'a> Sight<'a> {
    /// Everything, for who has the data directory.
    #[must_use]
    pub fn of_everything() -> Self {
        Self(None)
    }

    /// What a caller may see now.
    #[must_use]
    pub fn of(engine: &'a Engine, snapshot: &'a Snapshot, viewer: &'a Caller) -> Self {
        Self(Some(Eyes {
            engine,
            snapshot,
            viewer,
        }))
    }

    fn may(&self, action: &str, scope: &ResourceId) -> bool {
        self.0.is_none_or(|eyes| {
            eyes.engine
                .may(eyes.snapshot, eyes.viewer, Surface::Arm, action, scope)
        })
    }

    /// Whether who has which role at a scope may be seen.
    #[must_use]
    pub fn of_roles_at(&self, scope: &ResourceId) -> bool {
        self.may(READ_ASSIGNMENTS, scope)
    }

    /// Whether the locks of a scope may be seen.
    #[must_use]
    pub(crate) fn of_locks_at(&self, scope: &ResourceId) -> bool {
        self.may(READ_LOCKS, scope)
    }

    /// Whether it may be seen if something is there.
    #[must_use]
    pub fn of_thing_at(&self, scope: &ResourceId) -> bool {
        self.may(&format!("{}/read", scope.resource_type()), scope)
    }

    /// The explanation without what is not to be seen.
    #[must_use]
    pub(crate) fn show(&self, mut explanation: Explanation) -> Explanation {
        let mut hidden = false;
        for need in &mut explanation.needs {
            if !self.of_roles_at(&need.asked.scope) {
                conceal(need);
                hidden = true;
            }
            if !self.of_thing_at(&need.asked.scope) {
                explanation.remarks.clear();
            }
        }
        let told = explanation.policies.len();
        explanation
            .policies
            .retain(|policy| self.may(READ_POLICIES, &policy.assignment));
        let untold = told - explanation.policies.len();
        if untold > 0 {
            explanation.remarks.push(format!(
                "{untold} more policies would look at such a request. They are shown to who may read their assignments."
            ));
        }
        if hidden {
            explanation.remarks.push(String::from(
                "Shown is what concerns the caller alone; who may read role assignments at the scope sees the rest.",
            ));
        }
        explanation
    }
}

fn conceal(need: &mut NeedReasons) {
    let own = &need.assignments;
    let is_far = |scope: &ResourceId| scope.resource_type().eq_ignore_ascii_case(MANAGEMENT_GROUPS);
    need.scopes
        .retain(|step| !is_far(&step.scope) || own.iter().any(|one| one.scope == step.scope));
    need.denies.retain(|deny| deny.blocks);
    for deny in &mut need.denies {
        deny.name = None;
    }
    for one in &mut need.assignments {
        let of_permissions = one
            .permissions
            .iter_mut()
            .filter_map(|permission| permission.condition.as_mut());
        of_permissions.chain(&mut one.condition).for_each(blind);
    }
}

/// What the caller sent, and how, he knows; what is stored on the resource or about him he may not.
fn blind(condition: &mut ConditionReasons) {
    let seen = condition
        .comparisons
        .iter_mut()
        .flat_map(|comparison| &mut comparison.saw);
    for seen in seen.filter(|seen| matches!(seen.source, "Resource" | "Principal")) {
        seen.values = None;
    }
}
