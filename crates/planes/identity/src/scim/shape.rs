//! The two shapes of resource, and how a client's body becomes a document in the schema's own spelling.

use nave_arm::{ArmError, ErrorCode};
use serde_json::{Map, Value};

use super::schema::{Attribute, COMMON, ENTERPRISE, GROUP, Kind, Schema, USER, named};

/// The longest text: what is longer is no name and no address.
const LONGEST: usize = 2048;

/// A shape of resource.
#[derive(Debug)]
pub(super) struct Shape {
    /// What the protocol calls it.
    pub(super) name: &'static str,
    /// Its collection.
    pub(super) endpoint: &'static str,
    /// Its own attributes.
    pub(super) schema: &'static Schema,
    /// Attributes that stand below a name of their own.
    pub(super) extension: Option<&'static Schema>,
}

/// People.
pub(super) static PEOPLE: Shape = Shape {
    name: "User",
    endpoint: "Users",
    schema: &USER,
    extension: Some(&ENTERPRISE),
};

/// Groups.
pub(super) static TEAMS: Shape = Shape {
    name: "Group",
    endpoint: "Groups",
    schema: &GROUP,
    extension: None,
};

pub(super) fn invalid(message: impl Into<String>) -> ArmError {
    ArmError::new(ErrorCode::invalidValue, message)
}

impl Shape {
    /// The attribute that a name means, with the schema it stands below where that is the extension.
    pub(super) fn attribute(
        &self,
        urn: Option<&str>,
        name: &str,
    ) -> Option<(Option<&'static Schema>, &'static Attribute)> {
        let own = || named(self.schema.attributes, name).or_else(|| named(COMMON, name));
        match urn {
            None => own().map(|attribute| (None, attribute)),
            Some(urn) if urn.eq_ignore_ascii_case(self.schema.urn) => {
                own().map(|attribute| (None, attribute))
            }
            Some(urn) => {
                let extension = self.extended(urn)?;
                named(extension.attributes, name).map(|attribute| (Some(extension), attribute))
            }
        }
    }

    /// The extension of this name.
    pub(super) fn extended(&self, urn: &str) -> Option<&'static Schema> {
        self.extension
            .filter(|extension| extension.urn.eq_ignore_ascii_case(urn))
    }

    /// The document in a client's body. What the schema does not know, and what only the server sets, is left out.
    pub(super) fn read(&self, body: &Value) -> Result<Value, ArmError> {
        let members = body
            .as_object()
            .ok_or_else(|| ArmError::new(ErrorCode::invalidSyntax, "The body must be a JSON object."))?;
        let mut document = Map::new();
        for (name, value) in members {
            if let Some(extension) = self.extended(name) {
                let inner = part_values(extension.attributes, value, extension.urn)?;
                if !is_nothing(&inner) {
                    document.insert(extension.urn.to_owned(), inner);
                }
                continue;
            }
            let Some((_, attribute)) = self.attribute(None, name) else {
                continue;
            };
            if !attribute.read_only {
                put(&mut document, attribute, value)?;
            }
        }
        Ok(Value::Object(document))
    }

    /// Checks that a document has what it must have.
    pub(super) fn check(&self, document: &Value) -> Result<(), ArmError> {
        let missing = self
            .schema
            .attributes
            .iter()
            .find(|attribute| attribute.required && is_nothing(&document[attribute.name]));
        missing.map_or(Ok(()), |attribute| {
            Err(invalid(format!(
                "The attribute '{}' is required.",
                attribute.name
            )))
        })
    }
}

fn put(members: &mut Map<String, Value>, attribute: &Attribute, value: &Value) -> Result<(), ArmError> {
    let value = values(attribute, value)?;
    if !is_nothing(&value) {
        members.insert(attribute.name.to_owned(), value);
    }
    Ok(())
}

/// Whether a value counts as none: absent, null, an empty list (RFC 7643 2.5), an object with nothing in it, an empty
/// text, as clients mean it.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The values of an attribute as the schema spells them: a list where it has many, whether or not the client sent one.
pub(super) fn values(attribute: &Attribute, value: &Value) -> Result<Value, ArmError> {
    if !attribute.many {
        return match value {
            Value::Array(items) if items.len() == 1 => one(attribute, &items[0]),
            other => one(attribute, other),
        };
    }
    let items = match value {
        Value::Array(items) => items.as_slice(),
        Value::Null => &[],
        other => std::slice::from_ref(other),
    };
    let mut list: Vec<Value> = Vec::with_capacity(items.len());
    for item in items {
        let item = one(attribute, item)?;
        if !is_nothing(&item) {
            list.push(item);
        }
    }
    if list.iter().filter(|item| item["primary"] == true).count() > 1 {
        return Err(invalid(format!(
            "At most one of the '{}' may be primary.",
            attribute.name
        )));
    }
    Ok(Value::Array(list))
}

/// One value of an attribute.
pub(super) fn one(attribute: &Attribute, value: &Value) -> Result<Value, ArmError> {
    let wrong = |wanted: &str| {
        Err(invalid(format!(
            "The value of '{}' must be {wanted}.",
            attribute.name
        )))
    };
    match (&attribute.kind, value) {
        (_, Value::Null) => Ok(Value::Null),
        (Kind::Text | Kind::Reference(_), Value::String(text)) if text.chars().count() <= LONGEST => {
            Ok(Value::String(text.clone()))
        }
        (Kind::Text | Kind::Reference(_), Value::String(_)) => {
            wrong(&format!("a text of at most {LONGEST} characters"))
        }
        (Kind::Text | Kind::Reference(_), _) => wrong("a text"),
        (Kind::Flag, Value::Bool(flag)) => Ok((*flag).into()),
        // As Entra sends them.
        (Kind::Flag, Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true.into()),
        (Kind::Flag, Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false.into()),
        (Kind::Flag, _) => wrong("true or false"),
        (Kind::Complex(parts), Value::Object(_)) => part_values(parts, value, attribute.name),
        // A manager or a member is also sent as his id alone.
        (Kind::Complex(parts), Value::String(_)) if named(parts, "value").is_some() => {
            Ok(serde_json::json!({ "value": value }))
        }
        (Kind::Complex(_), _) => wrong("an object"),
    }
}

fn part_values(parts: &'static [Attribute], value: &Value, name: &str) -> Result<Value, ArmError> {
    let members = match value {
        Value::Null => return Ok(Value::Null),
        Value::Object(members) => members,
        _ => return Err(invalid(format!("The value of '{name}' must be an object."))),
    };
    let mut read = Map::new();
    for (name, value) in members {
        if let Some(part) = named(parts, name).filter(|part| !part.read_only) {
            put(&mut read, part, value)?;
        }
    }
    Ok(Value::Object(read))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_read_in_the_schemas_spelling() {
        let body = json!({
            "schemas": ["x"], "id": "mine", "USERNAME": "joe", "active": "False", "password": "p", "groups": [{"value": "g"}],
            "name": { "FamilyName": "Soap", "nonsense": 1 }, "emails": { "value": "joe@x.test", "primary": "TRUE" },
            "phoneNumbers": [], "title": null, "nickName": "",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:USER": { "Department": "d", "manager": "m1" },
        });
        assert_eq!(
            PEOPLE.read(&body).unwrap(),
            json!({
                "userName": "joe", "active": false, "name": { "familyName": "Soap" },
                "emails": [{ "value": "joe@x.test", "primary": true }],
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "d", "manager": { "value": "m1" } },
            })
        );
    }

    #[test]
    fn what_does_not_fit_is_told() {
        for body in [
            json!([]),
            json!({ "userName": 1 }),
            json!({ "active": "maybe" }),
            json!({ "name": "Joe" }),
            json!({ "emails": [{ "value": "a", "primary": true }, { "value": "b", "primary": true }] }),
        ] {
            assert!(PEOPLE.read(&body).is_err(), "{body}");
        }
        assert!(PEOPLE.check(&json!({ "displayName": "x" })).is_err());
    }
}
