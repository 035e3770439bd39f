//! POST actions.

use std::sync::Arc;

use nave_arm::{ArmError, ResourceId};
use serde_json::json;

use super::{check_parents, not_found, read, write};
use crate::{
    Caller, Engine, Reply,
    decision::Need,
    declaration::{ActCall, Action, Asked, ResourceType},
    grant::{Act, Grant},
    operation::Surface,
    request::Request,
};

pub(super) async fn act(
    engine: &Arc<Engine>,
    caller: &Caller,
    kind: &dyn ResourceType,
    action: &'static Action,
    id: &ResourceId,
    request: Request,
) -> Result<Reply, ArmError> {
    let snapshot = engine.snapshot();
    let cx = engine.cx(&snapshot, caller);
    let own = Need::action(kind.declaration().action_permission(action), id.clone());
    let ways = kind.ways(&cx, &Asked::Act(id, action), own)?;
    let grant: Grant<Act> = engine.authorize(caller, Surface::Arm, ways, id, &request).await?;
    check_parents(engine, kind.declaration(), id)?;
    let resource = read::find(engine, &cx, kind, &grant)
        .await?
        .ok_or_else(|| not_found(id))?;
    write::check_precondition(&request, Some(&resource), id)?;
    let body = request.json()?;
    let call = ActCall {
        engine: engine.clone(),
        grant: grant.clone(),
        resource,
        body,
        request,
    };
    let correlation_id = call.request.correlation_id;
    let done = kind.act(action, call).await;
    // recorded before it is told, so that no secret is shown without a trace
    let (outcome, detail) = match &done {
        Ok(_) => ("Succeeded", json!({ "action": action.name })),
        Err(error) => (
            "Failed",
            json!({ "action": action.name, "code": error.code.face().1, "message": error.message }),
        ),
    };
    engine.record(&grant, outcome, correlation_id, detail).await?;
    match done {
        Ok(reply) => Ok(reply.decided(grant.decision())),
        Err(error) => Err(grant.decision().named_once(error)),
    }
}
