//! PUT where something of this id was deleted and is kept: it comes back, or the caller is told what helps.

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, ResourceId};

use super::{check_parents, write};
use crate::{
    Engine, Reply, Resource,
    change::{Change, CommitError},
    declaration::{Cx, Draft, ResourceType},
    policy::{self, AsAsked},
    request::Request,
    site::short_location,
    soft_delete::{Kept, SoftDelete, restore},
};

/// Recovers what is kept in a row, if the draft asks for it.
///
/// What comes back was created once and is created again: so the caller needs what it takes to create it as it was.
pub(super) async fn attempt(
    engine: &Arc<Engine>,
    cx: &Cx<'_>,
    kind: &dyn ResourceType,
    soft: &SoftDelete,
    row: &Arc<Resource>,
    draft: Draft,
    request: &Request,
) -> Result<Reply, CommitError> {
    let id = draft.id.clone();
    let Some(kept) = Kept::of(row) else {
        return Err(CommitError::Raced);
    };
    let wanted = (soft.recovers)(&draft.body) && kept.resource.id == id;
    let asked = match wanted {
        true => Draft {
            id: kept.resource.id.clone(),
            body: kept.resource.sent.clone(),
            existing: None,
        },
        false => draft.clone(),
    };
    let grant = write::authorize(engine, cx, kind, &asked, &asked.id, request).await?;
    check_parents(engine, kind.declaration(), &id)?;
    write::check_precondition(request, None, &id)?;
    if !wanted {
        return Err((soft.exists)(&kept).into());
    }
    check_location(&kept, &draft)?;
    let guards = kind.recover(cx, &kept.resource)?;
    let (mut change, follows, restored) = restore(engine, cx, &kept)?;
    change.guards.extend(guards);
    change.guards.extend(write::stays(cx.snapshot, &id));
    let on_it = Cx {
        snapshot: &restored,
        ..*cx
    };
    if let Err(error) = govern(engine, &on_it, &mut change) {
        return Err(engine
            .refused_after(&grant, error, request.correlation_id)
            .await
            .into());
    }
    write::stage_all(engine, &on_it, follows, &mut change)?;
    engine.commit_for(&grant, change, request.correlation_id).await?;
    let now = engine.snapshot();
    let back = now.get(&id).ok_or(CommitError::Raced)?;
    let view = kind.view(&engine.cx(&now, cx.caller), back);
    let (status, _) = kind.declaration().put().unwrap_or((200, 200));
    Ok(Reply::json(status, view).decided(grant.decision()))
}

/// Policies judge what comes back as they judge what is new.
fn govern(engine: &Engine, cx: &Cx<'_>, change: &mut Change) -> Result<(), ArmError> {
    for put in &mut change.puts {
        let Some(kind) = engine.registry().resource_type(&put.id.resource_type()).cloned() else {
            continue;
        };
        let mut draft = Draft {
            id: put.id.clone(),
            body: put.sent.clone(),
            existing: None,
        };
        let notes = policy::govern(engine, cx, &*kind, &mut draft, &AsAsked::default())?;
        change.policies.extend(notes);
        put.sent = draft.body;
    }
    Ok(())
}

/// It comes back where it was.
fn check_location(kept: &Kept, draft: &Draft) -> Result<(), ArmError> {
    let asked = draft.body.get("location").and_then(|location| location.as_str());
    let was = kept.resource.text("/location").unwrap_or_default();
    match asked.filter(|asked| !asked.is_empty() && short_location(asked) != short_location(was)) {
        None => Ok(()),
        Some(asked) => Err(ArmError::new(
            ErrorCode::InvalidResourceLocation,
            format!(
                "The deleted resource '{}' is kept in location '{was}'; it cannot be recovered in '{asked}'.",
                kept.resource.id
            ),
        )
        .on("location")),
    }
}

/// Refuses to create what is kept: for those who write it as a consequence of something else.
pub(super) fn refuse_kept(cx: &Cx<'_>, kind: &dyn ResourceType, id: &ResourceId) -> Result<(), ArmError> {
    let row = crate::soft_delete::kept_at(cx.snapshot, id);
    match kind.declaration().soft_delete.zip(row.and_then(Kept::of)) {
        Some((soft, kept)) => Err((soft.exists)(&kept)),
        None => Ok(()),
    }
}
