//! `{group}/moveResources` and `{group}/validateMoveResources`: resources of a group go to another one.
//!
//! Who may: whoever holds `moveResources/action` at the group they leave and may write the group they go to. The engine
//! moves ([`Relocation`]); here is the form. Both answer as ARM does, with 202 and where to look for the 204.

use std::time::Duration;

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Params, Reply, Request, Snapshot,
    decision::Need,
    long_running::{Style, Told},
    operation::{Access, Surface},
    relocation::{MOST, Relocation},
    route::{Call, Route, Target},
};
use serde_json::Value;

use crate::body;

const MOVE: &str = "Microsoft.Resources/subscriptions/resourceGroups/moveResources/action";
const WRITE: &str = "Microsoft.Resources/subscriptions/resourceGroups/write";

const TOLD: Told = Told {
    namespace: "Microsoft.Resources",
    by: Style::Location,
    patience: Duration::ZERO,
};

pub(crate) fn routes() -> Vec<Route> {
    let to_move = "/subscriptions/{subscription}/resourceGroups/{group}/moveResources";
    let to_validate = "/subscriptions/{subscription}/resourceGroups/{group}/validateMoveResources";
    let access = || Access::action(MOVE);
    vec![
        Route::new(Method::POST, to_move, Surface::Arm, access(), |call| {
            relocate(call, false)
        })
        .about(target),
        Route::new(Method::POST, to_validate, Surface::Arm, access(), |call| {
            relocate(call, true)
        })
        .about(target),
    ]
}

/// A body that names no target asks for the right to move alone: who has it is told what is wrong.
fn target(_: &Snapshot, request: &Request, params: &Params) -> Result<Target, ArmError> {
    let id = params.scope()?;
    let own = Need::action(MOVE, id.clone());
    let to = request.json().ok().and_then(|body| target_group(&body).ok());
    let linked = to.map(|to| Need::action(WRITE, to).linked());
    Ok(Target {
        id,
        ways: vec![std::iter::once(own).chain(linked).collect()],
    })
}

async fn relocate(call: Call, rehearsed: bool) -> Result<Reply, ArmError> {
    let Call {
        engine,
        grant,
        request,
        ..
    } = &call;
    crate::scope::check(&engine.snapshot(), grant.id())?;
    let body = request.json()?;
    let wish = Relocation {
        resources: resources(&body, grant.id())?,
        to: target_group(&body)?,
        from: grant.id().clone(),
        rehearsed,
    };
    if wish.from == wish.to {
        return Err(wrong(
            "targetResourceGroup",
            "another group than the one the resources are in",
        ));
    }
    engine.relocate(grant, &wish, request.correlation_id).await?;
    let done = async { Ok(Reply::empty(204)) };
    engine.long_running(grant, request, TOLD, done).await
}

fn target_group(body: &Value) -> Result<ResourceId, ArmError> {
    let named = body.get("targetResourceGroup").and_then(Value::as_str);
    named
        .and_then(|id| ResourceId::parse(id).ok())
        .filter(ResourceId::is_resource_group)
        .ok_or_else(|| wrong("targetResourceGroup", "the id of a resource group"))
}

/// The resources of a body, each once: those directly in the group.
fn resources(body: &Value, group: &ResourceId) -> Result<Vec<ResourceId>, ArmError> {
    let given = body.get("resources").and_then(Value::as_array);
    let given = given
        .filter(|given| (1..=MOST).contains(&given.len()))
        .ok_or_else(|| wrong("resources", &format!("a list of 1 to {MOST} ids")))?;
    let mut ids = Vec::with_capacity(given.len());
    for id in given {
        let id = id.as_str().and_then(|id| ResourceId::parse(id).ok());
        let id = id.filter(|id| id.parent().as_ref() == Some(group) && id.scope().as_ref() == Some(group));
        let id = id.ok_or_else(|| wrong("resources", &format!("ids of resources directly in '{group}'")))?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

fn wrong(name: &str, expected: &str) -> ArmError {
    let error = body::wrong(name, expected);
    ArmError {
        code: ErrorCode::InvalidRequestContent,
        ..error.on(name)
    }
}
