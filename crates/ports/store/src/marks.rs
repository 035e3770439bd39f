//! Marks: how far a reader of the log has come who does something with it elsewhere. They are beside the log and not in
//! it: what is read again after one was lost is what was read before.

use sqlx::{AnyPool, Row as _, query};

use crate::{Revision, StoreError};

pub(crate) async fn mark(readers: &AnyPool, name: &str) -> Result<Option<Revision>, StoreError> {
    let row = query("SELECT revision FROM marks WHERE name = $1")
        .bind(name)
        .fetch_optional(readers)
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(crate) async fn keep_mark(writer: &AnyPool, name: &str, revision: Revision) -> Result<(), StoreError> {
    let sql = "INSERT INTO marks (name, revision) VALUES ($1, $2) \
               ON CONFLICT (name) DO UPDATE SET revision = excluded.revision";
    query(sql).bind(name).bind(revision).execute(writer).await?;
    Ok(())
}

pub(crate) async fn drop_mark(writer: &AnyPool, name: &str) -> Result<(), StoreError> {
    query("DELETE FROM marks WHERE name = $1")
        .bind(name)
        .execute(writer)
        .await?;
    Ok(())
}
