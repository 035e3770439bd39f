//! The way to a provider: the person's browser is sent there with a question that only this server asked, bound to this
//! browser, and answered once.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderName, header};
use nave_engine::{Reply, route::Call};
use sha2::{Digest, Sha256};

use super::{
    failed,
    provider::{Provider, redirect_uri},
};
use crate::{
    Inner, one_time,
    pages::{self, Page},
    signin::Flow,
    tokens::Lifetime,
};

/// The cookie of the browser that was sent away. It comes back from another site, so it cannot be `Strict`.
const COOKIE: &str = "__Host-nave-away";
const BYTES: usize = 32;

/// A browser that was sent to a provider.
#[derive(Debug, Clone)]
pub(crate) struct Away {
    /// What the sign-in is for.
    pub(super) flow: Flow,
    /// Which provider.
    pub(super) provider: String,
    /// Its issuer then.
    pub(super) issuer: String,
    /// What the id token must repeat.
    pub(super) nonce: String,
    /// What proves that the code was asked for here (PKCE).
    pub(super) verifier: String,
    browser: [u8; 32],
}

impl Away {
    /// Whether a request is of the browser that was sent away.
    pub(super) fn is_of(&self, call: &Call) -> bool {
        let cookies = call.request.header("cookie").unwrap_or_default();
        let found = cookies
            .split(';')
            .find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='));
        found.is_some_and(|browser| one_time::hash(browser) == self.browser)
    }
}

/// Sends the browser to a provider.
pub(super) async fn send(
    inner: &Inner,
    call: &Call,
    flow: Flow,
    provider: &Provider,
    hint: Option<&str>,
) -> Reply {
    let (name, now) = (provider.text("displayName"), call.engine.world().now());
    let issuer = provider.text("issuer");
    let asked = match inner.issuers.get(&issuer, now).await {
        Ok(asked) => asked,
        Err(error) => return failed(502, &name, &error.to_string()),
    };
    let Some(endpoint) = asked.address("authorization_endpoint") else {
        return failed(502, &name, "its document names no address to sign in at");
    };
    let [state, nonce, verifier, browser] = [(); 4].map(|()| inner.random_text(BYTES));
    let address = question(call, provider, endpoint, [&state, &nonce, &verifier], hint);
    let away = Away {
        flow,
        provider: provider.id().to_owned(),
        issuer,
        nonce,
        verifier,
        browser: one_time::hash(&browser),
    };
    inner.away.put(&state, away, Lifetime::FORM.from(now));
    let cookie = format!("{COOKIE}={browser}; Path=/; Secure; HttpOnly; SameSite=Lax");
    onward(&name, &address).with(header::SET_COOKIE, &cookie)
}

/// The page leads on by itself. A redirection would not do: forms of our pages lead to this server only.
fn onward(name: &str, address: &str) -> Reply {
    let content = format!(
        "<p><a href=\"{}\" rel=\"noreferrer\">Continue with {}</a></p>",
        pages::escape(address),
        pages::escape(name)
    );
    Page::new("Signing in elsewhere", content)
        .reply()
        .with(HeaderName::from_static("refresh"), &format!("0; url={address}"))
}

fn question(
    call: &Call,
    provider: &Provider,
    endpoint: &str,
    [state, nonce, verifier]: [&String; 3],
    hint: Option<&str>,
) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.text("clientId"))
        .append_pair("redirect_uri", &redirect_uri(call.engine.site(), provider.id()))
        .append_pair("scope", &provider.text("scope"))
        .append_pair("state", state)
        .append_pair("nonce", nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    if let Some(hint) = hint {
        query.append_pair("login_hint", hint);
    }
    let separator = if endpoint.contains('?') { '&' } else { '?' };
    format!("{endpoint}{separator}{}", query.finish())
}
