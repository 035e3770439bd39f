//! DELETE: 200 with what was deleted, 204 when there was nothing.

use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Change, CommitError, Delete, Erase, Expect, Grant, Reply, operation::Surface, rbac::role_rules,
    route::Call,
};

use super::{DELETE, rules, shows_at, stored_id, view};
use crate::{authorization::ROLE_ASSIGNMENTS, unchanged};

pub(super) async fn delete(call: Call) -> Result<Reply, ArmError> {
    call.engine.again(|| attempt(&call)).await
}

async fn attempt(call: &Call) -> Result<Reply, CommitError> {
    let Call {
        engine,
        grant,
        request,
        ..
    } = call;
    let id = grant.id();
    let snapshot = engine.snapshot();
    let guid = rules::guid(id)?;
    role_rules::refuse_built_in(guid)?;
    let asked_at = id.scope().unwrap_or_else(ResourceId::tenant);
    let found = snapshot
        .roles()
        .definition(guid)
        .filter(|role| shows_at(&snapshot, role, &asked_at));
    let (Some(role), Some(row)) = (found, snapshot.get(&stored_id(guid))) else {
        return Ok(Reply::empty(204));
    };
    let needs = rules::needs(DELETE, id, role.assignable_scopes.iter());
    let grant: Grant<Delete> = engine
        .authorize(grant.caller(), Surface::Arm, vec![needs], id, request)
        .await?;
    role_rules::refuse_assigned(snapshot.roles(), guid)?;
    let change = Change {
        erases: vec![Erase {
            id: row.id.clone(),
            expect: Expect::Etag(row.etag.clone()),
        }],
        guards: vec![unchanged::since(
            &snapshot,
            ROLE_ASSIGNMENTS,
            &ResourceId::tenant(),
        )],
        ..Change::default()
    };
    engine.commit_for(&grant, change, request.correlation_id).await?;
    Ok(Reply::ok(view(&snapshot, role, id)))
}
