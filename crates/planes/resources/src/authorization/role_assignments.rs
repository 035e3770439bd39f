//! `Microsoft.Authorization/roleAssignments`: a role, for a principal, at a scope and below.

mod last_owner;
mod list;
mod rules;

use http::Method;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Registry, Resource, Snapshot,
    decision::Need,
    declaration::{Asked, Cx, Declaration, Draft, Erased, NameRule, Placement, ResourceType, Verb, Written},
    operation::{Access, Surface},
    rbac::{Attributes, Source},
    route::Route,
    without_nulls,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ROLE_ASSIGNMENTS, role_id};

pub(crate) fn register(registry: &mut Registry) {
    registry.add_type(RoleAssignments);
    let path = "/{scope}/providers/Microsoft.Authorization/roleAssignments";
    let access = Access::action("Microsoft.Authorization/roleAssignments/read");
    registry.add_routes([Route::new(Method::GET, path, Surface::Arm, access, list::list)]);
}

struct RoleAssignments;

static DECLARATION: Declaration = Declaration {
    resource_type: ROLE_ASSIGNMENTS,
    api_versions: &[
        "2022-04-01",
        "2020-10-01-preview",
        "2020-04-01-preview",
        "2018-01-01-preview",
        "2015-07-01",
    ],
    placement: Placement::Anywhere,
    name: NameRule::GUID,
    verbs: &[Verb::Get, Verb::Put(201, 200), Verb::Delete(200)],
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for RoleAssignments {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    /// Conditions on the right to assign are judged on what is assigned: for a write on the request's body and
    /// nothing else, for a deletion on the stored assignment (rbac-semantics 11, 12.1).
    fn ways(&self, cx: &Cx<'_>, asked: &Asked<'_>, own: Need) -> Result<Vec<Vec<Need>>, ArmError> {
        let attributes = match asked {
            Asked::Write(draft) => requested(draft),
            Asked::Delete(id) => stored(cx.snapshot, id),
            Asked::Read(_) | Asked::Act(..) => return Ok(vec![vec![own]]),
        };
        Ok(vec![vec![own.with(attributes)]])
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        let properties = draft.body.get("properties").cloned().unwrap_or_default();
        let accepted = rules::check(cx.snapshot, &draft.id, &properties)?;
        let own = super::signed_by(cx.caller, draft.existing.as_deref());
        let mut written = Written::plain(draft);
        written.sent = json!({ "properties": properties });
        written.sent["properties"]["principalType"] = accepted.principal_type.into();
        written.own = own;
        written.claims = rules::claims(&accepted.assignment);
        written.guards = rules::guards(cx.snapshot, accepted.assignment.role);
        Ok(written)
    }

    fn view(&self, _: &Cx<'_>, resource: &Resource) -> Value {
        view(resource, &resource.id)
    }

    fn erase(&self, cx: &Cx<'_>, resource: &Resource) -> Result<Erased, ArmError> {
        let guards = last_owner::check(cx, resource)?;
        Ok(Erased {
            also: Vec::new(),
            guards,
        })
    }
}

/// What a body asks to assign. A member the body does not name is no attribute, even where nave could tell it. Guids
/// are spelled as they are stored: a condition that compares texts must not be passed by another spelling.
fn requested(draft: &Draft) -> Attributes {
    let text = |pointer: &str| draft.body.pointer(pointer).and_then(Value::as_str);
    let role =
        text("/properties/roleDefinitionId").and_then(|id| id.trim_end_matches('/').rsplit('/').next());
    let (role, principal) = (role.map(plain), text("/properties/principalId").map(plain));
    attributes(
        Source::Request,
        role.as_deref(),
        principal.as_deref(),
        text("/properties/principalType"),
    )
}

fn plain(guid: &str) -> String {
    Uuid::try_parse(guid.trim()).map_or_else(|_| guid.to_owned(), |guid| guid.to_string())
}

fn stored(snapshot: &Snapshot, id: &ResourceId) -> Attributes {
    let Some(assignment) = snapshot.roles().assignment(id) else {
        return Attributes::new();
    };
    let (role, principal) = (assignment.role.to_string(), assignment.principal.to_string());
    attributes(
        Source::Resource,
        Some(&role),
        Some(&principal),
        Some(assignment.principal_type.as_str()),
    )
}

fn attributes(source: Source, role: Option<&str>, principal: Option<&str>, kind: Option<&str>) -> Attributes {
    let named = [
        ("RoleDefinitionId", role),
        ("PrincipalId", principal),
        ("PrincipalType", kind),
    ];
    named
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .fold(Attributes::new(), |all, (name, value)| {
            all.with(source, &format!("{ROLE_ASSIGNMENTS}:{name}"), value)
        })
}

/// An assignment as an answer to a request at `asked_at` shows it.
fn view(assignment: &Resource, asked_at: &ResourceId) -> Value {
    let text = |name: &str| assignment.text(&format!("/properties/{name}"));
    let role = text("roleDefinitionId").and_then(|id| id.trim_end_matches('/').rsplit('/').next());
    let role = role
        .and_then(|role| Uuid::parse_str(role).ok())
        .unwrap_or_default();
    let condition = text("condition").filter(|condition| !condition.trim().is_empty());
    let mut properties = without_nulls(json!({
        "roleDefinitionId": role_id(asked_at, role),
        "principalId": text("principalId"),
        "principalType": text("principalType"),
        "scope": assignment.id.scope().unwrap_or_else(ResourceId::tenant),
        "condition": condition,
        "conditionVersion": condition.map(|_| text("conditionVersion").unwrap_or("2.0")),
        "description": text("description"),
        "delegatedManagedIdentityResourceId": text("delegatedManagedIdentityResourceId"),
    }));
    if let Some(cause) = assignment.own.get("autoFor").filter(|cause| !cause.is_null()) {
        // nave made it by a rule: which one, and what it goes away with (features AUTO-02)
        properties["autoFor"] = cause.clone();
    }
    super::stamp(&mut properties, assignment);
    json!({ "id": assignment.id, "name": assignment.id.name(), "type": ROLE_ASSIGNMENTS, "properties": properties })
}
