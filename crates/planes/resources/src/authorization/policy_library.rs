//! What definitions and sets of them have in common: where they may be, how they are listed and shown, and their
//! versions.
//!
//! Ready-made definitions are part of the program and stand at the tenant, where everybody may read them. Custom ones
//! stand at a subscription or a management group, and can be assigned there and below.

use std::sync::Arc;

use http::Method;
use nave_arm::{ArmError, ErrorCode, Filter, ResourceId};
use nave_engine::{
    Params, Reply, Request, Resource, Snapshot,
    decision::Need,
    declaration::{Asked, Cx, Draft, Erased, NameRule, Written},
    missing::not_found,
    operation::{Access, Surface},
    policy::{self, DEFINITIONS, SET_DEFINITIONS},
    route::{Call, Route, Target},
};
use serde_json::{Value, json};

use crate::{filter, page, scope};

pub(super) const API_VERSIONS: &[&str] = &[
    "2025-11-01",
    "2025-03-01",
    "2025-01-01",
    "2024-05-01",
    "2024-04-01",
    "2023-04-01",
    "2021-06-01",
    "2020-09-01",
    "2020-03-01",
    "2019-09-01",
    "2019-06-01",
    "2019-01-01",
    "2018-05-01",
    "2018-03-01",
    "2016-12-01",
];

pub(super) const NAME: NameRule = NameRule {
    min: 1,
    max: 128,
    first: is_name_char,
    rest: is_name_char,
    words: "1 to 128 characters, none of them one of '<>*%&:\\?+/' or a control character",
};

fn is_name_char(c: char) -> bool {
    !c.is_control() && !matches!(c, '<' | '>' | '*' | '%' | '&' | ':' | '\\' | '?' | '+' | '/')
}

/// The version of what says none.
const FIRST_VERSION: &str = "1.0.0";

const READ_DEFINITIONS: &str = "Microsoft.Authorization/policyDefinitions/read";
const READ_SETS: &str = "Microsoft.Authorization/policySetDefinitions/read";

/// What is published is shown to whoever signed in: clients look every definition up at the tenant first
/// (client contract 4).
pub(super) fn ways(asked: &Asked<'_>, own: Need) -> Vec<Vec<Need>> {
    let is_published = matches!(asked, Asked::Read(id) if id.scope().is_none_or(|scope| scope.is_tenant()));
    let need = if is_published { own.signed_in() } else { own };
    vec![vec![need]]
}

/// Custom definitions stand at a subscription or a management group.
pub(super) fn check_place(id: &ResourceId) -> Result<(), ArmError> {
    let at = id.scope().unwrap_or_else(ResourceId::tenant);
    if at.is_subscription() || at.management_group().is_some() {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::InvalidScope,
        format!(
            "A definition cannot be written at '{at}'. It stands at a subscription or a management group; those at the \
             tenant are ready-made."
        ),
    ))
}

/// What users write is custom.
pub(super) fn check_custom(body: &Value) -> Result<(), ArmError> {
    let kind = body.pointer("/properties/policyType").and_then(Value::as_str);
    match kind {
        Some(word)
            if ["BuiltIn", "Static"]
                .iter()
                .any(|own| own.eq_ignore_ascii_case(word)) =>
        {
            let message = format!("A definition that is written is of the type 'Custom', not '{word}'.");
            Err(ArmError::new(ErrorCode::InvalidParameter, message).on("properties.policyType"))
        }
        _ => Ok(()),
    }
}

pub(super) fn written(cx: &Cx<'_>, draft: Draft) -> Written {
    let own = super::signed_by(cx.caller, draft.existing.as_deref());
    Written {
        own,
        ..Written::plain(draft)
    }
}

/// Each member of a set has a name that assignments and exemptions know it by; those that a client left out are told in
/// the answer.
pub(super) fn name_references(set: &mut Value) {
    let names = policy::reference_names(set);
    let members = set
        .pointer_mut("/properties/policyDefinitions")
        .and_then(Value::as_array_mut);
    for (member, name) in members.into_iter().flatten().zip(names) {
        member["policyDefinitionReferenceId"] = name.into();
    }
}

/// What something refers to stays.
pub(super) fn check_unused(
    cx: &Cx<'_>,
    resource: &Resource,
    code: ErrorCode,
    what: &str,
) -> Result<Erased, ArmError> {
    let used: Vec<String> = policy::referring_to(cx.snapshot, &resource.id)
        .map(|id| format!("'{id}'"))
        .collect();
    if used.is_empty() {
        return Ok(Erased::default());
    }
    Err(ArmError::new(
        code,
        format!(
            "The {what} '{}' cannot be deleted. It is referenced by {}. Delete or change those first.",
            resource.id.name(),
            used.join(", ")
        ),
    ))
}

/// A definition or a set as answers show it.
pub(super) fn view(resource: &Resource) -> Value {
    let mut shown = resource.envelope();
    let properties = &mut shown["properties"];
    let version = version(properties);
    nave_engine::fill(
        properties,
        &json!({ "policyType": "Custom", "metadata": {}, "version": version, "versions": [version] }),
    );
    if properties.get("policyRule").is_some() {
        nave_engine::fill(properties, &json!({ "mode": "All" }));
    }
    super::policy_shown::sign(&mut properties["metadata"], resource);
    super::policy_shown::plain(shown)
}

fn version(properties: &Value) -> String {
    let text = |pointer: &str| properties.pointer(pointer).and_then(Value::as_str);
    let said = text("/version").or_else(|| text("/metadata/version"));
    said.unwrap_or(FIRST_VERSION).to_owned()
}

pub(super) fn definition_routes() -> Vec<Route> {
    let all = "/{scope}/providers/Microsoft.Authorization/policyDefinitions";
    let versions = "/{scope}/providers/Microsoft.Authorization/policyDefinitions/{name}/versions";
    let one = "/{scope}/providers/Microsoft.Authorization/policyDefinitions/{name}/versions/{version}";
    let every = "/{scope}/providers/Microsoft.Authorization/listPolicyDefinitionVersions";
    routes(all, versions, one, every, READ_DEFINITIONS, DEFINITIONS)
}

pub(super) fn set_routes() -> Vec<Route> {
    let all = "/{scope}/providers/Microsoft.Authorization/policySetDefinitions";
    let versions = "/{scope}/providers/Microsoft.Authorization/policySetDefinitions/{name}/versions";
    let one = "/{scope}/providers/Microsoft.Authorization/policySetDefinitions/{name}/versions/{version}";
    let every = "/{scope}/providers/Microsoft.Authorization/listPolicySetDefinitionVersions";
    routes(all, versions, one, every, READ_SETS, SET_DEFINITIONS)
}

fn routes(
    all: &'static str,
    versions: &'static str,
    one: &'static str,
    every: &'static str,
    read: &'static str,
    kind: &'static str,
) -> Vec<Route> {
    let access = || Access::action(read);
    let about =
        move |snapshot: &Snapshot, request: &Request, params: &Params| at(snapshot, request, params, read);
    vec![
        Route::new(Method::GET, all, Surface::Arm, access(), move |call| {
            list(call, kind)
        })
        .about(about),
        Route::new(Method::GET, versions, Surface::Arm, access(), move |call| {
            versions_of(call, kind)
        })
        .about(about),
        Route::new(Method::GET, one, Surface::Arm, access(), move |call| {
            one_version(call, kind)
        })
        .about(about),
        Route::new(Method::POST, every, Surface::Arm, access(), move |call| {
            every_version(call, kind)
        })
        .about(about),
    ]
}

/// What is published is listed to whoever signed in.
fn at(_: &Snapshot, _: &Request, params: &Params, read: &'static str) -> Result<Target, ArmError> {
    let id = params.scope()?;
    let own = Need::action(read, id.clone());
    let need = if id.is_tenant() { own.signed_in() } else { own };
    Ok(Target {
        id,
        ways: vec![vec![need]],
    })
}

/// The definitions of a kind that can be assigned at a scope: the ready-made ones, its own and those above it.
fn known_at(snapshot: &Snapshot, kind: &str, asked_at: &ResourceId) -> Vec<Arc<Resource>> {
    let own = snapshot.of_type(kind).filter(|one| {
        let stands_at = one.id.scope().unwrap_or_else(ResourceId::tenant);
        scope::contains(snapshot, &stands_at, asked_at)
    });
    let mut known: Vec<Arc<Resource>> = policy::ready_made()
        .iter()
        .filter(|one| one.id.resource_type().eq_ignore_ascii_case(kind))
        .chain(own)
        .cloned()
        .collect();
    known.sort_by(|left, right| left.id.key().cmp(right.id.key()));
    known
}

async fn list(call: Call, kind: &'static str) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let asked_at = call.grant.id();
    scope::check(&snapshot, asked_at)?;
    let filter = filter::of(&call.request)?;
    filter::check(filter.as_ref(), knows)?;
    let shown = known_at(&snapshot, kind, asked_at)
        .into_iter()
        .map(|one| (one.id.clone(), view(&one)))
        .filter(|(id, shown)| {
            let mut leaf = |leaf: &Filter| holds(id, asked_at, shown, leaf);
            filter.as_ref().is_none_or(|filter| filter.holds(&mut leaf))
        })
        .map(|(id, shown)| (id.key().to_owned(), shown));
    Ok(Reply::ok(page::of(&call.engine, &call.request, shown)?))
}

fn knows(leaf: &Filter) -> bool {
    match leaf {
        Filter::Call { name, argument: None } => ["atExactScope", "atScope", "atScopeAndBelow"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name)),
        _ => filter::equals(leaf).is_some_and(|(property, _)| {
            matches!(
                property.as_str(),
                "policytype" | "category" | "displayname" | "name"
            )
        }),
    }
}

fn holds(id: &ResourceId, asked_at: &ResourceId, shown: &Value, leaf: &Filter) -> bool {
    if let Filter::Call { name, .. } = leaf {
        return !name.eq_ignore_ascii_case("atExactScope") || id.scope().as_ref() == Some(asked_at);
    }
    let Some((property, wanted)) = filter::equals(leaf) else {
        return false;
    };
    let pointer = match property.as_str() {
        "policytype" => "/properties/policyType",
        "category" => "/properties/metadata/category",
        "displayname" => "/properties/displayName",
        _ => "/name",
    };
    let found = shown.pointer(pointer).and_then(Value::as_str);
    found.is_some_and(|found| found.eq_ignore_ascii_case(wanted))
}

/// The definition that a route about versions names.
fn named(call: &Call, kind: &str) -> Result<Arc<Resource>, ArmError> {
    let id = call.grant.id().extension(kind, call.params.get("name"));
    policy::find(&call.engine.snapshot(), &id).ok_or_else(|| not_found(&id))
}

async fn versions_of(call: Call, kind: &'static str) -> Result<Reply, ArmError> {
    let shown = version_of(&view(&*named(&call, kind)?));
    Ok(Reply::ok(json!({ "value": [shown] })))
}

async fn one_version(call: Call, kind: &'static str) -> Result<Reply, ArmError> {
    let definition = named(&call, kind)?;
    let shown = version_of(&view(&definition));
    let wanted = call.params.get("version");
    if shown["name"].as_str() == Some(wanted) {
        return Ok(Reply::ok(shown));
    }
    Err(ArmError::new(
        ErrorCode::PolicyDefinitionNotFound,
        format!(
            "'{}' has no version '{wanted}'; there is {}.",
            definition.id, shown["name"]
        ),
    ))
}

async fn every_version(call: Call, kind: &'static str) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let asked_at = call.grant.id();
    scope::check(&snapshot, asked_at)?;
    let known = known_at(&snapshot, kind, asked_at);
    let value: Vec<Value> = known.iter().map(|one| version_of(&view(one))).collect();
    Ok(Reply::ok(json!({ "value": value })))
}

/// The one version of a definition: nave keeps the present one.
fn version_of(shown: &Value) -> Value {
    let mut properties = shown["properties"].clone();
    let version = properties["version"].clone();
    if let Some(members) = properties.as_object_mut() {
        members.shift_remove("versions");
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    json!({
        "id": format!("{}/versions/{}", text(&shown["id"]), text(&version)),
        "name": version,
        "type": format!("{}/versions", text(&shown["type"])),
        "properties": properties,
    })
}
