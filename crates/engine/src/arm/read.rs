//! GET of one and of a collection.

use std::sync::Arc;

use http::StatusCode;
use nave_arm::{ArmError, ResourceId};
use serde_json::{Value, json};

use super::{check_parents, not_found};
use crate::{
    Caller, Engine, Reply, Resource, Snapshot,
    decision::Need,
    declaration::{Asked, Cx, ResourceType},
    grant::{Grant, Read},
    operation::{Access, Surface},
    paging::{next_link, skip_token},
    request::Request,
};

/// The largest page of a list.
const PAGE: u32 = 1000;

pub(super) async fn get(
    engine: &Arc<Engine>,
    caller: &Caller,
    kind: &dyn ResourceType,
    id: &ResourceId,
    request: &Request,
) -> Result<Reply, ArmError> {
    let snapshot = engine.snapshot();
    let cx = engine.cx(&snapshot, caller);
    let own = Need::action(kind.declaration().permission("read"), id.clone());
    let ways = kind.ways(&cx, &Asked::Read(id), own)?;
    let grant: Grant<Read> = engine.authorize(caller, Surface::Arm, ways, id, request).await?;
    check_parents(engine, kind.declaration(), id)?;
    let resource = find(engine, &cx, kind, &grant)
        .await?
        .ok_or_else(|| not_found(id))?;
    if request.header("if-none-match") == Some(resource.etag.as_str()) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED.as_u16()).of_version(&resource));
    }
    Ok(Reply::ok(kind.view(&cx, &resource)).of_version(&resource))
}

/// The resource as its type finds it; types whose rows are not in memory have them read from the store.
pub(super) async fn find<A: crate::grant::Allows>(
    engine: &Engine,
    cx: &Cx<'_>,
    kind: &dyn ResourceType,
    grant: &Grant<A>,
) -> Result<Option<Arc<Resource>>, ArmError> {
    match kind.find(cx, grant.id()) {
        Some(found) => Ok(Some(found)),
        None if kind.declaration().resident => Ok(None),
        None => engine.read(grant).await,
    }
}

pub(super) async fn list(
    engine: &Arc<Engine>,
    caller: &Caller,
    kind: &dyn ResourceType,
    under: &ResourceId,
    request: &Request,
) -> Result<Reply, ArmError> {
    let declaration = kind.declaration();
    let snapshot = engine.snapshot();
    let cx = engine.cx(&snapshot, caller);
    let grant: Grant<Read> = match declaration.list_access() {
        Access::Action(action) => {
            let need = Need::action(action, under.clone());
            engine
                .authorize(caller, Surface::Arm, vec![vec![need]], under, request)
                .await?
        }
        // what is returned is decided for each resource
        _ => {
            engine
                .admit(
                    caller,
                    Surface::Arm,
                    &declaration.permission("read"),
                    under,
                    request,
                )
                .await?
        }
    };
    check_scope(engine, under)?;
    let listed = kind.list(&cx, under, request)?;
    let vouched = listed.is_some() && matches!(declaration.list_access(), Access::Action(_));
    let (resources, next) = match listed {
        Some(resources) => (resources, None),
        None => {
            engine
                .rows_below(
                    &grant,
                    Some(declaration.resource_type),
                    skip_token(request)?.as_ref(),
                    top(request),
                )
                .await?
        }
    };
    let read = declaration.permission("read");
    let depth = declaration.local_type().split('/').count();
    let value: Vec<Value> = resources
        .iter()
        .filter(|resource| {
            vouched || belongs(under, resource, depth) && visible(engine, &snapshot, caller, &read, resource)
        })
        .map(|resource| kind.view(&cx, resource))
        .collect();
    let mut body = json!({ "value": value });
    if let Some(next) = next {
        body["nextLink"] = next_link(engine, request, &next).into();
    }
    Ok(Reply::ok(body))
}

fn visible(engine: &Engine, snapshot: &Snapshot, caller: &Caller, read: &str, resource: &Resource) -> bool {
    engine.may(snapshot, caller, Surface::Arm, read, &resource.id)
}

/// The rows of a child collection are those directly below the parent.
fn belongs(under: &ResourceId, resource: &Resource, depth: usize) -> bool {
    let is_parent = under.scope().is_some_and(|scope| scope.is_resource_group());
    depth == 1 || !is_parent || resource.id.parent().as_ref() == Some(under) || !under.contains(&resource.id)
}

fn check_scope(engine: &Engine, under: &ResourceId) -> Result<(), ArmError> {
    let snapshot = engine.snapshot();
    let missing = under.ancestors().find(|id| {
        let checked = id.is_subscription() || id.is_resource_group() || *id == *under;
        checked
            && !id.is_tenant()
            && engine.registry().resident(&id.resource_type())
            && snapshot.get(id).is_none()
    });
    missing.map_or(Ok(()), |id| Err(not_found(&id)))
}

fn top(request: &Request) -> u32 {
    let wanted = request
        .query("$top")
        .or_else(|| request.query("count"))
        .and_then(|text| text.parse().ok());
    wanted.unwrap_or(PAGE).clamp(1, PAGE)
}
