//! `GET {scope}/providers/Nave.Access/history`: who changed a resource, when, and by which operation, the newest first.
//!
//! Each entry has the revision, and `GET {scope}?asOf={revision}` shows what the resource was from then on. It takes the
//! right to read the resource, and that to read histories, since they name people. What is deleted keeps its history.

use nave_arm::{ArmError, SkipToken};
use nave_engine::{
    Event, Params, Reply, Request, Snapshot,
    decision::Need,
    missing::not_found,
    route::{Call, Target},
};
use serde_json::{Value, json};

use crate::page;

pub(super) const READ: &str = "Nave.Access/history/read";

/// The most entries of one page.
const PAGE: u32 = 100;

pub(super) fn target(_: &Snapshot, _: &Request, params: &Params) -> Result<Target, ArmError> {
    let id = params.scope()?;
    let own = Need::action(READ, id.clone());
    let read = Need::action(format!("{}/read", id.resource_type()), id.clone());
    Ok(Target {
        ways: vec![vec![own, read]],
        id,
    })
}

pub(super) async fn history(call: Call) -> Result<Reply, ArmError> {
    let before = match page::skip_token(&call.request)? {
        Some(token) => Some(token.key().parse().map_err(|_| page::foreign_token())?),
        None => None,
    };
    let wanted = call.request.query("$top").and_then(|text| text.parse().ok());
    let limit = wanted.unwrap_or(PAGE).clamp(1, PAGE);
    let events = call.engine.history(&call.grant, before, limit + 1).await?;
    if events.is_empty() && before.is_none() {
        return Err(not_found(call.grant.id()));
    }
    let shown: Vec<&Event> = events.iter().take(limit as usize).collect();
    let mut body = json!({ "value": shown.iter().map(|event| entry(&call, event)).collect::<Vec<_>>() });
    if let Some(last) = shown.last().filter(|_| events.len() > shown.len()) {
        let next = SkipToken::after(&last.revision.to_string());
        body["nextLink"] = page::next_link(&call.engine, &call.request, &next).into();
    }
    Ok(Reply::ok(body))
}

fn entry(call: &Call, event: &Event) -> Value {
    let own = call.grant.id().as_str();
    let changed = event.detail.pointer("/detail/changed").and_then(Value::as_array);
    let is_own = |row: &&Value| row["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(own));
    let row = changed.into_iter().flatten().find(is_own);
    let is_deleted = row.is_some_and(|row| row["change"] == "Delete");
    let mut entry = json!({
        "revision": event.revision,
        "at": event.at.to_string(),
        "change": if is_deleted { "Deleted" } else { "Written" },
        "operation": event.operation,
        "resource": event.resource,
        "caller": { "id": event.caller, "name": event.caller_name },
        "decision": event.decision,
        "correlationId": event.correlation_id,
    });
    if let Some(from) = row.and_then(|row| row.get("movedFrom")) {
        entry["movedFrom"] = from.clone();
    }
    entry
}
