//! `Microsoft.Authorization/denyAssignments`, read-only: nave makes them, users see them (rbac-semantics 6.3).

use http::Method;
use nave_arm::{ArmError, Filter, ResourceId};
use nave_engine::{
    Registry, Reply, Resource, Snapshot,
    declaration::{Cx, Declaration, Placement, ResourceType, Verb},
    operation::{Access, Surface},
    rbac::DenyAssignment,
    route::{Call, Route},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{filter, scope};

const DENY_ASSIGNMENTS: &str = "Microsoft.Authorization/denyAssignments";

pub(crate) fn register(registry: &mut Registry) {
    registry.add_type(DenyAssignments);
    let path = "/{scope}/providers/Microsoft.Authorization/denyAssignments";
    let access = Access::action("Microsoft.Authorization/denyAssignments/read");
    registry.add_routes([Route::new(Method::GET, path, Surface::Arm, access, list)]);
}

struct DenyAssignments;

static DECLARATION: Declaration = Declaration {
    resource_type: DENY_ASSIGNMENTS,
    api_versions: &["2024-07-01-preview", "2022-04-01", "2018-07-01-preview"],
    placement: Placement::Anywhere,
    verbs: &[Verb::Get],
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for DenyAssignments {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn view(&self, _: &Cx<'_>, resource: &Resource) -> Value {
        view(resource)
    }
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let asked_at = call.grant.id();
    scope::check(&snapshot, asked_at)?;
    let filter = filter::of(&call.request)?;
    filter::check(filter.as_ref(), knows)?;
    let value: Vec<Value> = snapshot
        .roles()
        .denies()
        .filter(|deny| scope::related(&snapshot, &deny.scope, asked_at))
        .filter(|deny| {
            filter
                .as_ref()
                .is_none_or(|filter| filter.holds(&mut |leaf| holds(&snapshot, asked_at, deny, leaf)))
        })
        .filter_map(|deny| snapshot.get(&deny.id))
        .map(|deny| view(deny))
        .collect();
    Ok(Reply::ok(json!({ "value": value })))
}

fn knows(leaf: &Filter) -> bool {
    match leaf {
        Filter::Call { name, argument } => match argument.as_deref() {
            None => name.eq_ignore_ascii_case("atScope"),
            Some(id) => name.eq_ignore_ascii_case("assignedTo") && Uuid::parse_str(id).is_ok(),
        },
        _ => filter::equals(leaf).is_some_and(|(property, value)| match property.as_str() {
            "denyassignmentname" => true,
            "principalid" | "gdprexportprincipalid" => Uuid::parse_str(value).is_ok(),
            _ => false,
        }),
    }
}

fn holds(snapshot: &Snapshot, asked_at: &ResourceId, deny: &DenyAssignment, leaf: &Filter) -> bool {
    if let Filter::Call { argument, .. } = leaf {
        let Some(id) = argument.as_deref().and_then(|id| Uuid::parse_str(id).ok()) else {
            return scope::contains(snapshot, &deny.scope, asked_at);
        };
        return deny.principals.contains(&id)
            || snapshot
                .roles()
                .groups_of(id)
                .iter()
                .any(|group| deny.principals.contains(group));
    }
    let Some((property, value)) = filter::equals(leaf) else {
        return false;
    };
    if property == "denyassignmentname" {
        return deny.name.eq_ignore_ascii_case(value);
    }
    let Ok(id) = Uuid::parse_str(value) else {
        return false;
    };
    deny.principals.contains(&id)
        || property == "gdprexportprincipalid" && deny.exclude_principals.contains(&id)
}

fn view(deny: &Resource) -> Value {
    let mut properties = deny.sent.get("properties").cloned().unwrap_or_else(|| json!({}));
    properties["scope"] = deny.id.scope().unwrap_or_else(ResourceId::tenant).as_str().into();
    super::stamp(&mut properties, deny);
    json!({ "id": deny.id, "name": deny.id.name(), "type": DENY_ASSIGNMENTS, "properties": properties })
}
