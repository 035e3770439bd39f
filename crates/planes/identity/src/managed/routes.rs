//! What Azure Resource Manager says of identities: the one a resource has of its own, and sessions for people.

use http::Method;
use jiff::SignedDuration;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Fields, Params, Reply,
    decision::Need,
    missing::not_found,
    operation::{Access, Surface},
    route::{Call, Route, Target},
};
use nave_vault::Purpose;
use serde_json::{Map, Value, json};

use super::{Wanted, identities::Identities, open, session::without_identity};
use crate::{Identity, principal};

const OWN: &str = "/{scope}/providers/Microsoft.ManagedIdentity/identities/default";
const OPEN_OWN: &str = "/{scope}/providers/Microsoft.ManagedIdentity/identities/default/openSession";
const OPEN: &str = "/{scope}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}/openSession";

pub(super) fn routes(identity: &Identity) -> Vec<Route> {
    let opening = |path, access, target: fn(&Params) -> Result<Target, ArmError>| {
        let identity = identity.clone();
        Route::new(Method::POST, path, Surface::Arm, access, move |call| {
            open_session(identity.clone(), call)
        })
        .about(move |_, _, params| target(params))
    };
    vec![
        Route::new(
            Method::GET,
            OWN,
            Surface::Arm,
            Access::action("Microsoft.ManagedIdentity/identities/read"),
            own,
        ),
        opening(OPEN_OWN, Access::action("*/write"), |params| {
            let id = params.scope()?;
            let need = Need::action(format!("{}/write", id.resource_type()), id.clone());
            Ok(Target {
                id,
                ways: vec![vec![need]],
            })
        }),
        opening(
            OPEN,
            Access::action("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"),
            |params| {
                let text = format!(
                    "{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{}",
                    params.scope()?,
                    params.get("name")
                );
                let id = ResourceId::parse(&text);
                id.map(Target::from)
                    .map_err(|error| ArmError::new(ErrorCode::InvalidResourceId, error.to_string()))
            },
        ),
    ]
}

/// The identity that a resource has of its own.
async fn own(call: Call) -> Result<Reply, ArmError> {
    let (snapshot, id) = (call.engine.snapshot(), call.grant.id());
    let resource = snapshot.get(id).ok_or_else(|| not_found(id))?;
    let found = Identities::of(&snapshot, resource).default;
    let found = found.ok_or_else(|| without_identity(id))?;
    Ok(Reply::ok(json!({
        "id": format!("{}/providers/Microsoft.ManagedIdentity/identities/default", resource.id),
        "name": "default",
        "type": "Microsoft.ManagedIdentity/identities",
        "location": resource.text("/location"),
        "properties": {
            "tenantId": call.engine.site().tenant,
            "principalId": principal::object_id(&found),
            "clientId": found.text("/appId"),
        },
    })))
}

/// Opens a session: `{"expiresInSeconds"}`. The answer is the only place where its secret is shown.
async fn open_session(identity: Identity, call: Call) -> Result<Reply, ArmError> {
    let body = call.request.json()?;
    let seconds = Fields(&body).integer("/expiresInSeconds")?;
    let wanted = Wanted {
        resource: call.grant.id(),
        lifetime: seconds.map(SignedDuration::from_secs),
        correlation: call.request.correlation_id,
    };
    let session = open(&identity.0, &call.engine, &call.grant, &wanted).await?;
    let environment: Map<String, Value> = session
        .environment(call.engine.site())
        .into_iter()
        .map(|(name, value)| {
            (
                name.to_owned(),
                value.expose(&Purpose::ListSecrets).as_str().into(),
            )
        })
        .collect();
    let body = json!({
        "sessionId": session.id, "expiresOn": session.expires_on.to_string(), "environment": environment,
    });
    Ok(Reply::ok(body).with(http::header::CACHE_CONTROL, "no-store"))
}
