//! Resources as SCIM shows them, and which of their attributes a request wants to see.

use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use nave_engine::{Reply, Request, Resource, Snapshot, site::Site};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    people,
    shape::{PEOPLE, Shape},
    teams,
};
use crate::principal;

const MEDIA: &str = "application/scim+json";

/// The address all of it is below.
pub(super) fn base(site: &Site) -> String {
    format!("{}/scim/v2", site.origin)
}

pub(super) fn location(base: &str, shape: &Shape, id: Uuid) -> String {
    format!("{base}/{}/{id}", shape.endpoint)
}

/// JSON in the protocol's media type.
pub(super) fn reply(status: u16, body: Value) -> Reply {
    Reply::json(status, body).with(CONTENT_TYPE, MEDIA)
}

/// One resource as the answer.
pub(super) fn resource(status: u16, shown: Value, version: &str, location: &str) -> Reply {
    reply(status, shown).with(ETAG, version).with(LOCATION, location)
}

/// A row's version, weak as rows change in ways that clients of this protocol do not see.
pub(super) fn version(row: &Resource) -> String {
    format!("W/{}", row.etag)
}

/// The whole of a resource.
pub(super) fn whole(snapshot: &Snapshot, site: &Site, shape: &'static Shape, row: &Resource) -> Value {
    let (base, id) = (base(site), principal::object_id(row));
    let mut document = if shape.name == PEOPLE.name {
        let mut document = people::document(site, row);
        let groups = groups(snapshot, id, &base);
        if !groups.is_empty() {
            document["groups"] = groups.into();
        }
        document
    } else {
        teams::document(snapshot, row, Some(&base))
    };
    let extended = shape
        .extension
        .filter(|extension| document.get(extension.urn).is_some());
    let schemas: Vec<&str> = std::iter::once(shape.schema)
        .chain(extended)
        .map(|schema| schema.urn)
        .collect();
    let mut shown = json!({ "schemas": schemas, "id": id });
    if let (Some(shown), Some(document)) = (shown.as_object_mut(), document.as_object_mut()) {
        shown.append(document);
    }
    shown["meta"] = json!({
        "resourceType": shape.name, "created": row.history.created_at.to_string(),
        "lastModified": row.history.updated_at.to_string(), "location": location(&base, shape, id),
        "version": version(row),
    });
    shown
}

fn groups(snapshot: &Snapshot, person: Uuid, base: &str) -> Vec<Value> {
    let groups = snapshot.roles().groups_of(person).into_iter();
    let shown = groups.filter_map(|group| {
        let row = snapshot.principal(group)?;
        let direct = nave_engine::directory::members(row).contains(&person);
        Some(json!({
            "value": group, "$ref": location(base, &super::shape::TEAMS, group), "display": principal::name(row),
            "type": if direct { "direct" } else { "indirect" },
        }))
    });
    shown.collect()
}

/// What a request wants to see: `attributes`, else everything without `excludedAttributes`.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    only: Vec<String>,
    without: Vec<String>,
}

impl Wanted {
    pub(super) fn of(request: &Request) -> Self {
        let list = |name: &str| {
            let names = request.query(name).unwrap_or_default().split(',').map(str::trim);
            names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        Self {
            only: list("attributes"),
            without: list("excludedAttributes"),
        }
    }

    /// The wanted part of a resource; its id and schemas always are.
    pub(super) fn show(&self, shape: &Shape, whole: Value) -> Value {
        let Value::Object(members) = whole else {
            return whole;
        };
        let mut shown = Map::new();
        for (name, value) in members {
            let always = matches!(name.as_str(), "id" | "schemas");
            if let Some(value) = self.part(shape, &name, value, always) {
                shown.insert(name, value);
            }
        }
        Value::Object(shown)
    }

    fn part(&self, shape: &Shape, name: &str, value: Value, always: bool) -> Option<Value> {
        if always {
            return Some(value);
        }
        if self.only.is_empty() {
            return without(value, &below(shape, name, &self.without));
        }
        only(value, &below(shape, name, &self.only))
    }
}

/// What names say about one attribute: all of it (an empty text), or these of its parts.
fn below<'a>(shape: &Shape, name: &str, names: &'a [String]) -> Vec<&'a str> {
    let said = names.iter().filter_map(|written| {
        let written = strip(written, shape.schema.urn, ':').unwrap_or(written);
        if written.eq_ignore_ascii_case(name) {
            return Some("");
        }
        strip(written, name, '.').or_else(|| strip(written, name, ':'))
    });
    said.collect()
}

fn strip<'a>(written: &'a str, name: &str, separator: char) -> Option<&'a str> {
    let (before, rest) = written.split_at_checked(name.len())?;
    before
        .eq_ignore_ascii_case(name)
        .then_some(rest)?
        .strip_prefix(separator)
}

fn only(value: Value, parts: &[&str]) -> Option<Value> {
    match parts {
        [] => None,
        parts if parts.contains(&"") => Some(value),
        parts => Some(each(value, &|name| {
            parts.iter().any(|part| part.eq_ignore_ascii_case(name))
        })),
    }
}

fn without(value: Value, parts: &[&str]) -> Option<Value> {
    match parts {
        [] => Some(value),
        parts if parts.contains(&"") => None,
        parts => Some(each(value, &|name| {
            !parts.iter().any(|part| part.eq_ignore_ascii_case(name))
        })),
    }
}

fn each(value: Value, keep: &dyn Fn(&str) -> bool) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(|item| each(item, keep)).collect(),
        Value::Object(members) => Value::Object(members.into_iter().filter(|(name, _)| keep(name)).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wanted_is_shown() {
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let whole = json!({
            "schemas": [], "id": "1", "userName": "joe", "name": { "givenName": "J", "familyName": "S" },
            "emails": [{ "value": "v", "type": "t" }], (urn): { "department": "d", "division": "e" },
        });
        let shown = |only: &str, without: &str| {
            let list = |text: &str| {
                text.split(',')
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned)
                    .collect()
            };
            let wanted = Wanted {
                only: list(only),
                without: list(without),
            };
            wanted.show(&PEOPLE, whole.clone())
        };
        assert_eq!(shown("", ""), whole);
        assert_eq!(
            shown("USERNAME", ""),
            json!({ "schemas": [], "id": "1", "userName": "joe" })
        );
        assert_eq!(
            shown(&format!("name.givenName,emails.value,{urn}:department"), ""),
            json!({ "schemas": [], "id": "1", "name": { "givenName": "J" }, "emails": [{ "value": "v" }], (urn): { "department": "d" } })
        );
        let user = "urn:ietf:params:scim:schemas:core:2.0:User";
        assert_eq!(shown(&format!("{user}:userName"), "")["userName"], "joe");
        let rest = shown("", "emails,name.givenName,id");
        assert_eq!(
            (rest.get("emails"), &rest["name"], &rest["id"]),
            (None, &json!({ "familyName": "S" }), &json!("1"))
        );
    }
}
