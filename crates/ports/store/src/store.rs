//! The store.

use std::path::Path;

use crate::{Change, Committed, Event, EventQuery, ListQuery, Page, Revision, Row, StoreError, Verified};

/// A store. Clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct Store {}

#[allow(clippy::unused_async, missing_docs)]
impl Store {
    pub async fn open_in(_folder: &Path) -> Result<Self, StoreError> {
        Err(StoreError::Closed)
    }

    pub async fn open(_url: &str) -> Result<Self, StoreError> {
        Err(StoreError::Closed)
    }

    pub async fn commit(&self, _change: Change) -> Result<Committed, StoreError> {
        Err(StoreError::Closed)
    }

    pub async fn head(&self) -> Result<Revision, StoreError> {
        Err(StoreError::Closed)
    }

    pub async fn get(&self, _key: &str) -> Result<Option<Row>, StoreError> {
        Err(StoreError::Closed)
    }

    pub async fn list(&self, _query: &ListQuery) -> Result<Page, StoreError> {
        Err(StoreError::Closed)
    }

    pub async fn events(&self, _query: &EventQuery) -> Result<Vec<Event>, StoreError> {
        Err(StoreError::Closed)
    }

    pub async fn commits_after(&self, _revision: Revision, _limit: u32) -> Result<Vec<Committed>, StoreError> {
        Err(StoreError::Closed)
    }

    pub async fn verify(&self) -> Result<Verified, StoreError> {
        Err(StoreError::Closed)
    }
}
