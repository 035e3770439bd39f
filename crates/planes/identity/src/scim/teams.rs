//! A group as a row of the directory and as a SCIM document. Members are people and groups.

use std::collections::HashSet;

use nave_arm::ArmError;
use nave_engine::{Guard, Put, Resource, Snapshot, directory};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    shape::{PEOPLE, TEAMS, invalid, is_nothing},
    view,
};

/// The document of a group; with what is shown of its members where the base address is given.
pub(super) fn document(snapshot: &Snapshot, group: &Resource, base: Option<&str>) -> Value {
    let mut document = json!({ "displayName": group.text("/displayName").unwrap_or_default() });
    if let Some(external) = group.text("/externalId") {
        document["externalId"] = external.into();
    }
    let members = directory::members(group);
    if !members.is_empty() {
        document["members"] = members
            .iter()
            .map(|member| match base {
                Some(base) => shown(snapshot, *member, base),
                None => json!({ "value": member }),
            })
            .collect();
    }
    document
}

fn shown(snapshot: &Snapshot, member: Uuid, base: &str) -> Value {
    let Some(found) = snapshot.principal(member) else {
        return json!({ "value": member });
    };
    let mut shown = json!({ "value": member });
    let shape = match directory::principal_type(found) {
        "User" => &PEOPLE,
        "Group" => &TEAMS,
        _ => return shown,
    };
    shown["type"] = shape.name.into();
    shown["$ref"] = view::location(base, shape, member).into();
    shown
}

/// Puts a document into a row; who must still be there when it is written.
pub(super) fn keep(snapshot: &Snapshot, put: &mut Put, document: &Value) -> Result<Vec<Guard>, ArmError> {
    TEAMS.check(document)?;
    let id = Uuid::parse_str(put.id.name()).unwrap_or_default();
    let before: HashSet<Value> = put.sent["members"]
        .as_array()
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    let (mut members, mut seen, mut guards) = (Vec::new(), HashSet::new(), Vec::new());
    for member in document["members"].as_array().into_iter().flatten() {
        let written = member["value"].as_str().unwrap_or_default();
        let member = Uuid::parse_str(written).ok().filter(|member| *member != id);
        let found = member.and_then(|member| snapshot.principal(member));
        let (Some(member), Some(found)) = (member, found) else {
            return Err(invalid(format!(
                "No user and no group that can be a member has the id '{written}'."
            )));
        };
        if !seen.insert(member) {
            continue;
        }
        if !before.contains(&json!(member)) {
            guards.push(Guard::Present {
                key: found.id.key().to_owned(),
            });
        }
        members.push(json!(member));
    }
    put.sent["displayName"] = document["displayName"].clone();
    put.sent["members"] = members.into();
    if is_nothing(&document["externalId"]) {
        put.sent
            .as_object_mut()
            .into_iter()
            .for_each(|sent| drop(sent.shift_remove("externalId")));
    } else {
        put.sent["externalId"] = document["externalId"].clone();
    }
    Ok(guards)
}
