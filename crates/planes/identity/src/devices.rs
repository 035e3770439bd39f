//! Signing in on another device: `POST …/devicecode`, the page where the person enters the code, and what waits in
//! between.

mod page;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use http::{Method, header};
use jiff::Timestamp;
use nave_arm::ArmError;
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route},
};
use nave_vault::Random;
use serde_json::json;

use crate::{
    Identity, Inner, claims_asked::ClaimsAsked, clients::Client, form::Form, one_time::OneTime, paths,
    refusal::Refusal, scope::Scope, signin::Known, tokens::Lifetime,
};

pub(crate) use page::{PAGE, approve};

/// How many devices may be waiting at once.
const WAITING: u64 = 10_000;
/// How often a device may ask, in seconds.
const INTERVAL: u32 = 1;
/// Letters that nobody confuses and that spell no words.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// A device that waits for a person.
#[derive(Debug)]
pub(crate) struct Waiting {
    client: Client,
    scope: String,
    device_code: String,
    /// Whether it needs a token that a second factor stands behind. Some clients say so only when they ask for the token.
    second_factor: AtomicBool,
    ends: Timestamp,
}

/// What the person who signed in gave the device.
#[derive(Debug, Clone)]
pub(crate) struct Approved {
    /// Who signed in, and how.
    pub(crate) known: Known,
    /// What the device asked for.
    pub(crate) scope: String,
    client: String,
}

/// A device as its own code finds it.
#[derive(Debug, Clone)]
enum Device {
    Waiting(Arc<Waiting>),
    Approved(Approved),
}

/// The devices that wait, by the code people type; and all of them, with what came of it, by the code the device has.
pub(crate) struct Devices {
    by_user_code: OneTime<Arc<Waiting>>,
    by_device_code: OneTime<Device>,
}

impl Devices {
    pub(crate) fn new() -> Self {
        Self {
            by_user_code: OneTime::new(WAITING),
            by_device_code: OneTime::new(WAITING),
        }
    }

    fn wait(&self, user_code: &str, waiting: Waiting) {
        let (ends, waiting) = (waiting.ends, Arc::new(waiting));
        self.by_device_code
            .put(&waiting.device_code, Device::Waiting(waiting.clone()), ends);
        self.by_user_code.put(&plain(user_code), waiting, ends);
    }

    /// A person signed in for the device whose code he typed. The code is used up.
    fn approve(&self, user_code: &str, known: Known, now: Timestamp) -> Option<Arc<Waiting>> {
        let waiting = self.by_user_code.take(&plain(user_code), now)?;
        let approved = Approved {
            known,
            scope: waiting.scope.clone(),
            client: waiting.client.id.clone(),
        };
        self.by_device_code
            .put(&waiting.device_code, Device::Approved(approved), waiting.ends);
        Some(waiting)
    }

    /// Whether the device whose code was typed needs a token that a second factor stands behind.
    pub(crate) fn demands_second_factor(&self, user_code: &str, now: Timestamp) -> bool {
        let waiting = self.by_user_code.get(&plain(user_code), now);
        waiting.is_some_and(|waiting| waiting.second_factor.load(Ordering::Relaxed))
    }

    /// What a device's code brings: nothing yet, or once what was approved.
    pub(crate) fn collect(
        &self,
        device_code: &str,
        client: &str,
        claims: &ClaimsAsked,
        now: Timestamp,
    ) -> Result<Approved, Refusal> {
        let expired = || {
            Refusal::new(
                400,
                "expired_token",
                70_020,
                "The device code is not known, was used, or has expired.",
            )
        };
        let approved = match self.by_device_code.get(device_code, now).ok_or_else(expired)? {
            Device::Approved(approved) => approved,
            Device::Waiting(waiting) => {
                waiting
                    .second_factor
                    .fetch_or(claims.second_factor, Ordering::Relaxed);
                return Err(Refusal::new(
                    400,
                    "authorization_pending",
                    70_016,
                    "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
                ));
            }
        };
        if approved.client != client {
            return Err(Refusal::bad_grant(
                70_000,
                "The device code was issued to another application.",
            ));
        }
        self.by_device_code.take(device_code, now).ok_or_else(expired)?;
        Ok(approved)
    }
}

pub(crate) fn routes(identity: &Identity) -> Vec<Route> {
    let route = |path| {
        let identity = identity.clone();
        Route::new(Method::POST, path, Surface::Token, Access::Public, move |call| {
            start(identity.clone(), call)
        })
    };
    let mut routes = vec![
        route("/{rest}/oauth2/v2.0/devicecode"),
        route("/{rest}/oauth2/devicecode"),
    ];
    routes.extend(page::routes(identity));
    routes
}

async fn start(identity: Identity, call: Call) -> Result<Reply, ArmError> {
    Ok(begin(&identity.0, &call).unwrap_or_else(|refusal| refusal.reply(&call)))
}

fn begin(inner: &Inner, call: &Call) -> Result<Reply, Refusal> {
    let (engine, site) = (&call.engine, call.engine.site());
    paths::check(site, call.params.get("rest"))?;
    let form = Form::of(&call.request);
    let snapshot = engine.snapshot();
    let client = Client::find(&snapshot, site, form.required("client_id")?)?;
    let scope = Scope::of(&form, &snapshot, site)?.text;
    let claims = ClaimsAsked::read(form.text("claims"))?;
    let (device_code, user_code) = (inner.random_text(32), user_code(&*inner.random));
    let ends = Lifetime::FORM.from(engine.world().now());
    inner.devices.wait(
        &user_code,
        Waiting {
            client,
            scope,
            device_code: device_code.clone(),
            second_factor: claims.second_factor.into(),
            ends,
        },
    );
    let page = paths::device_page(site);
    let message = format!(
        "To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."
    );
    let body = json!({
        "device_code": device_code, "user_code": user_code, "verification_uri": page,
        "expires_in": Lifetime::FORM.0, "interval": INTERVAL, "message": message,
    });
    Ok(Reply::ok(body).with(header::CACHE_CONTROL, "no-store"))
}

/// Eight letters in two groups: 20^8 codes, of which few wait at a time and each for a quarter of an hour.
fn user_code(random: &dyn Random) -> String {
    let mut code = String::with_capacity(9);
    while code.len() < 9 {
        let mut byte = [0];
        random.fill(&mut byte);
        let [byte] = byte;
        // 240 is a multiple of 20: what is above would favour the first letters.
        if byte < 240 {
            code.push(char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
        }
        if code.len() == 4 {
            code.push('-');
        }
    }
    code
}

/// A code as people may type it: in any case, with or without what separates its groups.
fn plain(user_code: &str) -> String {
    user_code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use nave_vault::SeededRandom;

    use super::*;

    #[test]
    fn a_code_is_easy_to_type() {
        let random = SeededRandom::new(5);
        let (one, two) = (user_code(&random), user_code(&random));
        assert_ne!(one, two);
        assert_eq!((one.len(), &one[4..5]), (9, "-"));
        assert_eq!(plain(&one.to_lowercase().replace('-', " ")), plain(&one));
        assert_eq!(plain(&one).len(), 8);
    }
}
