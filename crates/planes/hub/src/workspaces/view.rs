//! What GET shows of a workspace: what was sent, what nave decided, and what its hub says at this moment
//! (client contract 6.2).

use nave_engine::{Resource, declaration::Cx, fill, without_nulls};
use serde_json::{Value, json};

use super::Kind;
use crate::{
    asking::may,
    inheritance::{INHERITED, default_group, effective, hub_of, projects_of},
};

const READ: &str = "Microsoft.MachineLearningServices/workspaces/read";

pub(super) fn view(cx: &Cx<'_>, workspace: &Resource) -> Value {
    let kind = Kind::of(workspace);
    let hub = hub_of(cx.snapshot, workspace);
    let owner: &Resource = hub.map_or(workspace, |hub| hub);
    let mut body = workspace.envelope();
    let properties = &mut body["properties"];
    for pointer in INHERITED {
        let Some(name) = pointer.strip_prefix("/properties/") else {
            continue;
        };
        // that nothing is encrypted with a key of one's own is said by saying nothing
        let value = match *pointer {
            "/properties/encryption" => owner.value(pointer).cloned(),
            _ => effective(owner, pointer),
        };
        if let Some(value) = value {
            properties[name] = value;
        }
    }
    let origin = &cx.site.origin;
    properties["provisioningState"] = "Succeeded".into();
    properties["discoveryUrl"] = format!("{origin}/discovery").into();
    properties["mlFlowTrackingUri"] =
        format!("azureml://{}/mlflow/v1.0{}", cx.site.authority, workspace.id).into();
    fill(
        properties,
        &without_nulls(json!({
            "friendlyName": workspace.id.name(),
            "description": "",
            "tenantId": cx.site.tenant,
            "hbiWorkspace": false,
            "v1LegacyMode": false,
            "applicationInsights": hub.and_then(|hub| hub.text("/properties/applicationInsights")),
        })),
    );
    if kind == Kind::Hub {
        fill(properties, &json!({ "workspaceHubConfig": {} }));
        properties["workspaceHubConfig"]["defaultWorkspaceResourceGroup"] = json!(default_group(workspace));
        properties["associatedWorkspaces"] = associated(cx, workspace);
    }
    fill(
        &mut body,
        &json!({ "tags": {}, "sku": { "name": "Basic", "tier": "Basic" }, "kind": kind.word() }),
    );
    body
}

/// The hub's projects, as far as the caller may read each (features HUB-09).
fn associated(cx: &Cx<'_>, hub: &Resource) -> Value {
    projects_of(cx.snapshot, &hub.id)
        .filter(|project| may(cx, READ, &project.id))
        .map(|project| json!(project.id))
        .collect()
}
