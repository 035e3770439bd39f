//! `nave sso`: identity providers, described by a file before anybody can sign in.

use std::{fs, path::Path};

use anyhow::Context;
use nave_engine::Expect;
use nave_identity::sso::{self, PROVIDERS};
use serde_json::Value;

use crate::{
    Outcome, beside,
    cli::{Data, Sso},
    say,
};

pub(crate) fn run(command: Sso) -> Outcome {
    match command {
        Sso::Add { file, data } => add(&file, &data),
        Sso::List(data) => list(&data),
        Sso::Remove { id, data } => remove(&id, &data),
    }
}

fn add(file: &Path, data: &Data) -> Outcome {
    let text = fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let description: Value =
        serde_json::from_str(&text).with_context(|| format!("`{}` is not JSON", file.display()))?;
    let (runtime, engine) = beside::open(data)?;
    let mut row = sso::provider_row(&description)?;
    row.expect = Expect::Any;
    let row = runtime.block_on(beside::put(&engine, &format!("{PROVIDERS}/write"), row))?;
    let shown = sso::shown(engine.site(), &row);
    let text = |name: &str| shown[name].as_str().unwrap_or_default().to_owned();
    say::line(format!(
        "People can sign in with {} from now on.",
        text("displayName")
    ));
    say::line(format!(
        "Register this address at the provider: {}",
        text("redirectUri")
    ));
    Ok(true)
}

fn list(data: &Data) -> Outcome {
    let (_runtime, engine) = beside::open(data)?;
    for row in engine.snapshot().of_type(PROVIDERS) {
        let text = |place| row.text(place).unwrap_or_default();
        say::line(format!(
            "{}  {}  {}",
            row.id.name(),
            text("/issuer"),
            text("/displayName")
        ));
    }
    Ok(true)
}

fn remove(id: &str, data: &Data) -> Outcome {
    let (runtime, engine) = beside::open(data)?;
    let snapshot = engine.snapshot();
    let found = snapshot.of_type(PROVIDERS).find(|row| row.id.name() == id);
    let row =
        found.with_context(|| format!("there is no provider {id}; `nave sso list` says which there are"))?;
    runtime.block_on(beside::erase(&engine, &format!("{PROVIDERS}/delete"), row))?;
    say::line("The provider is removed.");
    Ok(true)
}
