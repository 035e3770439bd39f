//! The row that is left of a deleted resource, and what it holds.
//!
//! Its own part is `{"deleted": {"resource", "at", "until", "rows": [{"id", "sent", "own", "claims", …}]}}`, the resource
//! itself first among the rows. Its secrets are those of its rows, by their keys.

use std::sync::Arc;

use jiff::Timestamp;
use nave_arm::ResourceId;
use serde_json::{Value, json};

use super::id_claim;
use crate::{Resource, Snapshot, resource::History};

const DELETED: &str = "deleted";

/// What is kept of a deleted resource.
#[derive(Debug)]
pub struct Kept {
    /// The row it is kept in.
    pub row: Arc<Resource>,
    /// The resource as it was, without its secrets.
    pub resource: Resource,
    /// When it was deleted.
    pub at: Timestamp,
    /// When its time is over.
    pub until: Timestamp,
    /// All that is kept, the resource first.
    pub(super) rows: Vec<Resource>,
}

impl Kept {
    /// Reads a row; `None` when nothing is kept in it.
    pub(crate) fn of(row: &Arc<Resource>) -> Option<Self> {
        let deleted = row.own.get(DELETED)?;
        let time = |name: &str| deleted.get(name)?.as_str()?.parse().ok();
        let rows: Vec<Resource> = deleted
            .get("rows")?
            .as_array()?
            .iter()
            .filter_map(|kept| read(kept, row))
            .collect();
        Some(Self {
            resource: rows.first()?.clone(),
            at: time("at")?,
            until: time("until")?,
            rows,
            row: row.clone(),
        })
    }

    /// The form it is read from.
    pub(super) fn own_part(
        resource: &ResourceId,
        at: Timestamp,
        until: Timestamp,
        rows: &[Arc<Resource>],
    ) -> Value {
        let rows: Vec<Value> = rows.iter().map(|row| written(row)).collect();
        json!({ DELETED: { "resource": resource, "at": at.to_string(), "until": until.to_string(), "rows": rows } })
    }
}

fn written(row: &Resource) -> Value {
    let History {
        created_at,
        created_by,
        updated_at,
        updated_by,
    } = &row.history;
    json!({
        "id": row.id, "sent": row.sent, "own": row.own, "claims": row.claims,
        "createdAt": created_at.to_string(), "createdBy": created_by,
        "updatedAt": updated_at.to_string(), "updatedBy": updated_by,
    })
}

fn read(kept: &Value, row: &Resource) -> Option<Resource> {
    let text = |name: &str| kept.get(name)?.as_str();
    let time = |name: &str| text(name)?.parse::<Timestamp>().ok();
    let claims = kept.get("claims")?.as_array()?;
    Some(Resource {
        id: ResourceId::parse(text("id")?).ok()?,
        sent: kept.get("sent")?.clone(),
        own: kept.get("own")?.clone(),
        sealed: None,
        etag: row.etag.clone(),
        claims: claims
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        history: History {
            created_at: time("createdAt")?,
            created_by: text("createdBy")?.to_owned(),
            updated_at: time("updatedAt")?,
            updated_by: text("updatedBy")?.to_owned(),
        },
    })
}

/// Whether a row is what is left of something deleted.
pub(crate) fn is_deleted(row: &Resource) -> bool {
    row.own.get(DELETED).is_some()
}

/// The id of what a row is left of.
pub(super) fn resource_of(row: &Resource) -> Option<ResourceId> {
    ResourceId::parse(row.own.get(DELETED)?.get("resource")?.as_str()?).ok()
}

/// When the time of a row is over that something is kept in.
pub(super) fn until(row: &Resource) -> Option<Timestamp> {
    row.own.get(DELETED)?.get("until")?.as_str()?.parse().ok()
}

/// The row in which the resource of an id is kept, by itself or with another that it went with.
pub(crate) fn kept_at<'a>(snapshot: &'a Snapshot, id: &ResourceId) -> Option<&'a Arc<Resource>> {
    snapshot.holder(&id_claim(id))
}

/// Whether the time of a row is over.
pub(crate) fn is_over(row: &Resource, now: Timestamp) -> bool {
    until(row).is_some_and(|until| until <= now)
}
