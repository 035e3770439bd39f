//! What was done before the server was stopped, read from the log: so nothing is made twice.
//!
//! The log knows each write by its resource and by the client call it belongs to. A resource may be written more than
//! once in a deployment, by it and by one nested in it; each write that was done counts for one of them, in their order.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{Engine, Event, EventQuery, Read};
use serde_json::Value;
use uuid::Uuid;

use super::{live::locked, prepare};

/// When the writes that are not yet counted were done, by key.
#[derive(Default)]
pub(super) struct Earlier(Mutex<HashMap<String, VecDeque<Timestamp>>>);

impl Earlier {
    /// Reads what a deployment did since it was begun.
    pub(super) async fn read(
        engine: &Arc<Engine>,
        deployment: &ResourceId,
        correlation_id: Uuid,
    ) -> Result<Self, ArmError> {
        let grant = engine.on_own_account::<Read>(&prepare::permission(), &ResourceId::tenant());
        let query = EventQuery {
            correlation_id: Some(correlation_id.to_string()),
            ..EventQuery::default()
        };
        let newest_first = engine.events(&grant, query).await?;
        let is_beginning = |event: &Event| {
            event.resource.eq_ignore_ascii_case(deployment.as_str())
                && event.operation.eq_ignore_ascii_case(&prepare::permission())
                && event.outcome == "Succeeded"
        };
        let since = newest_first.iter().position(is_beginning);
        let done = newest_first.into_iter().take(since.unwrap_or_default());
        let mut found: HashMap<String, VecDeque<Timestamp>> = HashMap::new();
        for event in done.filter(is_write) {
            let key = event.resource.to_lowercase();
            found.entry(key).or_default().push_front(event.at);
        }
        Ok(Self(Mutex::new(found)))
    }

    /// Counts a write of a resource that is done.
    pub(super) fn take(&self, id: &ResourceId) -> Option<Timestamp> {
        locked(&self.0).get_mut(id.key())?.pop_front()
    }

    /// Whether there is one that is not yet counted.
    pub(super) fn has(&self, id: &ResourceId) -> bool {
        locked(&self.0).get(id.key()).is_some_and(|done| !done.is_empty())
    }

    /// Counts the writes of a nested deployment that is over.
    pub(super) fn take_all(&self, operations: &Value) {
        for operation in operations.as_array().into_iter().flatten() {
            let target = operation
                .pointer("/properties/targetResource/id")
                .and_then(Value::as_str);
            if let Some(id) = target.and_then(|id| ResourceId::parse(id).ok()) {
                self.take(&id);
            }
        }
    }
}

fn is_write(event: &Event) -> bool {
    event.outcome == "Succeeded" && event.operation.to_lowercase().ends_with("/write")
}
