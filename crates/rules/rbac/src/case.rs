//! The world of one JSON object: its roles, assignments, groups and management groups (rbac-semantics 16). What the
//! object does not hold does not exist, except the built-in roles.

use std::borrow::Cow;

use nave_arm::ResourceId;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{RoleAssignment, RoleDefinition, RoleIndex, json};

/// What the world is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// For decisions: where a role may be assigned does not matter, and no two assignments are the same.
    Decisions,
    /// For the rules of writing: assignments have their names, and a role that does not say where it may be assigned
    /// may be assigned anywhere.
    Writing,
}

/// The index of all that the object holds but its deny assignments. What cannot be read grants nothing.
pub(crate) fn index_of(case: &Map<String, Value>, purpose: For) -> Result<RoleIndex, String> {
    let mut index = RoleIndex::with_built_in();
    for role in list(case, "roleDefinitions")? {
        let mut role = flat(role).into_owned();
        let Some(id) = guid(&role, "name").or_else(|| guid(&role, "id")) else {
            continue;
        };
        let anywhere = purpose == For::Decisions || json::member(&role, "assignableScopes").is_none();
        if anywhere && let Some(members) = role.as_object_mut() {
            members.retain(|name, _| !name.eq_ignore_ascii_case("assignableScopes"));
            members.insert(String::from("assignableScopes"), Value::from(vec!["/"]));
        }
        match RoleDefinition::from_properties(id, &role) {
            Ok(role) => index.put_definition(role),
            // Defined here, so not the built-in one; and not readable, so it grants nothing.
            Err(_) => drop(index.remove_definition(id)),
        }
    }
    for (at, assignment) in list(case, "assignments")?.iter().enumerate() {
        let assignment = flat(assignment);
        let own_name = name_of(&assignment).filter(|_| purpose == For::Writing);
        let name = own_name.map_or_else(|| at.to_string(), str::to_owned);
        let Some(id) = extension(&assignment, "roleAssignments", &name) else {
            continue;
        };
        if let Ok(assignment) = RoleAssignment::from_properties(&id, &assignment) {
            index.put_assignment(assignment);
        }
    }
    for group in list(case, "groups")? {
        let Some(id) = guid(group, "id") else { continue };
        let members = texts(group, "members").filter_map(|id| Uuid::try_parse(id).ok());
        index.put_group(id, members.collect());
    }
    for group in list(case, "managementGroups")? {
        let Some(name) = group.get("id").and_then(Value::as_str) else {
            continue;
        };
        index.put_management_group(
            name,
            group.get("parent").and_then(Value::as_str),
            texts(group, "subscriptions"),
        );
    }
    Ok(index)
}

/// The list of this name; absent ones are empty.
pub(crate) fn list<'a>(case: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], String> {
    match case.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(format!("`{name}` is not a list")),
    }
}

/// An object whose `properties`, as the REST interface nests them, stand beside its own members.
pub(crate) fn flat(object: &Value) -> Cow<'_, Value> {
    let Some(Value::Object(properties)) = json::member(object, "properties") else {
        return Cow::Borrowed(object);
    };
    let mut all = properties.clone();
    let own = object.as_object().into_iter().flatten();
    for (name, value) in own.filter(|(name, _)| !name.eq_ignore_ascii_case("properties")) {
        // The type of the envelope is that of the resource; a role has one of its own.
        all.entry(name.clone()).or_insert_with(|| value.clone());
    }
    Cow::Owned(Value::Object(all))
}

/// The guid in a member, or at the end of the id in it.
pub(crate) fn guid(object: &Value, name: &str) -> Option<Uuid> {
    let text = json::member(object, name)?.as_str()?;
    Uuid::try_parse(text.trim_end_matches('/').rsplit('/').next()?).ok()
}

/// The name of a resource: its own member, or the last segment of its id.
pub(crate) fn name_of(object: &Value) -> Option<&str> {
    let text = |name| json::member(object, name).and_then(Value::as_str);
    text("name").or_else(|| text("id")?.trim_end_matches('/').rsplit('/').next())
}

/// The id of an assignment at the scope the object names, or at the one its id extends.
pub(crate) fn extension(object: &Value, kind: &str, name: &str) -> Option<ResourceId> {
    let scope = match json::member(object, "scope") {
        Some(scope) => ResourceId::parse(scope.as_str()?).ok()?,
        None => ResourceId::parse(json::member(object, "id")?.as_str()?)
            .ok()?
            .scope()?,
    };
    Some(scope.extension(&format!("Microsoft.Authorization/{kind}"), name))
}

fn texts<'a>(object: &'a Value, name: &str) -> impl Iterator<Item = &'a str> {
    let items = object.get(name).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str)
}
