//! Rows and events as the tables hold them: the one place where columns and types meet.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::{Row as _, any::AnyRow};
use uuid::Uuid;

use crate::{Event, Headline, NewEvent, PutRow, Revision, Row, StoreError};

/// The columns of a row, in the order of [`StoredRow`].
macro_rules! row_columns {
    () => {
        "row_key, valid_from, valid_to, type_key, id, body, sealed, etag, claims, \
         created_at, created_by, updated_at, updated_by"
    };
}

/// The columns of an event, in the order of [`StoredEvent`].
macro_rules! event_columns {
    () => {
        "revision, id, decision, happened_at, operation, resource, resource_key, through_key, caller, \
         caller_name, outcome, correlation_id, detail, hash, cause"
    };
}

pub(crate) use {event_columns, row_columns};

/// A row in its stored form. JSON is text, times are microseconds since 1970.
#[derive(Debug, Clone)]
pub(crate) struct StoredRow {
    pub(crate) row_key: String,
    pub(crate) valid_from: Revision,
    pub(crate) valid_to: Option<Revision>,
    pub(crate) type_key: String,
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) sealed: Option<Vec<u8>>,
    pub(crate) etag: String,
    pub(crate) claims: String,
    pub(crate) created_at: i64,
    pub(crate) created_by: String,
    pub(crate) updated_at: i64,
    pub(crate) updated_by: String,
}

/// An event in its stored form.
#[derive(Debug, Clone)]
pub(crate) struct StoredEvent {
    pub(crate) revision: Revision,
    pub(crate) id: String,
    pub(crate) decision: String,
    pub(crate) happened_at: i64,
    pub(crate) operation: String,
    pub(crate) resource: String,
    pub(crate) resource_key: String,
    pub(crate) through_key: String,
    pub(crate) caller: String,
    pub(crate) caller_name: String,
    pub(crate) outcome: String,
    pub(crate) correlation_id: String,
    pub(crate) detail: String,
    pub(crate) hash: String,
    pub(crate) cause: String,
}

impl StoredRow {
    /// The row that a write makes of what was there.
    pub(crate) fn written(put: &PutRow, before: Option<&Self>, revision: Revision, at: i64) -> Self {
        let elsewhere = put.created.as_ref().map(|(at, by)| (at.as_microsecond(), by));
        let created = before
            .map(|before| (before.created_at, &before.created_by))
            .or(elsewhere)
            .unwrap_or((at, &put.by));
        Self {
            row_key: put.key.clone(),
            valid_from: revision,
            valid_to: None,
            type_key: put.type_key.clone(),
            id: put.id.clone(),
            body: put.body.to_string(),
            sealed: put.sealed.clone(),
            etag: put.etag.clone(),
            claims: Value::from(put.claims.clone()).to_string(),
            created_at: created.0,
            created_by: created.1.clone(),
            updated_at: at,
            updated_by: put.by.clone(),
        }
    }

    pub(crate) fn of(row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            row_key: row.try_get(0)?,
            valid_from: row.try_get(1)?,
            valid_to: row.try_get(2)?,
            type_key: row.try_get(3)?,
            id: row.try_get(4)?,
            body: row.try_get(5)?,
            sealed: row.try_get(6)?,
            etag: row.try_get(7)?,
            claims: row.try_get(8)?,
            created_at: row.try_get(9)?,
            created_by: row.try_get(10)?,
            updated_at: row.try_get(11)?,
            updated_by: row.try_get(12)?,
        })
    }

    /// The unique names the row holds.
    pub(crate) fn claims(&self) -> Result<Vec<String>, StoreError> {
        serde_json::from_str(&self.claims).map_err(|error| unreadable("list of claims", error))
    }

    pub(crate) fn read(self) -> Result<Row, StoreError> {
        Ok(Row {
            body: json("body", &self.body)?,
            claims: self.claims()?,
            created_at: instant(self.created_at)?,
            updated_at: instant(self.updated_at)?,
            key: self.row_key,
            type_key: self.type_key,
            id: self.id,
            sealed: self.sealed,
            etag: self.etag,
            created_by: self.created_by,
            updated_by: self.updated_by,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
        })
    }
}

impl StoredEvent {
    /// The event at its revision; its link of the chain is still empty.
    pub(crate) fn at(event: &NewEvent, revision: Revision, at: i64) -> Self {
        Self {
            revision,
            id: event.id.to_string(),
            decision: event.decision.to_string(),
            happened_at: at,
            operation: event.operation.clone(),
            resource: event.resource.clone(),
            resource_key: event.resource.to_lowercase(),
            through_key: event.through.clone().unwrap_or_default(),
            caller: event.caller.clone(),
            caller_name: event.caller_name.clone(),
            outcome: event.outcome.clone(),
            correlation_id: event.correlation_id.clone(),
            detail: event.detail.to_string(),
            hash: String::new(),
            cause: event.cause.map(|cause| cause.to_string()).unwrap_or_default(),
        }
    }

    pub(crate) fn of(row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            revision: row.try_get(0)?,
            id: row.try_get(1)?,
            decision: row.try_get(2)?,
            happened_at: row.try_get(3)?,
            operation: row.try_get(4)?,
            resource: row.try_get(5)?,
            resource_key: row.try_get(6)?,
            through_key: row.try_get(7)?,
            caller: row.try_get(8)?,
            caller_name: row.try_get(9)?,
            outcome: row.try_get(10)?,
            correlation_id: row.try_get(11)?,
            detail: row.try_get(12)?,
            hash: row.try_get(13)?,
            cause: row.try_get(14)?,
        })
    }

    pub(crate) fn headline(&self) -> Result<Headline, StoreError> {
        Ok(Headline {
            event: guid(&self.id)?,
            operation: self.operation.clone(),
            resource: self.resource.clone(),
            caller: self.caller.clone(),
            caller_name: self.caller_name.clone(),
        })
    }

    pub(crate) fn read(self) -> Result<Event, StoreError> {
        Ok(Event {
            revision: self.revision,
            id: guid(&self.id)?,
            decision: guid(&self.decision)?,
            at: instant(self.happened_at)?,
            operation: self.operation,
            resource: self.resource,
            through: Some(self.through_key).filter(|key| !key.is_empty()),
            caller: self.caller,
            caller_name: self.caller_name,
            outcome: self.outcome,
            correlation_id: self.correlation_id,
            cause: match self.cause.as_str() {
                "" => None,
                cause => Some(guid(cause)?),
            },
            detail: json("detail", &self.detail)?,
            hash: self.hash,
        })
    }
}

fn json(what: &'static str, text: &str) -> Result<Value, StoreError> {
    serde_json::from_str(text).map_err(|error| unreadable(what, error))
}

fn guid(text: &str) -> Result<Uuid, StoreError> {
    Uuid::parse_str(text).map_err(|error| unreadable("guid", error))
}

fn instant(microseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(microseconds).map_err(|error| unreadable("time", error))
}

fn unreadable(what: &'static str, why: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable {
        what,
        why: why.to_string(),
    }
}
