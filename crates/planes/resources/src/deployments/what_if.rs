//! `POST deployments/{name}/whatIf`: what a deployment would change.
//!
//! Each write is worked out by the rules of its type on the present state, without committing. That is exact for a
//! resource that waits for nothing; where a body needs an answer of run time or another resource comes first, the
//! answer says so in `diagnostics`, and expressions that need run time stand as they are written.

use std::collections::HashSet;

use http::Method;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Caller, Engine, Reply, Snapshot,
    operation::{Access, Surface},
    route::{Call, Route, Target},
};
use nave_template::{PropertyChange, differences};
use serde_json::{Value, json};

use super::{
    access, at_both_scopes, complete,
    door::Door,
    live::Live,
    preflight::{self, Foreseen},
    prepare::Prepared,
    wanted::{Mode, Wanted},
};

pub(super) fn routes() -> Vec<Route> {
    let paths = at_both_scopes!("/providers/Microsoft.Resources/deployments/{name}/whatIf");
    paths
        .map(|path| {
            let access = Access::action("Microsoft.Resources/deployments/whatIf/action");
            let route = Route::new(Method::POST, path, Surface::Arm, access, what_if);
            route.about(|_, _, params| access::deployment(params).map(Target::from))
        })
        .into()
}

async fn what_if(call: Call) -> Result<Reply, ArmError> {
    let Call {
        engine,
        grant,
        request,
        ..
    } = call;
    let prepared = Prepared::new(&engine, grant.caller(), grant.id(), Wanted::of(&request)?)?;
    let door = Door {
        engine: &engine,
        caller: grant.caller(),
        outer: &request,
        live: &Live::default(),
    };
    let foreseen = preflight::check(&door, &prepared).await?;
    let ids_only = prepared.wanted.ids_only;
    // a nested deployment shows through what it deploys
    let shown = foreseen.iter().filter(|one| one.resource.nested.is_none());
    let mut changes: Vec<Value> = shown.clone().map(|one| change(one, ids_only)).collect();
    let written: HashSet<&ResourceId> = foreseen.iter().map(|one| &one.resource.id).collect();
    changes.extend(others(&engine, grant.caller(), &prepared, &written, ids_only));
    let unsure: Vec<Value> = shown.filter(|one| !one.exact).map(diagnostic).collect();
    Ok(Reply::ok(json!({
        "status": "Succeeded",
        "properties": {"correlationId": request.correlation_id, "changes": changes, "potentialChanges": [],
                       "diagnostics": unsure},
    })))
}

fn change(one: &Foreseen, ids_only: bool) -> Value {
    let mut change = json!({ "resourceId": one.resource.id, "deploymentId": one.deployment });
    if let Some(symbolic) = &one.resource.symbolic_name {
        change["symbolicName"] = symbolic.as_str().into();
    }
    if ids_only {
        change["changeType"] = "Deploy".into();
        return change;
    }
    match (&one.before, &one.after) {
        (None, _) => {
            change["changeType"] = "Create".into();
            change["after"] = created(one);
        }
        (Some(before), Some(after)) => {
            let (before, after) = (without_history(before), without_history(after));
            let delta = differences(&before, &after);
            change["changeType"] = if delta.is_empty() { "NoChange" } else { "Modify" }.into();
            change["before"] = before;
            change["after"] = after;
            change["delta"] = delta.iter().map(PropertyChange::body).collect();
        }
        (Some(before), None) => {
            change["changeType"] = "Unsupported".into();
            change["unsupportedReason"] = "What this write leads to can only be told when it is made.".into();
            change["before"] = without_history(before);
        }
    }
    change
}

/// A new resource as it is sent: what the server adds to it is not known before.
fn created(one: &Foreseen) -> Value {
    let resource = &one.resource;
    let mut after = json!({"id": resource.id, "name": resource.id.name(), "type": resource.resource_type,
                           "apiVersion": resource.api_version});
    for (name, value) in one.body.as_object().into_iter().flatten() {
        after[name] = value.clone();
    }
    after
}

/// What every write changes says nothing.
fn without_history(view: &Value) -> Value {
    let mut view = view.clone();
    if let Some(members) = view.as_object_mut() {
        members.shift_remove("etag");
        members.shift_remove("systemData");
    }
    view
}

/// What the group holds besides: it stays, or with the mode `Complete` it goes.
fn others(
    engine: &Engine,
    caller: &Caller,
    prepared: &Prepared,
    written: &HashSet<&ResourceId>,
    ids_only: bool,
) -> Vec<Value> {
    let snapshot = engine.snapshot();
    let kind = if prepared.wanted.mode == Mode::Complete {
        "Delete"
    } else {
        "Ignore"
    };
    let others = complete::not_in_template(engine, &snapshot, prepared).into_iter();
    others
        .filter(|id| !written.contains(id))
        .filter_map(|id| {
            let before = visible(engine, &snapshot, caller, &id)?;
            let mut change = json!({ "resourceId": id, "changeType": kind });
            if !ids_only {
                change["before"] = before.clone();
                change["after"] = if kind == "Ignore" { before } else { Value::Null };
            }
            Some(change)
        })
        .collect()
}

fn visible(engine: &Engine, snapshot: &Snapshot, caller: &Caller, id: &ResourceId) -> Option<Value> {
    let kind = engine.registry().resource_type(&id.resource_type())?;
    let may = engine.may(
        snapshot,
        caller,
        Surface::Arm,
        &kind.declaration().permission("read"),
        id,
    );
    let row = snapshot.get(id).filter(|_| may)?;
    Some(without_history(&kind.view(&engine.cx(snapshot, caller), row)))
}

fn diagnostic(one: &Foreseen) -> Value {
    json!({
        "level": "Info",
        "code": "Approximate",
        "message": "What is foreseen for this resource may differ from what happens: it waits for another resource or \
                    for a value that is only known while the deployment runs.",
        "target": one.resource.id,
    })
}
