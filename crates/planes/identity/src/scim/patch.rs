//! PATCH (RFC 7644, 3.5.2): operations on a document, all of them or none.
//!
//! Entra and Okta do not send quite what the standard shows, and what they send is what counts: operations are named in
//! any case, values without a path may have paths for names, a member is removed by a path without a filter and a
//! value, and a flag may be a text.

use std::collections::HashSet;

use nave_arm::{ArmError, ErrorCode};
use serde_json::{Map, Value};

use super::{
    filter::{Filter, Target},
    schema::{Attribute, Kind, Schema},
    shape::{Shape, invalid, is_nothing, one, values},
};

/// The most operations in a request.
const MOST: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

/// Does what the body of a PATCH asks for.
pub(super) fn apply(shape: &Shape, document: &mut Value, body: &Value) -> Result<(), ArmError> {
    let operations = member(body, "Operations").and_then(Value::as_array);
    let operations = operations.ok_or_else(|| syntax("The body of a PATCH has a list of 'Operations'."))?;
    if operations.len() > MOST {
        return Err(syntax(&format!("A PATCH has at most {MOST} operations.")));
    }
    for operation in operations {
        let verb = verb(operation)?;
        let value = member(operation, "value");
        match member(operation, "path")
            .and_then(Value::as_str)
            .filter(|path| !path.is_empty())
        {
            Some(path) => at_path(shape, document, verb, path, value)?,
            None => without_path(shape, document, verb, value)?,
        }
    }
    Ok(())
}

fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let members = object.as_object()?;
    members
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn verb(operation: &Value) -> Result<Verb, ArmError> {
    let word = member(operation, "op")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match word.to_ascii_lowercase().as_str() {
        "add" => Ok(Verb::Add),
        "replace" => Ok(Verb::Replace),
        "remove" => Ok(Verb::Remove),
        _ => Err(syntax(&format!(
            "'{word}' is no operation: add, replace and remove are."
        ))),
    }
}

/// The value's members, each at the path that its name is.
fn without_path(
    shape: &Shape,
    document: &mut Value,
    verb: Verb,
    value: Option<&Value>,
) -> Result<(), ArmError> {
    if verb == Verb::Remove {
        return Err(ArmError::new(
            ErrorCode::noTarget,
            "What is to be removed needs a path.",
        ));
    }
    let members = value.and_then(Value::as_object);
    let members =
        members.ok_or_else(|| invalid("Without a path, the value must be an object of attributes."))?;
    for (name, value) in members {
        if is_the_servers(shape, name) {
            continue;
        }
        at_path(shape, document, verb, name, Some(value))?;
    }
    Ok(())
}

/// What comes along in whole objects and is not the client's to set.
fn is_the_servers(shape: &Shape, name: &str) -> bool {
    name.eq_ignore_ascii_case("schemas")
        || shape
            .attribute(None, name)
            .is_some_and(|(_, attribute)| attribute.read_only)
}

fn at_path(
    shape: &Shape,
    document: &mut Value,
    verb: Verb,
    path: &str,
    value: Option<&Value>,
) -> Result<(), ArmError> {
    if let Some(extension) = shape.extended(path) {
        return at_extension(extension, document, verb, value);
    }
    let target = Target::parse(path)?;
    let found = shape.attribute(target.name.urn.as_deref(), &target.name.attribute);
    let (below, attribute) = found.ok_or_else(|| no_such_path(shape, path))?;
    let part = match &target.name.part {
        None => None,
        Some(part) => Some(attribute.part(part).ok_or_else(|| no_such_path(shape, path))?),
    };
    if attribute.read_only || part.is_some_and(|part| part.read_only) {
        return Err(ArmError::new(
            ErrorCode::mutability,
            format!("'{path}' is read-only; only the server sets it."),
        ));
    }
    if let Some(items) = &target.items {
        if !attribute.many {
            return Err(no_such_path(shape, path));
        }
        items.check_parts(attribute)?;
    }
    let holder = match below {
        Some(schema) => inside(document, schema.urn),
        None => document,
    };
    let change = Change {
        verb,
        attribute,
        part,
        items: target.items.as_ref(),
        path,
    };
    change.make(holder, value)?;
    tidy(document, below);
    Ok(())
}

fn at_extension(
    extension: &'static Schema,
    document: &mut Value,
    verb: Verb,
    value: Option<&Value>,
) -> Result<(), ArmError> {
    if verb == Verb::Remove {
        remove(document, extension.urn);
        return Ok(());
    }
    let members = value.and_then(Value::as_object);
    let members =
        members.ok_or_else(|| invalid(format!("The value of '{}' must be an object.", extension.urn)))?;
    let holder = inside(document, extension.urn);
    for (name, value) in members {
        let Some(attribute) = super::schema::named(extension.attributes, name) else {
            continue;
        };
        let change = Change {
            verb,
            attribute,
            part: None,
            items: None,
            path: name,
        };
        change.make(holder, Some(value))?;
    }
    tidy(document, Some(extension));
    Ok(())
}

/// An extension without anything in it is not there.
fn tidy(document: &mut Value, below: Option<&Schema>) {
    if let Some(schema) = below
        && is_nothing(&document[schema.urn])
    {
        remove(document, schema.urn);
    }
}

/// One change of one attribute.
struct Change<'a> {
    verb: Verb,
    attribute: &'static Attribute,
    part: Option<&'static Attribute>,
    items: Option<&'a Filter>,
    path: &'a str,
}

impl Change<'_> {
    fn make(&self, holder: &mut Value, value: Option<&Value>) -> Result<(), ArmError> {
        match (self.verb, self.items, self.part) {
            (Verb::Remove, None, None) => self.remove_values(holder, value),
            (Verb::Remove, items, part) => self.remove_inside(holder, items, part),
            (_, items, part) => {
                let value = value.ok_or_else(|| invalid(format!("'{}' needs a value.", self.path)))?;
                match (items, part) {
                    (None, None) => self.set(holder, value),
                    (None, Some(part)) => self.set_part(holder, part, value),
                    (Some(items), part) => self.set_items(holder, items, part, value),
                }
            }
        }
    }

    fn set(&self, holder: &mut Value, value: &Value) -> Result<(), ArmError> {
        let name = self.attribute.name;
        let mut given = values(self.attribute, value)?;
        match (&self.attribute.kind, &mut given) {
            (_, Value::Array(items)) if self.attribute.many && self.verb == Verb::Add => {
                let mut present = list(holder, name);
                let known: HashSet<&Value> = present.iter().map(|item| self.identity(item)).collect();
                items.retain(|item| !known.contains(self.identity(item)));
                if items.iter().any(|item| item["primary"] == true) {
                    present.iter_mut().for_each(not_primary);
                }
                present.append(items);
                holder[name] = Value::Array(present);
            }
            (Kind::Complex(_), Value::Object(parts)) if !self.attribute.many => {
                inside(holder, name)
                    .as_object_mut()
                    .into_iter()
                    .for_each(|there| there.extend(parts.clone()));
            }
            _ => holder[name] = given,
        }
        if is_nothing(&holder[name]) {
            remove(holder, name);
        }
        Ok(())
    }

    /// A part of the attribute, or of each of its items.
    fn set_part(&self, holder: &mut Value, part: &Attribute, value: &Value) -> Result<(), ArmError> {
        let value = one(part, value)?;
        if !self.attribute.many {
            put(inside(holder, self.attribute.name), part.name, value);
            return Ok(());
        }
        let mut items = list(holder, self.attribute.name);
        if items.is_empty() {
            items.push(Value::Object(Map::new()));
        }
        items
            .iter_mut()
            .for_each(|item| put(item, part.name, value.clone()));
        holder[self.attribute.name] = Value::Array(items);
        Ok(())
    }

    /// The items a filter finds. What is added where none is found is made so that the filter finds it next time.
    fn set_items(
        &self,
        holder: &mut Value,
        filter: &Filter,
        part: Option<&Attribute>,
        value: &Value,
    ) -> Result<(), ArmError> {
        let value = one(part.unwrap_or(self.attribute), value)?;
        let mut items = list(holder, self.attribute.name);
        let mut found: Vec<usize> = (0..items.len())
            .filter(|at| filter.holds_for(self.attribute, &items[*at]))
            .collect();
        if found.is_empty() {
            let example = (self.verb == Verb::Add)
                .then(|| filter.example(self.attribute))
                .flatten();
            items.push(example.ok_or_else(|| {
                ArmError::new(
                    ErrorCode::noTarget,
                    format!("'{}' finds nothing to change.", self.path),
                )
            })?);
            found.push(items.len() - 1);
        }
        for at in &found {
            match part {
                Some(part) => put(&mut items[*at], part.name, value.clone()),
                None if value.is_object() => {
                    let parts = value.as_object().cloned().unwrap_or_default();
                    items[*at]
                        .as_object_mut()
                        .into_iter()
                        .for_each(|item| item.extend(parts.clone()));
                }
                None => items[*at] = value.clone(),
            }
        }
        if let Some(kept) = found.iter().find(|at| items[**at]["primary"] == true).copied() {
            let others = items.iter_mut().enumerate().filter(|(at, _)| *at != kept);
            others.for_each(|(_, item)| not_primary(item));
        }
        holder[self.attribute.name] = Value::Array(items);
        Ok(())
    }

    /// The whole attribute, or of a list the values that are named.
    fn remove_values(&self, holder: &mut Value, value: Option<&Value>) -> Result<(), ArmError> {
        let name = self.attribute.name;
        if self.attribute.required {
            return Err(invalid(format!("The attribute '{name}' is required.")));
        }
        let named = value.filter(|value| self.attribute.many && !is_nothing(value));
        let Some(named) = named else {
            remove(holder, name);
            return Ok(());
        };
        let gone = values(self.attribute, named)?;
        let gone = gone.as_array().cloned().unwrap_or_default();
        let mut items = list(holder, name);
        items.retain(|item| !gone.iter().any(|gone| gone.get("value") == item.get("value")));
        self.keep(holder, items);
        Ok(())
    }

    fn remove_inside(
        &self,
        holder: &mut Value,
        items: Option<&Filter>,
        part: Option<&Attribute>,
    ) -> Result<(), ArmError> {
        let name = self.attribute.name;
        let wanted = |item: &Value| items.is_none_or(|filter| filter.holds_for(self.attribute, item));
        match part {
            Some(part) if !self.attribute.many => {
                remove(inside(holder, name), part.name);
                if is_nothing(&holder[name]) {
                    remove(holder, name);
                }
            }
            Some(part) => {
                let mut list = list(holder, name);
                list.iter_mut()
                    .filter(|item| wanted(item))
                    .for_each(|item| remove(item, part.name));
                list.retain(|item| !is_nothing(item));
                self.keep(holder, list);
            }
            None => {
                let mut list = list(holder, name);
                list.retain(|item| !wanted(item));
                self.keep(holder, list);
            }
        }
        Ok(())
    }

    fn keep(&self, holder: &mut Value, items: Vec<Value>) {
        if items.is_empty() {
            remove(holder, self.attribute.name);
        } else {
            holder[self.attribute.name] = Value::Array(items);
        }
    }

    /// What makes an item the same one as another: members are by whom they name, everything else by all it says.
    fn identity<'a>(&self, item: &'a Value) -> &'a Value {
        let by_value = self.attribute.part("$ref").is_some();
        item.get("value").filter(|_| by_value).unwrap_or(item)
    }
}

fn not_primary(item: &mut Value) {
    if item.get("primary").is_some() {
        item["primary"] = false.into();
    }
}

/// The object of this name, which is made where it is missing.
fn inside<'a>(holder: &'a mut Value, name: &str) -> &'a mut Value {
    if !holder[name].is_object() {
        holder[name] = Value::Object(Map::new());
    }
    &mut holder[name]
}

fn list(holder: &mut Value, name: &str) -> Vec<Value> {
    match holder.get_mut(name).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

fn put(item: &mut Value, name: &str, value: Value) {
    if is_nothing(&value) {
        remove(item, name);
    } else {
        item[name] = value;
    }
}

fn remove(holder: &mut Value, name: &str) {
    if let Some(members) = holder.as_object_mut() {
        members.shift_remove(name);
    }
}

fn no_such_path(shape: &Shape, path: &str) -> ArmError {
    ArmError::new(
        ErrorCode::invalidPath,
        format!("'{path}' names nothing that a {} has.", shape.name),
    )
}

fn syntax(message: &str) -> ArmError {
    ArmError::new(ErrorCode::invalidSyntax, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::shape::{PEOPLE, TEAMS},
        *,
    };

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn person() -> Value {
        json!({
            "userName": "joe", "active": true, "name": { "givenName": "Joe" },
            "emails": [{ "type": "work", "value": "joe@x.test", "primary": true }],
        })
    }

    fn patched(shape: &Shape, mut document: Value, operations: Value) -> Result<Value, String> {
        let body =
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        apply(shape, &mut document, &body).map_err(|error| error.code.face().1.to_owned())?;
        Ok(document)
    }

    #[test]
    fn people_change_as_entra_and_okta_ask() {
        let table = [
            // Entra: capital letters, flags as texts, paths into lists.
            (
                json!([{ "op": "Replace", "path": "active", "value": "False" }]),
                "/active",
                json!(false),
            ),
            (
                json!([{ "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "j@x.test" }]),
                "/emails/0/value",
                json!("j@x.test"),
            ),
            (
                json!([{ "op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "1" }]),
                "/phoneNumbers",
                json!([{ "type": "mobile", "value": "1" }]),
            ),
            (
                json!([{ "op": "Add", "path": "name.familyName", "value": "Soap" }]),
                "/name",
                json!({ "givenName": "Joe", "familyName": "Soap" }),
            ),
            (
                json!([{ "op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": "m1" }]),
                &format!("/{ENTERPRISE}/manager"),
                json!({ "value": "m1" }),
            ),
            (
                json!([{ "op": "Replace", "value": { "displayName": "J", "name.givenName": "Jo", (format!("{ENTERPRISE}:department")): "d" } }]),
                "/name/givenName",
                json!("Jo"),
            ),
            (
                json!([{ "op": "Remove", "path": "name.givenName" }]),
                "/name",
                Value::Null,
            ),
            // Okta: everything in one value.
            (
                json!([{ "op": "replace", "value": { "active": false } }]),
                "/active",
                json!(false),
            ),
            (
                json!([{ "op": "add", "value": { "id": "x", "schemas": [], "groups": [], "emails": [{ "value": "h@x.test", "type": "home", "primary": true }] } }]),
                "/emails/0/primary",
                json!(false),
            ),
            (
                json!([{ "op": "add", "path": "emails", "value": [{ "type": "work", "value": "joe@x.test", "primary": true }] }]),
                "/emails/1",
                Value::Null,
            ),
            (
                json!([{ "op": "remove", "path": "emails[type eq \"work\"]" }]),
                "/emails",
                Value::Null,
            ),
            (
                json!([{ "op": "add", "path": ENTERPRISE, "value": { "department": "d" } }]),
                &format!("/{ENTERPRISE}/department"),
                json!("d"),
            ),
            (
                json!([{ "op": "replace", "path": "title", "value": "" }]),
                "/title",
                Value::Null,
            ),
        ];
        for (operations, pointer, expected) in table {
            let after = patched(&PEOPLE, person(), operations.clone())
                .unwrap_or_else(|code| panic!("{code}: {operations}"));
            assert_eq!(
                after.pointer(pointer).cloned().unwrap_or_default(),
                expected,
                "{operations} made {after}"
            );
        }
    }

    #[test]
    fn members_come_and_go() {
        let team = json!({ "displayName": "t", "members": [{ "value": "a" }, { "value": "b" }] });
        let members = |operations: Value| {
            let after = patched(&TEAMS, team.clone(), operations).expect("patch");
            let list = after["members"].as_array().cloned().unwrap_or_default();
            list.iter()
                .map(|member| member["value"].as_str().expect("value").to_owned())
                .collect::<Vec<_>>()
                .join("")
        };
        let table = [
            (
                json!([{ "op": "Add", "path": "members", "value": [{ "value": "c" }, { "value": "a", "$ref": null }] }]),
                "abc",
            ),
            (
                json!([{ "op": "add", "path": "members", "value": { "value": "c" } }]),
                "abc",
            ),
            (
                json!([{ "op": "Remove", "path": "members", "value": [{ "value": "a" }] }]),
                "b",
            ),
            (
                json!([{ "op": "remove", "path": "members[value eq \"b\"]" }]),
                "a",
            ),
            (
                json!([{ "op": "remove", "path": "members[value eq \"z\"]" }]),
                "ab",
            ),
            (
                json!([{ "op": "replace", "path": "members", "value": [{ "value": "z" }] }]),
                "z",
            ),
            (json!([{ "op": "replace", "value": { "members": [] } }]), ""),
            (json!([{ "op": "remove", "path": "members" }]), ""),
            (
                json!([{ "op": "remove", "path": "members[value eq \"a\"]" }, { "op": "add", "value": { "members": [{ "value": "c" }] } }]),
                "bc",
            ),
        ];
        for (operations, expected) in table {
            assert_eq!(members(operations.clone()), expected, "{operations}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_told_in_the_protocols_words() {
        for (operations, code) in [
            (json!([{ "op": "move", "path": "title" }]), "invalidSyntax"),
            (json!([{ "op": "remove" }]), "noTarget"),
            (json!([{ "op": "remove", "path": "userName" }]), "invalidValue"),
            (
                json!([{ "op": "replace", "path": "nonsense", "value": 1 }]),
                "invalidPath",
            ),
            (
                json!([{ "op": "replace", "path": "emails[", "value": 1 }]),
                "invalidPath",
            ),
            (
                json!([{ "op": "replace", "path": "emails[type eq \"home\"].value", "value": "x" }]),
                "noTarget",
            ),
            (
                json!([{ "op": "replace", "path": "emails[nonsense eq \"home\"].value", "value": "x" }]),
                "invalidFilter",
            ),
            (
                json!([{ "op": "replace", "path": "groups", "value": [] }]),
                "mutability",
            ),
            (
                json!([{ "op": "replace", "path": "id", "value": "x" }]),
                "mutability",
            ),
            (
                json!([{ "op": "replace", "path": "active", "value": 7 }]),
                "invalidValue",
            ),
            (json!([{ "op": "add", "path": "title" }]), "invalidValue"),
            (json!("nothing"), "invalidSyntax"),
        ] {
            assert_eq!(
                patched(&PEOPLE, person(), operations.clone()).expect_err(code),
                code,
                "{operations}"
            );
        }
    }
}
