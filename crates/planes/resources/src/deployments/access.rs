//! Who may start a deployment and who may see it.
//!
//! Creating a project is a deployment for the client library, yet the right to create one is the right to join its
//! hub, which says nothing about the group. So whoever may join a hub may deploy a template that makes nothing but
//! projects of that hub (client contract 6.1), and may look at it. The write of each project is decided on its own.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Params, Request, Snapshot, decision::Need, route::Target};
use nave_template::{Plan, WithoutChance};

use super::{DEPLOYMENTS, surroundings, wanted::Wanted};

/// The type of hubs and projects.
const WORKSPACES: &str = "Microsoft.MachineLearningServices/workspaces";
const JOIN: &str = "Microsoft.MachineLearningServices/workspaces/hubs/join/action";

/// The deployment that a route's path names.
pub(super) fn deployment(params: &Params) -> Result<ResourceId, ArmError> {
    let scope = params.scope()?;
    let id = scope.extension(DEPLOYMENTS, params.get("name"));
    ResourceId::parse(id.as_str())
        .map_err(|error| ArmError::new(ErrorCode::InvalidResourceId, error.to_string()))
}

/// What a PUT is about, and the ways to be allowed it.
pub(super) fn to_start(snapshot: &Snapshot, request: &Request, params: &Params) -> Result<Target, ArmError> {
    let id = deployment(params)?;
    // who has no role anywhere joins no hub, and has no template worked out
    let asks = holds_a_role(snapshot, request).then(|| Wanted::of(request).ok());
    let hub = asks.flatten().and_then(|wanted| {
        let scope = surroundings::in_state(snapshot, &id, &wanted);
        let plan = Plan::new(&wanted.template, scope, &wanted.parameters, &WithoutChance).ok()?;
        hub_of_projects(&plan)
    });
    let Some(hub) = hub else {
        return Ok(Target::from(id));
    };
    let own = Need::action(format!("{DEPLOYMENTS}/write"), id.clone());
    Ok(Target {
        id,
        ways: vec![vec![own], vec![Need::action(JOIN, hub)]],
    })
}

fn holds_a_role(snapshot: &Snapshot, request: &Request) -> bool {
    let caller = request.caller.as_ref();
    caller.is_some_and(|caller| snapshot.roles().assignments_of(caller.object_id).next().is_some())
}

/// The ways to see a deployment: any of the `own` needs, or the right that started it.
pub(super) fn to_read(snapshot: &Snapshot, id: &ResourceId, own: Vec<Need>) -> Vec<Vec<Need>> {
    let mut ways: Vec<Vec<Need>> = own.into_iter().map(|need| vec![need]).collect();
    let hub = snapshot.get(id).and_then(|row| row.link("/joins"));
    ways.extend(hub.map(|hub| vec![Need::action(JOIN, hub)]));
    ways
}

/// The hub, if a plan makes nothing but projects of one hub.
pub(super) fn hub_of_projects(plan: &Plan) -> Option<ResourceId> {
    let mut hubs = plan.resources().iter().enumerate().map(|(at, resource)| {
        let is_workspace = !resource.existing && resource.resource_type.eq_ignore_ascii_case(WORKSPACES);
        let body = is_workspace.then(|| plan.preview(at).ok()).flatten()?;
        let is_project = body["kind"]
            .as_str()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("project"));
        let hub = body
            .pointer("/properties/hubResourceId")?
            .as_str()
            .filter(|_| is_project)?;
        ResourceId::parse(hub).ok()
    });
    let first = hubs.next()??;
    hubs.all(|hub| hub.as_ref() == Some(&first)).then_some(first)
}
