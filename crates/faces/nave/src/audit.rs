//! `nave audit verify`: whether the log is the one that was written.

use anyhow::Context;
use nave_server::setup;

use crate::{Outcome, cli::Data, say, up};

/// Recomputes the hash chain of the log in a data directory, which a server may be using.
pub(crate) fn verify(arguments: &Data) -> Outcome {
    let directory = arguments.directory()?;
    let verified = up::runtime()?
        .block_on(setup::verify(&directory))
        .with_context(|| format!("the log in `{}` does not verify", directory.display()))?;
    say::line(format!(
        "The log is whole: {} commits, the last with the hash {}",
        verified.head, verified.hash
    ));
    say::line("Kept elsewhere, that hash proves later that nothing before it was changed.");
    Ok(true)
}
