//! What a client asks before it signs anybody in: OpenID discovery, the keys, and Entra's own two questions about
//! hosts and people (client contract 1.3).

use http::Method;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route},
    site::Site,
};
use serde_json::{Value, json};

use crate::{Identity, paths};

pub(crate) fn routes(identity: &Identity) -> Vec<Route> {
    let route = |path, handler: fn(&Identity, &Call) -> Result<Value, ArmError>| {
        let identity = identity.clone();
        Route::new(Method::GET, path, Surface::Token, Access::Public, move |call| {
            let answer = handler(&identity, &call).map(Reply::ok);
            async move { answer }
        })
    };
    vec![
        route("/{rest}/.well-known/openid-configuration", configuration),
        route("/{rest}/discovery/v2.0/keys", keys),
        route("/{rest}/discovery/keys", keys),
        route("/{rest}/discovery/instance", instance),
        route("/{rest}/userrealm/{user}", user_realm),
    ]
}

fn configuration(_: &Identity, call: &Call) -> Result<Value, ArmError> {
    let before = call.params.get("rest");
    check(call, before.strip_suffix("v2.0").unwrap_or(before))?;
    let site = call.engine.site();
    Ok(json!({
        "issuer": paths::issuer(site),
        "authorization_endpoint": paths::endpoint(site, "oauth2/v2.0/authorize"),
        "token_endpoint": paths::endpoint(site, "oauth2/v2.0/token"),
        "device_authorization_endpoint": paths::endpoint(site, "oauth2/v2.0/devicecode"),
        "jwks_uri": paths::endpoint(site, "discovery/v2.0/keys"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": [
            "authorization_code", "client_credentials", "password", "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256", "ES256"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "offline_access"],
        "claims_supported":
            ["sub", "iss", "aud", "exp", "iat", "nbf", "nonce", "preferred_username", "name", "tid", "oid", "ver"],
        "request_uri_parameter_supported": false,
        "tenant_region_scope": null,
        "cloud_instance_name": site.authority,
        "msgraph_host": site.authority,
    }))
}

fn keys(identity: &Identity, call: &Call) -> Result<Value, ArmError> {
    check(call, call.params.get("rest"))?;
    Ok(identity.0.keys.jwks())
}

/// Which hosts are one cloud. A client that asks this has been given the plain form of the authority.
fn instance(_: &Identity, call: &Call) -> Result<Value, ArmError> {
    check(call, call.params.get("rest"))?;
    let site = call.engine.site();
    Ok(json!({
        "tenant_discovery_endpoint": paths::endpoint(site, "v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [{
            "preferred_network": site.authority, "preferred_cache": site.authority, "aliases": [site.authority],
        }],
    }))
}

/// Whether a person signs in here or elsewhere: always here. The answer does not depend on who is in the directory,
/// so it tells nobody.
fn user_realm(_: &Identity, call: &Call) -> Result<Value, ArmError> {
    check(call, call.params.get("rest"))?;
    let (site, user) = (call.engine.site(), call.params.get("user"));
    let domain = user
        .rsplit_once('@')
        .map_or(site.domain.as_str(), |(_, domain)| domain);
    Ok(json!({
        "ver": "1.0",
        "account_type": "Managed",
        "domain_name": domain,
        "cloud_instance_name": site.authority,
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }))
}

/// These paths start with anything, so what is not a tenant of ours is simply not there.
fn check(call: &Call, before: &str) -> Result<(), ArmError> {
    let site: &Site = call.engine.site();
    paths::check(site, before).map_err(|refusal| ArmError::new(ErrorCode::NotFound, refusal.described()))
}
