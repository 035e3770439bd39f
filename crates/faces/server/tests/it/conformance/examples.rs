//! What the documents show as requests: their bodies and queries, with the places of the town for theirs.

use http::Method;
use nave_testkit::Ask;
use serde_json::{Map, Value};

use super::{documents::Documents, served::Served};
use crate::{
    cases,
    town::{GROUP, MEMBER, ROLE, Town},
};

/// One request as a document shows it.
pub(crate) struct Example {
    /// The file's name.
    pub(crate) name: String,
    pub(crate) target: String,
    pub(crate) body: Option<Value>,
}

/// The examples of an operation, in the town.
pub(crate) fn of(documents: &Documents, town: &Town, served: &Served) -> Vec<Example> {
    let files = served.published.examples.iter();
    let examples = files.filter_map(|file| {
        let shown = documents.example(file);
        let parameters = shown["parameters"].as_object()?;
        let named = served.published.parameters.iter();
        let place = |wanted: &'static str| {
            named
                .clone()
                .filter(move |one| one["in"] == wanted)
                .filter_map(|one| {
                    let name = one["name"].as_str()?;
                    Some((name, parameters.get(name)?))
                })
        };
        let query: String = place("query")
            .filter(|(name, _)| *name != "api-version")
            .map(|(name, value)| {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let value = text(town, &value);
                format!(
                    "&{name}={}",
                    percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC)
                )
            })
            .collect();
        let path = served.path(town)?;
        Some(Example {
            name: file.rsplit('/').next().unwrap_or_default().to_owned(),
            target: format!("{path}?api-version={}{query}", served.published.version),
            body: place("body").next().map(|(_, body)| here(town, body, served)),
        })
    });
    examples.collect()
}

impl Example {
    pub(crate) fn ask(&self, served: &Served) -> Ask {
        let ask = Ask::new(served.published.method.clone(), self.target.clone());
        match &self.body {
            Some(body) => ask.json(body),
            None => ask,
        }
    }
}

/// A body with the town's places in it.
fn here(town: &Town, body: &Value, served: &Served) -> Value {
    let mut body = moved(town, body);
    if let Some(members) = body.as_object_mut() {
        // the regions of the examples are not all offered
        if members.contains_key("location") {
            members.insert(String::from("location"), "eastus".into());
        }
        // the resource is another one here
        if served.published.method == Method::PUT {
            members.shift_remove("id");
            members.shift_remove("name");
        }
    }
    body
}

fn moved(town: &Town, value: &Value) -> Value {
    match value {
        Value::String(given) => text(town, given).into(),
        Value::Array(items) => items.iter().map(|item| moved(town, item)).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let value = match name.as_str() {
                    "principalId" => MEMBER.to_string().into(),
                    "tenantId" => town.nave.engine.site().tenant.to_string().into(),
                    _ => moved(town, value),
                };
                (text(town, name), value)
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// A text, where it is an id of something that the town has.
fn text(town: &Town, given: &str) -> String {
    let lower = given.to_lowercase();
    if lower.contains("/roledefinitions/") {
        return format!(
            "{}/providers/Microsoft.Authorization/roleDefinitions/{ROLE}",
            town.nave.subscription()
        );
    }
    if !lower.starts_with("/subscriptions/") && !lower.starts_with("subscriptions/") {
        return given.to_owned();
    }
    let kind = cases::KINDS
        .iter()
        .filter(|kind| {
            let (namespace, local) = kind.resource_type.split_once('/').unwrap();
            !local.contains('/') && lower.contains(&format!("/{namespace}/{local}/").to_lowercase())
        })
        .find(|kind| {
            lower.matches('/').count()
                == format!(
                    "/subscriptions/s/resourcegroups/g/providers/{}/n",
                    kind.resource_type
                )
                .matches('/')
                .count()
        });
    if let Some(kind) = kind {
        return town.resource_at(kind.resource_type, kind.existing);
    }
    let mut parts: Vec<&str> = given.split('/').collect();
    let subscription = town.subscription();
    for (name, value) in [
        ("subscriptions", subscription.as_str()),
        ("resourcegroups", GROUP),
    ] {
        if let Some(at) = parts.iter().position(|part| part.eq_ignore_ascii_case(name))
            && at + 1 < parts.len()
        {
            parts[at + 1] = value;
        }
    }
    parts.join("/")
}
