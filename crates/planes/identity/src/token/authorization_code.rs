//! A program exchanges the code that the sign-in page sent it. The code works once, for the program that asked, at
//! the address it asked for, and only with the secret behind its challenge (PKCE).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nave_engine::{Reply, route::Call};

use super::{NewSession, client_proof::ClientProof};
use crate::{
    Inner, claims_asked::ClaimsAsked, codes::Code, form::Form, one_time, refusal::Refusal, scope::Scope,
};

pub(super) async fn grant(inner: &Inner, call: &Call, mut form: Form) -> Result<Reply, Refusal> {
    let client = ClientProof::of(&mut form, &call.request)?
        .client(inner, call)
        .await?;
    let code = inner
        .codes
        .take(form.required("code")?, call.engine.world().now())
        .filter(|code| code.client == client.id)
        .ok_or_else(|| {
            Refusal::bad_grant(
                54_005,
                "The authorization code was redeemed already, or is not valid.",
            )
        })?;
    check_redirect(&code, form.text("redirect_uri"))?;
    check_challenge(&code, form.text("code_verifier"))?;
    client.demand_proof(client.is_server_at(&code.redirect_uri))?;
    let scope = Scope::read(
        form.text("scope").unwrap_or(&code.scope),
        &call.engine.snapshot(),
        call.engine.site(),
    )?;
    let new = NewSession {
        known: code.known,
        client: &client,
        scope: &scope,
        nonce: code.nonce.as_deref(),
        claims: &ClaimsAsked::read(form.text("claims"))?,
    };
    super::signed_in(inner, call, new).await
}

fn check_redirect(code: &Code, given: Option<&str>) -> Result<(), Refusal> {
    if given == Some(&code.redirect_uri) {
        return Ok(());
    }
    Err(Refusal::bad_grant(
        500_112,
        "The redirect_uri is not the one the authorization code was requested with.",
    ))
}

/// Who shows a verifier made a challenge: a code without one was asked for by somebody else, who left it out.
fn check_challenge(code: &Code, verifier: Option<&str>) -> Result<(), Refusal> {
    let answered = verifier.map(|verifier| URL_SAFE_NO_PAD.encode(one_time::hash(verifier)));
    if answered == code.challenge {
        return Ok(());
    }
    Err(Refusal::bad_grant(
        501_481,
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    ))
}
