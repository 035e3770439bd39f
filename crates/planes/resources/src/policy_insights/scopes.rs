//! What a query is about: the scope of its path is a place, one resource, an assignment, a definition or an initiative.

use nave_arm::{ArmError, ResourceId};
use nave_engine::{Params, Request, Snapshot, policy::Within, route::Target};
use serde_json::Value;

use crate::{scope, subscriptions::SUBSCRIPTIONS};

/// What a query is about.
pub(super) struct About {
    /// Where the resources are, and where one must be allowed to ask.
    pub(super) place: ResourceId,
    narrowed: Option<(&'static str, Narrowed)>,
}

enum Narrowed {
    /// The whole id.
    Id(ResourceId),
    /// The name, wherever it is defined: paths name built-in definitions by the subscription that is asked about.
    Name(String),
}

impl About {
    /// What the scope of a path is about.
    pub(super) fn of(params: &Params) -> Result<Self, ArmError> {
        let id = params.scope()?;
        let at = id.scope().unwrap_or_else(ResourceId::tenant);
        let kind = id.resource_type().to_lowercase();
        let named = |column| Some((column, Narrowed::Name(id.name().to_owned())));
        let narrowed = match kind.as_str() {
            "microsoft.authorization/policyassignments" => {
                Some(("policyAssignmentId", Narrowed::Id(id.clone())))
            }
            "microsoft.authorization/policydefinitions" => named("policyDefinitionId"),
            "microsoft.authorization/policysetdefinitions" => named("policySetDefinitionId"),
            _ => None,
        };
        let place = if narrowed.is_some() { at } else { id };
        Ok(Self { place, narrowed })
    }

    /// A route's target: the place.
    pub(super) fn target(_: &Snapshot, _: &Request, params: &Params) -> Result<Target, ArmError> {
        Self::of(params).map(|about| about.place.into())
    }

    /// The resources to look at.
    pub(super) fn within(&self, snapshot: &Snapshot) -> Within {
        let place = &self.place;
        let is_one = !place.is_tenant()
            && !place.is_subscription()
            && !place.is_resource_group()
            && place.management_group().is_none();
        match is_one && self.narrowed.is_none() {
            true => Within::One(place.clone()),
            false => below(snapshot, place),
        }
    }

    /// Whether a record is about it.
    pub(super) fn takes(&self, record: &Value) -> bool {
        let Some((column, narrowed)) = &self.narrowed else {
            return true;
        };
        let own = record[*column].as_str().and_then(|id| ResourceId::parse(id).ok());
        own.is_some_and(|own| match narrowed {
            Narrowed::Id(id) => own == *id,
            Narrowed::Name(name) => own.name().eq_ignore_ascii_case(name),
        })
    }
}

/// Everything at and below a place. Projects are below their hub, wherever they are; subscriptions are below their
/// management groups.
pub(super) fn below(snapshot: &Snapshot, place: &ResourceId) -> Within {
    if place.is_tenant() {
        return Within::Below(vec![place.clone()]);
    }
    if place.management_group().is_some() && place.subscription().is_none() {
        let subscriptions = snapshot.of_type(SUBSCRIPTIONS).map(|row| &row.id);
        let inside = subscriptions.filter(|id| scope::contains(snapshot, place, id));
        return Within::Below(inside.cloned().collect());
    }
    let projects = nave_engine::workspaces::projects_of(snapshot, place);
    let roots = std::iter::once(place.clone()).chain(projects.map(|project| project.id.clone()));
    Within::Below(roots.collect())
}

/// What an assignment reaches of a place.
pub(super) fn reach(snapshot: &Snapshot, place: &ResourceId, assignment: &ResourceId) -> Within {
    let reach = assignment.scope().unwrap_or_else(ResourceId::tenant);
    let is_wider = scope::contains(snapshot, place, &reach) && *place != reach;
    below(snapshot, if is_wider { &reach } else { place })
}
