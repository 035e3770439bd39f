//! How each setting's deliveries go: shown with the setting, so that who set it up sees whether anything arrives.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use nave_arm::ResourceId;
use serde_json::{Value, json};

/// The present condition of every setting that had something to deliver since the server started.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<HashMap<String, Condition>>);

#[derive(Debug, Clone, Default)]
struct Condition {
    delivered_at: Option<Timestamp>,
    failed_at: Option<Timestamp>,
    failure: Option<String>,
}

impl Health {
    pub(crate) fn delivered(&self, setting: &ResourceId, now: Timestamp) {
        self.change(setting, |condition| {
            condition.delivered_at = Some(now);
            condition.failure = None;
            condition.failed_at = None;
        });
    }

    pub(crate) fn failed(&self, setting: &ResourceId, failure: &str, now: Timestamp) {
        self.change(setting, |condition| {
            condition.failed_at = Some(now);
            condition.failure = Some(failure.to_owned());
        });
    }

    /// `{state, lastDeliveredAt?, lastFailedAt?, lastFailure?}`.
    pub(crate) fn shown(&self, setting: &ResourceId) -> Value {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let condition = all.get(setting.key()).cloned().unwrap_or_default();
        let state = match (&condition.failure, &condition.delivered_at) {
            (Some(_), _) => "Failing",
            (None, Some(_)) => "Delivering",
            (None, None) => "Waiting",
        };
        let mut shown = json!({ "state": state });
        let members = [
            ("lastDeliveredAt", condition.delivered_at.map(|at| at.to_string())),
            ("lastFailedAt", condition.failed_at.map(|at| at.to_string())),
            ("lastFailure", condition.failure),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                shown[name] = value.into();
            }
        }
        shown
    }

    pub(crate) fn forget(&self, setting: &ResourceId) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(setting.key());
    }

    fn change(&self, setting: &ResourceId, change: impl FnOnce(&mut Condition)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(setting.key().to_owned()).or_default());
    }
}
