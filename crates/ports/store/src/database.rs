//! The two databases: how each is reached and set up. Every other query in this crate is one text for both.

use std::{path::Path, time::Duration};

use sqlx::{AnyConnection, AnyPool, Executor as _, any::AnyPoolOptions, migrate::Migrator};

use crate::StoreError;

/// Connections to one database.
#[derive(Debug)]
pub(crate) struct Database {
    /// The one connection that writes.
    pub(crate) writer: AnyPool,
    /// Those that read; they do not wait for the writer.
    pub(crate) readers: AnyPool,
}

/// How many connections read.
const READERS: u32 = 8;
/// How often to ask whether another process has written: another server, or a command beside this one.
pub(crate) const POLL: Duration = Duration::from_millis(250);

/// What differs between the databases.
struct Kind {
    /// Said to the writing connection first.
    writer: &'static str,
    /// Said to each reading connection first.
    reader: &'static str,
    tables: Migrator,
}

/// With a write-ahead log readers see the state before a commit until it is done; with `FULL` it is on the disk then.
static SQLITE: Kind = Kind {
    writer: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000;",
    reader: "PRAGMA query_only = ON; PRAGMA busy_timeout = 10000;",
    tables: sqlx::migrate!("migrations/sqlite"),
};

static POSTGRES: Kind = Kind {
    writer: "SET synchronous_commit = on",
    reader: "SET default_transaction_read_only = on",
    tables: sqlx::migrate!("migrations/postgres"),
};

impl Database {
    /// Connects, and brings the tables to this version's form.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let kind = if url.starts_with("sqlite:") {
            &SQLITE
        } else {
            &POSTGRES
        };
        let writer = pool(1, kind.writer).connect(url).await?;
        kind.tables.run(&writer).await?;
        let readers = pool(READERS, kind.reader).connect(url).await?;
        Ok(Self { writer, readers })
    }
}

/// The address of the SQLite database in a folder.
pub(crate) fn sqlite_in(folder: &Path) -> Result<String, StoreError> {
    let file = std::path::absolute(folder.join("nave.db")).map_err(sqlx::Error::Io)?;
    let escaped: String = file
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .map(|byte| escape(*byte))
        .collect();
    Ok(format!("sqlite://{escaped}?mode=rwc"))
}

fn escape(byte: u8) -> String {
    match byte {
        b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}

fn pool(size: u32, greeting: &'static str) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(size)
        .after_connect(move |connection: &mut AnyConnection, _| {
            Box::pin(async move { connection.execute(sqlx::raw_sql(greeting)).await.map(drop) })
        })
}
