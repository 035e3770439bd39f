//! Who has shown who he is, and how: what a sign-in in the making knows, and what a code stands for once it is finished.

use std::sync::Arc;

use jiff::Timestamp;
use nave_engine::{Resource, Snapshot};
use uuid::Uuid;

use super::state::{self, MULTI_FACTOR};
use crate::principal;

/// A person and how he proved to be that person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// Who.
    pub(crate) object_id: Uuid,
    /// His epoch then.
    pub(crate) epoch: u64,
    /// How, in the words of RFC 8176.
    pub(crate) methods: Vec<String>,
    /// When.
    pub(crate) at: Timestamp,
}

impl Known {
    /// A person who has just shown this.
    pub(crate) fn new(person: &Resource, methods: &[&str], at: Timestamp) -> Self {
        Self {
            object_id: principal::object_id(person),
            epoch: principal::epoch(person),
            methods: methods.iter().map(|method| (*method).to_owned()).collect(),
            at,
        }
    }

    /// The same person, who has now shown this as a second factor.
    pub(crate) fn and(mut self, method: &str) -> Self {
        for shown in [method, MULTI_FACTOR] {
            if !self.methods.iter().any(|method| method == shown) {
                self.methods.push(shown.to_owned());
            }
        }
        self
    }

    /// Whether a second factor was given.
    pub(crate) fn is_multi_factor(&self) -> bool {
        self.methods.iter().any(|method| method == state::MULTI_FACTOR)
    }

    /// The person, unless he is gone, was disabled, or everything of his was called back since.
    pub(crate) fn person(&self, snapshot: &Snapshot) -> Option<Arc<Resource>> {
        let found = snapshot.principal(self.object_id)?;
        let still = principal::enabled(found) && principal::epoch(found) == self.epoch;
        still.then(|| found.clone())
    }
}
