//! Rows and how they are listed.

use jiff::Timestamp;
use serde_json::Value;

/// The number of a commit. The first is 1, and none is left out; 0 is the state before it.
pub type Revision = i64;

/// One version of a resource's row. It is never overwritten: a later version closes it and stands beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The key: the id in lower case.
    pub key: String,
    /// The resource type in lower case.
    pub type_key: String,
    /// The id as it was first written.
    pub id: String,
    /// The body, its members in the order they were given.
    pub body: Value,
    /// What is secret, encrypted.
    pub sealed: Option<Vec<u8>>,
    /// The opaque version.
    pub etag: String,
    /// The unique names it holds.
    pub claims: Vec<String>,
    /// When the resource was created.
    pub created_at: Timestamp,
    /// The name of who created it.
    pub created_by: String,
    /// When this version was written.
    pub updated_at: Timestamp,
    /// The name of who wrote this version.
    pub updated_by: String,
    /// The revision that wrote it.
    pub valid_from: Revision,
    /// The revision that replaced or deleted it; `None` while it is current.
    pub valid_to: Option<Revision>,
}

/// Which rows to list, in the order of their keys.
#[derive(Debug, Clone)]
pub struct ListQuery {
    /// Those below this key, which is not among them; `/` for all.
    pub under: String,
    /// Those of this type, in lower case; all types if `None`.
    pub type_key: Option<String>,
    /// Those after this key: [`Page::next`] of the page before.
    pub after: Option<String>,
    /// The most rows of a page.
    pub limit: u32,
    /// As the state was at this revision; the present state if `None`.
    pub as_of: Option<Revision>,
}

/// A page of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// Where the next page starts; `None` when there is none.
    pub next: Option<String>,
}
