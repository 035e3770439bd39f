//! DELETE: a resource goes with everything below it and everything its type says goes with it, in one commit.

use std::{collections::HashSet, sync::Arc};

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_store::{Expect, Guard};

use super::{check_parents, dry_run, write};
use crate::{
    Caller, Engine, Reply, Resource, Snapshot,
    change::{Change, CommitError, Erase},
    decision::Need,
    declaration::{Asked, Cx, Moved, ResourceType},
    grant::{Delete, Grant},
    locks::LOCKS,
    operation::Surface,
    policy,
    request::Request,
    soft_delete::{self, Heads, Kept},
};

/// What is shown once more when it is deleted; everything else goes without a word.
const SHOWN_ONCE_MORE: [&str; 4] = [
    "Microsoft.Authorization/policyAssignments",
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.Authorization/roleDefinitions",
    "Microsoft.PolicyInsights/remediations",
];

pub(super) async fn delete(
    engine: &Arc<Engine>,
    caller: &Caller,
    kind: &dyn ResourceType,
    id: &ResourceId,
    request: &Request,
) -> Result<Reply, ArmError> {
    engine.again(|| attempt(engine, caller, kind, id, request)).await
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
    let for_good = is_for_good(kind, request)?;
    let Some(existing) = engine.row(id).await? else {
        return match for_good {
            true => purge(engine, &cx, kind, &grant, request).await,
            false => Ok(Reply::empty(204)),
        };
    };
    if let Some(tag) = request.header("if-match").filter(|tag| *tag != "*")
        && tag != existing.etag
    {
        return Err(write::precondition_failed(id).into());
    }
    if let Err(error) = policy::govern_deletion(engine, &cx, &existing) {
        return Err(engine
            .refused_after(&grant, error, request.correlation_id)
            .await
            .into());
    }
    let view = kind.view(&cx, &existing);
    let mut change = Change::default();
    if for_good {
        change.heads = Heads::none();
    }
    stage_resource(engine, &cx, kind, &existing, &mut change)?;
    let stored = stage_stored_below(engine, &mut change).await?;
    soft_delete::keep(engine, &cx, &mut change, stored)?;
    change.guards.push(no_new_lock(&snapshot));
    if dry_run::is_asked(request)? {
        return dry_run::rehearse(engine, &grant, change, request).await;
    }
    engine.commit_for(&grant, change, request.correlation_id).await?;
    let shown = SHOWN_ONCE_MORE.contains(&declaration.resource_type);
    let reply = if shown {
        Reply::ok(view)
    } else {
        Reply::empty(declaration.delete().unwrap_or(200))
    };
    Ok(reply.decided(grant.decision()))
}

/// Whether a deletion leaves nothing that could come back.
fn is_for_good(kind: &dyn ResourceType, request: &Request) -> Result<bool, ArmError> {
    let named = kind.declaration().soft_delete.and_then(|soft| soft.for_good);
    let asked = named.and_then(|name| Some((name, request.query(name)?)));
    match asked {
        None => Ok(false),
        Some((_, text)) if text.is_empty() || text.eq_ignore_ascii_case("false") => Ok(false),
        Some((_, text)) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some((name, _)) => Err(ArmError::new(
            ErrorCode::InvalidParameter,
            format!("The query parameter '{name}' is 'true' or 'false'."),
        )
        .on(name)),
    }
}

/// Deletes for good what is deleted already and kept.
async fn purge(
    engine: &Arc<Engine>,
    cx: &Cx<'_>,
    kind: &dyn ResourceType,
    grant: &Grant<Delete>,
    request: &Request,
) -> Result<Reply, CommitError> {
    let kept = soft_delete::kept_at(cx.snapshot, grant.id()).and_then(Kept::of);
    let kept = kept.filter(|kept| kept.resource.id == *grant.id());
    let Some((soft, kept)) = kind.declaration().soft_delete.zip(kept) else {
        return Ok(Reply::empty(204));
    };
    soft_delete::refuse_protected(soft, cx, &kept)?;
    let change = soft_delete::purged(cx.snapshot, &kept.row);
    if dry_run::is_asked(request)? {
        return dry_run::rehearse(engine, grant, change, request).await;
    }
    engine.commit_for(grant, change, request.correlation_id).await?;
    let status = kind.declaration().delete().unwrap_or(200);
    Ok(Reply::empty(status).decided(grant.decision()))
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
    resource: &Resource,
    change: &mut Change,
) -> Result<(), ArmError> {
    let before = change
        .heads
        .begin(&resource.id, soft_delete::is_kept(cx, kind, resource));
    if stage_row(&resource.id, &resource.etag, change) {
        stage_what_goes_with(engine, cx, kind, resource, change)?;
    }
    change.heads.end(before);
    Ok(())
}

fn stage_what_goes_with(
    engine: &Engine,
    cx: &Cx<'_>,
    kind: &dyn ResourceType,
    resource: &Resource,
    change: &mut Change,
) -> Result<(), ArmError> {
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
    change.heads.goes(id);
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
/// what somebody else creates at the same time is not left without what it hangs off. Gives the rows it added.
pub(super) async fn stage_stored_below(
    engine: &Engine,
    change: &mut Change,
) -> Result<Vec<Arc<Resource>>, ArmError> {
    let mut stored = Vec::new();
    if change.erases.is_empty() {
        return Ok(stored);
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
                && let Some(resource) = Resource::from_row(&row)
            {
                change.erases.push(Erase::of(&resource));
                stored.push(Arc::new(resource));
            }
        }
        change.guards.push(Guard::Gone {
            under: root.key().to_owned(),
        });
    }
    Ok(stored)
}
