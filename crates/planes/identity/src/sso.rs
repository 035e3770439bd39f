//! Single sign-on: people who sign in at another OpenID Connect provider (Entra, Okta, Keycloak, Google and the like) and
//! come back with its word.
//!
//! The way there and back is the authorization code flow with PKCE, state and nonce ([`away`], [`back`]); what is believed
//! is an id token that the issuer signed, for us, for this sign-in ([`idtoken`]). Who that is here, and in which groups,
//! is [`people`]'s to say. Administrators describe providers by Graph ([`configuration`]) or, before anybody can sign in,
//! with `nave sso add`.

mod away;
mod back;
mod configuration;
mod idtoken;
mod people;
mod provider;
mod settings;

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Put, Reply, Snapshot,
    operation::{Access, Surface},
    route::{Call, Route},
};
use nave_engine::{Resource, site::Site};
use serde_json::Value;

use self::provider::Provider;
pub(crate) use self::{
    away::Away,
    settings::{may_use_password, passwords_are_for_emergencies},
};
use crate::{
    Identity, Inner, pages,
    signin::{Flow, Offered},
};

pub(crate) fn routes(identity: &Identity) -> Vec<Route> {
    let identity = identity.clone();
    let mut routes = configuration::routes();
    let callback = move |call| back::callback(identity.clone(), call);
    routes.push(Route::new(
        Method::GET,
        "/sso/{provider}/callback",
        Surface::Token,
        Access::Public,
        callback,
    ));
    routes
}

/// The row of a provider that is described as Graph would have it, for an installation that nobody can sign in to yet.
///
/// # Errors
/// `Request_BadRequest` with what is wrong with the description.
pub fn provider_row(description: &Value) -> Result<Put, ArmError> {
    configuration::row(description)
}

/// A provider as it is shown, with the address to register at it.
#[must_use]
pub fn shown(site: &Site, row: &Resource) -> Value {
    provider::shown(site, row)
}

/// The type of the rows of providers.
pub const PROVIDERS: &str = provider::PROVIDERS;

/// The providers a person may choose from.
pub(crate) fn offered(snapshot: &Snapshot) -> Vec<Offered> {
    Provider::all(snapshot)
        .map(|provider| Offered {
            id: provider.id().to_owned(),
            label: format!("Continue with {}", provider.text("displayName")),
        })
        .collect()
}

/// The provider that a program's hints lead to: named itself, or by a domain that is its own.
pub(crate) fn hinted(
    snapshot: &Snapshot,
    domain_hint: Option<&str>,
    login_hint: Option<&str>,
) -> Option<String> {
    let domain = login_hint
        .and_then(|hint| hint.rsplit_once('@'))
        .map(|(_, domain)| domain);
    let found = Provider::all(snapshot).find(|provider| {
        let domains = provider.texts("domainHints");
        let is_its = |domain: &str| domains.iter().any(|own| own.eq_ignore_ascii_case(domain));
        domain_hint.is_some_and(|hint| hint.eq_ignore_ascii_case(provider.id()) || is_its(hint))
            || (domain_hint.is_none() && domain.is_some_and(is_its))
    });
    found.map(|provider| provider.id().to_owned())
}

/// Sends a person to a provider.
pub(crate) async fn leave(inner: &Inner, call: &Call, flow: Flow, with: &str) -> Reply {
    let Some(provider) = Provider::find(&call.engine.snapshot(), with) else {
        return pages::stop(
            400,
            "You cannot sign in this way",
            &format!("This server knows no provider '{with}'. Go back and choose another way."),
        );
    };
    let hint = call
        .request
        .query("login_hint")
        .filter(|hint| hint.len() <= 256)
        .map(str::to_owned);
    away::send(inner, call, flow, &provider, hint.as_deref()).await
}

/// The page that says why a provider's word did not let somebody in.
fn failed(status: u16, provider: &str, why: &str) -> Reply {
    let why = format!("{provider} did not sign you in here: {why}. Go back to your program and start again.");
    pages::stop(status, "You are not signed in", &why)
}
