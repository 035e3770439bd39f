//! Templates inside templates. With inner scope the template is passed on as it is written and evaluates its own
//! expressions. With outer scope, the default, its expressions speak of the template around it: they are evaluated
//! there, and what is passed on holds values only.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::{
    copy,
    evaluator::{Environment, Evaluator},
    expression::escape,
    fault::{Halt, Outcome},
    table::{member, same_name},
    values::kind_of,
};

/// Whether these are the properties of a deployment whose template has inner scope. `symbolic`: the template around has
/// language version 2.0, in which inner is the default.
pub(crate) fn is_inner_scoped(properties: &Map<String, Value>, symbolic: bool) -> bool {
    let options = member(properties, "expressionEvaluationOptions").and_then(Value::as_object);
    let scope = options
        .and_then(|options| member(options, "scope"))
        .and_then(Value::as_str);
    let is_deployment = || {
        let template = member(properties, "template").and_then(Value::as_object);
        template.is_some_and(|template| member(template, "resources").is_some())
    };
    match scope {
        Some(scope) if same_name(scope, "inner") => true,
        Some(scope) if same_name(scope, "outer") => false,
        _ => symbolic && is_deployment(),
    }
}

/// The properties of a nested deployment, as they are sent.
pub(crate) fn properties(
    evaluator: &Evaluator<'_>,
    properties: &Map<String, Value>,
    environment: &Environment<'_>,
) -> Outcome<Value> {
    let inner = is_inner_scoped(properties, evaluator.parts.symbolic);
    if !inner && gives_parameters(properties) {
        return Err(Halt::failed(
            "A nested template with outer scope has the parameters of the template around it and can't be given its own; \
             set the scope of 'expressionEvaluationOptions' to 'inner'",
        )
        .in_member("parameters"));
    }
    let mut sent = Map::new();
    for (name, value) in properties {
        let value = match value {
            template @ Value::Object(_) if inner && same_name(name, "template") => Ok(template.clone()),
            Value::Object(members) if same_name(name, "template") => outer(evaluator, members, environment),
            _ => evaluator.value(value, environment),
        };
        sent.insert(name.clone(), value.map_err(|halt| halt.in_member(name))?);
    }
    Ok(sent.into())
}

/// Whether a template that stands there is given parameters.
fn gives_parameters(properties: &Map<String, Value>) -> bool {
    let is_object = |name: &str| member(properties, name).and_then(Value::as_object);
    is_object("template").is_some() && is_object("parameters").is_some_and(|given| !given.is_empty())
}

/// A template of outer scope with everything evaluated. Its own parameters, variables and functions cannot be
/// reached and are left out.
fn outer(
    evaluator: &Evaluator<'_>,
    template: &Map<String, Value>,
    environment: &Environment<'_>,
) -> Outcome<Value> {
    let outer = Outer {
        evaluator,
        environment,
    };
    let mut made = Map::new();
    for (name, value) in template {
        let value = match name.to_lowercase().as_str() {
            "$schema" | "contentversion" | "languageversion" | "metadata" | "definitions" => {
                Ok(value.clone())
            }
            "resources" => outer.resources(value),
            "outputs" => outer.outputs(value),
            _ => continue,
        };
        made.insert(name.clone(), value.map_err(|halt| halt.in_member(name))?);
    }
    Ok(made.into())
}

/// A place in the template around.
struct Outer<'o> {
    evaluator: &'o Evaluator<'o>,
    environment: &'o Environment<'o>,
}

/// The instances that each loop made, as dependencies name them.
type Loops = HashMap<String, Vec<Value>>;

impl Outer<'_> {
    fn literal(&self, value: &Value) -> Outcome<Value> {
        self.evaluator.value(value, self.environment).map(escaped)
    }

    fn resources(&self, resources: &Value) -> Outcome<Value> {
        let mut loops = Loops::new();
        match resources {
            Value::Array(list) => {
                let mut made = Vec::new();
                for (at, resource) in list.iter().enumerate() {
                    made.extend(
                        self.turns(resource, &mut loops)
                            .map_err(|halt| halt.in_element(at))?,
                    );
                }
                made.iter_mut().for_each(|resource| name_turns(resource, &loops));
                Ok(made.into())
            }
            Value::Object(named) => {
                let mut made = Map::new();
                for (name, resource) in named {
                    let turns = self
                        .turns(resource, &mut loops)
                        .map_err(|halt| halt.in_member(name))?;
                    let single = resource.get("copy").is_none();
                    loops.extend(
                        loops
                            .get(&loop_name(resource))
                            .cloned()
                            .map(|turns| (name.to_lowercase(), turns)),
                    );
                    made.extend(turns.into_iter().enumerate().map(|(at, turn)| {
                        (
                            if single {
                                name.clone()
                            } else {
                                format!("{name}_{at}")
                            },
                            turn,
                        )
                    }));
                }
                made.values_mut()
                    .for_each(|resource| name_turns(resource, &loops));
                Ok(made.into())
            }
            other => Err(Halt::failed(format!(
                "The resources must be an array, not '{}'",
                kind_of(other)
            ))),
        }
    }

    /// A resource, once or as often as its loop turns.
    fn turns(&self, resource: &Value, loops: &mut Loops) -> Outcome<Vec<Value>> {
        let members = resource
            .as_object()
            .ok_or_else(|| Halt::failed("The template resource must be a JSON object"))?;
        let Some(each) = member(members, "copy") else {
            return Ok(vec![self.resource(members)?]);
        };
        let count =
            copy::count(self.evaluator, each, self.environment).map_err(|halt| halt.in_member("copy"))?;
        let name = loop_name(resource);
        let mut made = Vec::new();
        for index in 0..count {
            let turns = copy::within(self.environment.loops, &name, index);
            let environment = Environment {
                loops: &turns,
                ..*self.environment
            };
            made.push(
                Outer {
                    evaluator: self.evaluator,
                    environment: &environment,
                }
                .resource(members)?,
            );
        }
        let called = made
            .iter()
            .map(|turn| format!("{}/{}", text(turn, "type"), text(turn, "name")).into());
        loops.insert(name, called.collect());
        Ok(made)
    }

    fn resource(&self, members: &Map<String, Value>) -> Outcome<Value> {
        let is_deployment = member(members, "type")
            .and_then(Value::as_str)
            .is_some_and(|kind| same_name(kind, "Microsoft.Resources/deployments"));
        if self.is_excluded(members)? {
            // what is not deployed is not evaluated; its name may be asked for by others
            return Ok(self.named(members));
        }
        let mut made = Map::new();
        for (name, value) in members {
            let value = match (name.to_lowercase().as_str(), value) {
                ("copy", _) => continue,
                ("resources", children) if !children.is_null() => self.resources(children),
                ("properties", Value::Object(deployment)) if is_deployment => self.deployment(deployment),
                _ => self.literal(value),
            };
            made.insert(name.clone(), value.map_err(|halt| halt.in_member(name))?);
        }
        Ok(made.into())
    }

    /// A deployment inside the nested template: its template is no value, everything around it is.
    fn deployment(&self, deployment: &Map<String, Value>) -> Outcome<Value> {
        let mut sent = properties(self.evaluator, deployment, self.environment)?;
        for (name, value) in sent.as_object_mut().into_iter().flatten() {
            if !same_name(name, "template") {
                *value = escaped(value.take());
            }
        }
        Ok(sent)
    }

    fn is_excluded(&self, members: &Map<String, Value>) -> Outcome<bool> {
        let Some(condition) = member(members, "condition") else {
            return Ok(false);
        };
        let holds = self
            .evaluator
            .value(condition, self.environment)
            .map_err(|halt| halt.in_member("condition"))?;
        Ok(holds == Value::Bool(false))
    }

    fn named(&self, members: &Map<String, Value>) -> Value {
        let mut made = json!({ "condition": false });
        for name in ["type", "name", "apiVersion"] {
            let value = member(members, name).and_then(|value| self.literal(value).ok());
            made[name] = value
                .filter(Value::is_string)
                .unwrap_or_else(|| "excluded".into());
        }
        made
    }

    fn outputs(&self, outputs: &Value) -> Outcome<Value> {
        let mut made = Map::new();
        for (name, output) in outputs.as_object().into_iter().flatten() {
            let output = self.output(output).map_err(|halt| halt.in_member(name))?;
            made.insert(name.clone(), output);
        }
        Ok(made.into())
    }

    fn output(&self, output: &Value) -> Outcome<Value> {
        let members = output
            .as_object()
            .ok_or_else(|| Halt::failed("The template output must be a JSON object"))?;
        if self.is_excluded(members)? {
            return Ok(json!({ "type": text(output, "type"), "condition": false, "value": null }));
        }
        let mut made = Map::new();
        for (name, value) in members {
            if same_name(name, "copy") {
                let list = copy::expand_array(self.evaluator, value, self.environment)?;
                made.insert(String::from("value"), escaped(list));
            } else {
                let value = self.literal(value).map_err(|halt| halt.in_member(name))?;
                made.insert(name.clone(), value);
            }
        }
        Ok(made.into())
    }
}

/// The name of a resource's loop, in lower case.
fn loop_name(resource: &Value) -> String {
    let copy = resource
        .as_object()
        .and_then(|resource| member(resource, "copy"))
        .and_then(Value::as_object);
    copy.and_then(|copy| member(copy, "name"))
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_lowercase()
}

/// A dependency on a loop becomes one on each of its turns.
fn name_turns(resource: &mut Value, loops: &Loops) {
    if let Some(Value::Array(needed)) = resource.get_mut("dependsOn") {
        let named = needed.drain(..).flat_map(|name| {
            let turns = name
                .as_str()
                .and_then(|name| loops.get(&name.to_lowercase()))
                .cloned();
            turns.unwrap_or_else(|| vec![name])
        });
        *needed = named.collect::<Vec<_>>();
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value
        .as_object()
        .and_then(|members| member(members, name))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A value as it stands in a template: texts that would read as expressions are escaped.
fn escaped(value: Value) -> Value {
    match value {
        Value::String(text) => escape(&text).into(),
        Value::Array(elements) => elements.into_iter().map(escaped).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (escape(&name), escaped(value)))
            .collect(),
        plain => plain,
    }
}
