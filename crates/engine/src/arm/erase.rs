//! DELETE: a resource goes with everything below it and everything its type says goes with it, in one commit.

use std::{collections::HashSet, sync::Arc};

use nave_arm::{ArmError, ResourceId};
use nave_store::{Expect, Guard};

use super::{check_parents, dry_run, write};
use crate::{
    Caller, Engine, Reply, Snapshot,
    change::{Change, CommitError, Erase},
    decision::Need,
    declaration::{Asked, Cx, Moved, ResourceType},
    grant::{Delete, Grant},
    locks::LOCKS,
    operation::Surface,
    policy,
    request::Request,
};

const TRIES: usize = 5;

pub(super) async fn delete(
    engine: &Arc<Engine>,
    caller: &Caller,
    kind: &dyn ResourceType,
    id: &ResourceId,
    request: &Request,
) -> Result<Reply, ArmError> {
    for _ in 0..TRIES {
        match attempt(engine, caller, kind, id, request).await {
            Err(CommitError::Raced) => {}
            other => return other.map_err(ArmError::from),
        }
    }
    Err(CommitError::Raced.into())
}

async fn attempt(
    engine: &Arc<Engine>,
    caller: &Caller,
    kind: &dyn ResourceType,
    id: &ResourceId,
    request: &Request,
) -> Result<Reply, CommitError> {
    let declaration = kind.declaration();
    let snapshot = engine.snapshot();
    let cx = engine.cx(&snapshot, caller);
    let own = Need::action(declaration.permission("delete"), id.clone());
    let ways = kind.ways(&cx, &Asked::Delete(id), own)?;
    let grant: Grant<Delete> = engine.authorize(caller, Surface::Arm, ways, id, request).await?;
    check_parents(engine, declaration, id)?;
    let Some(existing) = engine.row(id).await? else {
        return Ok(Reply::empty(204));
    };
    if let Some(tag) = request.header("if-match").filter(|tag| *tag != "*")
        && tag != existing.etag
    {
        return Err(write::precondition_failed(id).into());
    }
    let view = kind.view(&cx, &existing);
    let mut change = Change::default();
    stage_resource(engine, &cx, kind, &existing, &mut change)?;
    stage_stored_below(engine, &mut change).await?;
    change.guards.push(no_new_lock(&snapshot));
    if let Err(error) = policy::govern_deletion(engine, &cx, &existing) {
        return Err(engine.refused_after(&grant, error, request.correlation_id).await.into());
    }
    if dry_run::is_asked(request)? {
        return dry_run::rehearse(engine, &grant, change, request).await;
    }
    engine.commit_for(&grant, change, request.correlation_id).await?;
    // a role that was deleted is shown once more; everything else is gone without a word
    let shown = id
        .resource_type()
        .to_lowercase()
        .starts_with("microsoft.authorization/");
    let reply = if shown {
        Reply::ok(view)
    } else {
        Reply::empty(declaration.delete().unwrap_or(200))
    };
    Ok(reply.decided(grant.decision()))
}

/// A lock that is made at the same time, wherever it is, is looked at before anything goes.
fn no_new_lock(snapshot: &Snapshot) -> Guard {
    Guard::Unchanged {
        type_key: LOCKS.to_lowercase(),
        under: ResourceId::tenant().key().to_owned(),
        since: snapshot.revision(),
    }
}

/// Stages the end of a resource and of what goes with it.
pub(super) fn stage(
    engine: &Engine,
    cx: &Cx<'_>,
    id: &ResourceId,
    change: &mut Change,
) -> Result<(), ArmError> {
    let Some(resource) = cx.snapshot.get(id) else {
        return Ok(());
    };
    match engine.registry().resource_type(&id.resource_type()) {
        Some(kind) => stage_resource(engine, cx, &*kind.clone(), resource, change),
        None => {
            stage_row(id, &resource.etag, change);
            Ok(())
        }
    }
}

fn stage_resource(
    engine: &Engine,
    cx: &Cx<'_>,
    kind: &dyn ResourceType,
    resource: &crate::Resource,
    change: &mut Change,
) -> Result<(), ArmError> {
    if !stage_row(&resource.id, &resource.etag, change) {
        return Ok(());
    }
    let erased = kind.erase(cx, resource)?;
    change.guards.extend(erased.guards);
    let mut follows = erased.also;
    for rule in engine.registry().rules(&resource.id.resource_type()) {
        follows.extend(rule(cx, &Moved::Erased { resource, change })?);
    }
    let below: Vec<ResourceId> = cx
        .snapshot
        .below(&resource.id)
        .map(|below| below.id.clone())
        .collect();
    for id in &below {
        stage(engine, cx, id, change)?;
    }
    write::stage_all(engine, cx, follows, change)
}

/// Stages one row; `false` when it was staged already.
fn stage_row(id: &ResourceId, etag: &str, change: &mut Change) -> bool {
    if change.erases.iter().any(|erase| erase.id == *id) {
        return false;
    }
    change.erases.push(Erase {
        id: id.clone(),
        expect: Expect::Etag(etag.to_owned()),
    });
    true
}

/// Adds the rows below what is deleted that are not kept in memory; and nothing may be left there in the end, so that
/// what somebody else creates at the same time is not left without what it hangs off.
pub(super) async fn stage_stored_below(engine: &Engine, change: &mut Change) -> Result<(), ArmError> {
    if change.erases.is_empty() {
        return Ok(());
    }
    let mut staged: HashSet<String> = change
        .erases
        .iter()
        .map(|erase| erase.id.key().to_owned())
        .collect();
    let roots: Vec<ResourceId> = change
        .erases
        .iter()
        .map(|erase| erase.id.clone())
        .filter(|id| id.parent().is_none_or(|parent| !staged.contains(parent.key())))
        .collect();
    for root in roots {
        for row in engine.stored_below(&root).await? {
            if staged.insert(row.key.clone())
                && let Ok(id) = ResourceId::parse(&row.id)
            {
                change.erases.push(Erase {
                    id,
                    expect: Expect::Etag(row.etag),
                });
            }
        }
        change.guards.push(Guard::Gone {
            under: root.key().to_owned(),
        });
    }
    Ok(())
}
