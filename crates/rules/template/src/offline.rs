//! A template expanded without a server: everything that can be said about a deployment before it runs.
//!
//! Nested templates are expanded where they stand. What only a run can tell stays as it is written; what is sure about the
//! resources of the template itself (names, literal properties, outputs of nested deployments) is not left to the run.

use std::sync::Arc;

use nave_arm::ArmError;
use serde_json::{Map, Value, json};

use crate::{
    Chance, Link, Links, Plan, RuntimeValues, Scope, Template,
    budget::Budget,
    fault::Halt,
    lenient::parse,
    plan::{ForeseenOutputs, PlannedResource},
    table::{member, same_name},
    values::without_nulls,
};

/// How many templates may stand inside each other.
const MAX_NESTING: usize = 16;

/// How often a nested template is paid for: it is copied, read and checked before it makes anything.
const PRICE: usize = 8;

/// What a template comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Expansion {
    /// The resources in an order in which they can be deployed, each as a template would spell it out: `type`,
    /// `apiVersion`, `name`, `id`, `scope`?, `dependsOn`? (ids), then its body. A nested deployment's template has its
    /// resources and outputs in the same form. What is only referred to (`existing`) is not in the list.
    pub resources: Vec<Value>,
    /// `{name: {type, value}}`; a secure output has no value.
    pub outputs: Value,
}

/// The surroundings of an expansion.
#[derive(Clone, Copy)]
pub struct Offline<'o> {
    /// Where linked templates come from.
    pub links: &'o dyn Links,
    /// Where `newGuid()` comes from.
    pub chance: &'o dyn Chance,
}

impl Expansion {
    /// `{"resources": […], "outputs": {…}}`.
    #[must_use]
    pub fn body(self) -> Value {
        json!({ "resources": self.resources, "outputs": self.outputs })
    }
}

impl Offline<'_> {
    /// Expands a template with the parameters of a request, `{name: {"value": …}}`.
    ///
    /// # Errors
    /// `InvalidTemplate`, and `InvalidContentLink` for a linked template that is not there. The path in `additionalInfo` is
    /// that in the whole document, also for what stands in a nested template.
    pub fn expand(
        &self,
        template: &Template,
        scope: Scope,
        given: &Map<String, Value>,
    ) -> Result<Expansion, ArmError> {
        let purse = Arc::new(Budget::of_a_plan());
        let outermost = Level {
            offline: self,
            depth: 0,
            purse: &purse,
        };
        let expanded = outermost.expand(template, scope, given, &[])?;
        Ok(Expansion {
            outputs: expanded.all_outputs(),
            resources: expanded.resources,
        })
    }
}

/// One template among those that stand inside each other.
#[derive(Clone, Copy)]
struct Level<'l> {
    offline: &'l Offline<'l>,
    depth: usize,
    /// What all of them may cost together.
    purse: &'l Arc<Budget>,
}

struct Expanded {
    resources: Vec<Value>,
    outputs: ForeseenOutputs,
}

impl Expanded {
    fn all_outputs(&self) -> Value {
        let all = self.outputs.sure.iter().chain(&self.outputs.open);
        all.map(|(name, output)| (name.clone(), output.clone())).collect()
    }
}

impl Level<'_> {
    fn expand(
        self,
        template: &Template,
        scope: Scope,
        given: &Map<String, Value>,
        unknown: &[String],
    ) -> Result<Expanded, ArmError> {
        let purse = Arc::clone(self.purse);
        let plan = Plan::within(
            purse,
            template,
            scope.clone(),
            given,
            unknown,
            self.offline.chance,
        )?;
        let mut known = RuntimeValues::new();
        let mut resources = Vec::new();
        for at in plan.order() {
            let resource = &plan.resources()[*at];
            if resource.existing {
                known.foresee(&resource.id, &named(resource));
                continue;
            }
            let (mut body, certain) = match plan.body(*at, &known) {
                Ok(body) => (body.clone(), body),
                Err(_) => (plan.preview_with(*at, &known)?, plan.certain(*at, &known)?),
            };
            self.purse.spend_on(&body)?;
            match &resource.nested {
                Some(target) => {
                    let inner = scope.of_nested(target, &resource.name, &certain);
                    let outputs = self.nested(&mut body, &certain, inner);
                    let outputs = outputs.map_err(|error| below(error, &resource.path))?;
                    known.foresee_outputs(&resource.id, &outputs.into());
                }
                None => known.foresee(&resource.id, &joined(named(resource), &certain)),
            }
            resources.push(spelled(&plan, resource, body));
        }
        Ok(Expanded {
            resources,
            outputs: plan.foreseen_outputs(&known)?,
        })
    }

    /// Expands the template of a nested deployment where it stands in the body; answers the outputs that are sure. Where
    /// its structure hangs on what only a run can tell, the template stays as it is written.
    fn nested(
        self,
        body: &mut Value,
        certain: &Value,
        mut scope: Scope,
    ) -> Result<Map<String, Value>, ArmError> {
        if self.depth == MAX_NESTING {
            let message = format!("more than {MAX_NESTING} templates stand inside each other");
            return Err(Halt::failed(message).into());
        }
        let properties = body.get_mut("properties").and_then(Value::as_object_mut);
        let Some(properties) = properties else {
            return Ok(Map::new());
        };
        let Some(document) = self.document(properties, &mut scope)? else {
            return Ok(Map::new());
        };
        for _ in 0..PRICE {
            self.purse.spend_on(&document)?;
        }
        let template = Template::parse(&document)?;
        let (given, unknown) = parameters(properties, certain);
        let inner = Level {
            depth: self.depth + 1,
            ..self
        };
        let expanded = match inner.expand(&template, scope, &given, &unknown) {
            Err(_) if !unknown.is_empty() => return Ok(Map::new()),
            expanded => expanded?,
        };
        let mut shown = Map::new();
        for name in ["$schema", "contentVersion"] {
            let value = document.as_object().and_then(|document| member(document, name));
            shown.extend(value.map(|value| (name.to_owned(), value.clone())));
        }
        shown.insert(String::from("outputs"), expanded.all_outputs());
        shown.insert(String::from("resources"), expanded.resources.into());
        let key = properties.keys().find(|key| same_name(key, "template")).cloned();
        properties.insert(key.unwrap_or_else(|| String::from("template")), shown.into());
        Ok(expanded.outputs.sure)
    }

    /// The nested template: as it stands there, or from behind its link; `None` where the link is not known yet.
    fn document(self, properties: &Map<String, Value>, scope: &mut Scope) -> Result<Option<Value>, ArmError> {
        let given = |name: &str| member(properties, name).filter(|value| value.is_object());
        if let Some(template) = given("template") {
            return Ok(Some(template.clone()));
        }
        let Some(link) = given("templateLink") else {
            return Ok(None);
        };
        let link = Link::read(link)?;
        let ways = [&link.uri, &link.relative_path, &link.id];
        if ways.into_iter().flatten().any(|way| way.starts_with('[')) {
            return Ok(None);
        }
        let from = scope.template_link.as_ref().and_then(|link| link["uri"].as_str());
        let (text, address) = self.offline.links.fetch(&link, from)?;
        let document = parse(&text)?;
        link.check_version(&document)?;
        scope.template_link = Some(json!({ "uri": address }));
        Ok(Some(document))
    }
}

/// The parameters of a nested deployment that are known, and the names of the others.
fn parameters(properties: &Map<String, Value>, certain: &Value) -> (Map<String, Value>, Vec<String>) {
    let given = member(properties, "parameters").and_then(Value::as_object);
    let sure = certain["properties"]
        .as_object()
        .and_then(|properties| member(properties, "parameters"));
    let (mut known, mut unknown) = (Map::new(), Vec::new());
    for (name, value) in given.into_iter().flatten() {
        let is_secret = value
            .as_object()
            .is_some_and(|entry| member(entry, "reference").is_some());
        // a value is known when leaving out what is not changes nothing
        if !is_secret && sure.and_then(|sure| sure.get(name)) == Some(&without_nulls(value.clone())) {
            known.insert(name.clone(), value.clone());
        } else {
            unknown.push(name.clone());
        }
    }
    (known, unknown)
}

/// What is sure about a resource by its name.
fn named(resource: &PlannedResource) -> Value {
    json!({
        "id": resource.id, "name": resource.id.name(), "type": resource.resource_type,
        "apiVersion": resource.api_version, "properties": {},
    })
}

fn joined(mut named: Value, certain: &Value) -> Value {
    for (name, value) in certain.as_object().into_iter().flatten() {
        named[name] = value.clone();
    }
    named
}

/// A resource as a template would spell it out.
fn spelled(plan: &Plan, resource: &PlannedResource, body: Value) -> Value {
    let mut shown = json!({
        "type": resource.resource_type, "apiVersion": resource.api_version, "name": resource.name,
        "id": resource.id,
    });
    let needed = resource.depends_on.iter().map(|at| &plan.resources()[*at]);
    let needed: Vec<_> = needed
        .filter(|needed| !needed.existing)
        .map(|needed| &needed.id)
        .collect();
    if !needed.is_empty() {
        shown["dependsOn"] = json!(needed);
    }
    joined(shown, &body)
}

/// An error about a nested template says where in the whole document it is.
fn below(mut error: ArmError, path: &str) -> ArmError {
    for info in error
        .additional_info
        .iter_mut()
        .filter_map(|entry| entry.get_mut("info"))
    {
        if let Some(inner) = info["path"].as_str() {
            info["path"] = format!("properties.template.{path}.{inner}").into();
        }
    }
    error
}
