//! `POST …/oauth2/v2.0/token`: one endpoint, five grants, one file each (client contract 1.4).

mod authorization_code;
mod client_credentials;
mod client_proof;
mod device_code;
mod password;
mod refresh_token;

use http::{Method, header};
use nave_arm::ArmError;
use nave_engine::{
    Reply, Resource,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Value, json};

use crate::{
    Identity, Inner,
    form::Form,
    paths,
    refusal::Refusal,
    scope::Scope,
    tokens::{self, Id, Lifetime},
};

pub(crate) fn routes(identity: &Identity) -> Vec<Route> {
    let route = |path| {
        let identity = identity.clone();
        Route::new(Method::POST, path, Surface::Token, Access::Public, move |call| {
            token(identity.clone(), call)
        })
    };
    vec![route("/{rest}/oauth2/v2.0/token"), route("/{rest}/oauth2/token")]
}

async fn token(identity: Identity, call: Call) -> Result<Reply, ArmError> {
    Ok(grant(&identity.0, &call)
        .await
        .unwrap_or_else(|refusal| refusal.reply(&call)))
}

async fn grant(inner: &Inner, call: &Call) -> Result<Reply, Refusal> {
    paths::check(call.engine.site(), call.params.get("rest"))?;
    let form = Form::of(&call.request);
    match form.required("grant_type")?.to_owned().as_str() {
        "client_credentials" => client_credentials::grant(inner, call, form).await,
        "password" => password::grant(inner, call, form).await,
        "device_code" | "urn:ietf:params:oauth:grant-type:device_code" => {
            device_code::grant(inner, call, form).await
        }
        "authorization_code" => authorization_code::grant(inner, call, form).await,
        "refresh_token" => refresh_token::grant(inner, call, form).await,
        other => Err(Refusal::new(
            400,
            "unsupported_grant_type",
            70_003,
            format!("The app requested an unsupported grant type '{other}'."),
        )),
    }
}

/// A person who signed in.
struct SignedIn<'a> {
    /// Who.
    principal: &'a Resource,
    /// The application he signed in to.
    client: &'a str,
    /// What for.
    scope: &'a Scope,
    /// The text the client bound the sign-in to.
    nonce: Option<&'a str>,
    /// What the client says it can handle.
    capabilities: &'a [String],
}

/// The tokens of a person who signed in.
fn signed_in(inner: &Inner, call: &Call, given: &SignedIn<'_>) -> Result<Reply, Refusal> {
    let SignedIn {
        principal,
        client,
        scope,
        nonce,
        capabilities,
    } = *given;
    let (engine, tenant) = (&call.engine, call.engine.site().tenant);
    let access = tokens::Access {
        principal,
        client,
        resource: &scope.resource,
        capabilities,
        lifetime: Lifetime::ACCESS,
    };
    let mut body = bearer(&inner.access_token(engine, &access)?);
    body["scope"] = scope.text.as_str().into();
    body["id_token"] = inner
        .id_token(
            engine,
            &Id {
                principal,
                client,
                nonce,
            },
        )?
        .into();
    body["client_info"] = tokens::client_info(tenant, principal).into();
    if scope.offline {
        body["refresh_token"] = refresh_token::make(engine, principal, client, &scope.text)?.into();
    }
    Ok(reply(body))
}

/// Never with `Retry-After`: MSAL would take it for throttling.
fn reply(body: Value) -> Reply {
    Reply::ok(body)
        .with(header::CACHE_CONTROL, "no-store")
        .with(header::PRAGMA, "no-cache")
}

fn bearer(token: &str) -> Value {
    let seconds = Lifetime::ACCESS.0;
    json!({ "token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token })
}

/// What the client says it can handle: `claims={"access_token":{"xms_cc":{"values":["CP1"]}}}`.
fn capabilities(form: &Form) -> Vec<String> {
    let claims: Option<Value> = form
        .text("claims")
        .and_then(|text| serde_json::from_str(text).ok());
    let values = claims
        .as_ref()
        .and_then(|claims| claims.pointer("/access_token/xms_cc/values"));
    let values = values.and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}
