//! Changing an installation that a server may be using: the commands that set up who may come in, when nobody can yet.

use std::sync::Arc;

use anyhow::Context;
use nave_engine::{Act, Change, Engine, Erase, Expect, Put, Resource, clock::RealWorld};
use nave_server::setup::{self, Sources};
use nave_vault::SystemRandom;

use crate::{cli::Data, up};

/// The engine of a data directory.
pub(crate) fn open(data: &Data) -> anyhow::Result<(tokio::runtime::Runtime, Arc<Engine>)> {
    let runtime = up::runtime()?;
    let sources = Sources {
        world: Arc::new(RealWorld),
        random: Arc::new(SystemRandom),
    };
    let directory = data.directory()?;
    let engine = runtime
        .block_on(setup::engine_in(&directory, &sources))
        .with_context(|| format!("`{}` cannot be opened", directory.display()))?;
    Ok((runtime, engine))
}

/// Writes a row, on the server's own account: whoever may write the directory's files may do it.
pub(crate) async fn put(engine: &Engine, operation: &str, row: Put) -> anyhow::Result<Arc<Resource>> {
    let grant = engine.on_own_account::<Act>(operation, &row.id);
    let change = Change {
        puts: vec![row],
        ..Change::default()
    };
    let done = engine.commit(&grant, change).await?;
    done.resources.into_iter().next().context("nothing was written")
}

/// Deletes a row.
pub(crate) async fn erase(engine: &Engine, operation: &str, row: &Resource) -> anyhow::Result<()> {
    let grant = engine.on_own_account::<Act>(operation, &row.id);
    let erase = Erase {
        id: row.id.clone(),
        expect: Expect::Any,
    };
    let change = Change {
        erases: vec![erase],
        ..Change::default()
    };
    engine.commit(&grant, change).await?;
    Ok(())
}
