//! The deployments this process works on right now.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::Value;
use tokio::sync::watch;

/// All of them, by id.
#[derive(Default)]
pub(super) struct Live {
    running: Mutex<HashMap<String, Arc<Progress>>>,
    /// The runs whose end was written down last. Who holds a row from just before that sees a run nobody works on.
    settled: Mutex<VecDeque<String>>,
}

/// How many ends are remembered: more than can happen while a row is looked at.
const REMEMBERED: usize = 1024;

/// How far one of them is.
pub(super) struct Progress {
    operations: Mutex<Vec<Value>>,
    cancelled: AtomicBool,
    done: watch::Sender<bool>,
}

/// One of them, until this is dropped.
pub(super) struct Started {
    live: Arc<Live>,
    id: ResourceId,
    pub(super) progress: Arc<Progress>,
}

impl Live {
    /// Begins one, unless one of its name is under way.
    pub(super) fn begin(self: &Arc<Self>, id: &ResourceId) -> Result<Started, ArmError> {
        let progress = Arc::new(Progress {
            operations: Mutex::default(),
            cancelled: AtomicBool::new(false),
            done: watch::Sender::new(false),
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

    /// Notes that the end of a run is written down.
    pub(super) fn settle(&self, run: &str) {
        let mut settled = locked(&self.settled);
        settled.truncate(REMEMBERED - 1);
        settled.push_front(run.to_owned());
    }

    /// Whether a run of a deployment is under way, or was a moment ago.
    pub(super) fn knows(&self, id: &ResourceId, run: &str) -> bool {
        self.progress(id).is_some() || locked(&self.settled).iter().any(|settled| settled == run)
    }

    /// Waits until nothing works on it any more.
    pub(super) async fn wait(&self, id: &ResourceId) {
        let Some(progress) = self.progress(id) else { return };
        // an error means that the sender is gone, and with it the work
        let _ = progress.done.subscribe().wait_for(|done| *done).await;
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        locked(&self.live.running).remove(self.id.key());
        self.progress.done.send_replace(true);
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
        self.cancelled.store(true, Ordering::Release);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
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

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_of_a_name_runs_at_a_time_and_its_end_is_seen() {
        let live = Arc::new(Live::default());
        let id = ResourceId::of_resource_group("s", "g").extension(super::super::DEPLOYMENTS, "d");
        let started = live.begin(&id).expect("free");
        assert_eq!(
            live.begin(&id).err().map(|error| error.code),
            Some(ErrorCode::DeploymentActive)
        );
        let waiting = tokio::spawn({
            let (live, id) = (live.clone(), id.clone());
            async move { live.wait(&id).await }
        });
        assert!(live.knows(&id, "r"));
        live.settle("r");
        drop(started);
        assert!(
            live.knows(&id, "r"),
            "a row from before the end is not taken for interrupted"
        );
        assert!(!live.knows(&id, "of another server"));
        waiting.await.expect("the end");
        assert!(live.begin(&id).is_ok());
    }
}
