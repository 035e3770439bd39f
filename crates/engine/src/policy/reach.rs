//! Which assignments reach a resource.

use std::sync::Arc;

use nave_arm::ResourceId;
use nave_policy::{Assignment, Mode, Policy, Subject};
use serde_json::Value;

use super::{
    index::{Bound, Exempting},
    place::scopes,
};
use crate::Snapshot;

/// The assignments that reach a resource, and the scopes they were found at. Those that leave one of these scopes out
/// (`notScopes`) are not among them.
pub struct Reach {
    scopes: Vec<ResourceId>,
    found: Vec<(Arc<Bound>, Arc<Assignment>)>,
}

impl Reach {
    /// What reaches a resource as it is stored.
    #[must_use]
    pub fn of_stored(snapshot: &Snapshot, id: &ResourceId) -> Self {
        Self::of(snapshot, id, None)
    }

    /// What reaches a resource as it is about to be written.
    #[must_use]
    pub fn of(snapshot: &Snapshot, id: &ResourceId, body: Option<&Value>) -> Self {
        let index = snapshot.policies();
        if index.is_idle() {
            return Self {
                scopes: Vec::new(),
                found: Vec::new(),
            };
        }
        let scopes = scopes(snapshot, id, body);
        let standing = scopes.iter().flat_map(|scope| index.assignments_at(scope));
        let bound = standing.filter_map(|bound| Some((bound.clone(), bound.assignment(index)?)));
        let found = bound
            .filter(|(_, assignment)| !leaves_out(assignment, &scopes))
            .collect();
        Self { scopes, found }
    }

    /// Whether nothing reaches the resource.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The scopes that have a say about the resource, nearest first; none where nothing is assigned anywhere.
    #[must_use]
    pub fn scopes(&self) -> &[ResourceId] {
        &self.scopes
    }

    /// Every policy that reaches the resource, whatever it is about: one for each definition that is assigned.
    pub fn policies(&self) -> impl Iterator<Item = (&Arc<Bound>, &Policy)> {
        self.found
            .iter()
            .flat_map(|(bound, assignment)| assignment.policies.iter().map(move |policy| (bound, policy)))
    }

    /// Those that are about resources of the subject's type, in the mode that looks at it.
    pub fn policies_for<'a>(
        &'a self,
        subject: &'a Subject<'a>,
    ) -> impl Iterator<Item = (&'a Arc<Bound>, &'a Policy)> {
        let kind = subject.resource_type().to_lowercase();
        self.policies()
            .filter(move |(_, policy)| names(policy, &kind))
            .filter(move |(_, policy)| policy.definition.mode.takes(subject) && policy.selects(subject))
    }

    /// Those that are about components of a provider.
    pub(super) fn looks_at_components(&self) -> bool {
        self.policies()
            .any(|(_, policy)| matches!(policy.definition.mode, Mode::Provider(_)))
    }

    /// The exemption that frees the resource from a policy, if one does now.
    #[must_use]
    pub fn exemption(
        &self,
        snapshot: &Snapshot,
        policy: &Policy,
        subject: &Subject<'_>,
    ) -> Option<Arc<Exempting>> {
        let mut of_it = snapshot.policies().exemptions_of(&policy.assignment.id);
        of_it
            .find(|exempting| {
                self.scopes.contains(&exempting.scope) && exempting.exemption.covers(policy, subject)
            })
            .cloned()
    }
}

/// Whether a condition can hold for resources of a type, in lower case.
pub(super) fn names(policy: &Policy, kind: &str) -> bool {
    policy
        .types()
        .is_none_or(|types| types.iter().any(|known| known == kind))
}

fn leaves_out(assignment: &Assignment, scopes: &[ResourceId]) -> bool {
    let left_out = assignment.head.not_scopes.iter();
    left_out
        .filter_map(|text| ResourceId::parse(text).ok())
        .any(|left_out| scopes.contains(&left_out))
}
