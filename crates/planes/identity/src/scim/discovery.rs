//! What the service can do, which resources it has, and their schemas (RFC 7644, 4). Anybody may ask: it says nothing
//! about who is in the directory.

use nave_arm::{ArmError, ErrorCode};
use nave_engine::{Reply, route::Call};
use serde_json::{Value, json};

use super::{
    list::LARGEST_PAGE,
    schema::{self, Schema},
    shape::{PEOPLE, Shape, TEAMS},
    view,
};

pub(super) fn config(call: &Call) -> Result<Reply, ArmError> {
    let base = view::base(call.engine.site());
    no_filter(call)?;
    Ok(view::reply(
        200,
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": { "supported": true },
            "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
            "filter": { "supported": true, "maxResults": LARGEST_PAGE },
            "changePassword": { "supported": false },
            "sort": { "supported": true },
            "etag": { "supported": true },
            "authenticationSchemes": [{
                "type": "oauthbearertoken", "name": "Bearer token", "primary": true,
                "description": "A provisioning token, made with `nave scim token`, or an access token of this server.",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
            }],
            "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig") },
        }),
    ))
}

pub(super) fn types(call: &Call) -> Result<Reply, ArmError> {
    no_filter(call)?;
    let base = view::base(call.engine.site());
    Ok(listed(
        [&PEOPLE, &TEAMS].map(|shape| describe(shape, &base)).into(),
    ))
}

pub(super) fn one_type(call: &Call) -> Result<Reply, ArmError> {
    let name = call.params.get("id");
    let base = view::base(call.engine.site());
    let found = [&PEOPLE, &TEAMS].into_iter().find(|shape| shape.name == name);
    found
        .map(|shape| view::reply(200, describe(shape, &base)))
        .ok_or_else(|| missing(&format!("resource type '{name}'")))
}

pub(super) fn schemas(call: &Call) -> Result<Reply, ArmError> {
    no_filter(call)?;
    let base = view::base(call.engine.site());
    Ok(listed(schema::ALL.map(|schema| schema.describe(&base)).into()))
}

pub(super) fn one_schema(call: &Call) -> Result<Reply, ArmError> {
    let urn = call.params.get("id");
    let base = view::base(call.engine.site());
    let found = schema::ALL.into_iter().find(|schema: &&Schema| schema.urn == urn);
    found
        .map(|schema| view::reply(200, schema.describe(&base)))
        .ok_or_else(|| missing(&format!("schema '{urn}'")))
}

fn describe(shape: &Shape, base: &str) -> Value {
    let mut described = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": shape.name, "name": shape.name, "endpoint": format!("/{}", shape.endpoint), "schema": shape.schema.urn,
        "meta": { "resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", shape.name) },
    });
    if let Some(extension) = shape.extension {
        described["schemaExtensions"] = json!([{ "schema": extension.urn, "required": false }]);
    }
    described
}

fn listed(resources: Vec<Value>) -> Reply {
    view::reply(
        200,
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": resources.len(),
            "startIndex": 1, "itemsPerPage": resources.len(), "Resources": resources,
        }),
    )
}

/// These lists cannot be filtered, and to say so is not an option (RFC 7644, 4).
fn no_filter(call: &Call) -> Result<(), ArmError> {
    match call.request.query("filter") {
        None => Ok(()),
        Some(_) => Err(ArmError::new(
            ErrorCode::Authorization_RequestDenied,
            "What the service says about itself cannot be filtered.",
        )),
    }
}

fn missing(what: &str) -> ArmError {
    ArmError::new(ErrorCode::NotFound, format!("There is no {what}."))
}
