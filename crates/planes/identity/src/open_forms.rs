//! Forms that only this server could have given to only this browser: each has a one-time text, bound to a cookie
//! that no other site can send. So nobody signs a person in, or approves a device, behind his back.

use http::header;
use nave_engine::{Reply, route::Call};

use crate::{Inner, form::Form, one_time, signin::Flow, tokens::Lifetime};

/// The hidden field that carries a form's one-time text.
pub(crate) const FIELD: &str = "flow";
/// The cookie. Its prefix makes browsers refuse one that another host or plain HTTP set.
const COOKIE: &str = "__Host-nave-sign-in";
/// Random bytes of each.
const BYTES: usize = 32;

/// A form that was given out.
#[derive(Debug, Clone)]
pub(crate) struct OpenForm {
    flow: Flow,
    browser: [u8; 32],
}

/// The one-time text of a new form, and the cookie of the browser it is for.
pub(crate) struct Opened {
    /// The text for the hidden field.
    pub(crate) flow: String,
    browser: String,
}

impl Opened {
    /// The page with its cookie.
    pub(crate) fn bind(&self, page: Reply) -> Reply {
        let cookie = format!(
            "{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Strict",
            self.browser
        );
        page.with(header::SET_COOKIE, &cookie)
    }
}

/// Gives out a form.
pub(crate) fn open(inner: &Inner, call: &Call, flow: Flow) -> Opened {
    let browser = browser(call).map_or_else(|| inner.random_text(BYTES), str::to_owned);
    let text = inner.random_text(BYTES);
    let form = OpenForm {
        flow,
        browser: one_time::hash(&browser),
    };
    inner
        .forms
        .put(&text, form, Lifetime::FORM.from(call.engine.world().now()));
    Opened { flow: text, browser }
}

/// Takes a form back, once, from the browser it was given to.
pub(crate) fn close(inner: &Inner, call: &Call, form: &Form) -> Option<Flow> {
    let given = inner.forms.take(form.text(FIELD)?, call.engine.world().now())?;
    let same = browser(call).is_some_and(|browser| one_time::hash(browser) == given.browser);
    same.then_some(given.flow)
}

fn browser(call: &Call) -> Option<&str> {
    let cookies = call.request.header("cookie")?;
    let found = cookies
        .split(';')
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
    let good = found.len() >= BYTES
        && found
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    good.then_some(found)
}
