//! `POST /providers/Microsoft.Management/getEntities`: the groups and subscriptions the caller has to do with, which is
//! what `az account management-group entities list` and scope pickers show. It never refuses.

use http::Method;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Reply, Snapshot,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Value, json};

use super::{MANAGEMENT_GROUPS, WRITE, show, tree};
use crate::{page, scope, subscriptions::SUBSCRIPTIONS};

const PATH: &str = "/providers/Microsoft.Management/getEntities";

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Method::POST,
        PATH,
        Surface::Arm,
        Access::SignedIn,
        list,
    )]
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let seen = snapshot
        .of_type(MANAGEMENT_GROUPS)
        .chain(snapshot.of_type(SUBSCRIPTIONS))
        .filter(|row| scope::concerns(&snapshot, call.grant.caller(), &row.id));
    let items: Vec<_> = seen
        .map(|row| (row.id.key().to_owned(), entity(&call, &snapshot, &row.id)))
        .collect();
    let mut list = page::of(&call.engine, &call.request, items.into_iter())?;
    list["count"] = list["value"].as_array().map_or(0, Vec::len).into();
    Ok(Reply::ok(list))
}

fn entity(call: &Call, snapshot: &Snapshot, id: &ResourceId) -> Value {
    let parent = match snapshot.get(id).and_then(|row| tree::parent(row)) {
        Some(parent) => Some(parent),
        None => tree::group_of(snapshot, id).map(|group| group.id.clone()),
    };
    let mut chain = parent
        .as_ref()
        .map_or_else(Vec::new, |parent| tree::way_up(snapshot, parent));
    chain.reverse();
    let may = |action: &str| {
        call.engine
            .may(snapshot, call.grant.caller(), Surface::Arm, action, id)
    };
    let permissions = if may(WRITE) {
        "edit"
    } else if may(&format!("{}/read", id.resource_type())) {
        "view"
    } else {
        "noaccess"
    };
    json!({
        "id": id, "type": show::type_word(id), "name": id.name(),
        "properties": {
            "tenantId": call.engine.site().tenant,
            "displayName": show::display_name(snapshot, id),
            "parent": { "id": parent },
            "permissions": permissions,
            "inheritedPermissions": permissions,
            "parentNameChain": chain.iter().map(ResourceId::name).collect::<Vec<_>>(),
            "parentDisplayNameChain": chain.iter().map(|up| show::display_name(snapshot, up)).collect::<Vec<_>>(),
        },
    })
}
