//! The POST actions of a workspace: what there is to say of each today.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Reply, Resource, Snapshot,
    declaration::{ActCall, Action},
    without_nulls,
};
use serde_json::{Value, json};

use super::{
    Kind,
    links::{INSIGHTS, STORAGE, VAULT},
};
use crate::inheritance::hub_of;

pub(super) const ACTIONS: &[Action] = &[
    Action::named("listKeys"),
    Action {
        name: "resyncKeys",
        permission: Some("Microsoft.MachineLearningServices/workspaces/resynckeys/action"),
    },
    Action::named("provisionManagedNetwork"),
    Action {
        name: "diagnose",
        permission: Some("Microsoft.MachineLearningServices/workspaces/diagnose/read"),
    },
];

pub(super) fn act(action: &Action, call: &ActCall) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    match action.name {
        "listKeys" => Ok(Reply::ok(keys(&snapshot, &call.resource))),
        // keys are looked up whenever they are used, so there is no copy of one to bring up to date
        "resyncKeys" => Ok(Reply::empty(200)),
        "provisionManagedNetwork" => network(&call.resource),
        _ => Ok(Reply::ok(
            json!({ "value": diagnosis(&snapshot, &call.resource) }),
        )),
    }
}

/// Account keys of the hub's storage are not handed out: projects reach it by their identities.
fn keys(snapshot: &Snapshot, workspace: &Resource) -> Value {
    let insights = linked(snapshot, workspace, INSIGHTS.pointer).and_then(|id| snapshot.get(&id));
    without_nulls(json!({
        "userStorageArmId": linked(snapshot, workspace, STORAGE.pointer),
        "appInsightsInstrumentationKey": insights.and_then(|row| row.text("/properties/InstrumentationKey")),
    }))
}

/// A project has no network of its own; a hub's is not provisioned by this release, and the answer says so.
fn network(workspace: &Resource) -> Result<Reply, ArmError> {
    if Kind::of(workspace) == Kind::Project {
        return Err(ArmError::new(
            ErrorCode::WorkspaceKindNotSupported,
            "A workspace of kind Project uses the managed network of its hub; provision it there.",
        ));
    }
    Ok(Reply::ok(json!({ "status": "Inactive", "sparkReady": false })))
}

fn diagnosis(snapshot: &Snapshot, workspace: &Resource) -> Value {
    let gone = |pointer: &str, code: &str| -> Vec<Value> {
        let missing = linked(snapshot, workspace, pointer).filter(|id| snapshot.get(id).is_none());
        let result = |id: ResourceId| json!({ "code": code, "level": "Error", "message": format!("'{id}' was not found.") });
        missing.map(result).into_iter().collect()
    };
    json!({
        "userDefinedRouteResults": [],
        "networkSecurityRuleResults": [],
        "resourceLockResults": [],
        "dnsResolutionResults": [],
        "storageAccountResults": gone(STORAGE.pointer, "StorageAccountNotFound"),
        "keyVaultResults": gone(VAULT.pointer, "KeyVaultNotFound"),
        "containerRegistryResults": [],
        "applicationInsightsResults": gone(INSIGHTS.pointer, "ApplicationInsightsNotFound"),
        "otherResults": [],
    })
}

/// What a workspace uses: its own, else its hub's.
fn linked(snapshot: &Snapshot, workspace: &Resource, pointer: &str) -> Option<ResourceId> {
    workspace
        .link(pointer)
        .or_else(|| hub_of(snapshot, workspace)?.link(pointer))
}
