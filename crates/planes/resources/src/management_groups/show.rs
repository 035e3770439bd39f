//! `GET …/managementGroups/{name}`, with what is below it where the client asks (`$expand=children`, `$recurse=true`).

use http::Method;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Params, Reply, Request, Resource, Snapshot,
    declaration::Cx,
    missing::not_found,
    operation::{Access, Surface},
    route::{Call, Route, Target},
};
use serde_json::{Value, json};

use super::{MANAGEMENT_GROUPS, tree};
use crate::subscriptions::SUBSCRIPTIONS;

const ONE: &str = "/providers/Microsoft.Management/managementGroups/{managementGroup}";

/// The type clients know a subscription by in this tree.
pub(super) const SUBSCRIPTION_WORD: &str = "/subscriptions";

pub(super) fn routes() -> Vec<Route> {
    let read = Access::action("Microsoft.Management/managementGroups/read");
    vec![Route::new(Method::GET, ONE, Surface::Arm, read, show).about(named)]
}

/// The group a path names.
pub(super) fn named(_: &Snapshot, _: &Request, params: &Params) -> Result<Target, ArmError> {
    Ok(tree::id(params.get("managementGroup")).into())
}

async fn show(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let cx = call.engine.cx(&snapshot, call.grant.caller());
    let found = snapshot
        .get(call.grant.id())
        .ok_or_else(|| not_found(call.grant.id()))?;
    let asks = |name: &str, word: &str| {
        call.request
            .query(name)
            .is_some_and(|text| text.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    let mut view = group(&cx, found);
    if asks("$expand", "children") {
        let levels = if asks("$recurse", "true") { usize::MAX } else { 1 };
        view["properties"]["children"] = children(&snapshot, found, levels);
    }
    Ok(Reply::ok(view))
}

/// A group as answers show it.
pub(super) fn group(cx: &Cx<'_>, group: &Resource) -> Value {
    let parent = tree::parent(group).map(|parent| {
        let name = display_name(cx.snapshot, &parent);
        json!({ "id": parent, "name": parent.name(), "displayName": name })
    });
    json!({
        "id": group.id, "type": MANAGEMENT_GROUPS, "name": group.id.name(),
        "properties": {
            "tenantId": cx.site.tenant,
            "displayName": group.text("/properties/displayName").unwrap_or(group.id.name()),
            "details": {
                "version": 1,
                "updatedTime": group.history.updated_at.to_string(),
                "updatedBy": group.history.updated_by,
                "parent": parent,
            },
        },
    })
}

/// What people call a group or a subscription.
pub(super) fn display_name(snapshot: &Snapshot, id: &ResourceId) -> String {
    let row = snapshot.get(id);
    let name = row.and_then(|row| {
        row.text("/properties/displayName")
            .or_else(|| row.text("/displayName"))
    });
    name.unwrap_or(id.name()).to_owned()
}

/// The type word of a group or a subscription.
pub(super) fn type_word(id: &ResourceId) -> &'static str {
    if id.resource_type().eq_ignore_ascii_case(SUBSCRIPTIONS) {
        SUBSCRIPTION_WORD
    } else {
        MANAGEMENT_GROUPS
    }
}

/// What is in a group; `null` where nothing is, as clients expect.
fn children(snapshot: &Snapshot, of: &Resource, levels: usize) -> Value {
    if levels == 0 {
        return Value::Null;
    }
    let one = |id: &ResourceId, below: Value| {
        json!({
            "id": id, "type": type_word(id), "name": id.name(), "displayName": display_name(snapshot, id),
            "children": below,
        })
    };
    let groups =
        tree::children(snapshot, &of.id).map(|child| one(&child.id, children(snapshot, child, levels - 1)));
    let subscriptions = tree::subscriptions(snapshot, of);
    let subscriptions = subscriptions
        .iter()
        .map(|subscription| one(&subscription.id, Value::Null));
    let all: Vec<Value> = groups.chain(subscriptions).collect();
    if all.is_empty() { Value::Null } else { all.into() }
}
