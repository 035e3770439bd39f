//! The client of a token request, and how it proves itself: fields of the form, or HTTP Basic.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use nave_engine::{Request, route::Call};
use nave_vault::Secret;

use crate::{Inner, clients::Client, form::Form, refusal::Refusal};

/// What a request says about its client.
pub(super) struct ClientProof {
    /// The application id it names.
    pub(super) id: String,
    /// The secret it shows.
    pub(super) secret: Option<Secret<String>>,
    /// Whether it shows a signed assertion.
    pub(super) assertion: bool,
}

impl ClientProof {
    pub(super) fn of(form: &mut Form, request: &Request) -> Result<Self, Refusal> {
        let secret = form.take_secret("client_secret");
        let assertion = form.take_secret("client_assertion").is_some();
        if let Some((id, secret)) = request.header("authorization").and_then(basic) {
            return Ok(Self {
                id,
                secret: Some(secret),
                assertion,
            });
        }
        Ok(Self {
            id: form.required("client_id")?.to_owned(),
            secret,
            assertion,
        })
    }

    /// The client, which need not prove itself but must not fail to when it tries.
    pub(super) async fn client(self, inner: &Inner, call: &Call) -> Result<Client, Refusal> {
        if self.assertion {
            return Err(assertion_refused(&self.id));
        }
        let client = Client::find(&call.engine.snapshot(), call.engine.site(), &self.id)?;
        if let Some(secret) = self.secret {
            inner
                .check_secret(&call.engine, &call.grant, &client.id, secret)
                .await?;
        }
        Ok(client)
    }
}

pub(super) fn assertion_refused(id: &str) -> Refusal {
    Refusal::bad_client(
        700_027,
        format!(
            "The client assertion of application '{id}' is not accepted: certificates and federated credentials are \
             not served by this release. Sign in with a client secret."
        ),
    )
}

/// `Basic base64(id:secret)`, each form-encoded before (RFC 6749 2.3.1).
fn basic(header: &str) -> Option<(String, Secret<String>)> {
    let (scheme, text) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Secret::new(STANDARD.decode(text.trim()).ok()?);
    let pair = decoded.expose(&nave_vault::Purpose::Check);
    let colon = pair.iter().position(|byte| *byte == b':')?;
    let undo = |part: &[u8]| {
        form_urlencoded::parse(part)
            .next()
            .map(|(text, _)| text.into_owned())
    };
    Some((undo(&pair[..colon])?, Secret::new(undo(&pair[colon + 1..])?)))
}
