//! A template as text gave it, its structure checked once: sections, declarations, syntax of every expression.

mod expressions;
mod size;

use std::{collections::HashMap, sync::Arc};

use nave_arm::ArmError;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{
    expression::Expression,
    fault::{Halt, Outcome},
    table::{Table, same_name},
    types,
};

const ROOT_MEMBERS: &[&str] = &[
    "$schema",
    "contentVersion",
    "languageVersion",
    "apiProfile",
    "definitions",
    "metadata",
    "parameters",
    "variables",
    "functions",
    "resources",
    "outputs",
    "asserts",
    "imports",
    "extensions",
];

/// Members of a resource that the language itself reads. Everything else is body.
pub(crate) const RESOURCE_MEMBERS: &[&str] = &[
    "type",
    "apiVersion",
    "name",
    "condition",
    "dependsOn",
    "scope",
    "copy",
    "resources",
    "comments",
    "metadata",
    "existing",
    "@options",
    "import",
    "extension",
    "asserts",
];

/// Members the language reads on `Microsoft.Resources/deployments` only.
pub(crate) const DEPLOYMENT_MEMBERS: &[&str] = &["subscriptionId", "resourceGroup"];

const MAX_PARAMETERS: usize = 256;
const MAX_VARIABLES: usize = 512;
const MAX_OUTPUTS: usize = 64;

/// A template whose structure is right. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Template {
    pub(crate) parts: Arc<Parts>,
}

/// The sections of a template.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) document: Value,
    /// Language version 2.0: symbolic names, user types.
    pub(crate) symbolic: bool,
    pub(crate) definitions: Map<String, Value>,
    pub(crate) parameters: Table<Map<String, Value>>,
    pub(crate) variables: Table<Value>,
    /// The root `variables.copy` loops, by the variable each makes.
    pub(crate) variable_loops: Table<Value>,
    pub(crate) functions: Table<UserFunction>,
    pub(crate) resources: Vec<Declaration>,
    pub(crate) outputs: Table<Map<String, Value>>,
    /// Every expression of the template, read once.
    pub(crate) expressions: HashMap<String, Expression>,
}

/// A user function, under `namespace.name` in its table.
#[derive(Debug)]
pub(crate) struct UserFunction {
    /// The parameters in order, each with its declaration.
    pub(crate) parameters: Vec<(String, Map<String, Value>)>,
    pub(crate) body: Value,
    /// What the value must be.
    pub(crate) output: Map<String, Value>,
}

/// A resource as declared; a child stands after its parent.
#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) symbolic_name: Option<String>,
    /// Its JSON path in the template.
    pub(crate) path: String,
    /// The index of the resource it is declared inside of.
    pub(crate) parent: Option<usize>,
    /// Its members; those of the language have their documented spelling.
    pub(crate) members: Arc<Map<String, Value>>,
}

impl Declaration {
    /// Its name, as it is written.
    pub(crate) fn written_name(&self) -> String {
        let name = self.members.get("name").and_then(Value::as_str);
        name.unwrap_or_default().to_owned()
    }
}

impl Template {
    /// Reads a template and checks its structure.
    ///
    /// # Errors
    /// `InvalidTemplate`, with the JSON path of what is wrong; `JobSizeExceeded` for one of more than 4 MB.
    pub fn parse(value: &Value) -> Result<Self, ArmError> {
        size::check(value)?;
        let parts = Parts::read(value)?;
        Ok(Self {
            parts: Arc::new(parts),
        })
    }

    /// Whether a function is called in it anywhere, nested templates with inner scope left out.
    #[must_use]
    pub fn calls(&self, function: &str) -> bool {
        self.parts.expressions.values().any(|expression| {
            let mut found = false;
            expression.each_call(&mut |call| found |= call.is(function));
            found
        })
    }

    /// The document as it was given.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.parts.document
    }

    /// A number that is the same for the same template, as `templateHash` shows it.
    #[must_use]
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(self.parts.document.to_string().as_bytes());
        let start = digest
            .iter()
            .take(8)
            .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        start.to_string()
    }
}

impl Parts {
    fn read(document: &Value) -> Outcome<Self> {
        let root = object(document, "The template")?;
        let symbolic = match section(root, "languageVersion") {
            None => false,
            Some(Value::String(version))
                if ["2.", "1.9-", "1.10-"]
                    .iter()
                    .any(|known| version.starts_with(known)) =>
            {
                true
            }
            Some(Value::String(version)) if version.starts_with("1.") => false,
            Some(_) => {
                return Err(
                    Halt::failed("The template language version is not supported; use '2.0'")
                        .in_member("languageVersion"),
                );
            }
        };
        if symbolic {
            let unknown = root
                .keys()
                .find(|key| !ROOT_MEMBERS.iter().any(|known| same_name(known, key)));
            if let Some(unknown) = unknown {
                let message = format!("Could not find member '{unknown}' on object of type 'Template'");
                return Err(Halt::failed(message).in_member(unknown));
            }
        }
        let mut parts = Self {
            document: document.clone(),
            symbolic,
            definitions: members_of(root, "definitions")?,
            parameters: Table::default(),
            variables: Table::default(),
            variable_loops: Table::default(),
            functions: Table::default(),
            resources: Vec::new(),
            outputs: Table::default(),
            expressions: HashMap::new(),
        };
        parts.check_definitions()?;
        parts.read_parameters(root)?;
        parts.read_variables(root)?;
        parts.read_functions(root)?;
        parts.read_resources(root)?;
        parts.read_outputs(root)?;
        parts.expressions = parts.read_expressions(root)?;
        Ok(parts)
    }

    fn check_definitions(&self) -> Outcome<()> {
        for (name, definition) in &self.definitions {
            let checked = object(definition, "The type definition")
                .and_then(|definition| types::check_declaration(definition, self));
            checked.map_err(|halt| halt.in_member(name).in_member("definitions"))?;
        }
        Ok(())
    }

    fn read_parameters(&mut self, root: &Map<String, Value>) -> Outcome<()> {
        for (name, declaration) in members_of(root, "parameters")? {
            let read = object(&declaration, "The template parameter").and_then(|declaration| {
                types::check_declaration(declaration, self)?;
                unique(
                    self.parameters.insert(&name, declaration.clone()),
                    "parameter",
                    &name,
                )
            });
            read.map_err(|halt| halt.in_member(&name).in_member("parameters"))?;
        }
        limit(self.parameters.len(), MAX_PARAMETERS, "parameters")
    }

    fn read_variables(&mut self, root: &Map<String, Value>) -> Outcome<()> {
        for (name, value) in members_of(root, "variables")? {
            let read = match &value {
                Value::Array(loops) if same_name(&name, "copy") => {
                    loops.iter().try_for_each(|each| match each["name"].as_str() {
                        Some(variable) => unique(
                            self.variable_loops.insert(variable, each.clone()),
                            "variable",
                            variable,
                        ),
                        None => Err(Halt::failed(
                            "A copy loop needs the members 'name', 'count' and 'input'",
                        )),
                    })
                }
                _ => unique(self.variables.insert(&name, value), "variable", &name),
            };
            read.map_err(|halt| halt.in_member(&name).in_member("variables"))?;
        }
        limit(
            self.variables.len() + self.variable_loops.len(),
            MAX_VARIABLES,
            "variables",
        )
    }

    fn read_functions(&mut self, root: &Map<String, Value>) -> Outcome<()> {
        let namespaces = match section(root, "functions") {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Array(namespaces)) => namespaces,
            Some(_) => return Err(Halt::failed("The section must be an array").in_member("functions")),
        };
        for (at, namespace) in namespaces.iter().enumerate() {
            self.read_namespace(namespace)
                .map_err(|halt| halt.in_element(at).in_member("functions"))?;
        }
        Ok(())
    }

    fn read_namespace(&mut self, namespace: &Value) -> Outcome<()> {
        let namespace = object(namespace, "The function namespace")?;
        let name = text_member(namespace, "namespace")?;
        for (function, declaration) in members_of(namespace, "members")? {
            let full = format!("{name}.{function}");
            let read = object(&declaration, "The function").and_then(|declaration| {
                let declared = self.read_function(declaration)?;
                unique(self.functions.insert(&full, declared), "function", &full)
            });
            read.map_err(|halt| halt.in_member(&function).in_member("members"))?;
        }
        Ok(())
    }

    fn read_function(&self, declaration: &Map<String, Value>) -> Outcome<UserFunction> {
        let mut output = members_of(declaration, "output")?;
        let key = output.keys().find(|key| same_name(key, "value")).cloned();
        let body = key.and_then(|key| output.shift_remove(&key));
        let body =
            body.ok_or_else(|| Halt::failed("The function has no output value").in_member("output"))?;
        let mut parameters = Vec::new();
        if let Some(Value::Array(listed)) = section(declaration, "parameters") {
            for (at, parameter) in listed.iter().enumerate() {
                let read = object(parameter, "The function's parameter").and_then(|parameter| {
                    types::check_declaration(parameter, self)?;
                    Ok((text_member(parameter, "name")?.to_owned(), parameter.clone()))
                });
                parameters.push(read.map_err(|halt| halt.in_element(at).in_member("parameters"))?);
            }
        }
        Ok(UserFunction {
            parameters,
            body,
            output,
        })
    }

    fn read_resources(&mut self, root: &Map<String, Value>) -> Outcome<()> {
        let Some(resources) = section(root, "resources") else {
            return Err(Halt::failed("Required property 'resources' not found in JSON"));
        };
        self.read_declarations(resources, "resources", None)
    }

    fn read_declarations(&mut self, resources: &Value, path: &str, parent: Option<usize>) -> Outcome<()> {
        match resources {
            Value::Array(list) => list.iter().enumerate().try_for_each(|(at, resource)| {
                self.read_declaration(resource, None, format!("{path}[{at}]"), parent)
            }),
            Value::Object(named) if self.symbolic => named.iter().try_for_each(|(name, resource)| {
                self.read_declaration(resource, Some(name.clone()), format!("{path}.{name}"), parent)
            }),
            Value::Object(_) => Err(Halt::failed(
                "The section 'resources' is an object, which needs the template's languageVersion to be '2.0'",
            )
            .in_path(path)),
            _ => Err(Halt::failed("The section must be an array").in_path(path)),
        }
    }

    fn read_declaration(
        &mut self,
        resource: &Value,
        symbolic_name: Option<String>,
        path: String,
        parent: Option<usize>,
    ) -> Outcome<()> {
        let members = object(resource, "The template resource").and_then(|resource| {
            let members = spell_members(resource);
            for required in ["type", "name"] {
                let imported = ["import", "extension"]
                    .iter()
                    .any(|name| members.contains_key(*name));
                if !members.get(required).is_some_and(Value::is_string) && !imported {
                    let message =
                        format!("The template resource is missing the required property '{required}'");
                    return Err(Halt::failed(message));
                }
            }
            Ok(members)
        });
        let mut members = members.map_err(|halt| halt.in_path(&path))?;
        let children = members.shift_remove("resources");
        let own = self.resources.len();
        let children_path = format!("{path}.resources");
        self.resources.push(Declaration {
            symbolic_name,
            path,
            parent,
            members: Arc::new(members),
        });
        match children {
            None | Some(Value::Null) => Ok(()),
            Some(children) => self.read_declarations(&children, &children_path, Some(own)),
        }
    }

    fn read_outputs(&mut self, root: &Map<String, Value>) -> Outcome<()> {
        for (name, output) in members_of(root, "outputs")? {
            let read = object(&output, "The template output").and_then(|output| {
                types::check_declaration(output, self)?;
                unique(self.outputs.insert(&name, output.clone()), "output", &name)
            });
            read.map_err(|halt| halt.in_member(&name).in_member("outputs"))?;
        }
        limit(self.outputs.len(), MAX_OUTPUTS, "outputs")
    }
}

/// The members with those of the language in their documented spelling.
fn spell_members(resource: &Map<String, Value>) -> Map<String, Value> {
    let mut members = Map::new();
    for (name, value) in resource {
        let known = RESOURCE_MEMBERS
            .iter()
            .chain(DEPLOYMENT_MEMBERS)
            .chain(&["properties", "location"]);
        let spelled = known
            .copied()
            .find(|known| same_name(known, name))
            .unwrap_or(name);
        members.insert(spelled.to_owned(), value.clone());
    }
    members
}

/// A section of an object by its name without case.
pub(crate) fn section<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    crate::table::member(object, name)
}

fn members_of(object: &Map<String, Value>, name: &str) -> Outcome<Map<String, Value>> {
    match section(object, name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(members)) => Ok(members.clone()),
        Some(_) => Err(Halt::failed("The section must be an object").in_member(name)),
    }
}

fn text_member<'v>(object: &'v Map<String, Value>, name: &str) -> Outcome<&'v str> {
    let text = section(object, name).and_then(Value::as_str);
    text.ok_or_else(|| Halt::failed(format!("Required property '{name}' not found in JSON")))
}

fn object<'v>(value: &'v Value, what: &str) -> Outcome<&'v Map<String, Value>> {
    value
        .as_object()
        .ok_or_else(|| Halt::failed(format!("{what} must be a JSON object")))
}

fn unique(inserted: bool, what: &str, name: &str) -> Outcome<()> {
    let message = || format!("The template {what} '{name}' is defined more than once");
    if inserted {
        Ok(())
    } else {
        Err(Halt::failed(message()))
    }
}

fn limit(found: usize, most: usize, what: &str) -> Outcome<()> {
    let message = || format!("The template has {found} {what}; at most {most} are allowed");
    if found <= most {
        Ok(())
    } else {
        Err(Halt::failed(message()).in_member(what))
    }
}
