//! A person signs in by name and password, in one request.

use nave_engine::{Reply, route::Call};

use super::{SignedIn, client_proof::ClientProof};
use crate::{Inner, form::Form, refusal::Refusal, scope::Scope};

pub(super) async fn grant(inner: &Inner, call: &Call, mut form: Form) -> Result<Reply, Refusal> {
    let client = ClientProof::of(&mut form, &call.request)?
        .client(inner, call)
        .await?;
    let scope = Scope::of(&form, &call.engine.snapshot(), call.engine.site())?;
    let password = form
        .take_secret("password")
        .ok_or_else(|| Refusal::missing("password"))?;
    let name = form.required("username")?;
    let principal = inner
        .check_password(&call.engine, &call.grant, name, password)
        .await?;
    let given = SignedIn {
        principal: &principal,
        client: &client.id,
        scope: &scope,
        nonce: None,
        capabilities: &super::capabilities(&form),
    };
    super::signed_in(inner, call, &given)
}
