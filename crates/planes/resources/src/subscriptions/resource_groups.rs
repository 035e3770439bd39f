//! `Microsoft.Resources/subscriptions/resourceGroups`.

mod export;

use http::Method;
use nave_arm::{ArmError, ErrorCode, Filter};
use nave_engine::{
    Registry, Reply, Resource, Snapshot,
    declaration::{Cx, Declaration, Draft, NameRule, Placement, ResourceType, Verb, Written},
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Value, json};

use crate::{filter, filter::TagFilter, page, scope};

/// The type's name in routing and permissions; groups show themselves as `Microsoft.Resources/resourceGroups`.
pub(crate) const RESOURCE_GROUPS: &str = "Microsoft.Resources/subscriptions/resourceGroups";
const READ: &str = "Microsoft.Resources/subscriptions/resourceGroups/read";

pub(crate) fn register(registry: &mut Registry) {
    registry.add_type(ResourceGroups);
    let path = "/subscriptions/{subscription}/resourceGroups";
    registry.add_routes([Route::new(
        Method::GET,
        path,
        Surface::Arm,
        Access::SignedIn,
        list,
    )]);
    registry.add_routes(export::routes());
}

struct ResourceGroups;

/// rest-surface 3.5: 1 to 90 characters, `^[-\w\._\(\)]+$`, not ending in a dot.
pub(crate) const GROUP_NAME: NameRule = NameRule {
    min: 1,
    max: 90,
    first: is_name_char,
    rest: is_name_char,
    words: "1 to 90 letters, digits, '-', '_', '.', '(' and ')', not ending with '.'",
};

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')')
}

static DECLARATION: Declaration = Declaration {
    resource_type: RESOURCE_GROUPS,
    api_versions: &[
        "2024-11-01",
        "2024-03-01",
        "2022-09-01",
        "2021-04-01",
        "2020-06-01",
        "2019-10-01",
    ],
    placement: Placement::Subscription,
    name: GROUP_NAME,
    verbs: &[Verb::Get, Verb::Put(201, 200), Verb::Patch, Verb::Delete(200)],
    ..Declaration::COMMON
};

impl ResourceType for ResourceGroups {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, _: &Cx<'_>, mut draft: Draft) -> Result<Written, ArmError> {
        check_name_end(draft.id.name())?;
        // a state in the body is what GET showed before; the server alone knows the present one
        if let Some(properties) = draft
            .body
            .pointer_mut("/properties")
            .and_then(Value::as_object_mut)
        {
            properties.shift_remove("provisioningState");
        }
        let mut written = Written::plain(draft);
        written.own = json!({ "properties": { "provisioningState": "Succeeded" } });
        Ok(written)
    }

    fn view(&self, _: &Cx<'_>, resource: &Resource) -> Value {
        view(resource)
    }
}

fn check_name_end(name: &str) -> Result<(), ArmError> {
    if !name.ends_with('.') {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::InvalidResourceName,
        format!("The name '{name}' is not valid for a resource group: it cannot end with a period."),
    )
    .on("name"))
}

/// The groups the caller may read, and those in which he may read something. It never refuses.
async fn list(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let subscription = call.grant.id();
    scope::check(&snapshot, subscription)?;
    let filter = filter::of(&call.request)?;
    filter::check(filter.as_ref(), TagFilter::knows)?;
    let groups = snapshot
        .of_type(RESOURCE_GROUPS)
        .filter(|group| subscription.contains(&group.id))
        .filter(|group| has_tags(filter.as_ref(), group))
        .filter(|group| is_visible(&call, &snapshot, group))
        .map(|group| (group.id.key().to_owned(), view(group)));
    Ok(Reply::ok(page::of(&call.engine, &call.request, groups)?))
}

fn has_tags(filter: Option<&Filter>, group: &Resource) -> bool {
    let tags = TagFilter::of(filter);
    filter.is_none_or(|filter| filter.holds(&mut |leaf| tags.holds(group, leaf)))
}

fn is_visible(call: &Call, snapshot: &Snapshot, group: &Resource) -> bool {
    let caller = call.grant.caller();
    call.engine.may(snapshot, caller, Surface::Arm, READ, &group.id)
        || scope::opens_below(&call.engine, snapshot, caller, &group.id)
}

fn view(group: &Resource) -> Value {
    let mut body = group.envelope();
    body["type"] = "Microsoft.Resources/resourceGroups".into();
    if let Some(members) = body.as_object_mut() {
        members.shift_remove("etag");
        members.shift_remove("systemData");
    }
    body
}
