//! An event as log pipelines know it: Azure's common schema of resource logs.

use nave_engine::Event;
use serde_json::{Value, json};

/// One line of a log: an event in the category it goes into.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) event: Event,
    pub(crate) category: String,
}

impl Record {
    /// Whether what was asked did not happen.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self.event.outcome.as_str(), "Denied" | "Failed")
    }

    /// `Error`, `Warning` or `Informational`.
    pub(crate) fn level(&self) -> &'static str {
        match self.event.outcome.as_str() {
            "Failed" => "Error",
            "Denied" => "Warning",
            _ => "Informational",
        }
    }

    /// The record. `properties` holds the event as the log has it, with the link of the hash chain, so that what was
    /// delivered can be compared with the log.
    pub(crate) fn body(&self) -> Value {
        let Self { event, category } = self;
        let result = match event.outcome.as_str() {
            "Started" => "Start",
            _ if self.is_failure() => "Failure",
            _ => "Success",
        };
        let mut body = json!({
            "time": event.at.to_string(),
            "resourceId": event.resource,
            "operationName": event.operation,
            "category": category,
            "level": self.level(),
            "resultType": result,
            "resultSignature": event.outcome,
            "correlationId": event.correlation_id,
            "identity": { "claim": { "oid": event.caller, "name": event.caller_name } },
            "properties": {
                "eventDataId": event.id,
                "decisionId": event.decision,
                "revision": event.revision,
                "hash": event.hash,
                "decision": event.detail.get("decision"),
                "detail": event.detail.get("detail"),
            },
        });
        if let Some(address) = event
            .detail
            .pointer("/decision/address")
            .filter(|at| !at.is_null())
        {
            body["callerIpAddress"] = address.clone();
        }
        if let Some(through) = &event.through {
            body["properties"]["through"] = through.as_str().into();
        }
        if let Some(cause) = event.cause {
            body["properties"]["cause"] = cause.to_string().into();
        }
        body
    }
}
