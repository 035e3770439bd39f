//! The latest commits, in memory: whoever follows the log closely never has to read it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::{Committed, Revision};

/// How many commits are kept.
const KEPT: usize = 256;

/// The latest commits of this process, and a signal for each.
#[derive(Debug)]
pub(crate) struct Recent {
    commits: Mutex<VecDeque<Arc<Committed>>>,
    head: watch::Sender<Revision>,
}

impl Recent {
    pub(crate) fn at(head: Revision) -> Self {
        Self {
            commits: Mutex::default(),
            head: watch::Sender::new(head),
        }
    }

    /// Adds commits, in their order.
    pub(crate) fn add(&self, commits: impl Iterator<Item = Arc<Committed>>) {
        let mut kept = self.commits();
        for commit in commits {
            // a revision in between was another process's: what is older cannot be followed from here
            if kept
                .back()
                .is_some_and(|last| last.revision + 1 != commit.revision)
            {
                kept.clear();
            }
            kept.push_back(commit);
        }
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
        if let Some(last) = kept.back() {
            self.seen(last.revision);
        }
    }

    /// Makes known that the log reaches at least this far.
    pub(crate) fn seen(&self, head: Revision) {
        self.head.send_if_modified(|known| {
            let further = head > *known;
            *known = head.max(*known);
            further
        });
    }

    /// The commits after a revision, if the next one is here; else only the log knows.
    pub(crate) fn after(&self, revision: Revision, limit: usize) -> Option<Vec<Arc<Committed>>> {
        let kept = self.commits();
        let skip = usize::try_from(revision + 1 - kept.front()?.revision).ok()?;
        let commits: Vec<_> = kept.iter().skip(skip).take(limit).cloned().collect();
        (!commits.is_empty()).then_some(commits)
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Revision> {
        self.head.subscribe()
    }

    fn commits(&self) -> MutexGuard<'_, VecDeque<Arc<Committed>>> {
        self.commits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
