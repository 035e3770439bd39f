//! What policies said of resources, kept while it holds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nave_arm::ResourceId;
use nave_policy::{Assignment, Judgement};

use crate::Snapshot;

/// What all policies said of all resources that were asked about.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<HashMap<Arc<str>, OfResource>>);

/// What all policies said of one resource.
#[derive(Debug, Default)]
pub(super) struct OfResource {
    /// What it was made of.
    pub(super) stamp: u64,
    /// By assignment. The assignment is another after each change of it or of what it assigns.
    pub(super) said: Vec<Said>,
}

/// What the policies of one assignment said: nothing, where one does not apply.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) assignment: Arc<Assignment>,
    pub(super) judgements: Arc<[Option<Arc<Judgement>>]>,
}

impl Kept {
    fn all(&self) -> MutexGuard<'_, HashMap<Arc<str>, OfResource>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was said of a resource that is still what it was.
    pub(super) fn of(&self, key: &str, stamp: u64) -> Vec<Said> {
        let all = self.all();
        let found = all.get(key).filter(|kept| kept.stamp == stamp);
        found.map_or_else(Vec::new, |kept| kept.said.clone())
    }

    pub(super) fn keep(&self, key: &str, of: OfResource) {
        self.all().insert(key.into(), of);
    }

    /// Forgets resources that are gone.
    pub(super) fn forget_all_but(&self, snapshot: &Snapshot) {
        let is_there = |key: &str| ResourceId::parse(key).is_ok_and(|id| snapshot.get(&id).is_some());
        self.all().retain(|key, _| is_there(key));
    }
}

impl Said {
    pub(super) fn is_of(&self, assignment: &Arc<Assignment>) -> bool {
        Arc::ptr_eq(&self.assignment, assignment)
    }
}
