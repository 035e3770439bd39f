//! The store's handle.

use std::{path::Path, sync::Arc};

use tokio::sync::{mpsc, oneshot};

use crate::{
    Change, Committed, Event, EventQuery, ListQuery, Page, Revision, Row, StoreError, Verified,
    database::{Database, POLL, sqlite_in},
    marks, reads,
    recent::Recent,
    verify,
    writer::{self, Waiting},
};

/// A store. Clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct Store {
    database: Arc<Database>,
    queue: mpsc::Sender<Waiting>,
    recent: Arc<Recent>,
}

/// How many changes may wait to be written before those who bring more wait themselves.
const QUEUE: usize = 1024;

impl Store {
    /// Opens the SQLite store in a folder, which must exist; it is created there at first. One process at a time.
    pub async fn open_in(folder: &Path) -> Result<Self, StoreError> {
        Self::open(&sqlite_in(folder)?).await
    }

    /// Opens the store at `sqlite:…` or `postgres:…`. A PostgreSQL store may be open in many processes.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let database = Arc::new(Database::open(url).await?);
        let recent = Arc::new(Recent::at(reads::head(&database.readers).await?));
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(writer::run(database.writer.clone(), waiting, recent.clone()));
        Ok(Self {
            database,
            queue,
            recent,
        })
    }

    /// Commits a change. When this returns, the change is on the disk and stays there; after an error, nothing of it
    /// is. It is committed even if nobody waits for the answer any more.
    pub async fn commit(&self, change: Change) -> Result<Arc<Committed>, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.queue
            .send(Waiting { change, answer })
            .await
            .map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// The last revision.
    pub async fn head(&self) -> Result<Revision, StoreError> {
        reads::head(&self.database.readers).await
    }

    /// The current row at a key.
    pub async fn get(&self, key: &str) -> Result<Option<Row>, StoreError> {
        reads::get(&self.database.readers, key).await
    }

    /// The row at a key as it was at a revision.
    pub async fn get_as_of(&self, key: &str, revision: Revision) -> Result<Option<Row>, StoreError> {
        reads::get_as_of(&self.database.readers, key, revision).await
    }

    /// A page of rows, in the order of their keys.
    pub async fn list(&self, query: &ListQuery) -> Result<Page, StoreError> {
        reads::list(&self.database.readers, query).await
    }

    /// The events of the log, the newest first.
    pub async fn events(&self, query: &EventQuery) -> Result<Vec<Event>, StoreError> {
        reads::events(&self.database.readers, query).await
    }

    /// How far the reader of a name has come, if it has begun.
    pub async fn mark(&self, name: &str) -> Result<Option<Revision>, StoreError> {
        marks::mark(&self.database.readers, name).await
    }

    /// Notes how far the reader of a name has come: what it did until there is done.
    pub async fn keep_mark(&self, name: &str, revision: Revision) -> Result<(), StoreError> {
        marks::keep_mark(&self.database.writer, name, revision).await
    }

    /// Forgets the reader of a name.
    pub async fn drop_mark(&self, name: &str) -> Result<(), StoreError> {
        marks::drop_mark(&self.database.writer, name).await
    }

    /// The commits after a revision in their order, at most `limit`. The latest ones come from memory.
    pub async fn commits_after(
        &self,
        revision: Revision,
        limit: u32,
    ) -> Result<Vec<Arc<Committed>>, StoreError> {
        let at_most = usize::try_from(limit).unwrap_or(usize::MAX);
        if let Some(commits) = self.recent.after(revision, at_most) {
            return Ok(commits);
        }
        let commits = reads::commits(&self.database.readers, revision, limit).await?;
        commits
            .into_iter()
            .map(|commit| commit.read().map(Arc::new))
            .collect()
    }

    /// Waits until the log reaches beyond a revision, whoever wrote it, and tells how far. What there is then to
    /// read, [`Self::commits_after`] reads.
    pub async fn beyond(&self, revision: Revision) -> Result<Revision, StoreError> {
        let mut head = self.recent.watch();
        loop {
            let reached = async { head.wait_for(|head| *head > revision).await.map(|head| *head) };
            match tokio::time::timeout(POLL, reached).await {
                Ok(reached) => return reached.map_err(|_| StoreError::Closed),
                Err(_) => self.recent.seen(self.head().await?),
            }
        }
    }

    /// Recomputes the hash chain of the whole log.
    pub async fn verify(&self) -> Result<Verified, StoreError> {
        verify::verify(&self.database.readers).await
    }

    /// Closes the store once what is being written is written. Whoever asks anything of it then gets an error.
    pub async fn close(&self) {
        self.database.writer.close().await;
        self.database.readers.close().await;
    }
}
