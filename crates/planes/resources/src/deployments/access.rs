//! Who may start a deployment and who may see it.
//!
//! Creating a project is a deployment for the client library, yet the right to create one is the right to join its
//! hub, which says nothing about the group. So whoever may join a hub may deploy a template that makes nothing but
//! projects of that hub (client contract 6.1), and may look at it. The write of each project is decided on its own.

use nave_arm::{ArmError, ResourceId};
use nave_engine::{Params, Request, Snapshot, decision::Need, route::Target};
use nave_template::{Plan, WithoutChance};

use super::{
    levels, prepare, surroundings,
    wanted::{self, Wanted},
};

/// The type of hubs and projects.
const WORKSPACES: &str = "Microsoft.MachineLearningServices/workspaces";
const JOIN: &str = "Microsoft.MachineLearningServices/workspaces/hubs/join/action";

/// What a PUT is about, and the ways to be allowed it.
pub(super) fn to_start(snapshot: &Snapshot, request: &Request, params: &Params) -> Result<Target, ArmError> {
    let id = levels::deployment(params)?;
    // who has no role anywhere joins no hub, and has no template worked out
    let asks = names_a_workspace(request) && holds_a_role(snapshot, request);
    let wanted = asks
        .then(|| wanted::Request::of(request).ok()?.inline()?.ok())
        .flatten();
    let hub = wanted.and_then(|wanted| hub_in(snapshot, &id, &wanted));
    Ok(Target {
        ways: ways_to_start(&id, hub),
        id,
    })
}

/// The hub whose projects a deployment makes, if it makes nothing else.
pub(super) fn hub_in(snapshot: &Snapshot, id: &ResourceId, wanted: &Wanted) -> Option<ResourceId> {
    let scope = surroundings::in_state(snapshot, id, wanted);
    let plan = Plan::new(&wanted.template, scope, &wanted.parameters, &WithoutChance).ok()?;
    hub_of_projects(&plan)
}

/// The ways to be allowed to deploy what makes projects of this hub, or anything.
pub(super) fn ways_to_start(id: &ResourceId, hub: Option<ResourceId>) -> Vec<Vec<Need>> {
    let own = Need::action(prepare::permission(), id.clone());
    let join = hub.map(|hub| vec![Need::action(JOIN, hub)]);
    std::iter::once(vec![own]).chain(join).collect()
}

/// Whether there can be a project in a request. Most templates have none, and are not worked out for that.
fn names_a_workspace(request: &Request) -> bool {
    const NAME: &[u8] = b"machinelearningservices/workspaces";
    let mut windows = request.body.windows(NAME.len());
    windows.any(|window| window.eq_ignore_ascii_case(NAME))
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
