//! All role assignments of a tenant, by who has them and by where they are made.
//!
//! An assignment is kept once, in as few bytes as it takes: its scope and condition are shared with the others that
//! have the same, and its id is spelled out only for who asks. A decision walks from the scope up and looks at each place
//! for the caller and the caller's groups, so its cost does not follow the number of assignments.

use std::{borrow::Borrow, cmp::Ordering, hash, ops::Bound, sync::Arc};

use equivalent::{Comparable, Equivalent};
use imbl::OrdSet;
use nave_arm::ResourceId;
use uuid::Uuid;

use crate::{Condition, RoleAssignment, assignment::Name, given::Given, map::Map, sorted::Sorted};

#[derive(Debug, Clone, Default)]
pub(crate) struct Assignments {
    by_principal: Map<Uuid, Sorted<Held>>,
    by_scope: Map<Key, Place>,
    scopes: OrdSet<Key>,
    /// How many assignments have each condition that can be read.
    conditions: Map<Condition, usize>,
}

/// A scope, compared by its key alone.
#[derive(Debug, Clone)]
struct Key(ResourceId);

/// A scope with assignments.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    made: Sorted<Made>,
    pub(crate) given: Given,
}

/// An assignment among those of its principal: by name, then by scope.
#[derive(Debug, Clone)]
struct Held(Arc<RoleAssignment>);

/// An assignment among those at its scope: by name.
#[derive(Debug, Clone)]
pub(crate) struct Made(pub(crate) Arc<RoleAssignment>);

impl Assignments {
    /// Puts an assignment, in place of the one with its id.
    pub(crate) fn put(&mut self, mut assignment: RoleAssignment) {
        self.remove(&assignment.scope, assignment.name());
        self.share(&mut assignment);
        let assignment = Arc::new(assignment);
        self.make(&assignment);
        let held = Held(assignment.clone());
        match self.by_principal.get_mut(&assignment.principal) {
            Some(own) => own.put(held),
            None => drop(self.by_principal.insert(assignment.principal, Sorted::one(held))),
        }
    }

    /// Takes an assignment away.
    pub(crate) fn remove(&mut self, scope: &ResourceId, name: &Name) -> Option<Arc<RoleAssignment>> {
        let assignment = self.by_scope.get(scope.key())?.named(name)?.clone();
        self.unmake(&assignment);
        if let Some(own) = self.by_principal.get_mut(&assignment.principal) {
            own.remove(&Held(assignment.clone()));
            if own.is_empty() {
                self.by_principal.remove(&assignment.principal);
            }
        }
        if let Some(condition) = &assignment.condition {
            self.release(condition);
        }
        Some(assignment)
    }

    pub(crate) fn get(&self, scope: &ResourceId, name: &Name) -> Option<&RoleAssignment> {
        self.by_scope.get(scope.key())?.named(name).map(AsRef::as_ref)
    }

    /// Every assignment, by scope and then by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &RoleAssignment> {
        self.scopes.iter().flat_map(|scope| self.at(scope.0.key()))
    }

    /// Every assignment at a scope whose key starts so, by scope and then by name.
    pub(crate) fn starting(&self, prefix: String) -> impl Iterator<Item = &RoleAssignment> {
        self.scopes
            .range::<_, str>((Bound::Included(prefix.as_str()), Bound::Unbounded))
            .take_while(move |scope| scope.0.key().starts_with(&prefix))
            .flat_map(|scope| self.at(scope.0.key()))
    }

    /// The assignments at exactly the scope of this key, by name.
    pub(crate) fn at(&self, key: &str) -> impl Iterator<Item = &RoleAssignment> {
        let place = self.by_scope.get(key);
        place
            .into_iter()
            .flat_map(|place| place.made.iter())
            .map(|made| &*made.0)
    }

    /// The place with this key; none where no assignment is made.
    pub(crate) fn place(&self, key: &str) -> Option<&Place> {
        self.by_scope.get(key)
    }

    /// Every assignment of the principal itself, by name.
    pub(crate) fn of(&self, principal: Uuid) -> impl Iterator<Item = &RoleAssignment> {
        let own = self.by_principal.get(&principal);
        own.into_iter().flat_map(Sorted::iter).map(|held| &*held.0)
    }

    /// Lets the assignment use the scope and the condition that others have already.
    fn share(&mut self, assignment: &mut RoleAssignment) {
        if let Some((known, _)) = self.by_scope.get_key_value(assignment.scope.key()) {
            assignment.scope = known.0.clone();
        }
        // One that cannot be read may have the words of one that can.
        let readable = |condition: &&mut Condition| condition.error().is_none();
        let Some(condition) = assignment.condition.as_mut().filter(readable) else {
            return;
        };
        if let Some((known, _)) = self.conditions.get_key_value(condition) {
            *condition = known.clone();
        }
        *self.conditions.entry(condition.clone()).or_default() += 1;
    }

    fn release(&mut self, condition: &Condition) {
        if condition.error().is_some() {
            return;
        }
        match self.conditions.get_mut(condition) {
            Some(uses) if *uses > 1 => *uses -= 1,
            _ => drop(self.conditions.remove(condition)),
        }
    }

    fn make(&mut self, assignment: &Arc<RoleAssignment>) {
        let made = Made(assignment.clone());
        if let Some(place) = self.by_scope.get_mut(assignment.scope.key()) {
            place.made.put(made);
            place.given.put(assignment);
            return;
        }
        let key = Key(assignment.scope.clone());
        let place = Place {
            made: Sorted::one(made),
            given: Given::one(assignment),
        };
        self.by_scope.insert(key.clone(), place);
        self.scopes.insert(key);
    }

    fn unmake(&mut self, assignment: &Arc<RoleAssignment>) {
        let key = assignment.scope.key();
        let Some(place) = self.by_scope.get_mut(key) else {
            return;
        };
        place.made.remove(&Made(assignment.clone()));
        place.given.remove(assignment);
        if place.made.is_empty() {
            self.by_scope.remove(key);
            self.scopes.remove(key);
        }
    }
}

impl Place {
    fn named(&self, name: &Name) -> Option<&Arc<RoleAssignment>> {
        let first = self.made.from(&Called(name)).next()?;
        (first.0.name() == name).then_some(&first.0)
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        self.0.key()
    }
}

impl hash::Hash for Key {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.key().hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> Ordering {
        let scopes = || self.0.scope.cmp(&other.0.scope);
        self.0.name().cmp(other.0.name()).then_with(scopes)
    }
}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Held {}

impl Ord for Made {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.name().cmp(other.0.name())
    }
}

impl PartialOrd for Made {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Made {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Made {}

/// The place in a list of what is called so.
struct Called<'a>(&'a Name);

impl Equivalent<Made> for Called<'_> {
    fn equivalent(&self, made: &Made) -> bool {
        self.0 == made.0.name()
    }
}

impl Comparable<Made> for Called<'_> {
    fn compare(&self, made: &Made) -> Ordering {
        self.0.cmp(made.0.name())
    }
}
