//! From declarations to instances: conditions, copy loops, names, scopes, all settled before anything is deployed.

use nave_arm::ResourceId;
use serde_json::Value;

use crate::{
    copy::{self, Loop},
    evaluator::{Allowed, Environment, Evaluator},
    fault::{Halt, Outcome},
    functions::identify,
    graph::{Directory, Entry},
    scope::management_group_id,
    table::same_name,
    template::Declaration,
    values::kind_of,
};

/// The type of nested deployments.
const DEPLOYMENTS: &str = "Microsoft.Resources/deployments";

/// What a resource costs besides its values: its names, its place in the graph.
const PRICE: usize = 16_384;
/// The most resources of one template, after copying.
const MAX_RESOURCES: usize = 800;

/// One turn of one declaration.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) declaration: usize,
    /// The loops it is in.
    pub(crate) loops: Vec<Loop>,
    pub(crate) existing: bool,
    /// The scope it is deployed at; for a nested deployment, the one it deploys to.
    pub(crate) scope: Option<ResourceId>,
    /// The batch before, in a serial loop.
    pub(crate) after: Vec<usize>,
}

/// Every instance, in the order of the template, and what they may be called.
pub(crate) struct Instances<'e> {
    evaluator: &'e Evaluator<'e>,
    pub(crate) list: Vec<Instance>,
    pub(crate) directory: Directory,
    /// The instances of each declaration.
    of: Vec<Vec<usize>>,
}

impl<'e> Instances<'e> {
    /// Expands a template.
    pub(crate) fn expand(evaluator: &'e Evaluator<'e>) -> Outcome<Self> {
        let mut instances = Self {
            evaluator,
            list: Vec::new(),
            directory: Directory::default(),
            of: Vec::new(),
        };
        for (at, declaration) in evaluator.parts.resources.iter().enumerate() {
            instances.of.push(Vec::new());
            instances.expand_declaration(at, declaration).map_err(|halt| {
                halt.in_path(&declaration.path)
                    .of_resource(&declaration.written_name())
            })?;
        }
        Ok(instances)
    }

    fn expand_declaration(&mut self, at: usize, declaration: &Declaration) -> Outcome<()> {
        let parents: Vec<Option<usize>> = match declaration.parent {
            None => vec![None],
            Some(parent) => self.of[parent].iter().copied().map(Some).collect(),
        };
        for parent in parents {
            let around = parent.map_or_else(Vec::new, |parent| self.list[parent].loops.clone());
            match declaration.members.get("copy").filter(|copy| !copy.is_null()) {
                None => drop(self.add(at, declaration, parent, around, Vec::new())?),
                Some(_) if parent.is_some() => {
                    let message = "A resource that stands inside another one can't have a copy loop; move it to the \
                                   root of the template. Please see https://aka.ms/arm-copy for usage details.";
                    return Err(Halt::failed(message).in_member("copy"));
                }
                Some(copy) => {
                    self.add_turns(at, declaration, copy)?;
                }
            }
        }
        Ok(())
    }

    fn add_turns(&mut self, at: usize, declaration: &Declaration, copy: &Value) -> Outcome<()> {
        let environment = Environment::outermost(Allowed::STRUCTURE);
        let settled = self
            .settle_loop(copy, &environment)
            .map_err(|halt| halt.in_member("copy"))?;
        let Settled { name, count, batch } = settled;
        if self.directory.loop_members(&name).is_some() {
            let message = format!(
                "The copy loop name '{name}' is used by more than one resource; it must be unique in a template. Please see \
                 https://aka.ms/arm-copy for usage details"
            );
            return Err(Halt::failed(message).in_member("name").in_member("copy"));
        }
        let mut turns = Vec::new();
        for index in 0..count {
            let before = batch.map_or(0, |batch| turns.len() / batch * batch);
            let after = match batch {
                Some(batch) if before > 0 => turns[before - batch..before].to_vec(),
                _ => Vec::new(),
            };
            turns.push(self.add(at, declaration, None, copy::within(&[], &name, index), after)?);
        }
        self.directory.add_loop(&name, &turns);
        if let Some(symbolic) = declaration
            .symbolic_name
            .as_ref()
            .filter(|symbolic| !same_name(symbolic, &name))
        {
            self.directory.add_loop(symbolic, &turns);
        }
        Ok(())
    }

    fn settle_loop(&self, copy: &Value, environment: &Environment<'_>) -> Outcome<Settled> {
        let Value::Object(members) = self.evaluator.value(copy, environment)? else {
            return Err(Halt::failed(
                "The copy loop must be an object with 'name' and 'count'",
            ));
        };
        let text = |name: &str| crate::table::member(&members, name).and_then(Value::as_str);
        let name = text("name").filter(|name| !name.is_empty());
        let name = name
            .ok_or_else(|| Halt::failed("The copy loop needs a name").in_member("name"))?
            .to_owned();
        let serial = match text("mode") {
            None => false,
            Some(mode) if same_name(mode, "parallel") => false,
            Some(mode) if same_name(mode, "serial") => true,
            Some(mode) => {
                let message =
                    format!("The copy mode '{mode}' is not valid; it can be 'serial' or 'parallel'");
                return Err(Halt::failed(message).in_member("mode"));
            }
        };
        let size = crate::table::member(&members, "batchSize")
            .and_then(Value::as_u64)
            .unwrap_or(1);
        let size = usize::try_from(size).ok().filter(|size| *size > 0);
        let size =
            size.ok_or_else(|| Halt::failed("The batch size must be at least 1").in_member("batchSize"))?;
        Ok(Settled {
            name,
            count: copy::count(self.evaluator, copy, environment)?,
            batch: serial.then_some(size),
        })
    }

    fn add(
        &mut self,
        at: usize,
        declaration: &Declaration,
        parent: Option<usize>,
        loops: Vec<Loop>,
        after: Vec<usize>,
    ) -> Outcome<usize> {
        self.evaluator.budget.spend(PRICE)?;
        let place = Place {
            evaluator: self.evaluator,
            declaration,
            loops: &loops,
        };
        let included = place.condition().map_err(|halt| halt.in_member("condition"))?;
        let parent_entry = parent.and_then(|parent| self.directory.entry(parent));
        let named = place.name(parent_entry);
        let (entry, scope) = match named {
            Ok((entry, scope)) => (Entry { included, ..entry }, scope),
            // the name of what is not deployed may be nonsense
            Err(_) if !included => (Entry::nameless(declaration), None),
            Err(halt) => return Err(halt),
        };
        let existing = declaration.members.get("existing") == Some(&Value::Bool(true));
        let own = self.list.len();
        if own >= MAX_RESOURCES {
            return Err(Halt::failed(format!(
                "The template has more than {MAX_RESOURCES} resources"
            )));
        }
        self.list.push(Instance {
            declaration: at,
            loops,
            existing,
            scope,
            after,
        });
        self.of[at].push(own);
        self.directory.add(entry);
        debug_assert_eq!(self.directory.len(), self.list.len());
        Ok(own)
    }

    /// What an instance says it depends on.
    pub(crate) fn depends_on(&self, instance: &Instance) -> Outcome<Vec<String>> {
        let declaration = &self.evaluator.parts.resources[instance.declaration];
        let place = Place {
            evaluator: self.evaluator,
            declaration,
            loops: &instance.loops,
        };
        let listed = declaration.members.get("dependsOn").unwrap_or(&Value::Null);
        match place.value(listed)? {
            Value::Null => Ok(Vec::new()),
            Value::Array(entries) => entries
                .into_iter()
                .enumerate()
                .map(|(at, entry)| match entry {
                    Value::String(text) => Ok(text),
                    other => {
                        let message = format!("A dependency must be a string, not '{}'", kind_of(&other));
                        Err(Halt::failed(message).in_element(at))
                    }
                })
                .collect(),
            other => Err(Halt::failed(format!(
                "The dependencies must be an array, not '{}'",
                kind_of(&other)
            ))),
        }
    }
}

/// A resource's copy loop, worked out.
struct Settled {
    name: String,
    count: i64,
    /// The size of a batch, in a serial loop.
    batch: Option<usize>,
}

impl Entry {
    fn nameless(declaration: &Declaration) -> Self {
        Self {
            included: false,
            id: None,
            name: String::new(),
            resource_type: String::new(),
            api_version: None,
            symbolic_name: declaration.symbolic_name.clone(),
        }
    }
}

/// One declaration in one turn of its loops.
struct Place<'p> {
    evaluator: &'p Evaluator<'p>,
    declaration: &'p Declaration,
    loops: &'p [Loop],
}

impl Place<'_> {
    fn value(&self, value: &Value) -> Outcome<Value> {
        let environment = Environment {
            loops: self.loops,
            ..Environment::outermost(Allowed::STRUCTURE)
        };
        self.evaluator.value(value, &environment)
    }

    fn condition(&self) -> Outcome<bool> {
        match self.value(self.declaration.members.get("condition").unwrap_or(&Value::Null))? {
            Value::Null => Ok(true),
            Value::Bool(holds) => Ok(holds),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            other => Err(Halt::failed(format!(
                "The condition must be a boolean, not '{}'",
                kind_of(&other)
            ))),
        }
    }

    /// A member that must be text when it is there; the empty text counts as absent.
    fn text(&self, name: &str) -> Outcome<Option<String>> {
        let value = self.declaration.members.get(name).unwrap_or(&Value::Null);
        match self.value(value).map_err(|halt| halt.in_member(name))? {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            other => {
                let message = format!("The value must be a string, not '{}'", kind_of(&other));
                Err(Halt::failed(message).in_member(name))
            }
        }
    }

    fn required(&self, name: &str) -> Outcome<String> {
        self.text(name)?.ok_or_else(|| {
            Halt::failed(format!(
                "The template resource is missing the required property '{name}'"
            ))
            .in_member(name)
        })
    }

    /// What the resource is called, and the scope it stands at.
    fn name(&self, parent: Option<&Entry>) -> Outcome<(Entry, Option<ResourceId>)> {
        let (own_type, own_name) = (self.required("type")?, self.required("name")?);
        let api_version = self.text("apiVersion")?;
        if api_version.is_none() {
            return Err(Halt::failed(
                "The template resource is missing the required property 'apiVersion'",
            ));
        }
        let (resource_type, name, below) = full_name(&own_type, &own_name, parent);
        check_segments(&resource_type, &name)?;
        let scope = match below {
            Some(parent) => parent,
            None => self
                .scope(&resource_type)
                .map_err(|halt| halt.in_member("scope"))?,
        };
        let names: Vec<&str> = name.split('/').collect();
        let text = identify(scope.as_str(), &resource_type, &names);
        let id = ResourceId::parse(&text).map_err(|error| {
            Halt::failed(format!(
                "The template resource '{name}' of type '{resource_type}' has an invalid name: {error}"
            ))
            .in_member("name")
        })?;
        let symbolic_name = self
            .declaration
            .symbolic_name
            .as_ref()
            .map(|symbolic| match self.loops.last() {
                Some(turn) => format!("{symbolic}[{}]", turn.index),
                None => symbolic.clone(),
            });
        let entry = Entry {
            included: true,
            id: Some(id),
            name,
            resource_type,
            api_version,
            symbolic_name,
        };
        Ok((entry, Some(scope)))
    }

    /// Where the resource stands: as it says, else where the deployment is.
    fn scope(&self, resource_type: &str) -> Outcome<ResourceId> {
        let base = self.evaluator.scope.base();
        let is_deployment = same_name(resource_type, DEPLOYMENTS);
        let above = if is_deployment {
            ResourceId::tenant()
        } else {
            base.clone()
        };
        match self.text("scope")? {
            Some(scope) if scope.starts_with('/') => parse_scope(&scope),
            Some(scope) => parse_scope(&relative(&above, &scope)),
            None if is_deployment || self.declaration.members.contains_key("existing") => {
                self.other_group(&base)
            }
            None => Ok(base),
        }
    }

    /// The group or subscription a nested deployment or an existing resource names.
    fn other_group(&self, base: &ResourceId) -> Outcome<ResourceId> {
        let (subscription, group) = (self.text("subscriptionId")?, self.text("resourceGroup")?);
        let here = base.subscription().map(str::to_owned);
        match (subscription, group) {
            (None, None) => Ok(base.clone()),
            (Some(subscription), None) => Ok(ResourceId::of_subscription(&subscription)),
            (subscription, Some(group)) => {
                let subscription = subscription.or(here);
                let subscription = subscription
                    .ok_or_else(|| Halt::failed("A resource group needs a 'subscriptionId' here"));
                Ok(ResourceId::of_resource_group(&subscription?, &group))
            }
        }
    }
}

/// The full type and name, and for an extension that is declared inside a resource the resource's id.
fn full_name(own_type: &str, own_name: &str, parent: Option<&Entry>) -> (String, String, Option<ResourceId>) {
    let Some(parent) = parent else {
        return (own_type.to_owned(), own_name.to_owned(), None);
    };
    let is_full = own_type
        .split_once('/')
        .is_some_and(|(namespace, _)| namespace.contains('.'));
    let below = || format!("{}/{own_name}", parent.name);
    if !is_full {
        return (format!("{}/{own_type}", parent.resource_type), below(), None);
    }
    let is_child = own_type
        .to_lowercase()
        .starts_with(&format!("{}/", parent.resource_type.to_lowercase()));
    let complete = own_name.split('/').count() + 1 == own_type.split('/').count();
    match (is_child, complete) {
        (true, true) => (own_type.to_owned(), own_name.to_owned(), None),
        (true, false) => (own_type.to_owned(), below(), None),
        (false, _) => (own_type.to_owned(), own_name.to_owned(), parent.id.clone()),
    }
}

fn check_segments(resource_type: &str, name: &str) -> Outcome<()> {
    if resource_type.split('/').count() == name.split('/').count() + 1 {
        return Ok(());
    }
    Err(Halt::failed(format!(
        "The template resource '{name}' for type '{resource_type}' has incorrect segment lengths. A nested resource \
         type must have identical number of segments as its resource name. A root resource type must have segment \
         length one greater than its resource name. Please see https://aka.ms/arm-syntax-resources for usage details"
    ))
    .in_member("type"))
}

fn parse_scope(text: &str) -> Outcome<ResourceId> {
    ResourceId::parse(text).map_err(|error| Halt::failed(format!("The scope '{text}' is not valid: {error}")))
}

/// `Namespace/type/name[/child/name]` under a scope.
fn relative(base: &ResourceId, text: &str) -> String {
    let group = text
        .split_once('/')
        .filter(|(kind, _)| same_name(kind, "Microsoft.Management"));
    match group.and_then(|(_, rest)| rest.split_once('/')) {
        Some((_, name)) => management_group_id(name).as_str().to_owned(),
        None if base.is_tenant() => format!("/providers/{text}"),
        None => format!("{base}/providers/{text}"),
    }
}
