//! A person signs in by name and password, in one request. There is no page on which anything else could be asked for, so
//! whoever needs a second factor or a new password is told to sign in with a browser.

use nave_engine::{Reply, route::Call};

use super::{NewSession, client_proof::ClientProof};
use crate::{
    Inner,
    claims_asked::ClaimsAsked,
    form::Form,
    methods,
    refusal::Refusal,
    scope::Scope,
    signin::{
        Known,
        state::{self, Next},
    },
};

pub(super) async fn grant(inner: &Inner, call: &Call, mut form: Form) -> Result<Reply, Refusal> {
    let client = ClientProof::of(&mut form, &call.request)?
        .client(inner, call)
        .await?;
    client.demand_proof(client.is_confidential())?;
    let scope = Scope::of(&form, &call.engine.snapshot(), call.engine.site())?;
    let password = form
        .take_secret("password")
        .ok_or_else(|| Refusal::missing("password"))?;
    let name = form.required("username")?;
    let principal = inner.check_password(call, name, password).await?;
    let claims = ClaimsAsked::read(form.text("claims"))?;
    let known = Known::new(&principal, &[state::PASSWORD], call.engine.world().now());
    let demanded = claims.second_factor;
    match state::next(
        methods::standing(&call.engine.snapshot(), &principal),
        demanded,
        &known.methods,
    ) {
        Next::Finished => {}
        Next::NewPassword => return Err(Refusal::password_must_change()),
        Next::SecondFactor => return Err(Refusal::second_factor_needed(&claims.text)),
        Next::Enrolment => return Err(Refusal::enrolment_needed(&claims.text)),
    }
    let new = NewSession {
        known,
        client: &client,
        scope: &scope,
        nonce: None,
        claims: &claims,
    };
    super::signed_in(inner, call, new).await
}
