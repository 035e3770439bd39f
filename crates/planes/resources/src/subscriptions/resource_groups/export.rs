//! `POST resourceGroups/{group}/exportTemplate`: a template of what is in a group, which changes nothing when it is deployed
//! there again, and makes the same elsewhere.
//!
//! A resource is written as its client sent it. What it says about others in the group is said by `resourceId`, so that the
//! template holds in another group, and orders the deployment. Secrets are not in it: a resource that is there keeps its own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Caller, Engine, Reply, Resource,
    declaration::{Declaration, Placement},
    long_running::{Style, Told},
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Map, Value, json};

use crate::{body, resources::full_name, scope};

const SCHEMA: &str = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";

const TOLD: Told = Told {
    namespace: "Microsoft.Resources",
    by: Style::Location,
    patience: Duration::from_secs(10),
};

pub(super) fn routes() -> Vec<Route> {
    let access = Access::action("Microsoft.Resources/subscriptions/resourceGroups/exportTemplate/action");
    let path = "/subscriptions/{subscription}/resourceGroups/{group}/exportTemplate";
    vec![Route::new(Method::POST, path, Surface::Arm, access, export)]
}

/// What is asked for.
struct Wanted {
    /// The keys of the resources; none: all.
    resources: Option<Vec<String>>,
    names: Names,
    with_defaults: bool,
}

/// How names are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// As parameters of the template.
    Parameters,
    /// As they are.
    Literal,
}

/// A resource of the template.
struct Exported {
    row: Arc<Resource>,
    declaration: &'static Declaration,
}

async fn export(call: Call) -> Result<Reply, ArmError> {
    scope::check(&call.engine.snapshot(), call.grant.id())?;
    let wanted = Wanted::read(&call.request.json()?)?;
    let (engine, grant) = (call.engine.clone(), call.grant.clone());
    let work = async move {
        let exported = in_group(&engine, grant.caller(), grant.id(), &wanted);
        Ok(Reply::ok(json!({ "template": template(&exported, &wanted) })))
    };
    call.engine
        .long_running(&call.grant, &call.request, TOLD, work)
        .await
}

impl Wanted {
    fn read(body: &Value) -> Result<Self, ArmError> {
        let format = body["outputFormat"].as_str().unwrap_or("Json");
        if !format.eq_ignore_ascii_case("json") {
            let message = format!("A template is exported as 'Json'; '{format}' is not served here.");
            return Err(ArmError::new(ErrorCode::InvalidParameter, message).on("outputFormat"));
        }
        let resources = match &body["resources"] {
            Value::Null => None,
            Value::Array(ids) => Some(
                ids.iter()
                    .filter_map(Value::as_str)
                    .map(str::to_lowercase)
                    .collect(),
            ),
            _ => return Err(body::wrong("resources", "an array of ids").on("resources")),
        };
        let options = body["options"].as_str().unwrap_or_default().to_lowercase();
        let has = |option: &str| options.split(',').any(|given| given.trim() == option);
        Ok(Self {
            resources: resources.filter(|ids: &Vec<String>| !ids.iter().any(|id| id == "*")),
            names: match has("skipallparameterization") || has("skipresourcenameparameterization") {
                true => Names::Literal,
                false => Names::Parameters,
            },
            with_defaults: has("includeparameterdefaultvalue"),
        })
    }

    fn has(&self, id: &ResourceId) -> bool {
        let named = |ids: &Vec<String>| ids.iter().any(|wanted| wanted == id.key());
        self.resources.as_ref().is_none_or(named)
    }
}

/// What a template can make and the caller may read.
fn in_group(engine: &Engine, caller: &Caller, group: &ResourceId, wanted: &Wanted) -> Vec<Exported> {
    let snapshot = engine.snapshot();
    let rows = snapshot.below(group).filter(|row| wanted.has(&row.id));
    let exported = rows.filter_map(|row| {
        let declaration = engine
            .registry()
            .resource_type(&row.id.resource_type())?
            .declaration();
        let is_made = declaration.put().is_some()
            && matches!(
                declaration.placement,
                Placement::ResourceGroup | Placement::Parent
            )
            && row.id.scope().as_ref() == Some(group);
        let read = declaration.permission("read");
        let may = is_made && engine.may(&snapshot, caller, Surface::Arm, &read, &row.id);
        may.then(|| Exported {
            row: row.clone(),
            declaration,
        })
    });
    exported.collect()
}

fn template(exported: &[Exported], wanted: &Wanted) -> Value {
    let names = Naming::of(exported, wanted.names);
    let parameters = names.parameters.iter().map(|(parameter, name)| {
        let mut declared = json!({ "type": "String" });
        if wanted.with_defaults {
            declared["defaultValue"] = name.as_str().into();
        }
        (parameter.clone(), declared)
    });
    json!({
        "$schema": SCHEMA,
        "contentVersion": "1.0.0.0",
        "parameters": parameters.collect::<Map<_, _>>(),
        "variables": {},
        "resources": exported.iter().map(|one| names.resource(one)).collect::<Vec<_>>(),
    })
}

/// How what is exported is named in the template.
struct Naming {
    /// The expression for the id of each resource, by its key.
    ids: BTreeMap<String, String>,
    /// The expression inside the brackets for the name of each, by its key.
    names: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
}

impl Naming {
    fn of(exported: &[Exported], style: Names) -> Self {
        let mut naming = Self {
            ids: BTreeMap::new(),
            names: BTreeMap::new(),
            parameters: BTreeMap::new(),
        };
        for one in exported {
            naming.add(one, style);
        }
        naming
    }

    fn add(&mut self, one: &Exported, style: Names) {
        let full = full_name(&one.row.id);
        let parts: Vec<&str> = full.split('/').collect();
        let kind = one.declaration.local_type().split('/').next().unwrap_or_default();
        let head = match style {
            Names::Literal => quoted(parts[0]),
            Names::Parameters => {
                let parameter = parameter(kind, parts[0]);
                self.parameters.insert(parameter.clone(), parts[0].to_owned());
                format!("parameters('{parameter}')")
            }
        };
        let tail: Vec<String> = parts[1..].iter().map(|part| quoted(part)).collect();
        let all = std::iter::once(head.clone()).chain(tail.iter().cloned());
        let id = format!(
            "resourceId('{}', {})",
            one.declaration.resource_type,
            all.collect::<Vec<_>>().join(", ")
        );
        let name = match (style, tail.is_empty()) {
            (_, true) => head,
            (Names::Literal, false) => quoted(&full),
            (Names::Parameters, false) => format!(
                "concat({head}, {})",
                quoted(&format!("/{}", parts[1..].join("/")))
            ),
        };
        let key = one.row.id.key().to_owned();
        self.ids.insert(key.clone(), id);
        self.names.insert(key, name);
    }

    fn resource(&self, one: &Exported) -> Value {
        let key = one.row.id.key();
        let mut resource = json!({
            "type": one.declaration.resource_type,
            "apiVersion": version(one.declaration),
            "name": format!("[{}]", self.names[key]),
        });
        let mut needs: Vec<&str> = one
            .row
            .id
            .parent()
            .iter()
            .filter_map(|parent| self.id(parent.key()))
            .collect();
        for (name, value) in one.row.sent.as_object().into_iter().flatten() {
            if matches!(name.as_str(), "id" | "name" | "type" | "etag" | "systemData") || value.is_null() {
                continue;
            }
            resource[name] = self.written(value, key, &mut needs);
        }
        if let Some(properties) = resource["properties"].as_object_mut() {
            properties.shift_remove("provisioningState");
        }
        needs.sort_unstable();
        needs.dedup();
        if !needs.is_empty() {
            resource["dependsOn"] = needs.iter().map(|id| format!("[{id}]")).collect();
        }
        resource
    }

    fn id(&self, key: &str) -> Option<&str> {
        self.ids.get(key).map(String::as_str)
    }

    /// A value of a body, with the ids of what is exported as expressions; they are what it needs.
    fn written<'n>(&'n self, value: &Value, own: &str, needs: &mut Vec<&'n str>) -> Value {
        match value {
            Value::String(text) => self.text(text, own, needs).into(),
            Value::Array(items) => items.iter().map(|item| self.written(item, own, needs)).collect(),
            Value::Object(members) => {
                let members = members.iter();
                let members = members
                    .map(|(name, value)| (self.text(name, own, needs), self.written(value, own, needs)));
                Value::Object(members.collect())
            }
            other => other.clone(),
        }
    }

    fn text<'n>(&'n self, text: &str, own: &str, needs: &mut Vec<&'n str>) -> String {
        let key = text.to_lowercase();
        match self.id(&key).filter(|_| key != own) {
            Some(id) => {
                needs.push(id);
                format!("[{id}]")
            }
            None if text.starts_with('[') => format!("[{text}"),
            None => text.to_owned(),
        }
    }
}

fn parameter(kind: &str, name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("{kind}_{}_name", name.chars().map(plain).collect::<String>())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The newest version, a stable one where there is any.
fn version(declaration: &Declaration) -> &'static str {
    let stable = declaration
        .api_versions
        .iter()
        .find(|version| version.len() == "YYYY-MM-DD".len());
    stable
        .or(declaration.api_versions.first())
        .copied()
        .unwrap_or("2024-01-01")
}
