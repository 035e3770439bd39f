//! `nave access`: what a change to access would do, and which role somebody needs. Both ask the engine of a data
//! directory, beside a server that may be running, and get the answers its API gives.

mod files;
mod tables;

use std::sync::Arc;

use anyhow::{Context, bail};
use http::{HeaderMap, Method};
use nave_engine::{Caller, Engine, Request};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Outcome, beside,
    cli::{Access, Suggest, WhatIf},
    say,
};

/// The version of nave's own operations.
const VERSION: &str = "2026-11-01";

/// Runs a command.
pub(crate) fn run(command: &Access) -> Outcome {
    match command {
        Access::WhatIf(arguments) => what_if(arguments),
        Access::Suggest(arguments) => suggest(arguments),
    }
}

fn what_if(arguments: &WhatIf) -> Outcome {
    let (runtime, engine) = beside::open(&arguments.data)?;
    let changes = files::changes(&engine, arguments)?;
    if changes.is_empty() {
        bail!(
            "name a change: `--assignment`, `--role-definition`, `--group` or `--deny` with a file, or `--delete` with an id"
        );
    }
    let body = json!({ "changes": changes, "days": arguments.days, "top": arguments.top });
    let answer = runtime.block_on(ask(&engine, &arguments.scope, "whatIf", &body))?;
    match arguments.json {
        true => say::line(pretty(&answer)?),
        false => tables::what_if(&answer),
    }
    Ok(true)
}

fn suggest(arguments: &Suggest) -> Outcome {
    let (runtime, engine) = beside::open(&arguments.data)?;
    let body = json!({
        "principal": arguments.who, "days": arguments.days, "byScope": arguments.by_scope, "roleName": arguments.name,
    });
    let answer = runtime.block_on(ask(&engine, &arguments.scope, "suggestRole", &body))?;
    if arguments.json {
        say::line(pretty(&answer)?);
        return Ok(true);
    }
    let roles = answer["roles"].as_array().map_or(&[][..], Vec::as_slice);
    for role in roles {
        // the output is what `az role definition create --role-definition` takes; everything else is a remark
        say::line(pretty(&role["definition"])?);
    }
    tables::suggestion(&answer);
    Ok(!roles.is_empty())
}

/// Asks the engine what its API is asked, on the server's own account: whoever reads the directory's files may know.
async fn ask(engine: &Arc<Engine>, scope: &str, what: &str, body: &Value) -> anyhow::Result<Value> {
    let request = Request {
        method: Method::POST,
        path: format!("{}/providers/Nave.Access/{what}", scope.trim_end_matches('/')),
        query: vec![(String::from("api-version"), VERSION.to_owned())],
        headers: HeaderMap::new(),
        body: body.to_string().into(),
        caller: Some(Caller::system()),
        host: engine.site().authority.clone(),
        correlation_id: Uuid::nil(),
        peer: None,
    };
    let reply = engine.serve(request).await;
    let answer = reply.as_json().cloned().unwrap_or_default();
    if reply.status == 200 {
        return Ok(answer);
    }
    let text = |pointer: &str| {
        answer
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    bail!("{}: {}", text("/error/code"), text("/error/message"))
}

fn pretty(value: &Value) -> anyhow::Result<String> {
    serde_json::to_string_pretty(value).context("the answer cannot be printed")
}
