//! PUT and PATCH.

use std::sync::Arc;

use http::StatusCode;
use nave_arm::{ArmError, ErrorCode, ResourceId, merge_patch};
use nave_store::{Expect, Guard};
use serde_json::Value;

use super::{body, check_extended, check_parents, erase, not_found, recover};
use crate::{
    Caller, Engine, Reply, Resource, Snapshot, assigned_identities,
    change::{Change, CommitError, Put, PutSecrets},
    decision::Need,
    declaration::{Also, Asked, Cx, Draft, Moved, ResourceType, Secrets, Written},
    grant::{Grant, Write},
    operation::Surface,
    policy::{self, AsAsked},
    request::Request,
    secrets,
    soft_delete::{self, kept_at},
};

pub(super) async fn put(
    engine: &Arc<Engine>,
    caller: &Caller,
    kind: &dyn ResourceType,
    id: &ResourceId,
    request: &Request,
) -> Result<Reply, ArmError> {
    let body = well_spelled(kind, request)?;
    write(engine, caller, kind, id, request, &body, false).await
}

pub(super) async fn patch(
    engine: &Arc<Engine>,
    caller: &Caller,
    kind: &dyn ResourceType,
    id: &ResourceId,
    request: &Request,
) -> Result<Reply, ArmError> {
    let body = well_spelled(kind, request)?;
    write(engine, caller, kind, id, request, &body, true).await
}

/// The body of a request, its members in their documented spelling.
fn well_spelled(kind: &dyn ResourceType, request: &Request) -> Result<Value, ArmError> {
    let mut body = request.json()?;
    policy::respell(&mut body, kind.declaration().resource_type)?;
    Ok(body)
}

async fn write(
    engine: &Arc<Engine>,
    caller: &Caller,
    kind: &dyn ResourceType,
    id: &ResourceId,
    request: &Request,
    body: &Value,
    patch: bool,
) -> Result<Reply, ArmError> {
    let attempt = || async {
        match attempt(engine, caller, kind, id, request, body, patch).await {
            Err(CommitError::Raced) if precondition(request).is_some() => Err(precondition_failed(id).into()),
            other => other,
        }
    };
    engine.again(attempt).await
}

async fn attempt(
    engine: &Arc<Engine>,
    caller: &Caller,
    kind: &dyn ResourceType,
    id: &ResourceId,
    request: &Request,
    asked: &Value,
    patch: bool,
) -> Result<Reply, CommitError> {
    let declaration = kind.declaration();
    if let Some(soft) = declaration.soft_delete {
        engine.purge_if_over(soft, id).await?;
    }
    let snapshot = engine.snapshot();
    let cx = engine.cx(&snapshot, caller);
    let existing = engine.row(id).await?;
    let stored_id = existing
        .as_ref()
        .map_or_else(|| id.clone(), |existing| existing.id.clone());
    let body = match &existing {
        Some(existing) if patch => merged(existing, asked),
        _ => asked.clone(),
    };
    let draft = Draft {
        id: stored_id,
        body,
        existing,
    };
    if let Some(soft) = declaration
        .soft_delete
        .filter(|_| !patch && draft.existing.is_none())
        && let Some(row) = kept_at(&snapshot, id)
    {
        return recover::attempt(engine, &cx, kind, soft, row, draft, request).await;
    }
    let grant = authorize(engine, &cx, kind, &draft, id, request).await?;
    check_parents(engine, declaration, id)?;
    check_extended(engine, &cx, declaration, id)?;
    if patch && draft.existing.is_none() {
        return Err(not_found(id).into());
    }
    check_precondition(request, draft.existing.as_deref(), id)?;
    assigned_identities::check(cx.snapshot, &draft.body)?;
    let created = draft.existing.is_none();
    let as_asked = AsAsked {
        api_version: request.query("api-version").map(str::to_owned),
        tags_only: patch && names_only_tags(asked),
    };
    let mut change = Change::default();
    if let Err(error) = stage_as(engine, &cx, kind, draft, &as_asked, &mut change) {
        return Err(engine
            .refused_after(&grant, error, request.correlation_id)
            .await
            .into());
    }
    let stored = erase::stage_stored_below(engine, &mut change).await?;
    soft_delete::keep(engine, &cx, &mut change, stored)?;
    let done = engine.commit_for(&grant, change, request.correlation_id).await?;
    let resource = done.resources.first().cloned().ok_or_else(|| not_found(id))?;
    let now = engine.snapshot();
    let view = kind.view(&engine.cx(&now, caller), &resource);
    let (on_create, on_update) = declaration.put().unwrap_or((200, 200));
    let status = match (patch, created) {
        (true, _) => 200,
        (false, true) => on_create,
        (false, false) => on_update,
    };
    Ok(Reply::json(status, view)
        .of_version(&resource)
        .decided(grant.decision()))
}

/// Asks for leave to write a draft, with what it takes to give the resource the identities it names. It is asked at `id`,
/// as the request spells it.
pub(super) async fn authorize(
    engine: &Engine,
    cx: &Cx<'_>,
    kind: &dyn ResourceType,
    draft: &Draft,
    id: &ResourceId,
    request: &Request,
) -> Result<Grant<Write>, ArmError> {
    let write = kind.declaration().permission("write");
    let own = Need::action(write.clone(), id.clone());
    let mut ways = kind.ways(cx, &Asked::Write(draft), own)?;
    let given = assigned_identities::needs(draft);
    ways.iter_mut().for_each(|way| way.extend(given.iter().cloned()));
    let grant: Grant<Write> = engine
        .authorize(cx.caller, Surface::Arm, ways, id, request)
        .await?;
    Ok(grant.named(write))
}

/// Works out everything that changes when `draft` is written and nobody asked for it in so many words: it follows from
/// another change.
pub(super) fn stage(
    engine: &Engine,
    cx: &Cx<'_>,
    kind: &dyn ResourceType,
    draft: Draft,
    change: &mut Change,
) -> Result<(), ArmError> {
    stage_as(engine, cx, kind, draft, &AsAsked::default(), change)
}

/// Works out everything that changes when `draft` is written: policies judge it, then come the rules of its type.
pub(super) fn stage_as(
    engine: &Engine,
    cx: &Cx<'_>,
    kind: &dyn ResourceType,
    mut draft: Draft,
    as_asked: &AsAsked,
    change: &mut Change,
) -> Result<(), ArmError> {
    let declaration = kind.declaration();
    if draft.existing.is_none() {
        declaration
            .name
            .check(declaration.resource_type, draft.id.name())?;
        recover::refuse_kept(cx, kind, &draft.id)?;
    }
    let location = kind.location(cx, &draft);
    let existing = draft.existing.clone();
    body::check(
        declaration,
        cx.site,
        &mut draft.body,
        existing.as_deref(),
        location.as_deref(),
    )?;
    let notes = policy::govern(engine, cx, kind, &mut draft, as_asked)?;
    change.policies.extend(notes);
    if let Some(existing) = &existing {
        body::check_immutable(declaration, &mut draft.body, existing)?;
    }
    let id = draft.id.clone();
    let Written {
        mut sent,
        own,
        secrets,
        claims,
        also,
        guards,
    } = kind.write(cx, draft)?;
    let taken = secrets::take(&mut sent, declaration.secret);
    let secrets = match (secrets, taken) {
        (Secrets::Replace(plain), _) | (Secrets::FromBody, Some(plain)) => PutSecrets::Plain(plain),
        (Secrets::FromBody, None) => PutSecrets::Sealed(
            existing
                .as_ref()
                .and_then(|existing| existing.sealed.as_deref().map(<[u8]>::to_vec)),
        ),
    };
    let expect = existing
        .as_ref()
        .map_or(Expect::Absent, |existing| Expect::Etag(existing.etag.clone()));
    let moved = Moved::Written {
        id: &id,
        sent: &sent,
        own: &own,
    };
    let mut follows = also;
    for rule in engine.registry().rules(declaration.resource_type) {
        follows.extend(rule(cx, &moved)?);
    }
    if existing.is_none() {
        change.guards.extend(stays(cx.snapshot, &id));
    }
    change.puts.push(Put {
        id,
        sent,
        own,
        secrets,
        claims,
        expect,
    });
    change.guards.extend(guards);
    stage_all(engine, cx, follows, change)
}

/// What a new resource hangs off must still be there when it is written: nothing is created below what was deleted.
pub(super) fn stays(snapshot: &Snapshot, id: &ResourceId) -> Option<Guard> {
    let above = id.ancestors().find(|place| snapshot.get(place).is_some())?;
    Some(Guard::Present {
        key: above.key().to_owned(),
    })
}

/// Stages what follows from another change.
pub(super) fn stage_all(
    engine: &Engine,
    cx: &Cx<'_>,
    follows: Vec<Also>,
    change: &mut Change,
) -> Result<(), ArmError> {
    for also in follows {
        match also {
            Also::Put { id, body, own } => stage_put(engine, cx, id, body, &own, change)?,
            Also::Row(put) => change.puts.push(put),
            Also::Erase(id) => erase::stage(engine, cx, &id, change)?,
        }
    }
    Ok(())
}

/// Stages a write that follows from another, by the rules of its own type. What is staged already stays.
fn stage_put(
    engine: &Engine,
    cx: &Cx<'_>,
    id: ResourceId,
    body: Value,
    own: &Value,
    change: &mut Change,
) -> Result<(), ArmError> {
    if change.puts.iter().any(|put| put.id == id) {
        return Ok(());
    }
    let name = id.resource_type();
    let kind = engine.registry().resource_type(&name).cloned().ok_or_else(|| {
        ArmError::new(
            ErrorCode::InvalidResourceType,
            format!("The resource type '{name}' is not served here."),
        )
    })?;
    let existing = cx.snapshot.get(&id).cloned();
    let at = change.puts.len();
    stage(engine, cx, &*kind, Draft { id, body, existing }, change)?;
    if let Some(put) = change.puts.get_mut(at) {
        merge_patch(&mut put.own, own);
    }
    Ok(())
}

/// Whether a body names tags and nothing else.
fn names_only_tags(body: &Value) -> bool {
    let mut members = body.as_object().into_iter().flatten();
    members.next().is_some_and(|(name, _)| name == "tags") && members.next().is_none()
}

/// PATCH: `tags` are replaced whole, everything else merges.
fn merged(existing: &Resource, patch: &Value) -> Value {
    let mut body = existing.sent.clone();
    merge_patch(&mut body, patch);
    if let (Some(body), Some(tags)) = (
        body.as_object_mut(),
        patch.get("tags").filter(|tags| tags.is_object()),
    ) {
        body.insert(String::from("tags"), tags.clone());
    }
    body
}

fn precondition(request: &Request) -> Option<&str> {
    request
        .header("if-match")
        .or_else(|| request.header("if-none-match"))
}

pub(super) fn check_precondition(
    request: &Request,
    existing: Option<&Resource>,
    id: &ResourceId,
) -> Result<(), ArmError> {
    let met = match (
        request.header("if-match"),
        request.header("if-none-match"),
        existing,
    ) {
        (Some("*"), _, existing) => existing.is_some(),
        (Some(tag), _, existing) => existing.is_some_and(|existing| existing.etag == tag),
        (None, Some("*"), existing) => existing.is_none(),
        (None, Some(tag), Some(existing)) => existing.etag != tag,
        _ => true,
    };
    if met { Ok(()) } else { Err(precondition_failed(id)) }
}

pub(super) fn precondition_failed(id: &ResourceId) -> ArmError {
    debug_assert_eq!(
        StatusCode::PRECONDITION_FAILED.as_u16(),
        ErrorCode::PreconditionFailed.face().0
    );
    ArmError::new(
        ErrorCode::PreconditionFailed,
        format!(
            "The condition of the If-Match or If-None-Match header was not met for '{id}'. Read it again for its present etag."
        ),
    )
}
