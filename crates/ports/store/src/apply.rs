//! One change inside a database transaction: what it expects is checked, then rows, claims and event are written.

use std::collections::HashSet;

use sqlx::{AnyConnection, Row as _, query};

use crate::{
    Change, Committed, Expect, Guard, Revision, StoreError, Write, chain, keys,
    stored::{StoredEvent, StoredRow, event_columns, row_columns},
};

/// Where the log ends.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) revision: Revision,
    /// The last link of the hash chain; empty before the first.
    pub(crate) hash: String,
}

impl Head {
    /// Reads the head and keeps every other writer out until the transaction ends.
    pub(crate) async fn lock(connection: &mut AnyConnection) -> Result<Self, StoreError> {
        let row = query("UPDATE log_head SET revision = revision WHERE one = 1 RETURNING revision, hash")
            .fetch_one(connection)
            .await?;
        Ok(Self {
            revision: row.try_get(0)?,
            hash: row.try_get(1)?,
        })
    }

    pub(crate) async fn write(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        query("UPDATE log_head SET revision = $1, hash = $2 WHERE one = 1")
            .bind(self.revision)
            .bind(&self.hash)
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// Applies a change on top of `head`. On an error the caller rolls back what was written so far.
pub(crate) async fn apply(
    connection: &mut AnyConnection,
    change: &Change,
    head: &Head,
) -> Result<(Committed, Head), StoreError> {
    let revision = head.revision + 1;
    let at = change.at.as_microsecond();
    each_key_once(change)?;
    for guard in &change.guards {
        check_before(connection, guard).await?;
    }
    let mut before = Vec::with_capacity(change.writes.len());
    for write in &change.writes {
        before.push(close(connection, write, revision).await?);
    }
    let mut rows = Vec::new();
    let mut deleted = Vec::new();
    for (write, before) in change.writes.iter().zip(before) {
        match (write, before) {
            (Write::Put(put), before) => {
                let row = StoredRow::written(put, before.as_ref(), revision, at);
                insert(connection, &row).await?;
                claim(connection, &row).await?;
                rows.push(row);
            }
            (Write::Delete { .. }, Some(before)) => deleted.push(before),
            (Write::Delete { .. }, None) => {}
        }
    }
    for guard in &change.guards {
        check_after(connection, guard).await?;
    }
    let mut event = StoredEvent::at(&change.event, revision, at);
    event.hash = chain::link(&head.hash, &event, &by_key(&rows), &by_key(&deleted));
    record(connection, &event).await?;
    let read = |rows: Vec<StoredRow>| rows.into_iter().map(StoredRow::read).collect::<Result<_, _>>();
    let committed = Committed {
        revision,
        headline: change.event.headline(),
        rows: read(rows)?,
        deleted: read(deleted)?,
    };
    Ok((
        committed,
        Head {
            revision,
            hash: event.hash,
        },
    ))
}

fn by_key(rows: &[StoredRow]) -> Vec<&StoredRow> {
    let mut sorted: Vec<&StoredRow> = rows.iter().collect();
    sorted.sort_unstable_by(|one, other| one.row_key.cmp(&other.row_key));
    sorted
}

fn each_key_once(change: &Change) -> Result<(), StoreError> {
    let mut seen = HashSet::with_capacity(change.writes.len());
    match change
        .writes
        .iter()
        .map(Write::key)
        .find(|key| !seen.insert(*key))
    {
        Some(key) => Err(StoreError::Twice { key: key.to_owned() }),
        None => Ok(()),
    }
}

/// Checks what a write expects and closes the current version, which is given back. Its claims are free.
async fn close(
    connection: &mut AnyConnection,
    write: &Write,
    revision: Revision,
) -> Result<Option<StoredRow>, StoreError> {
    let key = write.key();
    let found = query(concat!(
        "SELECT ",
        row_columns!(),
        " FROM resource_rows WHERE row_key = $1 AND valid_to IS NULL"
    ))
    .bind(key)
    .fetch_optional(&mut *connection)
    .await?;
    let current = found.as_ref().map(StoredRow::of).transpose()?;
    check_expected(key, write.expect(), current.as_ref())?;
    let Some(mut current) = current else {
        return Ok(None);
    };
    query("UPDATE resource_rows SET valid_to = $1 WHERE row_key = $2 AND valid_to IS NULL")
        .bind(revision)
        .bind(key)
        .execute(&mut *connection)
        .await?;
    if !current.claims()?.is_empty() {
        query("DELETE FROM claims WHERE row_key = $1")
            .bind(key)
            .execute(connection)
            .await?;
    }
    current.valid_to = Some(revision);
    Ok(Some(current))
}

fn check_expected(key: &str, expect: &Expect, current: Option<&StoredRow>) -> Result<(), StoreError> {
    let key = || key.to_owned();
    match (expect, current) {
        (Expect::Absent, Some(_)) => Err(StoreError::Exists { key: key() }),
        (Expect::Etag(_), None) => Err(StoreError::Missing { key: key() }),
        (Expect::Etag(etag), Some(current)) if *etag != current.etag => Err(StoreError::Etag { key: key() }),
        _ => Ok(()),
    }
}

async fn insert(connection: &mut AnyConnection, row: &StoredRow) -> Result<(), StoreError> {
    query(concat!(
        "INSERT INTO resource_rows (",
        row_columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    ))
    .bind(&row.row_key)
    .bind(row.valid_from)
    .bind(row.valid_to)
    .bind(&row.type_key)
    .bind(&row.id)
    .bind(&row.body)
    .bind(row.sealed.as_deref())
    .bind(&row.etag)
    .bind(&row.claims)
    .bind(row.created_at)
    .bind(&row.created_by)
    .bind(row.updated_at)
    .bind(&row.updated_by)
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes the row's unique names, unless another row holds one of them.
async fn claim(connection: &mut AnyConnection, row: &StoredRow) -> Result<(), StoreError> {
    for claim in row.claims()? {
        let holder = query("SELECT row_key FROM claims WHERE claim = $1")
            .bind(&claim)
            .fetch_optional(&mut *connection)
            .await?;
        match holder.map(|row| row.try_get::<String, _>(0)).transpose()? {
            Some(holder) if holder == row.row_key => {}
            Some(holder) => return Err(StoreError::ClaimTaken { claim, holder }),
            None => {
                query("INSERT INTO claims (claim, row_key) VALUES ($1, $2)")
                    .bind(&claim)
                    .bind(&row.row_key)
                    .execute(&mut *connection)
                    .await?;
            }
        }
    }
    Ok(())
}

async fn record(connection: &mut AnyConnection, event: &StoredEvent) -> Result<(), StoreError> {
    query(concat!(
        "INSERT INTO events (",
        event_columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
    ))
    .bind(event.revision)
    .bind(&event.id)
    .bind(&event.decision)
    .bind(event.happened_at)
    .bind(&event.operation)
    .bind(&event.resource)
    .bind(&event.resource_key)
    .bind(&event.through_key)
    .bind(&event.caller)
    .bind(&event.caller_name)
    .bind(&event.outcome)
    .bind(&event.correlation_id)
    .bind(&event.detail)
    .bind(&event.hash)
    .bind(&event.cause)
    .execute(connection)
    .await?;
    Ok(())
}

/// The guards about what others did before.
async fn check_before(connection: &mut AnyConnection, guard: &Guard) -> Result<(), StoreError> {
    let Guard::Unchanged {
        type_key,
        under,
        since,
    } = guard
    else {
        return Ok(());
    };
    // the key is compared by a function, so that the few latest versions are looked at and not all under the key
    let changed = query(
        "SELECT 1 FROM resource_rows WHERE valid_from > $1 AND type_key = $2 \
         AND (row_key = $3 OR substr(row_key, 1, length($4)) = $4) \
         UNION ALL \
         SELECT 1 FROM resource_rows WHERE valid_to > $1 AND type_key = $2 \
         AND (row_key = $3 OR substr(row_key, 1, length($4)) = $4) LIMIT 1",
    )
    .bind(since)
    .bind(type_key)
    .bind(under)
    .bind(keys::below(under).0)
    .fetch_optional(connection)
    .await?;
    match changed {
        Some(_) => Err(StoreError::Changed { under: under.clone() }),
        None => Ok(()),
    }
}

/// The guards about what there is in the end.
async fn check_after(connection: &mut AnyConnection, guard: &Guard) -> Result<(), StoreError> {
    let (under, start, end, wanted) = match guard {
        Guard::Unchanged { .. } => return Ok(()),
        Guard::Present { key } => (key, key.clone(), key.clone(), true),
        Guard::Gone { under } => {
            let (start, end) = keys::below(under);
            (under, start, end, false)
        }
    };
    let found = query(
        "SELECT 1 FROM resource_rows WHERE row_key = $1 AND valid_to IS NULL \
         UNION ALL \
         SELECT 1 FROM resource_rows WHERE row_key > $2 AND row_key < $3 AND valid_to IS NULL LIMIT 1",
    )
    .bind(under)
    .bind(start)
    .bind(end)
    .fetch_optional(connection)
    .await?;
    match found.is_some() == wanted {
        true => Ok(()),
        false => Err(StoreError::Changed { under: under.clone() }),
    }
}
