//! A resource as the engine holds it: what the client sent, what nave added, and its sealed secrets.

use std::sync::Arc;

use jiff::Timestamp;
use nave_arm::ResourceId;
use nave_store::Row;
use serde_json::{Value, json};

/// One current resource.
///
/// `sent` is the client's body, member for member, less its secrets: GET gives it back, so that a tool which
/// compares what it sent with what it gets finds no drift. `own` is what nave decided (guids, identities,
/// defaults it filled in).
#[derive(Debug, Clone)]
pub struct Resource {
    /// Where it is.
    pub id: ResourceId,
    /// The client's body without secrets.
    pub sent: Value,
    /// What nave added.
    pub own: Value,
    /// The secrets, encrypted under the key ring.
    pub sealed: Option<Arc<[u8]>>,
    /// The opaque version.
    pub etag: String,
    /// The tenant-wide unique names it holds.
    pub claims: Vec<String>,
    /// When, and by whom, it was created and last changed.
    pub history: History,
}

/// When, and by whom, a resource was created and last changed.
#[derive(Debug, Clone)]
pub struct History {
    /// When it was created.
    pub created_at: Timestamp,
    /// The name of who created it.
    pub created_by: String,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The name of who changed it last.
    pub updated_by: String,
}

/// The same version of the same row: each row that is written gets an etag of its own.
impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        self.etag == other.etag && self.id == other.id
    }
}

impl Resource {
    /// Reads a stored row. A row that is not in this form was not written by the engine.
    #[must_use]
    pub fn from_row(row: &Row) -> Option<Self> {
        let mut body = row.body.clone();
        Some(Self {
            id: ResourceId::parse(&row.id).ok()?,
            sent: body.get_mut("sent")?.take(),
            own: body.get_mut("own")?.take(),
            sealed: row.sealed.as_deref().map(Into::into),
            etag: row.etag.clone(),
            claims: row.claims.clone(),
            history: History {
                created_at: row.created_at,
                created_by: row.created_by.clone(),
                updated_at: row.updated_at,
                updated_by: row.updated_by.clone(),
            },
        })
    }

    /// The row it was read from, but for the revisions it is of.
    pub(crate) fn to_row(&self) -> Row {
        let history = &self.history;
        Row {
            key: self.id.key().to_owned(),
            type_key: self.id.resource_type().to_lowercase(),
            id: self.id.as_str().to_owned(),
            body: Self::row_body(&self.sent, &self.own),
            sealed: self.sealed.as_deref().map(<[u8]>::to_vec),
            etag: self.etag.clone(),
            claims: self.claims.clone(),
            created_at: history.created_at,
            created_by: history.created_by.clone(),
            updated_at: history.updated_at,
            updated_by: history.updated_by.clone(),
            valid_from: 0,
            valid_to: None,
        }
    }

    /// The stored form of a body.
    #[must_use]
    pub fn row_body(sent: &Value, own: &Value) -> Value {
        json!({ "sent": sent, "own": own })
    }

    /// A value by JSON pointer: what the client sent, else what nave decided. Null counts as absent.
    #[must_use]
    pub fn value(&self, pointer: &str) -> Option<&Value> {
        let present = |body: &'_ Value| !body.pointer(pointer).is_none_or(Value::is_null);
        if present(&self.sent) {
            self.sent.pointer(pointer)
        } else {
            self.own.pointer(pointer).filter(|v| !v.is_null())
        }
    }

    /// A text by JSON pointer. The empty text counts as absent, as clients mean it.
    #[must_use]
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.value(pointer)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    /// An id by JSON pointer.
    #[must_use]
    pub fn link(&self, pointer: &str) -> Option<ResourceId> {
        self.text(pointer).and_then(|text| ResourceId::parse(text).ok())
    }

    /// The `kind`, in lower case.
    #[must_use]
    pub fn kind(&self) -> String {
        self.text("/kind").unwrap_or_default().to_lowercase()
    }

    /// ARM's envelope: the body as sent, `own` filled in where the body is silent, and the read-only members.
    #[must_use]
    pub fn envelope(&self) -> Value {
        let mut body =
            json!({ "id": self.id.as_str(), "name": self.id.name(), "type": self.id.resource_type() });
        if let (Some(body), Some(sent)) = (body.as_object_mut(), self.sent.as_object()) {
            for (name, value) in sent {
                if !matches!(name.as_str(), "id" | "name" | "type" | "etag" | "systemData") {
                    body.insert(name.clone(), value.clone());
                }
            }
        }
        fill(&mut body, &self.own);
        body["etag"] = self.etag.clone().into();
        body["systemData"] = json!({
            "createdAt": self.history.created_at.to_string(),
            "createdBy": self.history.created_by,
            "createdByType": by_type(&self.history.created_by),
            "lastModifiedAt": self.history.updated_at.to_string(),
            "lastModifiedBy": self.history.updated_by,
            "lastModifiedByType": by_type(&self.history.updated_by),
        });
        body
    }
}

/// Puts `own` members where `body` has none, or has null or an empty text; objects fill member by member.
pub fn fill(body: &mut Value, own: &Value) {
    match (body, own) {
        (Value::Object(body), Value::Object(own)) => {
            for (name, value) in own {
                fill(body.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (body, own) if body.is_null() || body.as_str() == Some("") => *body = own.clone(),
        _ => {}
    }
}

/// The value without the null members of its objects: what is not there is left out of an answer.
#[must_use]
pub fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let told = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(told.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

fn by_type(name: &str) -> &'static str {
    if name.contains('@') { "User" } else { "Application" }
}
