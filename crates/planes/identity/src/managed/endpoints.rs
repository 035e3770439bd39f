//! The token endpoints for sessions (client contract 1.5): as virtual machines have them (`…/metadata/identity/oauth2/token`
//! with `Metadata: true`, the session's secret in the path), and as App Service (`X-IDENTITY-HEADER`) and Machine Learning
//! (`secret`) have them.

use http::{Method, header};
use nave_arm::ArmError;
use nave_engine::{
    Reply, Resource,
    operation::{Access, Surface},
    route::{Call, Route},
};
use nave_vault::Purpose;
use serde_json::json;

use super::{identities::Identities, session::Found};
use crate::{Identity, principal};

/// The headers that carry a session's secret.
const HEADERS: [&str; 2] = ["x-identity-header", "secret"];

/// Why no token is given.
struct Refused(u16, &'static str, String);

pub(super) fn routes(identity: &Identity) -> Vec<Route> {
    let route = |path, asked: fn(&Call) -> Result<String, Refused>| {
        let identity = identity.clone();
        Route::new(Method::GET, path, Surface::Token, Access::Public, move |call| {
            let answer = asked(&call)
                .and_then(|secret| token(&identity, &call, &secret))
                .unwrap_or_else(|refused| refused.reply(&call));
            async move { Ok::<_, ArmError>(answer) }
        })
    };
    vec![
        route("/msi/{session}/metadata/identity/oauth2/token", of_a_machine),
        route("/msi/token", of_an_app),
    ]
}

/// Other sites make a browser send requests, but not this header.
fn of_a_machine(call: &Call) -> Result<String, Refused> {
    let given = call.request.header("metadata");
    if given.is_some_and(|given| given.eq_ignore_ascii_case("true")) {
        return Ok(call.params.get("session").to_owned());
    }
    Err(bad(
        "Required metadata header not specified: send 'Metadata: true'.",
    ))
}

fn of_an_app(call: &Call) -> Result<String, Refused> {
    let given = HEADERS.iter().find_map(|name| call.request.header(name));
    given
        .map(str::to_owned)
        .ok_or_else(|| bad("The header 'X-IDENTITY-HEADER', or 'secret', is missing."))
}

fn token(identity: &Identity, call: &Call, secret: &str) -> Result<Reply, Refused> {
    let (engine, now) = (&call.engine, call.engine.world().now());
    if call.request.query("api-version").is_none() {
        return Err(bad("The query parameter 'api-version' is missing."));
    }
    let resource = call
        .request
        .query("resource")
        .filter(|resource| !resource.is_empty());
    let resource = resource.ok_or_else(|| bad("The query parameter 'resource' is missing."))?;
    let snapshot = engine.snapshot();
    let session = Found::by(&snapshot, secret, now).ok_or_else(over)?;
    let of = snapshot.get(&session.resource).ok_or_else(over)?;
    let identities = Identities::of(&snapshot, of);
    let found = wanted(call, &identities)?;
    if !session.still_has(found) {
        return Err(over());
    }
    let issued = identity
        .issue_for(engine, principal::object_id(found), resource)
        .map_err(|error| bad(error.message))?;
    let lifetime = issued.expires_on.as_second() - issued.not_before.as_second();
    let body = json!({
        "access_token": issued.access_token.expose(&Purpose::ListSecrets),
        "client_id": issued.client_id,
        "expires_in": lifetime.to_string(),
        "expires_on": issued.expires_on.as_second().to_string(),
        "ext_expires_in": lifetime.to_string(),
        "not_before": issued.not_before.as_second().to_string(),
        "resource": issued.resource,
        "token_type": "Bearer",
    });
    Ok(Reply::ok(body).with(header::CACHE_CONTROL, "no-store"))
}

/// The identity that is named, by any of the names clients have for it, or the default one.
fn wanted<'a>(call: &Call, identities: &'a Identities) -> Result<&'a Resource, Refused> {
    let named = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| call.request.query(name))
            .map(str::to_owned)
    };
    let client = named(&["client_id", "clientid"]);
    let object = named(&["object_id", "principal_id"]);
    let resource = named(&["mi_res_id", "msi_res_id"]);
    let same = |given: Option<&String>, found: Option<&str>| {
        given.is_none_or(|given| found.is_some_and(|found| found.eq_ignore_ascii_case(given)))
    };
    if client.is_none() && object.is_none() && resource.is_none() {
        let default = identities.default.as_deref();
        return default.ok_or_else(|| {
            bad("Identity not found: the resource has no identity of its own. Name one of those it was given by 'client_id'.")
        });
    }
    let found = identities.all().find(|one| {
        same(client.as_ref(), one.text("/appId"))
            && same(object.as_ref(), one.text("/id"))
            && same(resource.as_ref(), one.text("/alternativeNames/1"))
    });
    found
        .map(AsRef::as_ref)
        .ok_or_else(|| bad("Identity not found: the session's resource has no identity of this name."))
}

fn bad(why: impl Into<String>) -> Refused {
    Refused(400, "invalid_request", why.into())
}

/// The same sentence for a secret that never was one and one that is no more.
fn over() -> Refused {
    Refused(
        401,
        "unauthorized_client",
        String::from("The session is over, or its identity is switched off or gone. Open a new one."),
    )
}

impl Refused {
    /// In both shapes that clients read: of virtual machines and of App Service.
    fn reply(self, call: &Call) -> Reply {
        let Self(status, error, why) = self;
        let correlation = call.request.correlation_id;
        tracing::info!(status, error, %correlation, "a managed identity's token was refused");
        let body = json!({
            "error": error, "error_description": why, "statusCode": status, "message": why,
            "correlationId": correlation,
        });
        Reply::json(status, body).with(header::CACHE_CONTROL, "no-store")
    }
}
