//! From a request to a plan: everything that can be said before a resource is looked at.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Caller, Engine};
use nave_template::{Plan, PlannedResource};
use serde_json::{Value, json};

use super::{
    DECLARATION, NAME, access, surroundings,
    wanted::{Mode, Wanted},
};
use crate::scope;

/// A deployment that could be carried out.
pub(super) struct Prepared {
    pub(super) id: ResourceId,
    pub(super) plan: Plan,
    pub(super) wanted: Wanted,
    /// The hub, if it makes nothing but projects of one hub.
    pub(super) joins: Option<ResourceId>,
}

impl Prepared {
    /// Expands what is wanted at its place.
    pub(super) fn new(
        engine: &Engine,
        caller: &Caller,
        id: &ResourceId,
        wanted: Wanted,
    ) -> Result<Self, ArmError> {
        let snapshot = engine.snapshot();
        NAME.check(DECLARATION.resource_type, id.name())?;
        scope::check(&snapshot, id)?;
        if id.resource_group().is_none() && wanted.location.is_none() {
            return Err(ArmError::new(
                ErrorCode::LocationRequired,
                "The location property is required for a deployment to a subscription.",
            )
            .on("location"));
        }
        if id.resource_group().is_none() && wanted.mode == Mode::Complete {
            return Err(ArmError::new(
                ErrorCode::InvalidRequestContent,
                "The mode 'Complete' is for deployments to a resource group; use 'Incremental'.",
            )
            .on("properties.mode"));
        }
        let surroundings = surroundings::of(engine, &snapshot, caller, id, &wanted);
        let chance = surroundings::EngineChance(engine);
        let plan = Plan::new(&wanted.template, surroundings, &wanted.parameters, &chance);
        let plan = plan.map_err(|error| wanted.located(error))?;
        let joins = access::hub_of_projects(&plan);
        Ok(Self {
            id: id.clone(),
            plan,
            wanted,
            joins,
        })
    }

    /// The resources that are written.
    pub(super) fn written(&self) -> impl Iterator<Item = (usize, &PlannedResource)> {
        self.plan
            .resources()
            .iter()
            .enumerate()
            .filter(|(_, resource)| !resource.existing)
    }

    /// `providers`, as a deployment shows them.
    pub(super) fn providers(&self) -> Value {
        let mut providers: Vec<Value> = Vec::new();
        for (_, resource) in self.written() {
            let (namespace, kind) = resource
                .resource_type
                .split_once('/')
                .unwrap_or((&resource.resource_type, ""));
            let same = |provider: &&mut Value| provider["namespace"].as_str() == Some(namespace);
            let entry = json!({"resourceType": kind, "locations": [null]});
            match providers
                .iter_mut()
                .find(same)
                .and_then(|provider| provider["resourceTypes"].as_array_mut())
            {
                Some(types) if types.contains(&entry) => {}
                Some(types) => types.push(entry),
                None => providers.push(json!({"namespace": namespace, "resourceTypes": [entry]})),
            }
        }
        providers.into()
    }

    /// `dependencies`, as a deployment shows them.
    pub(super) fn dependencies(&self) -> Value {
        let waiting = self
            .written()
            .filter(|(_, resource)| !resource.depends_on.is_empty());
        waiting
            .map(|(_, resource)| {
                let needed = resource
                    .depends_on
                    .iter()
                    .map(|at| target(&self.plan.resources()[*at]));
                let mut shown = json!({ "dependsOn": needed.collect::<Vec<_>>() });
                for (name, value) in target(resource).as_object().into_iter().flatten() {
                    shown[name] = value.clone();
                }
                shown
            })
            .collect()
    }
}

/// `{id, resourceType, resourceName, symbolicName?}`.
pub(super) fn target(resource: &PlannedResource) -> Value {
    let mut target =
        json!({"id": resource.id, "resourceType": resource.resource_type, "resourceName": resource.name});
    if let Some(symbolic) = &resource.symbolic_name {
        target["symbolicName"] = symbolic.as_str().into();
    }
    target
}
