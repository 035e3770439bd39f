//! Rows that are not kept in memory, as a rehearsal finds them: those it wrote, then those of the store.

use std::collections::BTreeMap;

use nave_arm::{ArmError, ResourceId};
use nave_store::{ListQuery, Page, Row};

use crate::{Engine, change::store_failed};

/// What a rehearsal wrote of such rows, by key; `None`: it deleted the row.
#[derive(Debug, Default, Clone)]
pub(super) struct Stored(BTreeMap<String, Option<Row>>);

impl Stored {
    pub(super) fn put(&mut self, row: Row) {
        self.0.insert(row.key.clone(), Some(row));
    }

    pub(super) fn delete(&mut self, key: &str) {
        self.0.insert(key.to_owned(), None);
    }

    /// A page of the store with these rows in it.
    fn laid_over(&self, page: Page, wanted: &ListQuery) -> Page {
        let Page { rows, next } = page;
        let below = format!("{}/", wanted.under.trim_end_matches('/'));
        let is_wanted = |key: &str, row: &Row| {
            key.starts_with(&below)
                && wanted.type_key.as_ref().is_none_or(|kind| *kind == row.type_key)
                && wanted.after.as_deref().is_none_or(|after| key > after)
                && next.as_deref().is_none_or(|last| key <= last)
        };
        let kept = rows.into_iter().filter(|row| !self.0.contains_key(&row.key));
        let own = self
            .0
            .iter()
            .filter_map(|(key, row)| row.as_ref().filter(|row| is_wanted(key, row)));
        let mut rows: Vec<Row> = kept.chain(own.cloned()).collect();
        rows.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        Page { rows, next }
    }
}

impl Engine {
    /// A row of a type that is not kept in memory.
    pub(in crate::engine) async fn stored_row(&self, key: &str) -> Result<Option<Row>, ArmError> {
        if let Some(rehearsal) = &self.rehearsal
            && let Some(row) = rehearsal.played().stored.0.get(key)
        {
            return Ok(row.clone());
        }
        let row = match self.stands_at {
            None => self.store.get(key).await,
            Some(revision) => self.store.get_as_of(key, revision).await,
        };
        row.map_err(|error| store_failed(&error))
    }

    /// A page of such rows.
    pub(in crate::engine) async fn stored_page(&self, wanted: &ListQuery) -> Result<Page, ArmError> {
        let page = self
            .store
            .list(wanted)
            .await
            .map_err(|error| store_failed(&error))?;
        Ok(match &self.rehearsal {
            Some(rehearsal) => rehearsal.played().stored.laid_over(page, wanted),
            None => page,
        })
    }

    /// Of rows below a place, those that a rehearsal has not in its memory in another form.
    pub(in crate::engine) fn stored_over(&self, id: &ResourceId, rows: Vec<Row>) -> Vec<Row> {
        let Some(rehearsal) = &self.rehearsal else {
            return rows;
        };
        let rows = rows
            .into_iter()
            .filter(|row| !self.registry.resident(&row.type_key))
            .collect();
        let all = ListQuery {
            under: id.key().to_owned(),
            type_key: None,
            after: None,
            limit: u32::MAX,
            as_of: None,
        };
        let page = Page { rows, next: None };
        rehearsal.played().stored.laid_over(page, &all).rows
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    fn row(key: &str, etag: &str) -> Row {
        Row {
            key: key.to_owned(),
            type_key: String::from("t/t"),
            id: key.to_owned(),
            body: json!({}),
            sealed: None,
            etag: etag.to_owned(),
            claims: Vec::new(),
            created_at: Timestamp::UNIX_EPOCH,
            created_by: String::new(),
            updated_at: Timestamp::UNIX_EPOCH,
            updated_by: String::new(),
            valid_from: 1,
            valid_to: None,
        }
    }

    #[test]
    fn a_page_shows_what_was_written_and_not_what_was_deleted() {
        let mut stored = Stored::default();
        stored.put(row("/a/c", "new"));
        stored.put(row("/a/z", "beyond the page"));
        stored.put(row("/b/a", "elsewhere"));
        stored.delete("/a/b");
        let page = Page {
            rows: ["/a/a", "/a/b", "/a/c", "/a/d"].map(|key| row(key, "old")).into(),
            next: Some(String::from("/a/d")),
        };
        let wanted = ListQuery {
            under: String::from("/a"),
            type_key: None,
            after: None,
            limit: 4,
            as_of: None,
        };
        let found = stored.laid_over(page, &wanted).rows;
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|row| (row.key.as_str(), row.etag.as_str()))
            .collect();
        assert_eq!(found, [("/a/a", "old"), ("/a/c", "new"), ("/a/d", "old")]);
    }
}
