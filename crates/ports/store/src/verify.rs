//! Recomputing the hash chain from what is stored.

use sqlx::AnyPool;

use crate::{
    StoreError, Verified, chain,
    reads::{self, StoredCommit},
    stored::StoredRow,
};

/// How many commits are looked at together.
const TOGETHER: u32 = 500;

/// Walks the whole log: no revision is missing, every link is made of what is stored, and the head is the last.
pub(crate) async fn verify(readers: &AnyPool) -> Result<Verified, StoreError> {
    let head = reads::head(readers).await?;
    let mut so_far = Verified {
        head: 0,
        hash: String::new(),
    };
    while so_far.head < head {
        let limit = u32::try_from(head - so_far.head).map_or(TOGETHER, |left| left.min(TOGETHER));
        let commits = reads::commits(readers, so_far.head, limit).await?;
        if commits.is_empty() {
            return Err(StoreError::Altered {
                revision: so_far.head + 1,
            });
        }
        for commit in &commits {
            so_far = next(&so_far, commit)?;
        }
    }
    reads::check_head(readers, &so_far).await?;
    Ok(so_far)
}

fn next(before: &Verified, commit: &StoredCommit) -> Result<Verified, StoreError> {
    let StoredCommit { event, rows, deleted } = commit;
    let rows: Vec<&StoredRow> = rows.iter().collect();
    let deleted: Vec<&StoredRow> = deleted.iter().collect();
    let revision = before.head + 1;
    let hash = chain::link(&before.hash, event, &rows, &deleted);
    match event.revision == revision && event.hash == hash {
        true => Ok(Verified { head: revision, hash }),
        false => Err(StoreError::Altered { revision }),
    }
}
