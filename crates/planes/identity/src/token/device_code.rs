//! A device asks whether the person it waits for has signed in elsewhere. It sends no scope: what it is for was said
//! when the code was asked for.

use nave_engine::{Reply, route::Call};

use super::{NewSession, client_proof::ClientProof};
use crate::{Inner, claims_asked::ClaimsAsked, form::Form, refusal::Refusal, scope::Scope};

pub(super) async fn grant(inner: &Inner, call: &Call, mut form: Form) -> Result<Reply, Refusal> {
    let client = ClientProof::of(&mut form, &call.request)?
        .client(inner, call)
        .await?;
    client.demand_proof(client.is_confidential())?;
    let code = form.text("device_code").or_else(|| form.text("code"));
    let code = code.ok_or_else(|| Refusal::missing("device_code"))?;
    let claims = ClaimsAsked::read(form.text("claims"))?;
    let approved = inner
        .devices
        .collect(code, &client.id, &claims, call.engine.world().now())?;
    let scope = Scope::read(&approved.scope, &call.engine.snapshot(), call.engine.site())?;
    let new = NewSession {
        known: approved.known,
        client: &client,
        scope: &scope,
        nonce: None,
        claims: &claims,
    };
    super::signed_in(inner, call, new).await
}
