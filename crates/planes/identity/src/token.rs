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
    claims_asked::ClaimsAsked,
    clients::Client,
    form::Form,
    paths,
    refusal::Refusal,
    scope::Scope,
    sessions::{self, Session},
    signin::Known,
    tokens::{self, Id, Lifetime, Shown},
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

/// A person who signed in just now.
struct NewSession<'a> {
    /// Who, and how.
    known: Known,
    /// The application.
    client: &'a Client,
    /// What for.
    scope: &'a Scope,
    /// The text the client bound the sign-in to.
    nonce: Option<&'a str>,
    /// What else the client asks for.
    claims: &'a ClaimsAsked,
}

/// A session that tokens are made for.
struct SignedIn<'a> {
    /// Who signed in.
    principal: &'a Resource,
    /// The session.
    session: &'a Session,
    /// What for.
    scope: &'a Scope,
    /// The text the client bound the sign-in to.
    nonce: Option<&'a str>,
    /// What else the client asks for.
    claims: &'a ClaimsAsked,
}

/// Begins a session; its first tokens.
async fn signed_in(inner: &Inner, call: &Call, new: NewSession<'_>) -> Result<Reply, Refusal> {
    let principal = new
        .known
        .person(&call.engine.snapshot())
        .ok_or_else(|| Refusal::bad_grant(50_057, "The user account is disabled or gone."))?;
    check_factors(new.claims, &new.known)?;
    let session = sessions::begin(call, new.known, new.client, new.scope.offline).await?;
    let given = SignedIn {
        principal: &principal,
        session: &session,
        scope: new.scope,
        nonce: new.nonce,
        claims: new.claims,
    };
    tokens_of(inner, call, &given)
}

/// Whether the second factor was given that the client was told is needed.
fn check_factors(claims: &ClaimsAsked, known: &Known) -> Result<(), Refusal> {
    if claims.second_factor && !known.is_multi_factor() {
        return Err(Refusal::second_factor_needed(&claims.text));
    }
    Ok(())
}

/// The tokens of a session.
fn tokens_of(inner: &Inner, call: &Call, given: &SignedIn<'_>) -> Result<Reply, Refusal> {
    let SignedIn {
        principal,
        session,
        scope,
        nonce,
        claims,
    } = *given;
    let (engine, tenant) = (&call.engine, call.engine.site().tenant);
    let shown = Shown {
        session: Some(session.id),
        methods: &session.known.methods,
        at: Some(session.known.at),
    };
    let access = tokens::Access {
        principal,
        client: &session.client,
        resource: &scope.resource,
        capabilities: &claims.capabilities,
        lifetime: Lifetime::ACCESS,
        shown,
    };
    let mut body = bearer(&inner.access_token(engine, &access)?);
    let id = Id {
        principal,
        client: &session.client,
        nonce,
        shown,
    };
    body["scope"] = scope.text.as_str().into();
    body["id_token"] = inner.id_token(engine, &id)?.into();
    body["client_info"] = tokens::client_info(tenant, principal).into();
    if scope.offline {
        body["refresh_token"] = refresh_token::make(engine, session, &scope.text)?.into();
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
fn capabilities(form: &Form) -> Result<Vec<String>, Refusal> {
    Ok(ClaimsAsked::read(form.text("claims"))?.capabilities)
}
