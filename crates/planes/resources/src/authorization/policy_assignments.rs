//! `Microsoft.Authorization/policyAssignments`: a definition or a set of them, with parameters, at a scope and below. At
//! a hub it also judges the hub's projects, wherever they are (features POL-01).

use http::Method;
use nave_arm::{ArmError, ErrorCode, Filter, ResourceId};
use nave_engine::{
    Registry, Reply, Resource, Snapshot,
    declaration::{Cx, Declaration, Draft, Erased, Placement, ResourceType, Verb, Written},
    operation::{Access, Surface},
    own_identity,
    policy::{self, ASSIGNMENTS},
    route::{Call, Route},
};
use serde_json::{Value, json};

use super::{policy_library as library, policy_scopes as scopes, policy_shown as shown};
use crate::filter;

const READ: &str = "Microsoft.Authorization/policyAssignments/read";

pub(super) fn register(registry: &mut Registry) {
    registry.add_type(PolicyAssignments);
    let path = "/{scope}/providers/Microsoft.Authorization/policyAssignments";
    registry.add_routes([Route::new(
        Method::GET,
        path,
        Surface::Arm,
        Access::action(READ),
        list,
    )]);
}

struct PolicyAssignments;

static DECLARATION: Declaration = Declaration {
    resource_type: ASSIGNMENTS,
    api_versions: library::API_VERSIONS,
    placement: Placement::Anywhere,
    name: library::NAME,
    verbs: &[Verb::Get, Verb::Put(201, 201), Verb::Patch, Verb::Delete(200)],
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for PolicyAssignments {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        policy::check_assignment(cx.snapshot, &draft.id, &draft.body)?;
        check_identity(cx, &draft)?;
        let (mut own, also) = own_identity::write(cx, &draft)?;
        nave_engine::fill(&mut own, &super::signed_by(cx.caller, draft.existing.as_deref()));
        own["updatedBy"] = cx.caller.record_id().into();
        if own["instance"].is_null() {
            own["instance"] = json!(cx.world.new_id());
        }
        Ok(Written {
            own,
            also,
            ..Written::plain(draft)
        })
    }

    fn view(&self, cx: &Cx<'_>, assignment: &Resource) -> Value {
        view(cx.snapshot, assignment)
    }

    fn erase(&self, _: &Cx<'_>, assignment: &Resource) -> Result<Erased, ArmError> {
        Ok(own_identity::erase(assignment))
    }
}

/// Whoever changes or deploys does it by an identity, and an identity has a place.
fn check_identity(cx: &Cx<'_>, draft: &Draft) -> Result<(), ArmError> {
    let text = |pointer: &str| {
        draft
            .body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let kind = text("/identity/type");
    let has_identity = !kind.is_empty() && !kind.eq_ignore_ascii_case("None");
    if has_identity && text("/location").is_empty() {
        let message = "A policy assignment with an identity needs a location, where the identity is kept.";
        return Err(ArmError::new(ErrorCode::LocationRequired, message).on("location"));
    }
    if has_identity || !policy::needs_identity(cx.snapshot, &draft.id, &draft.body) {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::ResourceIdentityRequired,
        format!(
            "The policy assignment '{}' changes or deploys resources and needs an identity to do it with. Give it one: \
             \"identity\": {{\"type\": \"SystemAssigned\"}} and a \"location\".",
            draft.id.name()
        ),
    )
    .on("identity"))
}

fn view(snapshot: &Snapshot, assignment: &Resource) -> Value {
    let mut body = assignment.envelope();
    let definition = assignment
        .link("/properties/policyDefinitionId")
        .and_then(|id| policy::find(snapshot, &id));
    let version = definition.map(|definition| library::view(&definition)["properties"]["version"].clone());
    let properties = &mut body["properties"];
    properties["scope"] = assignment
        .id
        .scope()
        .unwrap_or_else(ResourceId::tenant)
        .as_str()
        .into();
    properties["instanceId"] = assignment.own.get("instance").cloned().unwrap_or_default();
    nave_engine::fill(
        properties,
        &json!({ "notScopes": [], "metadata": {}, "parameters": {}, "enforcementMode": "Default",
                 "effectiveDefinitionVersion": version, "latestDefinitionVersion": version }),
    );
    shown::sign(&mut properties["metadata"], assignment);
    nave_engine::assigned_identities::show(snapshot, &mut body);
    if let Some(members) = body.as_object_mut() {
        members.shift_remove("instance");
    }
    shown::plain(body)
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    let filter = filter::of(&call.request)?;
    filter::check(filter.as_ref(), knows)?;
    scopes::list(&call, ASSIGNMENTS, READ, filter.as_ref(), &holds, &view)
}

fn knows(leaf: &Filter) -> bool {
    scopes::knows(leaf)
        || filter::equals(leaf).is_some_and(|(property, _)| {
            matches!(property.as_str(), "policydefinitionid" | "displayname" | "name")
        })
}

fn holds(assignment: &Resource, leaf: &Filter) -> bool {
    let Some((property, wanted)) = filter::equals(leaf) else {
        return false;
    };
    match property.as_str() {
        "policydefinitionid" => {
            assignment.link("/properties/policyDefinitionId") == ResourceId::parse(wanted).ok()
        }
        "displayname" => assignment
            .text("/properties/displayName")
            .is_some_and(|name| name.eq_ignore_ascii_case(wanted)),
        _ => assignment.id.name().eq_ignore_ascii_case(wanted),
    }
}
