//! A refresh token stands for a session and is good for any resource: `az` trades one for Azure Resource Manager, Graph
//! and every data plane (client contract 1.4).
//!
//! It names its session and is numbered, sealed under the key ring, so that it tells its holder nothing. Each use gives
//! the next one; [`sessions`] says which is good.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nave_engine::{Engine, Reply, route::Call};
use nave_vault::Purpose;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{SignedIn, client_proof::ClientProof};
use crate::{
    Inner,
    claims_asked::ClaimsAsked,
    form::Form,
    refusal::Refusal,
    scope::Scope,
    sessions::{self, Session},
};

/// What the seal is bound to, so that no other sealed thing passes for a refresh token.
const CONTEXT: &str = "refresh-token";

/// What a refresh token says.
struct Remembered {
    person: Uuid,
    session: Uuid,
    number: u64,
    scope: String,
}

pub(super) async fn grant(inner: &Inner, call: &Call, mut form: Form) -> Result<Reply, Refusal> {
    let client = ClientProof::of(&mut form, &call.request)?
        .client(inner, call)
        .await?;
    let remembered = open(&call.engine, form.required("refresh_token")?)?;
    let claims = ClaimsAsked::read(form.text("claims"))?;
    let snapshot = call.engine.snapshot();
    sessions::check_enabled(&snapshot, remembered.person)?;
    let session = Session::find(&snapshot, remembered.session).ok_or_else(sessions::called_back)?;
    if session.client != client.id {
        return Err(Refusal::bad_grant(
            70_000,
            "The refresh token was issued to another application.",
        ));
    }
    client.demand_proof(session.client_proved_itself)?;
    let principal = sessions::person(&snapshot, &session)?;
    // Whoever refreshes goes on to refresh, also where only the first request said so.
    let scope = Scope {
        offline: true,
        ..Scope::read(
            form.text("scope").unwrap_or(&remembered.scope),
            &snapshot,
            call.engine.site(),
        )?
    };
    super::check_factors(&claims, &session.known)?;
    let session = sessions::refresh(call, remembered.session, remembered.number).await?;
    let given = SignedIn {
        principal: &principal,
        session: &session,
        scope: &scope,
        nonce: None,
        claims: &claims,
    };
    super::tokens_of(inner, call, &given)
}

/// The refresh token that is good now.
pub(super) fn make(engine: &Engine, session: &Session, scope: &str) -> Result<String, Refusal> {
    let record = json!({
        "oid": session.known.object_id, "sid": session.id, "number": session.refresh, "scope": scope,
    });
    let sealed = engine.vault().seal_json(CONTEXT, &record).map_err(|error| {
        tracing::error!(%error, "a refresh token cannot be sealed");
        Refusal::server_error()
    })?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

fn open(engine: &Engine, text: &str) -> Result<Remembered, Refusal> {
    let not_ours = || Refusal::bad_grant(9_002_313, "The refresh token is malformed or not of this server.");
    let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| not_ours())?;
    let record = engine
        .vault()
        .unseal_json(CONTEXT, &sealed)
        .map_err(|_| not_ours())?;
    let record = record.expose(&Purpose::Check);
    let text = |name: &str| record.get(name).and_then(Value::as_str);
    let id = |name: &str| {
        text(name)
            .and_then(|id| Uuid::parse_str(id).ok())
            .ok_or_else(not_ours)
    };
    Ok(Remembered {
        person: id("oid")?,
        session: id("sid")?,
        number: record
            .get("number")
            .and_then(Value::as_u64)
            .ok_or_else(not_ours)?,
        scope: text("scope").unwrap_or_default().to_owned(),
    })
}
