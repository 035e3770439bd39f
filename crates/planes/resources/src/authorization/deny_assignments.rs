//! `Microsoft.Authorization/denyAssignments`: what nobody may do at a scope, whatever roles he has.
//!
//! What users write has the narrow form of the 2024-07-01-preview API ([`DenyAssignment::validate`], rbac-semantics 6.3).
//! Those that the system protects are made by nave and are only shown. A deny assignment blocks its author as well, and
//! nothing stands above it; so whoever blocks everybody must spare somebody who is there to take it away again.

use http::Method;
use nave_arm::{ArmError, ErrorCode, Filter, ResourceId};
use nave_engine::{
    Registry, Reply, Resource, Snapshot,
    declaration::{Cx, Declaration, Draft, Erased, NameRule, Placement, ResourceType, Verb, Written},
    directory,
    operation::{Access, Surface},
    rbac::{ALL_PRINCIPALS, DenyAssignment},
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
    name: NameRule::GUID,
    verbs: &[Verb::Get, Verb::Put(201, 200), Verb::Delete(200)],
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for DenyAssignments {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        if let Some(existing) = draft.existing.as_deref() {
            refuse_protected(existing)?;
        }
        let mut properties = draft.body.get("properties").cloned().unwrap_or_default();
        DenyAssignment::validate(&properties)?;
        let wanted = DenyAssignment::from_properties(&draft.id, &properties)?;
        check_name(&wanted)?;
        check_spared(cx.snapshot, &wanted)?;
        properties["isSystemProtected"] = false.into();
        properties["doNotApplyToChildScopes"] = false.into();
        let own = super::signed_by(cx.caller, draft.existing.as_deref());
        let mut written = Written::plain(draft);
        written.sent = json!({ "properties": properties });
        written.own = own;
        Ok(written)
    }

    fn view(&self, _: &Cx<'_>, resource: &Resource) -> Value {
        view(resource)
    }

    fn erase(&self, _: &Cx<'_>, resource: &Resource) -> Result<Erased, ArmError> {
        refuse_protected(resource)?;
        Ok(Erased::default())
    }
}

fn refuse_protected(deny: &Resource) -> Result<(), ArmError> {
    let is_protected = deny.value("/properties/isSystemProtected") == Some(&Value::Bool(true));
    if !is_protected {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::OperationNotAllowed,
        format!(
            "The deny assignment '{}' is protected by the system and can be neither changed nor deleted by a request.",
            deny.id.name()
        ),
    ))
}

fn check_name(wanted: &DenyAssignment) -> Result<(), ArmError> {
    if !wanted.name.trim().is_empty() {
        return Ok(());
    }
    let error = ArmError::new(
        ErrorCode::InvalidParameter,
        "A deny assignment needs a name that people know it by, in 'properties.denyAssignmentName'.",
    );
    Err(error.on("properties.denyAssignmentName"))
}

/// Of whoever is spared by a deny assignment about everybody, one at least is in the directory and enabled.
fn check_spared(snapshot: &Snapshot, wanted: &DenyAssignment) -> Result<(), ArmError> {
    let is_there = |id: &Uuid| {
        let principal = snapshot.principal(*id);
        principal.is_some_and(|principal| directory::is_enabled(principal))
    };
    if !wanted.principals.contains(&ALL_PRINCIPALS) || wanted.exclude_principals.iter().any(is_there) {
        return Ok(());
    }
    let error = ArmError::new(
        ErrorCode::PrincipalNotFound,
        "None of the excluded principals is in the directory and enabled. The deny assignment would block everybody who \
         could take it away again; exclude somebody who can.",
    );
    Err(error.on("properties.excludePrincipals"))
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
