//! A device asks whether the person it waits for has signed in elsewhere. It sends no scope: what it is for was said
//! when the code was asked for.

use nave_engine::{Reply, route::Call};

use super::{SignedIn, client_proof::ClientProof};
use crate::{Inner, form::Form, refusal::Refusal, scope::Scope};

pub(super) async fn grant(inner: &Inner, call: &Call, mut form: Form) -> Result<Reply, Refusal> {
    let client = ClientProof::of(&mut form, &call.request)?
        .client(inner, call)
        .await?;
    let code = form.text("device_code").or_else(|| form.text("code"));
    let code = code.ok_or_else(|| Refusal::missing("device_code"))?;
    let snapshot = call.engine.snapshot();
    let approved = inner
        .devices
        .collect(code, &client.id, call.engine.world().now())?;
    let principal = approved
        .known
        .person(&snapshot)
        .ok_or_else(|| Refusal::bad_grant(50_057, "The user account is disabled or gone."))?;
    let scope = Scope::read(&approved.scope, &snapshot, call.engine.site())?;
    let given = SignedIn {
        principal: &principal,
        client: &client.id,
        scope: &scope,
        nonce: None,
        capabilities: &super::capabilities(&form),
    };
    super::signed_in(inner, call, &given)
}
