//! Reading rows, events and commits. What was written at a revision never changes, so none of it needs a
//! transaction: a question about a revision has one answer, whenever it is asked.

use sqlx::{
    Any, AnyPool, Arguments as _, AssertSqlSafe, Encode, Row as _, Type, any::AnyArguments, query,
    query::Query, query_with,
};

use crate::{
    Committed, Event, EventQuery, ListQuery, Page, Revision, Row, StoreError, Verified, keys,
    stored::{StoredEvent, StoredRow, event_columns, row_columns},
};

pub(crate) async fn head(readers: &AnyPool) -> Result<Revision, StoreError> {
    let row = query("SELECT revision FROM log_head WHERE one = 1")
        .fetch_one(readers)
        .await?;
    Ok(row.try_get(0)?)
}

/// Checks that the head is where a walk over the log ended, unless the log went on meanwhile.
pub(crate) async fn check_head(readers: &AnyPool, walked: &Verified) -> Result<(), StoreError> {
    let row = query("SELECT hash FROM log_head WHERE one = 1 AND revision <= $1")
        .bind(walked.head)
        .fetch_optional(readers)
        .await?;
    let hash: Option<String> = row.map(|row| row.try_get(0)).transpose()?;
    match hash.is_none_or(|hash| hash == walked.hash) {
        true => Ok(()),
        false => Err(StoreError::Altered {
            revision: walked.head,
        }),
    }
}

pub(crate) async fn get(readers: &AnyPool, key: &str) -> Result<Option<Row>, StoreError> {
    let sql = concat!(
        "SELECT ",
        row_columns!(),
        " FROM resource_rows WHERE row_key = $1 AND valid_to IS NULL"
    );
    let found = query(sql).bind(key).fetch_optional(readers).await?;
    found.map(|row| StoredRow::of(&row)?.read()).transpose()
}

pub(crate) async fn get_as_of(
    readers: &AnyPool,
    key: &str,
    revision: Revision,
) -> Result<Option<Row>, StoreError> {
    let sql = concat!(
        "SELECT ",
        row_columns!(),
        " FROM resource_rows WHERE row_key = $1 AND valid_from <= $2 AND (valid_to IS NULL OR valid_to > $2)"
    );
    let found = query(sql)
        .bind(key)
        .bind(revision)
        .fetch_optional(readers)
        .await?;
    found.map(|row| StoredRow::of(&row)?.read()).transpose()
}

pub(crate) async fn list(readers: &AnyPool, wanted: &ListQuery) -> Result<Page, StoreError> {
    let (start, end) = keys::below(&wanted.under);
    let start = wanted
        .after
        .clone()
        .map_or(start.clone(), |after| after.max(start));
    let mut bound = Bound::default();
    let mut conditions = vec![
        format!("row_key > {}", bound.value(start)),
        format!("row_key < {}", bound.value(end)),
    ];
    conditions.push(match wanted.as_of.map(|revision| bound.value(revision)) {
        None => String::from("valid_to IS NULL"),
        Some(revision) => format!("valid_from <= {revision} AND (valid_to IS NULL OR valid_to > {revision})"),
    });
    if let Some(type_key) = &wanted.type_key {
        conditions.push(format!("type_key = {}", bound.value(type_key.clone())));
    }
    let sql = format!(
        "SELECT {} FROM resource_rows WHERE {} ORDER BY row_key LIMIT {}",
        row_columns!(),
        conditions.join(" AND "),
        bound.value(i64::from(wanted.limit) + 1),
    );
    let found = bound.query(sql).fetch_all(readers).await?;
    let limit = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
    let rows: Vec<Row> = found
        .iter()
        .take(limit)
        .map(|row| StoredRow::of(row)?.read())
        .collect::<Result<_, _>>()?;
    let next = rows
        .last()
        .filter(|_| found.len() > limit)
        .map(|row| row.key.clone());
    Ok(Page { rows, next })
}

pub(crate) async fn events(readers: &AnyPool, wanted: &EventQuery) -> Result<Vec<Event>, StoreError> {
    let mut bound = Bound::default();
    let before = wanted.before.unwrap_or(Revision::MAX);
    let mut conditions = vec![format!("revision < {}", bound.value(before))];
    if let Some(under) = wanted.under.clone().filter(|under| under != "/") {
        let (start, end) = keys::below(&under);
        let [under, start, end] = [under, start, end].map(|key| bound.value(key));
        let is_under = |key: &str| format!("{key} = {under} OR ({key} > {start} AND {key} < {end})");
        conditions.push(format!(
            "({} OR {})",
            is_under("resource_key"),
            is_under("through_key")
        ));
    }
    if let Some(key) = &wanted.touching {
        let key = bound.value(key.clone());
        conditions.push(format!(
            "revision IN (SELECT valid_from FROM resource_rows WHERE row_key = {key} \
             UNION SELECT valid_to FROM resource_rows WHERE row_key = {key} AND valid_to IS NOT NULL)"
        ));
    }
    if let Some(from) = wanted.from {
        conditions.push(format!("happened_at >= {}", bound.value(from.as_microsecond())));
    }
    if let Some(to) = wanted.to {
        conditions.push(format!("happened_at <= {}", bound.value(to.as_microsecond())));
    }
    if let Some(decision) = wanted.decision {
        conditions.push(format!("decision = {}", bound.value(decision.to_string())));
    }
    if let Some(correlation_id) = &wanted.correlation_id {
        conditions.push(format!(
            "correlation_id = {}",
            bound.value(correlation_id.clone())
        ));
    }
    if let Some(after) = wanted.after {
        conditions.push(format!("revision > {}", bound.value(after)));
    }
    if let Some(cause) = wanted.cause {
        conditions.push(format!("cause = {}", bound.value(cause.to_string())));
    }
    let limit = wanted.limit.map_or(i64::MAX, i64::from);
    let sql = format!(
        "SELECT {} FROM events WHERE {} ORDER BY revision {} LIMIT {}",
        event_columns!(),
        conditions.join(" AND "),
        if wanted.after.is_some() { "ASC" } else { "DESC" },
        bound.value(limit),
    );
    let found = bound.query(sql).fetch_all(readers).await?;
    found.iter().map(|row| StoredEvent::of(row)?.read()).collect()
}

/// One commit as it is stored.
pub(crate) struct StoredCommit {
    pub(crate) event: StoredEvent,
    pub(crate) rows: Vec<StoredRow>,
    pub(crate) deleted: Vec<StoredRow>,
}

impl StoredCommit {
    pub(crate) fn read(self) -> Result<Committed, StoreError> {
        let read = |rows: Vec<StoredRow>| rows.into_iter().map(StoredRow::read).collect::<Result<_, _>>();
        Ok(Committed {
            revision: self.event.revision,
            headline: self.event.headline()?,
            rows: read(self.rows)?,
            deleted: read(self.deleted)?,
        })
    }
}

/// The commits after a revision, at most `limit`; rows in the order of their keys.
pub(crate) async fn commits(
    readers: &AnyPool,
    after: Revision,
    limit: u32,
) -> Result<Vec<StoredCommit>, StoreError> {
    let events = query(concat!(
        "SELECT ",
        event_columns!(),
        " FROM events WHERE revision > $1 ORDER BY revision LIMIT $2"
    ))
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(readers)
    .await?;
    let empty = |event| StoredCommit {
        event,
        rows: Vec::new(),
        deleted: Vec::new(),
    };
    let mut commits: Vec<StoredCommit> = events
        .iter()
        .map(|row| StoredEvent::of(row).map(empty))
        .collect::<Result<_, _>>()?;
    let Some(last) = commits.last().map(|commit| commit.event.revision) else {
        return Ok(commits);
    };
    let written = concat!(
        "SELECT ",
        row_columns!(),
        " FROM resource_rows WHERE valid_from > $1 AND valid_from <= $2 ORDER BY row_key"
    );
    for row in query(written).bind(after).bind(last).fetch_all(readers).await? {
        let row = StoredRow::of(&row)?;
        place(&mut commits, row.valid_from)?.rows.push(row);
    }
    let closed = concat!(
        "SELECT ",
        row_columns!(),
        " FROM resource_rows WHERE valid_to > $1 AND valid_to <= $2 ORDER BY row_key"
    );
    for row in query(closed).bind(after).bind(last).fetch_all(readers).await? {
        let row = StoredRow::of(&row)?;
        let commit = place(&mut commits, row.valid_to.unwrap_or_default())?;
        let replaced = commit
            .rows
            .binary_search_by(|written| written.row_key.cmp(&row.row_key))
            .is_ok();
        if !replaced {
            commit.deleted.push(row);
        }
    }
    Ok(commits)
}

fn place(commits: &mut [StoredCommit], revision: Revision) -> Result<&mut StoredCommit, StoreError> {
    let at = commits.binary_search_by_key(&revision, |commit| commit.event.revision);
    at.map(|at| &mut commits[at])
        .map_err(|_| StoreError::Altered { revision })
}

/// The values of a query whose conditions depend on what was asked. The query's text holds their places only.
#[derive(Default)]
struct Bound {
    values: AnyArguments,
    count: usize,
}

impl Bound {
    /// Binds a value and gives back its place.
    fn value<T: Encode<'static, Any> + Type<Any>>(&mut self, value: T) -> String {
        // the texts and numbers bound here always encode
        drop(self.values.add(value));
        self.count += 1;
        format!("${}", self.count)
    }

    fn query<'q>(self, sql: String) -> Query<'q, Any, AnyArguments> {
        query_with(AssertSqlSafe(sql), self.values)
    }
}
