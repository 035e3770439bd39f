//! `GET …/managementGroups/{name}/descendants`: everything below a group, whatever the level.

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply,
    missing::not_found,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::json;

use super::{show, tree};
use crate::page;

const PATH: &str = "/providers/Microsoft.Management/managementGroups/{managementGroup}/descendants";

pub(super) fn routes() -> Vec<Route> {
    let read = Access::action("Microsoft.Management/managementGroups/descendants/read");
    vec![Route::new(Method::GET, PATH, Surface::Arm, read, list).about(show::named)]
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let group = snapshot
        .get(call.grant.id())
        .ok_or_else(|| not_found(call.grant.id()))?;
    let mut items: Vec<_> = tree::below(&snapshot, group)
        .into_iter()
        .map(|(parent, found)| {
            let item = json!({
                "id": found.id, "type": show::type_word(&found.id), "name": found.id.name(),
                "properties": { "displayName": show::display_name(&snapshot, &found.id), "parent": { "id": parent } },
            });
            (found.id.key().to_owned(), item)
        })
        .collect();
    items.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(Reply::ok(page::of(
        &call.engine,
        &call.request,
        items.into_iter(),
    )?))
}
