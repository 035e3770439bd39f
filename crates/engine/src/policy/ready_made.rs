//! The ready-made definitions: those that are published for hubs and what hubs stand on, under their published ids and
//! names, with rules of our own. Where nave has nothing that a definition could act on, it says so in its metadata, and
//! its strongest effect is an audit.
//!
//! They are a table, `data/ready-made-policies.json`: a line is `{id, name, about, category, version, mode, effects |
//! effect, parameters, if, details, auditOnly}`. The first of `effects` is the default.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use jiff::Timestamp;
use nave_arm::ResourceId;
use nave_policy::Definition;
use serde_json::{Value, json};

use super::{DEFINITIONS, index::Defined};
use crate::{History, Resource};

const TABLE: &str = include_str!("../../data/ready-made-policies.json");

static READY_MADE: LazyLock<Vec<Arc<Resource>>> = LazyLock::new(|| {
    let table: Vec<Value> = serde_json::from_str(TABLE).unwrap_or_default();
    table.iter().map(|line| Arc::new(resource(line))).collect()
});

static DEFINED: LazyLock<HashMap<String, Arc<Defined<Definition>>>> = LazyLock::new(|| {
    let defined = |resource: &Arc<Resource>| {
        let key = resource.id.key().to_owned();
        (key, Arc::new(Defined::new(resource.clone())))
    };
    READY_MADE.iter().map(defined).collect()
});

/// The ready-made definitions, as resources at the tenant.
#[must_use]
pub fn ready_made() -> &'static [Arc<Resource>] {
    &READY_MADE
}

/// The ready-made definition of a key.
pub(super) fn definition(key: &str) -> Option<Arc<Defined<Definition>>> {
    DEFINED.get(key).cloned()
}

fn resource(line: &Value) -> Resource {
    let name = line["id"].as_str().unwrap_or_default();
    let published = Timestamp::UNIX_EPOCH;
    Resource {
        id: ResourceId::tenant().extension(DEFINITIONS, name),
        sent: json!({ "properties": properties(line) }),
        own: json!({}),
        sealed: None,
        etag: String::new(),
        claims: Vec::new(),
        history: History {
            created_at: published,
            created_by: String::new(),
            updated_at: published,
            updated_by: String::new(),
        },
    }
}

fn properties(line: &Value) -> Value {
    let mut metadata = json!({ "version": line["version"], "category": line["category"] });
    if line["name"]
        .as_str()
        .is_some_and(|name| name.starts_with("[Preview]"))
    {
        metadata["preview"] = true.into();
    }
    let mut about = line["about"].as_str().unwrap_or_default().to_owned();
    if let Some(reason) = line["auditOnly"].as_str() {
        metadata["nave"] = json!({ "auditOnly": true, "reason": reason });
        about.push_str(&format!(" (On this server it audits at most: {reason}.)"));
    }
    let mut parameters = line.get("parameters").cloned().unwrap_or_else(|| json!({}));
    let mut then = json!({ "effect": effect(line) });
    if let Some(allowed) = line["effects"].as_array() {
        let declared = json!({ "type": "String", "allowedValues": allowed, "defaultValue": allowed.first(),
                               "metadata": { "displayName": "Effect" } });
        parameters[effect_parameter(line)] = declared;
    }
    if let Some(details) = line.get("details").filter(|details| !details.is_null()) {
        then["details"] = details.clone();
    }
    json!({
        "displayName": line["name"], "description": about, "policyType": "BuiltIn", "mode": line["mode"],
        "metadata": metadata, "version": line["version"], "versions": [line["version"]], "parameters": parameters,
        "policyRule": { "if": line["if"], "then": then },
    })
}

/// One of them calls its parameter otherwise.
fn effect_parameter(line: &Value) -> &str {
    line["effectParameter"].as_str().unwrap_or("effect")
}

/// The effect, or the parameter that says it. What could only deploy what this server does not have audits instead.
fn effect(line: &Value) -> String {
    if let Some(fixed) = line["effect"].as_str() {
        return fixed.to_owned();
    }
    let parameter = effect_parameter(line);
    let deploys = line["effects"]
        .as_array()
        .is_some_and(|effects| effects.iter().any(|word| word == "DeployIfNotExists"));
    match line["auditOnly"].is_string() && deploys {
        true => format!("[if(equals(toLower(parameters('{parameter}')), 'disabled'), 'disabled', 'audit')]"),
        false => format!("[parameters('{parameter}')]"),
    }
}
