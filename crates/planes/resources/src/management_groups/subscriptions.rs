//! `Microsoft.Management/managementGroups/subscriptions`: which subscriptions are in a group. To put one in is to take it
//! out of the group it was in; to take one out is to put it in the root.

use http::Method;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Change, Params, Reply, Request, Resource, Snapshot,
    decision::Need,
    missing::not_found,
    operation::{Access, Surface},
    route::{Call, Route, Target},
    subscriptions::State,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{GIVE_ROLES, show, tree};

const ALL: &str = "/providers/Microsoft.Management/managementGroups/{managementGroup}/subscriptions";
const ONE: &str =
    "/providers/Microsoft.Management/managementGroups/{managementGroup}/subscriptions/{subscriptionId}";

const READ: &str = "Microsoft.Management/managementGroups/subscriptions/read";
const WRITE: &str = "Microsoft.Management/managementGroups/subscriptions/write";
const DELETE: &str = "Microsoft.Management/managementGroups/subscriptions/delete";

pub(super) fn routes() -> Vec<Route> {
    let read = || Access::action(READ);
    vec![
        Route::new(Method::GET, ALL, Surface::Arm, read(), list).about(show::named),
        Route::new(Method::GET, ONE, Surface::Arm, read(), one).about(show::named),
        Route::new(Method::PUT, ONE, Surface::Arm, Access::action(WRITE), put).about(entering),
        Route::new(Method::DELETE, ONE, Surface::Arm, Access::action(DELETE), delete).about(leaving),
    ]
}

fn subscription(params: &Params) -> ResourceId {
    ResourceId::of_subscription(params.get("subscriptionId"))
}

/// To put a subscription in a group takes the right to do so at that group, to take it out at the group it leaves, and
/// to give roles at the subscription: a move gives roles on it to others.
fn entering(snapshot: &Snapshot, _: &Request, params: &Params) -> Result<Target, ArmError> {
    let (group, subscription) = (tree::id(params.get("managementGroup")), subscription(params));
    let mut needs = vec![
        Need::action(WRITE, group.clone()),
        Need::action(GIVE_ROLES, subscription.clone()).linked(),
    ];
    let left = tree::group_of(snapshot, &subscription)
        .filter(|present| present.id != group && tree::parent(present).is_some());
    needs.extend(left.map(|left| Need::action(DELETE, left.id.clone()).linked()));
    Ok(Target {
        id: group,
        ways: vec![needs],
    })
}

fn leaving(_: &Snapshot, _: &Request, params: &Params) -> Result<Target, ArmError> {
    let group = tree::id(params.get("managementGroup"));
    let give_roles = Need::action(GIVE_ROLES, subscription(params)).linked();
    Ok(Target {
        ways: vec![vec![Need::action(DELETE, group.clone()), give_roles]],
        id: group,
    })
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let group = group(&snapshot, call.grant.id())?;
    let tenant = call.engine.site().tenant;
    let value: Vec<Value> = tree::subscriptions(&snapshot, group)
        .into_iter()
        .map(|subscription| view(tenant, group, subscription))
        .collect();
    Ok(Reply::ok(json!({ "value": value })))
}

async fn one(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let group = group(&snapshot, call.grant.id())?;
    let wanted = subscription(&call.params);
    let found = tree::subscriptions(&snapshot, group)
        .into_iter()
        .find(|subscription| subscription.id == wanted)
        .ok_or_else(|| not_found(&wanted))?;
    Ok(Reply::ok(view(call.engine.site().tenant, group, found)))
}

async fn put(call: Call) -> Result<Reply, ArmError> {
    move_into(&call, call.grant.id()).await?;
    one(call).await
}

async fn delete(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let wanted = subscription(&call.params);
    let is_in = tree::group_of(&snapshot, &wanted).is_some_and(|present| present.id == *call.grant.id());
    if is_in {
        move_into(&call, &tree::root(call.engine.site())).await?;
        return Ok(Reply::empty(200));
    }
    Ok(Reply::empty(204))
}

/// Puts the subscription in a group, in one commit with taking it out of the one it is in.
async fn move_into(call: &Call, target: &ResourceId) -> Result<(), ArmError> {
    let subscription = subscription(&call.params);
    let attempt = || async {
        let change = moved(&call.engine.snapshot(), &subscription, target)?;
        if !change.puts.is_empty() {
            let correlation_id = call.request.correlation_id;
            call.engine
                .commit_for(&call.grant, change, correlation_id)
                .await?;
        }
        Ok(())
    };
    call.engine.again(attempt).await
}

fn moved(snapshot: &Snapshot, subscription: &ResourceId, target: &ResourceId) -> Result<Change, ArmError> {
    let target = group(snapshot, target)?;
    if snapshot.get(subscription).is_none() {
        return Err(not_found(subscription));
    }
    let present = tree::group_of(snapshot, subscription);
    if present.is_some_and(|present| present.id == target.id) {
        return Ok(Change::default());
    }
    let mut puts = vec![tree::with_subscription(target, subscription, true)];
    puts.extend(present.map(|present| tree::with_subscription(present, subscription, false)));
    Ok(Change {
        puts,
        ..Change::default()
    })
}

fn group<'a>(snapshot: &'a Snapshot, id: &ResourceId) -> Result<&'a Resource, ArmError> {
    snapshot.get(id).map(AsRef::as_ref).ok_or_else(|| not_found(id))
}

fn view(tenant: Uuid, group: &Resource, subscription: &Resource) -> Value {
    let name = subscription.id.name();
    json!({
        "id": format!("{}/subscriptions/{name}", group.id),
        "type": "Microsoft.Management/managementGroups/subscriptions",
        "name": name,
        "properties": {
            "tenant": tenant,
            "displayName": subscription.text("/displayName").unwrap_or(name),
            "parent": { "id": group.id },
            "state": match State::of(subscription) {
                State::Enabled => "Active",
                other => other.word(),
            },
        },
    })
}
