//! Running other commands, with a heading before each and the time it took after.

use std::{path::PathBuf, process::Command, time::Instant};

use anyhow::{Context, Result, bail};

/// The workspace's root. Cargo says where at run time; what was known when it was compiled may have moved since.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map(PathBuf::from).unwrap_or(here)
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Does one named step.
pub(crate) fn step<T>(name: &str, what: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("\n==> {name}");
    let started = Instant::now();
    let done = what()?;
    println!("    {name}: {:.1} s", started.elapsed().as_secs_f32());
    Ok(done)
}

/// Runs cargo at the workspace's root.
pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    command(
        Command::new(cargo).args(arguments).current_dir(root()),
        &format!("cargo {}", arguments.join(" ")),
    )
}

/// Runs a command; anything but success is an error that names it.
pub(crate) fn command(command: &mut Command, name: &str) -> Result<()> {
    step(name, || {
        let status = command
            .status()
            .with_context(|| format!("`{name}` could not be started"))?;
        if status.success() {
            Ok(())
        } else {
            bail!("`{name}` ended with {status}")
        }
    })
}
