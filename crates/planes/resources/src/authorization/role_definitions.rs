//! `Microsoft.Authorization/roleDefinitions`: built-in roles, which are part of the program, and custom ones.
//!
//! A role is its guid: it is found at every scope it has to do with, wherever it was written. So a custom role is
//! one row at the tenant, and the scope of a request decides only who may ask and which id is shown. That is why
//! PUT and DELETE are routes here: their row is not at the id that was asked for.

mod delete;
mod list;
mod put;
mod rules;

use std::sync::Arc;

use http::Method;
use jiff::Timestamp;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Caller, History, Params, Registry, Request, Resource, Snapshot,
    decision::Need,
    declaration::{Asked, Cx, Declaration, NameRule, Placement, ResourceType, Verb},
    operation::{Access, Surface},
    rbac::{Permission, RoleDefinition, RoleKind},
    route::{Route, Target},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ROLE_DEFINITIONS, role_id};
use crate::scope;

const READ: &str = "Microsoft.Authorization/roleDefinitions/read";
const WRITE: &str = "Microsoft.Authorization/roleDefinitions/write";
const DELETE: &str = "Microsoft.Authorization/roleDefinitions/delete";

/// How often a change is made again on newer state before the caller is told.
const TRIES: usize = 5;

pub(crate) fn register(registry: &mut Registry) {
    registry.add_type(RoleDefinitions);
    let one = "/{scope}/providers/Microsoft.Authorization/roleDefinitions/{name}";
    let all = "/{scope}/providers/Microsoft.Authorization/roleDefinitions";
    let read = Access::action(READ);
    registry.add_routes([
        Route::new(Method::GET, all, Surface::Arm, read, list::list).about(listed),
        Route::new(Method::PUT, one, Surface::Arm, Access::action(WRITE), put::put).about(asked_for),
        Route::new(
            Method::DELETE,
            one,
            Surface::Arm,
            Access::action(DELETE),
            delete::delete,
        )
        .about(asked_for),
    ]);
}

/// The id of the request itself, at its own scope.
fn asked_for(_: &Snapshot, _: &Request, params: &Params) -> Result<Target, ArmError> {
    Ok(params
        .scope()?
        .extension(ROLE_DEFINITIONS, params.get("name"))
        .into())
}

fn listed(snapshot: &Snapshot, request: &Request, params: &Params) -> Result<Target, ArmError> {
    let id = params.scope()?;
    let own = Need::action(READ, id.clone());
    let published_only = id.is_tenant() && !list::goes_below(request)?;
    let ways = match &request.caller {
        Some(caller) if published_only => ways_to_the_published(snapshot, caller, own),
        _ => vec![vec![own]],
    };
    Ok(Target { id, ways })
}

/// The published roles are shown at the tenant to whoever may read roles anywhere: clients look a role up there,
/// whatever they are about to assign it on.
fn ways_to_the_published(snapshot: &Snapshot, caller: &Caller, own: Need) -> Vec<Vec<Need>> {
    let held = scope::held_below(snapshot, caller, &ResourceId::tenant()).into_iter();
    let elsewhere = held.map(|held| vec![Need::action(READ, held)]);
    std::iter::once(vec![own]).chain(elsewhere).collect()
}

/// A role is shown by the id it is known by to whoever may read roles at any scope below where it may be assigned: the
/// ids of assignments and lists lead there, and who governs one group follows them.
fn ways_to_one(cx: &Cx<'_>, id: &ResourceId, own: Need) -> Vec<Vec<Need>> {
    let asked_at = id.scope().unwrap_or_else(ResourceId::tenant);
    let role = Uuid::parse_str(id.name())
        .ok()
        .and_then(|role| cx.snapshot.roles().definition(role));
    let is_shown = |held: &ResourceId| role.is_some_and(|role| shows_at(cx.snapshot, role, held));
    let elsewhere = scope::held_below(cx.snapshot, cx.caller, &asked_at)
        .into_iter()
        .filter(is_shown)
        .map(|held| vec![Need::action(READ, held)]);
    std::iter::once(vec![own]).chain(elsewhere).collect()
}

/// Where a custom role's row is.
pub(super) fn stored_id(role: Uuid) -> ResourceId {
    ResourceId::tenant().extension(ROLE_DEFINITIONS, &role.to_string())
}

struct RoleDefinitions;

static DECLARATION: Declaration = Declaration {
    resource_type: ROLE_DEFINITIONS,
    api_versions: &[
        "2022-05-01-preview",
        "2022-04-01",
        "2018-01-01-preview",
        "2015-07-01",
    ],
    placement: Placement::Anywhere,
    name: NameRule::GUID,
    verbs: &[Verb::Get],
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for RoleDefinitions {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn ways(&self, cx: &Cx<'_>, asked: &Asked<'_>, own: Need) -> Result<Vec<Vec<Need>>, ArmError> {
        Ok(match asked {
            Asked::Read(id) => ways_to_one(cx, id, own),
            _ => vec![vec![own]],
        })
    }

    fn find(&self, cx: &Cx<'_>, id: &ResourceId) -> Option<Arc<Resource>> {
        let role = cx.snapshot.roles().definition(Uuid::parse_str(id.name()).ok()?)?;
        let asked_at = id.scope()?;
        shows_at(cx.snapshot, role, &asked_at).then(|| Arc::new(at(cx.snapshot, role, id)))
    }

    fn view(&self, cx: &Cx<'_>, resource: &Resource) -> Value {
        let role = Uuid::parse_str(resource.id.name())
            .ok()
            .and_then(|role| cx.snapshot.roles().definition(role));
        role.map_or_else(
            || resource.envelope(),
            |role| view(cx.snapshot, role, &resource.id),
        )
    }
}

/// Whether a role has to do with a scope: it may be assigned there, above or below.
fn shows_at(snapshot: &Snapshot, role: &RoleDefinition, asked_at: &ResourceId) -> bool {
    role.assignable_scopes
        .iter()
        .any(|assignable| scope::related(snapshot, assignable, asked_at))
}

/// A role as a resource at the id it was asked for. Built-in roles have no row.
fn at(snapshot: &Snapshot, role: &RoleDefinition, id: &ResourceId) -> Resource {
    if let Some(row) = snapshot.get(&stored_id(role.id)) {
        return Resource {
            id: id.clone(),
            ..(**row).clone()
        };
    }
    let published = Timestamp::UNIX_EPOCH;
    let history = History {
        created_at: published,
        created_by: String::new(),
        updated_at: published,
        updated_by: String::new(),
    };
    Resource {
        id: id.clone(),
        sent: json!({ "properties": role.properties() }),
        own: json!({}),
        sealed: None,
        etag: String::new(),
        claims: Vec::new(),
        history,
    }
}

/// A role as an answer to a request at `asked_at` shows it: what was sent, and what clients expect besides.
fn view(snapshot: &Snapshot, role: &RoleDefinition, asked_at: &ResourceId) -> Value {
    let row = snapshot
        .get(&stored_id(role.id))
        .filter(|_| role.kind == RoleKind::Custom);
    let properties = row.map_or_else(|| role.properties(), |row| custom(role, row));
    let name = role.id.to_string();
    json!({ "id": role_id(asked_at, role.id), "name": name, "type": ROLE_DEFINITIONS, "properties": properties })
}

fn custom(role: &RoleDefinition, row: &Resource) -> Value {
    let mut properties = row.sent.get("properties").cloned().unwrap_or_else(|| json!({}));
    properties["type"] = RoleKind::Custom.as_str().into();
    if properties.get("description").is_none_or(Value::is_null) {
        properties["description"] = role.description.clone().into();
    }
    properties["permissions"] = role.permissions.iter().map(Permission::to_json).collect();
    super::stamp(&mut properties, row);
    properties
}
