//! From a request to a plan: everything that can be said before a resource is looked at.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_template::{Plan, PlannedResource};
use serde_json::{Value, json};

use super::{
    DECLARATION, DEPLOYMENTS, NAME, access,
    job::Job,
    levels::{self, Level},
    surroundings,
    wanted::{Mode, Wanted},
};

/// A deployment that could be carried out.
pub(super) struct Prepared {
    pub(super) id: ResourceId,
    pub(super) plan: Plan,
    pub(super) wanted: Wanted,
    /// The hub, if it makes nothing but projects of one hub.
    pub(super) joins: Option<ResourceId>,
    /// What its template finds around it and may change: the group, the subscription, the management group.
    pub(super) around: Value,
}

/// Where in a tree of deployments one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It was asked for by a client.
    Root,
    /// It is a resource of another one's template.
    Nested,
}

impl Prepared {
    /// Expands what is wanted at its place.
    pub(super) fn new(job: &Job, id: &ResourceId, wanted: Wanted, place: Place) -> Result<Self, ArmError> {
        let snapshot = job.engine.snapshot();
        NAME.check(DECLARATION.resource_type, id.name())?;
        let level = Level::of(id)?;
        levels::check(&snapshot, id)?;
        check_location(&snapshot, id, level, &wanted)?;
        check_mode(level, place, &wanted)?;
        check_schema(level, place, &wanted)?;
        let mut scope = surroundings::of(job, &snapshot, id, &wanted);
        if let (Place::Root, Some(around)) = (place, &job.begun.around) {
            surroundings::as_they_were(&mut scope, around);
        }
        let around = surroundings::to_keep(&scope);
        let chance = job.begun.chance(id);
        let plan = Plan::new(&wanted.template, scope, &wanted.parameters, &chance);
        let plan = plan.map_err(|error| wanted.located(error))?;
        let joins = access::hub_of_projects(&plan);
        Ok(Self {
            id: id.clone(),
            plan,
            wanted,
            joins,
            around,
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
            let entry = json!({"resourceType": kind, "locations": []});
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

/// A deployment above groups has a location, and keeps it.
fn check_location(
    snapshot: &nave_engine::Snapshot,
    id: &ResourceId,
    level: Level,
    wanted: &Wanted,
) -> Result<(), ArmError> {
    if level == Level::Group {
        return Ok(());
    }
    let Some(location) = &wanted.settings.location else {
        return Err(ArmError::new(
            ErrorCode::LocationRequired,
            format!(
                "The location property is required for a deployment to {}.",
                level.word()
            ),
        )
        .on("location"));
    };
    let before = snapshot
        .get(id)
        .and_then(|row| row.text("/location").map(str::to_owned));
    let plain = |location: &str| location.to_lowercase().replace(' ', "");
    match before {
        Some(before) if plain(&before) != plain(location) => Err(ArmError::new(
            ErrorCode::InvalidDeploymentLocation,
            format!(
                "Invalid deployment location '{location}'. The deployment '{}' already exists in location '{before}'. Use \
                 that location, another name, or delete the deployment first.",
                id.name()
            ),
        )
        .on("location")),
        _ => Ok(()),
    }
}

/// Only a group is made what a template says it is, and only by the template that was sent (template-language 10).
fn check_mode(level: Level, place: Place, wanted: &Wanted) -> Result<(), ArmError> {
    let why = match (wanted.settings.mode, level, place) {
        (Mode::Incremental, ..) | (Mode::Complete, Level::Group, Place::Root) => return Ok(()),
        (Mode::Complete, Level::Group, Place::Nested) => "is not for nested deployments",
        (Mode::Complete, ..) => "is for deployments to a resource group",
    };
    Err(ArmError::new(
        ErrorCode::InvalidRequestContent,
        format!("The mode 'Complete' {why}; use 'Incremental'."),
    )
    .on("properties.mode"))
}

/// A template is sent to the kind of scope it is for. What is nested often has the schema of what is around it, and
/// says by its target where it goes.
fn check_schema(level: Level, place: Place, wanted: &Wanted) -> Result<(), ArmError> {
    let is_for = wanted.schema().and_then(Level::of_schema);
    match is_for {
        Some(is_for) if place == Place::Root && is_for != level => Err(ArmError::new(
            ErrorCode::InvalidTemplate,
            format!(
                "Deployment template validation failed: 'The template schema '{}' is for deployments to {}, and this is \
                 one to {}.'.",
                wanted.schema().unwrap_or_default(),
                is_for.word(),
                level.word()
            ),
        )
        .on("properties.template.$schema")),
        _ => Ok(()),
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

/// The permission to start a deployment.
pub(super) fn permission() -> String {
    format!("{DEPLOYMENTS}/write")
}
