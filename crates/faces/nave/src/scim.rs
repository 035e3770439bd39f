//! `nave scim`: provisioning tokens.

use anyhow::Context;
use nave_engine::directory::PROVISIONING_TOKENS;
use nave_identity::provisioning::{self, NewToken};
use nave_vault::{Purpose, SystemRandom};

use crate::{
    Outcome, beside,
    cli::{Data, Scim},
    say,
};

pub(crate) fn run(command: Scim) -> Outcome {
    match command {
        Scim::Token { name, ends, data } => token(&name, ends, &data),
        Scim::List(data) => list(&data),
        Scim::Revoke { id, data } => revoke(&id, &data),
    }
}

fn token(name: &str, ends: Option<jiff::Timestamp>, data: &Data) -> Outcome {
    let (runtime, engine) = beside::open(data)?;
    let NewToken { token, row } = provisioning::make(&SystemRandom, &engine, name, ends)?;
    let operation = format!("{PROVISIONING_TOKENS}/write");
    runtime.block_on(beside::put(&engine, &operation, row))?;
    say::remark("Give these to the identity provider. The token is not shown again.");
    say::line(format!("address  {}/scim/v2", engine.site().origin));
    say::line(format!("token    {}", token.expose(&Purpose::ListSecrets)));
    Ok(true)
}

fn list(data: &Data) -> Outcome {
    let (_runtime, engine) = beside::open(data)?;
    for row in engine.snapshot().of_type(PROVISIONING_TOKENS) {
        let text = |place| row.text(place).unwrap_or_default();
        say::line(format!(
            "{}  until {}  {}",
            row.id.name(),
            text("/endDateTime"),
            text("/displayName")
        ));
    }
    Ok(true)
}

fn revoke(id: &str, data: &Data) -> Outcome {
    let (runtime, engine) = beside::open(data)?;
    let snapshot = engine.snapshot();
    let found = snapshot
        .of_type(PROVISIONING_TOKENS)
        .find(|row| row.id.name() == id);
    let row = found.with_context(|| {
        format!("there is no provisioning token {id}; `nave scim list` says which there are")
    })?;
    runtime.block_on(beside::erase(
        &engine,
        &format!("{PROVISIONING_TOKENS}/delete"),
        row,
    ))?;
    say::line("The token is revoked.");
    Ok(true)
}
