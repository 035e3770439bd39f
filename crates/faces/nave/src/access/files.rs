//! Changes in files, as people have them: the bodies that ARM takes, what `az … list` prints, and what `az role definition
//! create` takes. Members compare without case. Roles and principals may be called by name.

use std::{fs, path::Path};

use anyhow::{Context, anyhow, bail};
use nave_engine::{Engine, Snapshot, directory};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::cli::WhatIf;

const ROLES: &str = "providers/Microsoft.Authorization/roleDefinitions";

/// The changes that the arguments name, definitions before what is made of them.
pub(super) fn changes(engine: &Engine, arguments: &WhatIf) -> anyhow::Result<Vec<Value>> {
    let snapshot = engine.snapshot();
    let mut changes = Vec::new();
    let mut names = Vec::new();
    for file in &arguments.role_definitions {
        let (name, change) = in_file(file, |body| role_definition(&snapshot, body))?;
        names.push(name);
        changes.push(change);
    }
    for file in &arguments.groups {
        changes.push(in_file(file, |body| group(&snapshot, body))?);
    }
    for file in &arguments.assignments {
        changes.push(in_file(file, |body| assignment(&snapshot, &names, body))?);
    }
    for file in &arguments.denies {
        changes.push(in_file(file, deny)?);
    }
    for id in &arguments.delete {
        let id = match id.parse::<Uuid>() {
            Ok(group) => format!("/providers/{}/{group}", directory::GROUPS),
            Err(_) => id.clone(),
        };
        changes.push(json!({ "id": id, "delete": true }));
    }
    Ok(changes)
}

fn in_file<T>(file: &Path, read: impl FnOnce(&Flat) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let text = fs::read(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let body: Value =
        serde_json::from_slice(&text).with_context(|| format!("`{}` is not JSON", file.display()))?;
    let flat = Flat::of(&body).ok_or_else(|| anyhow!("`{}` is not a JSON object", file.display()))?;
    read(&flat).with_context(|| format!("`{}`", file.display()))
}

/// A body with its `properties` on one level, the members in lower case.
struct Flat(Map<String, Value>);

impl Flat {
    fn of(body: &Value) -> Option<Self> {
        let members = body.as_object()?;
        let inner = members
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("properties"));
        let inner = inner.and_then(|(_, properties)| properties.as_object());
        let all = members.iter().chain(inner.into_iter().flatten());
        let all = all.filter(|(_, value)| !value.is_null());
        Some(Self(
            all.map(|(name, value)| (name.to_lowercase(), value.clone()))
                .collect(),
        ))
    }

    fn text(&self, names: &[&str]) -> Option<&str> {
        names
            .iter()
            .find_map(|name| self.0.get(*name)?.as_str())
            .filter(|text| !text.is_empty())
    }

    fn needed(&self, names: &[&str], what: &str) -> anyhow::Result<&str> {
        self.text(names).ok_or_else(|| anyhow!("it names no {what}"))
    }

    fn value(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or_default()
    }

    fn list(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or_else(|| json!([]))
    }

    /// The guid at the end of its id or name.
    fn guid(&self) -> Option<Uuid> {
        let named = [self.text(&["id"]), self.text(&["name"])];
        named
            .into_iter()
            .flatten()
            .find_map(|text| text.rsplit('/').next()?.parse().ok())
    }

    /// The scope it names, or the one its id extends.
    fn scope(&self) -> anyhow::Result<&str> {
        let in_id = || {
            let (scope, _) = self
                .text(&["id"])?
                .split_once("/providers/Microsoft.Authorization/")?;
            Some(scope)
        };
        let scope = self.text(&["scope"]).or_else(in_id);
        Ok(scope
            .ok_or_else(|| anyhow!("it names no scope"))?
            .trim_end_matches('/'))
    }
}

/// A definition with its name and guid. One that has the name of a role is a new version of that role.
fn role_definition(snapshot: &Snapshot, body: &Flat) -> anyhow::Result<((String, Uuid), Value)> {
    let name = body.needed(&["rolename", "name"], "role name")?;
    let known = snapshot.roles().definition_named(name).map(|role| role.id);
    let guid = known.or_else(|| body.guid()).unwrap_or_else(Uuid::new_v4);
    let permissions = match body.value("permissions") {
        Value::Array(permissions) => Value::Array(permissions),
        _ => json!([{
            "actions": body.list("actions"), "notActions": body.list("notactions"),
            "dataActions": body.list("dataactions"), "notDataActions": body.list("notdataactions"),
        }]),
    };
    let properties = json!({
        "roleName": name, "type": "CustomRole", "description": body.text(&["description"]).unwrap_or_default(),
        "permissions": permissions, "assignableScopes": body.list("assignablescopes"),
    });
    let change = json!({ "id": format!("/{ROLES}/{guid}"), "properties": properties });
    Ok(((name.to_owned(), guid), change))
}

fn assignment(snapshot: &Snapshot, new: &[(String, Uuid)], body: &Flat) -> anyhow::Result<Value> {
    let scope = body.scope()?;
    let role = body.needed(&["roledefinitionid", "role", "roledefinitionname"], "role")?;
    let role = match role.rsplit('/').next().and_then(|end| end.parse::<Uuid>().ok()) {
        Some(guid) => guid,
        None => {
            let is_new = new.iter().find(|(name, _)| name.eq_ignore_ascii_case(role));
            let known = || snapshot.roles().definition_named(role).map(|role| role.id);
            let found = is_new.map(|(_, guid)| *guid).or_else(known);
            found.ok_or_else(|| anyhow!("there is no role `{role}`"))?
        }
    };
    let who = body.needed(&["principalid", "assignee", "principalname"], "principal")?;
    let mut properties = json!({
        "roleDefinitionId": format!("/{ROLES}/{role}"), "principalId": principal(snapshot, who)?,
    });
    for (name, member) in [
        ("principalType", "principaltype"),
        ("condition", "condition"),
        ("conditionVersion", "conditionversion"),
        ("description", "description"),
    ] {
        if let Some(text) = body.text(&[member]) {
            properties[name] = text.into();
        }
    }
    let name = body.guid().unwrap_or_else(Uuid::new_v4);
    let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}");
    Ok(json!({ "id": id, "properties": properties }))
}

/// A group with the members it is to have.
fn group(snapshot: &Snapshot, body: &Flat) -> anyhow::Result<Value> {
    let id = body
        .guid()
        .ok_or_else(|| anyhow!("it names no group by its `id`"))?;
    let Value::Array(members) = body.value("members") else {
        bail!("it has no list of `members`");
    };
    let member = |member: &Value| {
        let named = member.as_str().or_else(|| member.get("id")?.as_str());
        principal(snapshot, named.ok_or_else(|| anyhow!("a member is no text"))?)
    };
    let members: Vec<Uuid> = members.iter().map(member).collect::<anyhow::Result<_>>()?;
    Ok(
        json!({ "id": format!("/providers/{}/{id}", directory::GROUPS), "properties": { "members": members } }),
    )
}

fn deny(body: &Flat) -> anyhow::Result<Value> {
    let name = body.guid().unwrap_or_else(Uuid::new_v4);
    let id = format!(
        "{}/providers/Microsoft.Authorization/denyAssignments/{name}",
        body.scope()?
    );
    let mut properties = json!({
        "permissions": body.list("permissions"), "principals": body.list("principals"),
        "excludePrincipals": body.list("excludeprincipals"),
        "denyAssignmentName": body.text(&["denyassignmentname"]).unwrap_or("proposed"),
    });
    for (member, lower) in [
        ("description", "description"),
        ("doNotApplyToChildScopes", "donotapplytochildscopes"),
        ("condition", "condition"),
        ("conditionVersion", "conditionversion"),
    ] {
        if let Some(value) = body.0.get(lower) {
            properties[member] = value.clone();
        }
    }
    Ok(json!({ "id": id, "properties": properties }))
}

fn principal(snapshot: &Snapshot, named: &str) -> anyhow::Result<Uuid> {
    if let Ok(id) = named.parse() {
        return Ok(id);
    }
    let found = snapshot.claimed(&directory::upn_claim(named));
    let id = found.and_then(|object| object.id.name().parse().ok());
    id.ok_or_else(|| anyhow!("there is no `{named}` in the directory"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(body: &Value) -> Flat {
        Flat::of(body).expect("an object")
    }

    #[test]
    fn an_assignment_is_read_in_every_form_there_is() {
        let snapshot = Snapshot::empty();
        let (role, who) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let new = [(String::from("Mine"), role)];
        let scope = "/subscriptions/s/resourceGroups/g";
        let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{who}");
        for body in [
            json!({ "id": id, "properties": { "roleDefinitionId": format!("/x/{role}"), "principalId": who } }),
            json!({ "Scope": scope, "Role": "mine", "Assignee": who, "name": who }),
        ] {
            let change = assignment(&snapshot, &new, &flat(&body)).expect("a change");
            assert_eq!(change["id"], id);
            assert_eq!(change["properties"]["principalId"], who.to_string());
            assert!(
                change["properties"]["roleDefinitionId"]
                    .as_str()
                    .expect("text")
                    .ends_with(&role.to_string())
            );
        }
        assert!(assignment(&snapshot, &[], &flat(&json!({ "scope": scope }))).is_err());
    }

    #[test]
    fn a_role_is_read_as_az_writes_it_and_as_arm_does() {
        let snapshot = Snapshot::empty();
        let az = json!({ "Name": "R", "Actions": ["A/read"], "AssignableScopes": ["/subscriptions/s"] });
        let arm = json!({ "properties": { "roleName": "R", "permissions": [{ "actions": ["A/read"] }],
                                          "assignableScopes": ["/subscriptions/s"] } });
        for body in [az, arm] {
            let ((name, _), change) = role_definition(&snapshot, &flat(&body)).expect("a change");
            assert_eq!(name, "R");
            assert_eq!(
                change["properties"]["permissions"][0]["actions"],
                json!(["A/read"])
            );
            assert_eq!(
                change["properties"]["assignableScopes"],
                json!(["/subscriptions/s"])
            );
        }
    }
}
