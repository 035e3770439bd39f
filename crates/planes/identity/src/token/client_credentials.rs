//! An application signs in as itself.

use nave_engine::{Reply, route::Call};

use super::client_proof::{self, ClientProof};
use crate::{
    Inner,
    form::Form,
    refusal::Refusal,
    scope::Scope,
    tokens::{Access, Lifetime, Shown},
};

pub(super) async fn grant(inner: &Inner, call: &Call, mut form: Form) -> Result<Reply, Refusal> {
    let proof = ClientProof::of(&mut form, &call.request)?;
    let client = proof.id.to_lowercase();
    let scope = Scope::of(&form, &call.engine.snapshot(), call.engine.site())?;
    let Some(secret) = proof.secret else {
        return Err(if proof.assertion {
            client_proof::assertion_refused(&client)
        } else {
            no_secret()
        });
    };
    let principal = inner
        .check_secret(&call.engine, &call.grant, &client, secret)
        .await?;
    let access = Access {
        principal: &principal,
        client: &client,
        resource: &scope.resource,
        capabilities: &super::capabilities(&form)?,
        lifetime: Lifetime::ACCESS,
        shown: Shown::default(),
    };
    Ok(super::reply(super::bearer(
        &inner.access_token(&call.engine, &access)?,
    )))
}

fn no_secret() -> Refusal {
    Refusal::bad_client(
        7_000_218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    )
}
