//! The one task that writes.
//!
//! Changes that wait at the same time share one database transaction, and so one wait for the disk. Each has its own
//! savepoint and its own revision: what one expects and does not find is its failure alone.

use std::sync::Arc;

use sqlx::{AnyConnection, AnyPool, Connection as _};
use tokio::sync::{mpsc, oneshot};

use crate::{
    Change, Committed, StoreError,
    apply::{Head, apply},
    recent::Recent,
};

/// A change and who waits for it.
pub(crate) struct Waiting {
    pub(crate) change: Change,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// What became of a change.
pub(crate) type Answer = Result<Arc<Committed>, StoreError>;

/// The most changes that share a transaction.
const TOGETHER: usize = 128;

/// Writes until nobody is left who could send a change.
pub(crate) async fn run(writer: AnyPool, mut queue: mpsc::Receiver<Waiting>, recent: Arc<Recent>) {
    let mut waiting = Vec::with_capacity(TOGETHER);
    while queue.recv_many(&mut waiting, TOGETHER).await > 0 {
        let (changes, waiters): (Vec<_>, Vec<_>) = waiting
            .drain(..)
            .map(|waiting| (waiting.change, waiting.answer))
            .unzip();
        let answers = write(&writer, &changes, &recent).await;
        for (waiter, answer) in waiters.into_iter().zip(answers) {
            // whoever went away meanwhile finds the commit in the log
            drop(waiter.send(answer));
        }
    }
}

/// Writes the changes in their order, and makes known what was committed before anybody is answered.
async fn write(writer: &AnyPool, changes: &[Change], recent: &Recent) -> Vec<Answer> {
    let answers = match together(writer, changes).await {
        Ok(answers) => answers,
        Err(_) if changes.len() > 1 => alone(writer, changes).await,
        Err(error) => vec![Err(error)],
    };
    recent.add(answers.iter().flatten().cloned());
    answers
}

/// Each change in a transaction of its own: so a change that the database refuses takes no other down.
async fn alone(writer: &AnyPool, changes: &[Change]) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(changes.len());
    for change in changes {
        let answer = together(writer, std::slice::from_ref(change)).await;
        answers.push(answer.and_then(|mut one| one.pop().unwrap_or(Err(StoreError::Closed))));
    }
    answers
}

/// One transaction. After an error nothing of it was written; where that cannot be known, because the connection
/// broke while it committed, the events' ids keep a second attempt from writing it twice.
async fn together(writer: &AnyPool, changes: &[Change]) -> Result<Vec<Answer>, StoreError> {
    let mut connection = writer.acquire().await?;
    let answers = on(&mut connection, changes).await;
    if answers.is_err() {
        // what state its transaction is in is anybody's guess; the next one starts on a new connection
        drop(connection.close().await);
    }
    answers
}

async fn on(connection: &mut AnyConnection, changes: &[Change]) -> Result<Vec<Answer>, StoreError> {
    let mut transaction = connection.begin().await?;
    let mut head = Head::lock(&mut transaction).await?;
    let mut answers = Vec::with_capacity(changes.len());
    for change in changes {
        let mut savepoint = transaction.begin().await?;
        match apply(&mut savepoint, change, &head).await {
            Ok((committed, next)) => {
                savepoint.commit().await?;
                head = next;
                answers.push(Ok(Arc::new(committed)));
            }
            Err(StoreError::Database(error)) => return Err(error.into()),
            Err(error) => {
                savepoint.rollback().await?;
                answers.push(Err(error));
            }
        }
    }
    head.write(&mut transaction).await?;
    transaction.commit().await?;
    Ok(answers)
}
