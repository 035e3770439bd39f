//! `nave explain`: why a request was refused or allowed, whether somebody may do something, and the smallest grant that
//! would help. It asks the engine of a data directory, beside a server that may be running.

mod layout;

use anyhow::{Context, bail};
use nave_arm::ResourceId;
use nave_engine::{
    Caller, Engine, Snapshot,
    decision::Need,
    directory,
    explain::{At, Explanation, Named, Sight, principals_called},
};
use uuid::Uuid;

use crate::{Outcome, beside, cli::Explain, say};

/// Explains; the exit code says whether it was allowed.
pub(crate) fn run(arguments: &Explain) -> Outcome {
    let (runtime, engine) = beside::open(&arguments.data)?;
    let explanation = runtime.block_on(explanation(&engine, arguments))?;
    say::line(match arguments.json {
        true => serde_json::to_string_pretty(&explanation)?,
        false => layout::text(&explanation),
    });
    Ok(explanation.allowed)
}

async fn explanation(engine: &Engine, arguments: &Explain) -> anyhow::Result<Explanation> {
    match (arguments.decision, &arguments.who) {
        (Some(id), _) => of_decision(engine, id).await,
        (None, Some(who)) => of_question(engine, arguments, who).await,
        (None, None) => bail!("name a decision's id, or ask with --who, --can and --on"),
    }
}

async fn of_decision(engine: &Engine, id: Uuid) -> anyhow::Result<Explanation> {
    match engine.named(id).await? {
        Some(Named::Decision(decided)) => Ok(engine.explain(&decided, Sight::of_everything()).await?),
        // what is not in the log is in the memory of the server alone
        _ => bail!(
            "the log has no decision {id}. Where no usable credential was sent, or one caller was refused very often, \
             only the running server knows it, for a while: az rest --method get --url \
             \"{}/providers/Nave.Access/decisions/{id}?api-version=2026-11-01\" --resource {}",
            engine.site().origin,
            engine.site().origin
        ),
    }
}

async fn of_question(engine: &Engine, arguments: &Explain, who: &str) -> anyhow::Result<Explanation> {
    let (Some(can), Some(on)) = (&arguments.can, &arguments.on) else {
        bail!("--who needs --can and --on");
    };
    let at = arguments.at.as_deref().map(|at| {
        At::parse(at)
            .with_context(|| format!("`{at}` is neither a revision nor a time such as 2026-03-03T12:00:00Z"))
    });
    let caller = caller(engine, &engine.snapshot(), who)?;
    let scope = ResourceId::parse(on).with_context(|| format!("`{on}` is no scope"))?;
    let need = match arguments.data_action {
        true => Need::data(can.clone(), scope),
        false => Need::action(can.clone(), scope),
    };
    let sight = Sight::of_everything();
    Ok(engine
        .explain_question(&caller, need, at.transpose()?, sight)
        .await?)
}

/// Who is meant. Somebody who is gone is named by his object id.
fn caller(engine: &Engine, snapshot: &Snapshot, who: &str) -> anyhow::Result<Caller> {
    match principals_called(snapshot, who).as_slice() {
        [one] => Ok(directory::caller(snapshot, engine.site(), *one)),
        [] => bail!("there is no `{who}` in the directory"),
        several => bail!(
            "{} principals are called `{who}`; name one by its object id",
            several.len()
        ),
    }
}
