//! `POST {scope}/providers/Nave.Access/whatIf`: what a change to roles, assignments, deny assignments or groups would
//! do, at the scope and below.
//!
//! Who may ask: whoever holds `Nave.Access/whatIf/action` there, whoever may give roles there
//! (`roleAssignments/write`), and whoever may read what is given to whom there: assignments, roles and deny assignments,
//! which is `Microsoft.Authorization/*/read`. What is told follows from what those may read, for everybody at and below
//! the scope. Calls of the past are told only to who may read the log there.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Fields, Params, Reply, Request, Snapshot,
    access::{Entry, Flip, Flips, Foreseen, Impossible, Kind, NoAnswer, Proposed, WhatIf},
    decision::Need,
    directory,
    operation::Surface,
    rbac::Plane,
    request::DECISION,
    route::{Call, Target},
};
use serde_json::{Value, json};

use super::{number, shown};
use crate::{authorization, scope};

pub(super) const ACTION: &str = "Nave.Access/whatIf/action";
const READ_LOG: &str = "Microsoft.Insights/eventtypes/values/read";

/// How many entries are told, unless asked for otherwise.
const TOLD: u32 = 200;
/// The most entries that are told at a time.
const MOST: u32 = 5000;
/// How many days of the log are looked at, unless asked for otherwise.
const DAYS: u32 = 7;
/// The most days.
const MOST_DAYS: u32 = 365;
/// The most changes together.
const CHANGES: usize = 100;

pub(super) fn target(_: &Snapshot, _: &Request, params: &Params) -> Result<Target, ArmError> {
    let id = params.scope()?;
    let need = |action: &'static str| Need::action(action, id.clone());
    let reading = [
        "Microsoft.Authorization/roleAssignments/read",
        "Microsoft.Authorization/roleDefinitions/read",
        "Microsoft.Authorization/denyAssignments/read",
    ];
    let ways = vec![
        vec![need(ACTION)],
        reading.map(need).to_vec(),
        vec![need("Microsoft.Authorization/roleAssignments/write")],
    ];
    Ok(Target { id, ways })
}

pub(super) async fn what_if(call: Call) -> Result<Reply, ArmError> {
    let Call {
        engine,
        grant,
        request,
        ..
    } = call;
    let snapshot = engine.snapshot();
    scope::check(&snapshot, grant.id())?;
    let body = request.json()?;
    let changes = changes(&snapshot, grant.id(), &body)?;
    let days = number(&body, "days", DAYS, MOST_DAYS)?;
    let (skip, top) = (
        number(&body, "skip", 0, u32::MAX)?,
        number(&body, "top", TOLD, MOST)?,
    );
    let reads_log = engine.may(&snapshot, grant.caller(), Surface::Arm, READ_LOG, grant.id());
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let asked = WhatIf {
        changes: &changes,
        told: skip..skip.saturating_add(usize::try_from(top).unwrap_or(usize::MAX)),
        days: (reads_log && days > 0).then_some(days),
    };
    match asked.ask(&engine, &grant, &request).await {
        Ok(foreseen) => Ok(Reply::ok(answer(&changes, &foreseen, days, reads_log))),
        Err(NoAnswer::Impossible(impossible)) => Ok(refusal(&changes, impossible)),
        Err(NoAnswer::Failed(error)) => Err(error),
    }
}

/// The proposed changes: each an id, and `properties` to put or `"delete": true`.
fn changes(snapshot: &Snapshot, asked_at: &ResourceId, body: &Value) -> Result<Vec<Proposed>, ArmError> {
    let listed = body.get("changes").and_then(Value::as_array);
    let listed = listed
        .filter(|changes| (1..=CHANGES).contains(&changes.len()))
        .ok_or_else(|| {
            let message = format!(
                "Name between 1 and {CHANGES} changes in 'changes', each with an 'id' and with 'properties' to put or \
                 \"delete\": true."
            );
            ArmError::new(ErrorCode::InvalidRequestFormat, message).on("changes")
        })?;
    let read = listed.iter().enumerate();
    read.map(|(at, one)| change(snapshot, asked_at, one).map_err(|error| error.on(format!("changes[{at}]"))))
        .collect()
}

fn change(snapshot: &Snapshot, asked_at: &ResourceId, body: &Value) -> Result<Proposed, ArmError> {
    let fields = Fields(body);
    fields.required("/id")?;
    let id = fields.link("/id")?.unwrap_or_else(ResourceId::tenant);
    let delete = fields.flag("/delete")?.unwrap_or_default();
    let properties = fields
        .value("/properties")
        .filter(|properties| properties.is_object());
    let wrong = |message: String| Err(ArmError::new(ErrorCode::InvalidParameter, message));
    let properties = match (properties, delete) {
        (Some(properties), false) => Some(properties.clone()),
        (None, true) => None,
        _ => {
            return wrong(String::from(
                "A change has either 'properties', which are put, or \"delete\": true.",
            ));
        }
    };
    let kind = id.resource_type().to_lowercase();
    let is_bound_to_scope = matches!(
        kind.as_str(),
        "microsoft.authorization/roleassignments" | "microsoft.authorization/denyassignments"
    );
    let is_tenant_wide =
        kind == authorization::ROLE_DEFINITIONS.to_lowercase() || kind == directory::GROUPS.to_lowercase();
    if !is_bound_to_scope && !is_tenant_wide {
        return wrong(format!(
            "'{}' is not access: a change is one to a role definition, a role assignment, a deny assignment or a group.",
            id.resource_type()
        ));
    }
    let place = id.scope().unwrap_or_else(ResourceId::tenant);
    if is_bound_to_scope && !scope::contains(snapshot, asked_at, &place) {
        return wrong(format!(
            "The change is made at '{place}', which is not at or below '{asked_at}'; ask there."
        ));
    }
    Ok(Proposed { id, properties })
}

fn answer(changes: &[Proposed], foreseen: &Foreseen, days: u32, reads_log: bool) -> Value {
    let difference = &foreseen.difference;
    let count = |kind| difference.rights.get(&kind).copied().unwrap_or_default();
    let made = changes.iter().zip(&foreseen.changes).map(|(change, rehearsed)| {
        json!({
            "id": change.id, "change": if change.properties.is_some() { "Put" } else { "Delete" },
            "permitted": rehearsed.may, "effective": rehearsed.changes,
        })
    });
    json!({
        "changes": made.collect::<Vec<_>>(),
        "rows": foreseen.rows,
        "totals": {
            "gained": count(Kind::Gained), "lost": count(Kind::Lost), "conditional": count(Kind::Conditional),
            "principals": difference.principals.len(), "resources": difference.places,
            "entries": difference.total, "more": difference.total - difference.entries.len(),
            "beyondScope": difference.beyond,
        },
        "entries": difference.entries.iter().map(|one| entry(foreseen, one)).collect::<Vec<_>>(),
        "calls": calls(foreseen.flips.as_ref(), days, reads_log),
    })
}

fn entry(foreseen: &Foreseen, entry: &Entry) -> Value {
    let state = match foreseen.after.principal(entry.principal) {
        Some(_) => &foreseen.after,
        None => &foreseen.before,
    };
    let of = |plane: Plane| -> Vec<&str> {
        let operations = entry.operations.iter().filter(|(_, own)| *own == plane);
        operations.map(|(name, _)| name.as_str()).collect()
    };
    let mut body = json!({
        "kind": kind(entry.kind), "principal": shown(state, entry.principal), "resourceId": entry.place,
        "actions": of(Plane::Control), "dataActions": of(Plane::Data), "before": entry.before, "after": entry.after,
    });
    if let Some(assignment) = &entry.assignment {
        body["by"] = json!({ "assignment": assignment, "roleName": entry.role_name });
        if let Some(group) = entry.group {
            body["by"]["throughGroup"] =
                json!({ "id": group, "name": directory::display_name(state, group) });
        }
    }
    if let Some(deny) = &entry.deny {
        body["denyAssignment"] = deny.as_str().into();
    }
    if let Some(condition) = &entry.condition {
        body["condition"] = condition.as_str().into();
    }
    body
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Gained => "Gained",
        Kind::Lost => "Lost",
        Kind::Conditional => "Conditional",
    }
}

fn calls(flips: Option<&Flips>, days: u32, reads_log: bool) -> Value {
    let Some(flips) = flips else {
        let why = match reads_log {
            true => String::from("They were not asked for."),
            false => format!("Calls are told to who may read the log at this scope ('{READ_LOG}')."),
        };
        return json!({ "notTold": why });
    };
    json!({
        "days": days, "eventsLookedAt": flips.looked_at, "cutShort": flips.cut_short,
        "flips": flips.calls.iter().map(flip).collect::<Vec<_>>(),
    })
}

fn flip(flip: &Flip) -> Value {
    let word = |allowed: bool| if allowed { "allowed" } else { "denied" };
    json!({
        "eventId": flip.event, "decisionId": flip.decision, "time": flip.at.to_string(),
        "caller": flip.principal, "callerName": flip.name, "operation": flip.operation, "scope": flip.scope,
        "recorded": word(flip.recorded), "now": word(!flip.proposed), "proposed": word(flip.proposed),
        "assignment": flip.assignment, "denyAssignment": flip.deny,
    })
}

/// What the maker of a change would be told, and which change it is.
fn refusal(changes: &[Proposed], impossible: Impossible) -> Reply {
    let Impossible { at, mut reply } = impossible;
    let change = json!({ "type": "Change", "info": { "index": at, "id": changes[at].id } });
    if let nave_engine::Body::Json(body) = &mut reply.body
        && let Some(error) = body.get_mut("error").and_then(Value::as_object_mut)
    {
        let info = error.entry("additionalInfo").or_insert_with(|| json!([]));
        if let Some(info) = info.as_array_mut() {
            info.push(change);
        }
    }
    reply.headers.remove(DECISION);
    reply
}
