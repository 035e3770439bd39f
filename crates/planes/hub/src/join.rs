//! The other way to a new project: to join a hub. Who may join, and not write in the hub's default group, creates
//! projects there all the same (client contract 6.1, rbac-semantics 13.5).
//!
//! It is the same write as on the ARM path, through the same door, and the rights that a project asks for decide both.

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Caller, Reply, Snapshot,
    decision::Need,
    inner_request,
    operation::{Access, Surface},
    route::{Call, Route, Target},
};
use serde_json::{Map, Value};

use crate::{
    WORKSPACES,
    inheritance::default_group,
    workspaces::{Kind, project::JOIN},
};

const PATH: &str = "/rp/workspaces/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices/workspaces/{hub}/join/{project}";

/// Clients send PUT; their documents say POST.
pub(crate) fn routes() -> impl Iterator<Item = Route> {
    [Method::PUT, Method::POST].into_iter().map(|method| {
        Route::new(method, PATH, Surface::Workspace, Access::action(JOIN[0]), join)
            .or(&JOIN)
            .about(|_, _, params| {
                let id = params.scope()?.extension(WORKSPACES, params.get("hub"));
                let ways = JOIN
                    .iter()
                    .map(|join| vec![Need::action(*join, id.clone())])
                    .collect();
                Ok(Target { id, ways })
            })
    })
}

async fn join(call: Call) -> Result<Reply, ArmError> {
    let Call {
        engine,
        grant,
        request,
        params,
    } = call;
    let group = projects_group(&engine.snapshot(), grant.id())?;
    let project = group.extension(WORKSPACES, params.get("project"));
    let body = project_body(request.json()?, grant.id())?;
    // the token was made for this data plane and let the caller in; the write behind it is asked at ARM
    let caller = Caller {
        audience: engine.site().origin.clone(),
        ..grant.caller().clone()
    };
    let version = request.query("api-version").unwrap_or("2023-06-01-preview");
    let inner = inner_request(&caller, Method::PUT, project.as_str(), version, &body, &request);
    Ok(Box::pin(engine.serve(inner)).await)
}

fn projects_group(snapshot: &Snapshot, hub: &ResourceId) -> Result<ResourceId, ArmError> {
    let found = snapshot.get(hub).filter(|hub| Kind::of(hub) == Kind::Hub);
    found.and_then(|hub| default_group(hub)).ok_or_else(|| {
        ArmError::new(
            ErrorCode::ResourceNotFound,
            format!("There is no workspace of kind Hub at '{hub}'."),
        )
    })
}

/// The project as ARM would be sent it. A body that names another hub than the path is a mistake.
fn project_body(mut body: Value, hub: &ResourceId) -> Result<Value, ArmError> {
    if body.is_null() {
        body = Value::Object(Map::new());
    }
    let wrong = |what: &str| {
        ArmError::new(
            ErrorCode::InvalidRequestFormat,
            format!("The value of {what} must be a JSON object."),
        )
        .on(what)
    };
    let members = body.as_object_mut().ok_or_else(|| wrong("the request body"))?;
    members.insert(String::from("kind"), Kind::Project.word().into());
    let properties = members
        .entry("properties")
        .or_insert_with(|| Value::Object(Map::new()));
    let properties = properties.as_object_mut().ok_or_else(|| wrong("properties"))?;
    let named = properties
        .get("hubResourceId")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    if let Some(named) = named
        && ResourceId::parse(named).ok().as_ref() != Some(hub)
    {
        return Err(ArmError::new(
            ErrorCode::InvalidParameter,
            format!("The project names the hub '{named}', and the request joins the hub '{hub}'."),
        )
        .on("properties.hubResourceId"));
    }
    properties.insert(String::from("hubResourceId"), hub.as_str().into());
    Ok(body)
}

#[cfg(test)]
mod tests {
    use nave_arm::ResourceId;
    use serde_json::json;

    use super::project_body;

    #[test]
    fn the_path_says_which_hub() {
        let hub =
            ResourceId::parse("/subscriptions/s/resourceGroups/g/providers/N/workspaces/hub").expect("id");
        let body = json!({"kind": "project", "properties": {"friendlyName": "P", "hubResourceId": ""}});
        assert_eq!(
            project_body(body, &hub),
            Ok(json!({"kind": "Project", "properties": {"friendlyName": "P", "hubResourceId": hub}}))
        );
        assert!(project_body(json!(null), &hub).is_ok());
        for wrong in [
            json!([]),
            json!({"properties": 1}),
            json!({"properties": {"hubResourceId": "/subscriptions/s"}}),
        ] {
            assert!(project_body(wrong.clone(), &hub).is_err(), "{wrong}");
        }
    }
}
