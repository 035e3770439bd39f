//! An application signs in as itself.

use nave_engine::{Reply, route::Call};

use super::client_proof::ClientProof;
use crate::{
    Inner,
    form::Form,
    refusal::Refusal,
    scope::Scope,
    tokens::{Access, Lifetime, Shown},
};

pub(super) async fn grant(inner: &Inner, call: &Call, mut form: Form) -> Result<Reply, Refusal> {
    let proof = ClientProof::of(&mut form, &call.request)?;
    let scope = Scope::of(&form, &call.engine.snapshot(), call.engine.site())?;
    let (client, principal, proof) = proof.principal(inner, call).await?;
    let access = Access {
        principal: &principal,
        client: &client,
        resource: &scope.resource,
        capabilities: &super::capabilities(&form)?,
        lifetime: Lifetime::ACCESS,
        shown: Shown {
            methods: &[proof.method().to_owned()],
            ..Shown::default()
        },
    };
    Ok(super::reply(super::bearer(
        &inner.access_token(&call.engine, &access)?,
    )))
}
