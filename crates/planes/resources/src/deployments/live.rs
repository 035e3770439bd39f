//! The deployments this process works on right now.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::Value;

/// All of them, by id.
#[derive(Default)]
pub(super) struct Live {
    running: Mutex<HashMap<String, Arc<Progress>>>,
}

/// Whether work is to stop before its next resource. Clones share the answer: those who work on a deployment and on
/// those nested in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

/// How far one of them is.
pub(super) struct Progress {
    operations: Mutex<Vec<Value>>,
    stop: Stop,
}

/// One of them, until this is dropped.
pub(super) struct Started {
    live: Arc<Live>,
    id: ResourceId,
    pub(super) progress: Arc<Progress>,
}

impl Stop {
    pub(super) fn ask(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Live {
    /// Begins one, unless one of its name is under way.
    pub(super) fn begin(self: &Arc<Self>, id: &ResourceId, stop: &Stop) -> Result<Started, ArmError> {
        let progress = Arc::new(Progress {
            operations: Mutex::default(),
            stop: stop.clone(),
        });
        let mut running = locked(&self.running);
        if running.contains_key(id.key()) {
            return Err(active(id));
        }
        running.insert(id.key().to_owned(), progress.clone());
        Ok(Started {
            live: self.clone(),
            id: id.clone(),
            progress,
        })
    }

    pub(super) fn progress(&self, id: &ResourceId) -> Option<Arc<Progress>> {
        locked(&self.running).get(id.key()).cloned()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        locked(&self.live.running).remove(self.id.key());
    }
}

impl Progress {
    /// Lists one more operation; answers its place.
    pub(super) fn begin(&self, operation: Value) -> usize {
        let mut operations = locked(&self.operations);
        operations.push(operation);
        operations.len() - 1
    }

    /// Replaces the operation at a place.
    pub(super) fn end(&self, place: usize, operation: Value) {
        if let Some(slot) = locked(&self.operations).get_mut(place) {
            *slot = operation;
        }
    }

    pub(super) fn operations(&self) -> Vec<Value> {
        locked(&self.operations).clone()
    }

    /// Asks the work to stop before the next resource.
    pub(super) fn cancel(&self) {
        self.stop.ask();
    }
}

/// The refusal while one of the name is under way.
pub(super) fn active(id: &ResourceId) -> ArmError {
    ArmError::new(
        ErrorCode::DeploymentActive,
        format!(
            "Unable to edit or replace deployment '{}': it is still running. Wait for its end, cancel it, or use \
             another name. Please see https://aka.ms/arm-deployment-operations for usage details.",
            id.name()
        ),
    )
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_name_runs_at_a_time() {
        let live = Arc::new(Live::default());
        let id = ResourceId::of_resource_group("s", "g").extension(super::super::DEPLOYMENTS, "d");
        let stop = Stop::default();
        let started = live.begin(&id, &stop).expect("free");
        assert_eq!(
            live.begin(&id, &stop).err().map(|error| error.code),
            Some(ErrorCode::DeploymentActive)
        );
        started.progress.cancel();
        assert!(stop.is_asked(), "whoever works on it is asked to stop");
        drop(started);
        assert!(live.progress(&id).is_none() && live.begin(&id, &stop).is_ok());
    }
}
