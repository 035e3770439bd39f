//! A person as a row of the directory and as a SCIM document.
//!
//! The row keeps the whole document (`own.scim`) beside the properties Graph knows. Where Graph changed one of those
//! later, Graph's value counts: the document is shown with it.

use nave_arm::ArmError;
use nave_engine::{Put, Resource, site::Site};
use serde_json::{Value, json};

use super::{
    schema::ENTERPRISE,
    shape::{PEOPLE, is_nothing},
};
use crate::principal;

/// One of Graph's properties: where it is in a document, and how it gets there.
struct Property {
    graph: &'static str,
    get: fn(&Site, &Value) -> Value,
    set: fn(&mut Value, Value),
}

static PROPERTIES: [Property; 13] = [
    Property {
        graph: "userPrincipalName",
        get: |site, document| upn(site, text(&document["userName"])).into(),
        set: |document, value| document["userName"] = value,
    },
    Property {
        graph: "displayName",
        get: |_, document| display_name(document),
        set: |document, value| document["displayName"] = value,
    },
    Property {
        graph: "accountEnabled",
        get: |_, document| document["active"].as_bool().unwrap_or(true).into(),
        set: |document, value| document["active"] = value,
    },
    Property {
        graph: "externalId",
        get: |_, document| document["externalId"].clone(),
        set: |document, value| document["externalId"] = value,
    },
    Property {
        graph: "givenName",
        get: |_, document| document["name"]["givenName"].clone(),
        set: |document, value| set_in(document, "name", "givenName", value),
    },
    Property {
        graph: "surname",
        get: |_, document| document["name"]["familyName"].clone(),
        set: |document, value| set_in(document, "name", "familyName", value),
    },
    Property {
        graph: "jobTitle",
        get: |_, document| document["title"].clone(),
        set: |document, value| document["title"] = value,
    },
    Property {
        graph: "preferredLanguage",
        get: |_, document| document["preferredLanguage"].clone(),
        set: |document, value| document["preferredLanguage"] = value,
    },
    Property {
        graph: "mail",
        get: |_, document| {
            usual(document, "emails", "work")
                .map_or(Value::Null, |at| document["emails"][at]["value"].clone())
        },
        set: |document, value| set_usual(document, "emails", "work", value),
    },
    Property {
        graph: "mobilePhone",
        get: |_, document| {
            of_type(document, "phoneNumbers", "mobile")
                .map_or(Value::Null, |at| document["phoneNumbers"][at]["value"].clone())
        },
        set: |document, value| set_of_type(document, "phoneNumbers", "mobile", value),
    },
    Property {
        graph: "employeeId",
        get: |_, document| document[ENTERPRISE.urn]["employeeNumber"].clone(),
        set: |document, value| set_in(document, ENTERPRISE.urn, "employeeNumber", value),
    },
    Property {
        graph: "department",
        get: |_, document| document[ENTERPRISE.urn]["department"].clone(),
        set: |document, value| set_in(document, ENTERPRISE.urn, "department", value),
    },
    Property {
        graph: "companyName",
        get: |_, document| document[ENTERPRISE.urn]["organization"].clone(),
        set: |document, value| set_in(document, ENTERPRISE.urn, "organization", value),
    },
];

/// The document of a person, as the client wrote it or as Graph has it.
pub(super) fn document(site: &Site, person: &Resource) -> Value {
    let mut document = person.own.get("scim").cloned().unwrap_or_else(|| json!({}));
    let written: Vec<Value> = PROPERTIES
        .iter()
        .map(|property| (property.get)(site, &document))
        .collect();
    for (property, written) in PROPERTIES.iter().zip(written) {
        let present = person.sent.get(property.graph).cloned().unwrap_or_default();
        if present != written && !(is_nothing(&present) && is_nothing(&written)) {
            (property.set)(&mut document, present);
        }
    }
    if person.own.get("scim").is_none() {
        document["active"] = principal::enabled(person).into();
    }
    strip(&mut document);
    document
}

/// Puts a document into a row. Whoever is switched off loses everything that was issued.
pub(super) fn keep(
    site: &Site,
    put: &mut Put,
    before: Option<&Resource>,
    document: &Value,
) -> Result<(), ArmError> {
    PEOPLE.check(document)?;
    for property in &PROPERTIES {
        let value = (property.get)(site, document);
        if is_nothing(&value) {
            remove(&mut put.sent, property.graph);
        } else {
            put.sent[property.graph] = value;
        }
    }
    if before.is_none() {
        put.sent["mailNickname"] = text(&document["userName"]).split('@').next().into();
    }
    if let Some(before) = before
        && principal::enabled(before)
        && put.sent["accountEnabled"] == json!(false)
    {
        put.own["epoch"] = (principal::epoch(before) + 1).into();
    }
    put.own["scim"] = document.clone();
    Ok(())
}

/// The name to sign in with: one without a domain gets the directory's own.
pub(super) fn upn(site: &Site, name: &str) -> String {
    if name.contains('@') {
        name.to_owned()
    } else {
        format!("{name}@{}", site.domain)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What people are called: as said, else by their names, else by the name they sign in with.
fn display_name(document: &Value) -> Value {
    let name = &document["name"];
    let whole = format!("{} {}", text(&name["givenName"]), text(&name["familyName"]));
    let said = [
        text(&document["displayName"]),
        text(&name["formatted"]),
        whole.trim(),
        text(&document["userName"]),
    ];
    said.into_iter()
        .find(|said| !said.is_empty())
        .unwrap_or_default()
        .into()
}

fn set_in(document: &mut Value, holder: &str, name: &str, value: Value) {
    if !document[holder].is_object() {
        document[holder] = json!({});
    }
    document[holder][name] = value;
}

fn items<'a>(document: &'a Value, name: &str) -> &'a [Value] {
    document
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn of_type(document: &Value, name: &str, kind: &str) -> Option<usize> {
    items(document, name)
        .iter()
        .position(|item| text(&item["type"]).eq_ignore_ascii_case(kind))
}

/// The one that is meant where only one is asked for: the primary, else the one of this type, else the first.
fn usual(document: &Value, name: &str, kind: &str) -> Option<usize> {
    let list = items(document, name);
    let primary = list.iter().position(|item| item["primary"] == true);
    primary
        .or_else(|| of_type(document, name, kind))
        .or((!list.is_empty()).then_some(0))
}

fn set_usual(document: &mut Value, name: &str, kind: &str, value: Value) {
    let at = usual(document, name, kind);
    set_at(
        document,
        name,
        at,
        value,
        json!({ "type": kind, "primary": true }),
    );
}

fn set_of_type(document: &mut Value, name: &str, kind: &str, value: Value) {
    let at = of_type(document, name, kind);
    set_at(document, name, at, value, json!({ "type": kind }));
}

fn set_at(document: &mut Value, name: &str, at: Option<usize>, value: Value, new: Value) {
    if !document[name].is_array() {
        document[name] = json!([]);
    }
    let Some(list) = document[name].as_array_mut() else {
        return;
    };
    match at {
        Some(at) if value.is_null() => drop(list.remove(at)),
        Some(at) => list[at]["value"] = value,
        None if value.is_null() => {}
        None => {
            let mut item = new;
            item["value"] = value;
            list.push(item);
        }
    }
}

/// Leaves out what counts as nothing.
fn strip(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(strip);
            members.retain(|_, value| !is_nothing(value));
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

fn remove(object: &mut Value, name: &str) {
    if let Some(members) = object.as_object_mut() {
        members.shift_remove(name);
    }
}

#[cfg(test)]
mod tests {
    use nave_engine::{directory, site::LOCATIONS};
    use uuid::Uuid;

    use super::*;

    fn site() -> Site {
        Site {
            origin: String::from("https://nave.test"),
            authority: String::from("nave.test"),
            tenant: Uuid::from_u128(7),
            tenant_name: String::from("Contoso"),
            domain: String::from("contoso.com"),
            cloud: String::from("nave"),
            locations: LOCATIONS,
        }
    }

    fn row(put: &Put) -> Resource {
        let at = jiff::Timestamp::UNIX_EPOCH;
        Resource {
            id: put.id.clone(),
            sent: put.sent.clone(),
            own: put.own.clone(),
            sealed: None,
            etag: String::new(),
            claims: Vec::new(),
            history: nave_engine::History {
                created_at: at,
                created_by: String::new(),
                updated_at: at,
                updated_by: String::new(),
            },
        }
    }

    #[test]
    fn a_document_comes_back_as_it_was_written_until_graph_changes_it() {
        let document = json!({
            "userName": "joe", "active": true, "externalId": "e1", "name": { "givenName": "Joe", "familyName": "Soap" },
            "emails": [{ "value": "home@x.test", "type": "home" }, { "value": "joe@x.test", "type": "work" }],
            "locale": "en-GB",
        });
        let id = directory::object_id(directory::USERS, Uuid::from_u128(1));
        let mut put = Put::new(id, json!({ "id": Uuid::from_u128(1) }));
        keep(&site(), &mut put, None, &document).unwrap();
        assert_eq!(put.sent["userPrincipalName"], "joe@contoso.com");
        assert_eq!(
            (&put.sent["displayName"], &put.sent["mail"]),
            (&json!("Joe Soap"), &json!("joe@x.test"))
        );
        assert_eq!(super::document(&site(), &row(&put)), document);

        put.sent["mail"] = "new@x.test".into();
        put.sent["displayName"] = "Joseph".into();
        put.sent["surname"] = Value::Null;
        let shown = super::document(&site(), &row(&put));
        assert_eq!(shown["emails"][1]["value"], "new@x.test");
        assert_eq!(
            (&shown["displayName"], &shown["name"]),
            (&json!("Joseph"), &json!({ "givenName": "Joe" }))
        );
        assert_eq!(shown["userName"], "joe");
    }

    #[test]
    fn who_is_switched_off_loses_what_was_issued() {
        let id = directory::object_id(directory::USERS, Uuid::from_u128(1));
        let mut put = Put::new(id, json!({ "id": Uuid::from_u128(1) }));
        keep(&site(), &mut put, None, &json!({ "userName": "joe" })).unwrap();
        let before = row(&put);
        keep(
            &site(),
            &mut put,
            Some(&before),
            &json!({ "userName": "joe", "active": true }),
        )
        .unwrap();
        assert_eq!(put.own.get("epoch"), None);
        keep(
            &site(),
            &mut put,
            Some(&before),
            &json!({ "userName": "joe", "active": false }),
        )
        .unwrap();
        assert_eq!(
            (&put.own["epoch"], &put.sent["accountEnabled"]),
            (&json!(1), &json!(false))
        );
    }
}
