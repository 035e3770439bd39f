//! A deployment before it runs: every resource with its id and what it waits for; then, one by one, their bodies.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use nave_arm::{ArmError, ResourceId};
use serde_json::{Map, Value};

use crate::{
    Chance, RuntimeValues, Scope, Template, Unresolved,
    budget::Budget,
    copy::Loop,
    evaluator::{Allowed, Environment, Evaluator, Parameters, Unknown},
    fault::{Halt, Outcome},
    graph::{Directory, order},
    implicit,
    instances::{Instance, Instances},
    nested, outputs, parameters,
    run::Answers,
    template::{DEPLOYMENT_MEMBERS, Parts, RESOURCE_MEMBERS},
    values::without_nulls,
};

/// What a template comes to at one scope with one set of parameters.
#[derive(Debug)]
pub struct Plan {
    parts: Arc<Parts>,
    scope: Scope,
    values: HashMap<String, Value>,
    resources: Vec<PlannedResource>,
    excluded: Vec<ResourceId>,
    order: Vec<usize>,
    directory: Directory,
    budget: Arc<Budget>,
}

/// Outputs before the deployment runs, `{name: {type, value}}`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ForeseenOutputs {
    /// Those whose value is sure.
    pub sure: Map<String, Value>,
    /// The others, as they are written.
    pub open: Map<String, Value>,
}

/// One resource that will be deployed, or that the template says is there.
#[derive(Debug, Clone)]
pub struct PlannedResource {
    /// Its id.
    pub id: ResourceId,
    /// Its full type, as the template spells it.
    pub resource_type: String,
    /// Its full name, with those of its parents.
    pub name: String,
    /// The version to send it with.
    pub api_version: String,
    /// Its symbolic name, in language version 2.0; in a loop with the turn, `name[0]`.
    pub symbolic_name: Option<String>,
    /// Whether it is only referred to.
    pub existing: bool,
    /// For a nested deployment, the scope it deploys to.
    pub nested: Option<ResourceId>,
    /// The places in [`Plan::resources`] of what must be done before.
    pub depends_on: Vec<usize>,
    /// Its JSON path in the template.
    pub path: String,
    declaration: usize,
    loops: Vec<Loop>,
}

impl Plan {
    /// Expands a template with the parameters of a request, `{name: {"value": …}}`.
    ///
    /// # Errors
    /// `InvalidTemplate`: a parameter that does not fit, an expression that fails, a cycle, a duplicate. The path
    /// stands in `additionalInfo`.
    pub fn new(
        template: &Template,
        scope: Scope,
        given: &Map<String, Value>,
        chance: &dyn Chance,
    ) -> Result<Self, ArmError> {
        Self::foreseen(template, scope, given, &[], chance)
    }

    /// Expands a template of which some parameters are given by values that only a run can tell. What depends on them
    /// stays unknown: [`Self::preview`] leaves it as it is written.
    ///
    /// # Errors
    /// Those of [`Self::new`]; also where a name, a condition or a loop depends on such a parameter.
    pub fn foreseen(
        template: &Template,
        scope: Scope,
        given: &Map<String, Value>,
        unknown: &[String],
        chance: &dyn Chance,
    ) -> Result<Self, ArmError> {
        Self::within(
            Arc::new(Budget::of_a_plan()),
            template,
            scope,
            given,
            unknown,
            chance,
        )
    }

    /// [`Self::foreseen`] out of a purse that others use too.
    pub(crate) fn within(
        budget: Arc<Budget>,
        template: &Template,
        scope: Scope,
        given: &Map<String, Value>,
        unknown: &[String],
        chance: &dyn Chance,
    ) -> Result<Self, ArmError> {
        let parts = template.parts.clone();
        let values = {
            let mut evaluator = Evaluator::new(&parts, &scope, Parameters::Given(given), &budget);
            evaluator.chance = Some(chance);
            evaluator.unknown_parameters = unknown;
            parameters::resolve(&evaluator, given)?
        };
        let mut plan = Self {
            parts: parts.clone(),
            scope: scope.clone(),
            values: values.clone(),
            resources: Vec::new(),
            excluded: Vec::new(),
            order: Vec::new(),
            directory: Directory::default(),
            budget: budget.clone(),
        };
        plan.expand(&Evaluator::new(
            &parts,
            &scope,
            Parameters::Known(&values),
            &budget,
        ))?;
        Ok(plan)
    }

    /// What is deployed or referred to, in the order of the template.
    #[must_use]
    pub fn resources(&self) -> &[PlannedResource] {
        &self.resources
    }

    /// The ids of what a condition leaves out, as far as they can be told.
    #[must_use]
    pub fn excluded(&self) -> &[ResourceId] {
        &self.excluded
    }

    /// The places of [`Self::resources`] in an order that meets every dependency.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The parameters as a deployment shows them, `{name: {type, value}}`; secure ones without a value.
    #[must_use]
    pub fn parameters(&self) -> Value {
        parameters::echo(&self.parts, &self.values)
    }

    /// Whether the template has outputs.
    #[must_use]
    pub fn has_outputs(&self) -> bool {
        self.parts.outputs.len() > 0
    }

    /// What is sent to deploy a resource. Members that are null are left out; the body of a nested deployment is a
    /// deployment request.
    ///
    /// # Errors
    /// The next run-time call to make, or why it cannot be evaluated.
    pub fn body(&self, at: usize, known: &RuntimeValues) -> Result<Value, Unresolved> {
        self.evaluate(known, Unknown::Stops, |evaluator| self.body_of(evaluator, at))
            .map_err(|halt| match halt {
                Halt::Call(call) => Unresolved::Call(call),
                Halt::Unknown => Unresolved::Failed(Halt::Unknown.into()),
                Halt::Failed(fault) => {
                    let what = self
                        .resources
                        .get(at)
                        .map_or_else(String::new, |resource| resource.id.to_string());
                    Unresolved::Failed(fault.of_run(&format!("resource '{what}'")))
                }
            })
    }

    /// The body as far as it can be told before anything runs: what depends on a run-time call stays as it is
    /// written.
    ///
    /// # Errors
    /// `InvalidTemplate`, when an expression fails that needs no run-time call.
    pub fn preview(&self, at: usize) -> Result<Value, ArmError> {
        self.preview_with(at, &RuntimeValues::new())
    }

    /// [`Self::preview`] with what is known already.
    ///
    /// # Errors
    /// `InvalidTemplate`, when an expression fails that needs no run-time call.
    pub fn preview_with(&self, at: usize, known: &RuntimeValues) -> Result<Value, ArmError> {
        let body = self.evaluate(known, Unknown::Stays, |evaluator| self.body_of(evaluator, at));
        body.map_err(ArmError::from)
    }

    /// The part of a body that is sure before anything runs: a member that waits for an answer is absent, such an element
    /// of an array is null.
    ///
    /// # Errors
    /// `InvalidTemplate`, when an expression fails that needs no run-time call.
    pub fn certain(&self, at: usize, known: &RuntimeValues) -> Result<Value, ArmError> {
        let body = self.evaluate(known, Unknown::IsNull, |evaluator| self.body_of(evaluator, at));
        body.map(without_nulls).map_err(ArmError::from)
    }

    /// The outputs, `{name: {type, value}}`. An output whose condition is false is absent, a secure one has no
    /// value.
    ///
    /// # Errors
    /// The next run-time call to make, or why one cannot be evaluated.
    pub fn outputs(&self, known: &RuntimeValues) -> Result<Value, Unresolved> {
        self.evaluate(known, Unknown::Stops, outputs::evaluate)
            .map_err(|halt| match halt {
                Halt::Call(call) => Unresolved::Call(call),
                Halt::Unknown => Unresolved::Failed(Halt::Unknown.into()),
                Halt::Failed(fault) => Unresolved::Failed(fault.of_run("the outputs of the deployment")),
            })
    }

    /// The outputs as far as they can be told before anything runs.
    ///
    /// # Errors
    /// `InvalidTemplate`, when an expression fails that needs no run-time call.
    pub fn foreseen_outputs(&self, known: &RuntimeValues) -> Result<ForeseenOutputs, ArmError> {
        self.evaluate(known, Unknown::Stops, outputs::foresee)
            .map_err(ArmError::from)
    }

    fn evaluate<T>(
        &self,
        known: &RuntimeValues,
        unknown: Unknown,
        work: impl FnOnce(&Evaluator<'_>) -> Outcome<T>,
    ) -> Outcome<T> {
        let answers = Answers {
            directory: &self.directory,
            known,
        };
        let parameters = Parameters::Known(&self.values);
        let mut evaluator = Evaluator::new(&self.parts, &self.scope, parameters, &self.budget);
        evaluator.references = Some(&answers);
        evaluator.unknown = unknown;
        work(&evaluator)
    }

    fn body_of(&self, evaluator: &Evaluator<'_>, at: usize) -> Outcome<Value> {
        let resource = self
            .resources
            .get(at)
            .ok_or_else(|| Halt::failed("There is no such resource"))?;
        let declaration = &self.parts.resources[resource.declaration];
        let environment = Environment {
            loops: &resource.loops,
            ..Environment::outermost(Allowed::BODY)
        };
        let is_deployment = resource.nested.is_some();
        let mut body = Map::new();
        for (name, value) in &*declaration.members {
            let is_language = RESOURCE_MEMBERS.contains(&name.as_str());
            if is_language || is_deployment && DEPLOYMENT_MEMBERS.contains(&name.as_str()) {
                continue;
            }
            let value = match value
                .as_object()
                .filter(|_| is_deployment && name == "properties")
            {
                Some(properties) => nested::properties(evaluator, properties, &environment),
                None => evaluator.value(value, &environment),
            };
            body.insert(
                name.clone(),
                value.map_err(|halt| halt.in_member(name).in_path(&declaration.path))?,
            );
        }
        let body = Value::Object(body);
        Ok(if is_deployment { body } else { without_nulls(body) })
    }

    fn expand(&mut self, evaluator: &Evaluator<'_>) -> Outcome<()> {
        let instances = Instances::expand(evaluator)?;
        let places = self.list(&instances)?;
        for (at, instance) in instances.list.iter().enumerate() {
            let Some(own) = places[at] else { continue };
            let path = &self.parts.resources[instance.declaration].path;
            let needed = self
                .needs(evaluator, &instances, instance)
                .map_err(|halt| halt.in_path(path))?;
            let mut needed: Vec<usize> = needed.into_iter().filter_map(|other| places[other]).collect();
            needed.sort_unstable();
            needed.dedup();
            self.resources[own].depends_on = needed;
        }
        let dependencies: Vec<_> = self
            .resources
            .iter()
            .map(|resource| resource.depends_on.clone())
            .collect();
        self.order = order(&dependencies).map_err(|on_cycle| {
            let resource = &self.resources[on_cycle];
            Halt::failed(format!(
                "Circular dependency detected on resource: '{}'. Please see https://aka.ms/arm-syntax-resources for \
                 usage details",
                resource.id
            ))
            .in_path(&resource.path)
        })?;
        self.directory = instances.directory;
        Ok(())
    }

    /// Takes in what is deployed; answers the place of each instance.
    fn list(&mut self, instances: &Instances<'_>) -> Outcome<Vec<Option<usize>>> {
        let mut seen = HashSet::new();
        let mut places = Vec::new();
        for (at, instance) in instances.list.iter().enumerate() {
            let Some(entry) = instances.directory.entry(at) else {
                continue;
            };
            let Some(id) = entry.id.as_ref().filter(|_| entry.included) else {
                self.excluded.extend(entry.id.clone());
                places.push(None);
                continue;
            };
            let path = self.parts.resources[instance.declaration].path.clone();
            if !instance.existing && !seen.insert(id.key().to_owned()) {
                return Err(Halt::failed(format!(
                    "The resource '{id}' is defined multiple times in a template. Please see \
                     https://aka.ms/arm-syntax-resources for usage details"
                ))
                .in_path(&path));
            }
            let is_deployment = entry
                .resource_type
                .eq_ignore_ascii_case("Microsoft.Resources/deployments");
            places.push(Some(self.resources.len()));
            self.resources.push(PlannedResource {
                id: id.clone(),
                resource_type: entry.resource_type.clone(),
                name: entry.name.clone(),
                api_version: entry.api_version.clone().unwrap_or_default(),
                symbolic_name: entry.symbolic_name.clone(),
                existing: instance.existing,
                nested: instance
                    .scope
                    .clone()
                    .filter(|_| is_deployment && !instance.existing),
                depends_on: Vec::new(),
                path,
                declaration: instance.declaration,
                loops: instance.loops.clone(),
            });
        }
        Ok(places)
    }

    /// The instances that one waits for: those it names, those its run-time calls name, the batch before.
    fn needs(
        &self,
        evaluator: &Evaluator<'_>,
        instances: &Instances<'_>,
        instance: &Instance,
    ) -> Outcome<Vec<usize>> {
        let mut needed = instance.after.clone();
        let named = instances
            .depends_on(instance)
            .map_err(|halt| halt.in_member("dependsOn"))?;
        for (at, name) in named.iter().enumerate() {
            let found = instances.directory.places(name).ok_or_else(|| {
                Halt::failed(format!(
                    "The resource '{name}' is not defined in the template. Please see \
                     https://aka.ms/arm-syntax-resources for usage details"
                ))
                .in_element(at)
                .in_member("dependsOn")
            })?;
            needed.extend(found);
        }
        let mut called = Vec::new();
        let environment = Environment {
            loops: &instance.loops,
            ..Environment::outermost(Allowed::STRUCTURE)
        };
        for (name, value) in &*self.parts.resources[instance.declaration].members {
            if !RESOURCE_MEMBERS.contains(&name.as_str()) {
                implicit::targets(evaluator, value, &environment, &mut called);
            }
        }
        let own = |place: &usize| std::ptr::eq(&raw const instances.list[*place], instance);
        needed.extend(
            called
                .iter()
                .filter_map(|name| instances.directory.places(name))
                .flatten()
                .filter(|at| !own(at)),
        );
        Ok(needed)
    }
}
