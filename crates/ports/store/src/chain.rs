//! The hash chain: each link is made of the link before, the event and the rows it wrote and deleted.
//!
//! Whoever changes a stored event or row, or leaves one out, has to make every later link anew; and the last link
//! can be kept where the database's owner has no hand in it.

use sha2::{Digest, Sha256};

use crate::stored::{StoredEvent, StoredRow};

/// The link of `event`, which wrote `rows` and deleted `deleted`; both in the order of their keys.
pub(crate) fn link(before: &str, event: &StoredEvent, rows: &[&StoredRow], deleted: &[&StoredRow]) -> String {
    let mut hasher = Fields(Sha256::new());
    hasher.text(before).number(event.revision);
    for text in [&event.id, &event.decision] {
        hasher.text(text);
    }
    hasher.number(event.happened_at);
    for text in [
        &event.operation,
        &event.resource,
        &event.resource_key,
        &event.through_key,
        &event.caller,
        &event.caller_name,
        &event.outcome,
        &event.correlation_id,
        &event.detail,
    ] {
        hasher.text(text);
    }
    // events that follow from none are linked as they were before events had causes
    if !event.cause.is_empty() {
        hasher.text(&event.cause);
    }
    hasher.count(rows.len());
    for row in rows {
        hasher.row(row);
    }
    hasher.count(deleted.len());
    for row in deleted {
        hasher.text(&row.row_key).number(row.valid_from);
    }
    hex::encode(hasher.0.finalize())
}

/// A digest of fields: each is preceded by its length, so that no two lists of fields have the same bytes.
struct Fields(Sha256);

impl Fields {
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.count(bytes.len());
        self.0.update(bytes);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    fn number(&mut self, number: i64) -> &mut Self {
        self.0.update(number.to_be_bytes());
        self
    }

    fn count(&mut self, count: usize) -> &mut Self {
        self.0.update((count as u64).to_be_bytes());
        self
    }

    fn row(&mut self, row: &StoredRow) {
        for text in [
            &row.row_key,
            &row.type_key,
            &row.id,
            &row.body,
            &row.etag,
            &row.claims,
        ] {
            self.text(text);
        }
        match &row.sealed {
            Some(sealed) => self.count(1).bytes(sealed),
            None => self.count(0),
        };
        self.number(row.created_at)
            .text(&row.created_by)
            .number(row.updated_at)
            .text(&row.updated_by);
    }
}
