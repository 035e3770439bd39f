//! The client of a token request, and how it proves itself: a secret in the form or as HTTP Basic, or an assertion.
//!
//! This is the one place where a client is believed. Whoever shows something must show the right thing; who must show
//! something is [`Client::demand_proof`]'s to say.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use nave_engine::{Request, Resource, route::Call};
use nave_vault::Secret;

use crate::{
    Inner,
    clients::{Client, Proof},
    form::Form,
    refusal::Refusal,
};

/// The only kind of assertion there is.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a request says about its client.
pub(super) struct ClientProof {
    /// The application id it names, in lower case.
    id: String,
    shown: Shown,
}

/// What it shows.
enum Shown {
    Nothing,
    Secret(Secret<String>),
    Assertion(Secret<String>),
}

impl ClientProof {
    pub(super) fn of(form: &mut Form, request: &Request) -> Result<Self, Refusal> {
        let secret = form.take_secret("client_secret");
        let assertion = form.take_secret("client_assertion");
        let basic = request.header("authorization").and_then(basic);
        let (id, shown) = match (basic, secret, assertion) {
            (Some((id, secret)), None, None) => (id, Shown::Secret(secret)),
            (None, Some(secret), None) => (form.required("client_id")?.to_owned(), Shown::Secret(secret)),
            (None, None, Some(assertion)) => {
                check_type(form)?;
                (
                    form.required("client_id")?.to_owned(),
                    Shown::Assertion(assertion),
                )
            }
            (None, None, None) => (form.required("client_id")?.to_owned(), Shown::Nothing),
            _ => {
                return Err(Refusal::bad_request(
                    900_023,
                    "A client proves itself in one way: by a secret, or by an assertion.",
                ));
            }
        };
        Ok(Self {
            id: id.to_lowercase(),
            shown,
        })
    }

    /// The service principal of a client that signs in as itself, which must prove itself.
    pub(super) async fn principal(
        self,
        inner: &Inner,
        call: &Call,
    ) -> Result<(String, Arc<Resource>, Proof), Refusal> {
        match check(inner, call, &self.id, self.shown).await? {
            Some((principal, proof)) => Ok((self.id, principal, proof)),
            None => Err(Refusal::no_client_proof()),
        }
    }

    /// The client that a person signs in through. It need not prove itself here, but must not fail to when it tries.
    pub(super) async fn client(self, inner: &Inner, call: &Call) -> Result<Client, Refusal> {
        let mut client = Client::find(&call.engine.snapshot(), call.engine.site(), &self.id)?;
        let shown = check(inner, call, &client.id, self.shown).await?;
        client.proof = shown.map(|(_, proof)| proof);
        Ok(client)
    }
}

async fn check(
    inner: &Inner,
    call: &Call,
    client: &str,
    shown: Shown,
) -> Result<Option<(Arc<Resource>, Proof)>, Refusal> {
    Ok(match shown {
        Shown::Nothing => None,
        Shown::Secret(secret) => {
            let checked = inner
                .check_secret(&call.engine, &call.grant, client, secret)
                .await?;
            Some((checked, Proof::Secret))
        }
        Shown::Assertion(assertion) => Some(inner.check_assertion(call, client, assertion).await?),
    })
}

fn check_type(form: &Form) -> Result<(), Refusal> {
    match form.required("client_assertion_type")? {
        JWT_BEARER => Ok(()),
        other => Err(Refusal::bad_request(
            70_002,
            format!("The client_assertion_type '{other}' is not served; '{JWT_BEARER}' is."),
        )),
    }
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
