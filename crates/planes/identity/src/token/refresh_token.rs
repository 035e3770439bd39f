//! A refresh token stands for a sign-in and is good for any resource: `az` trades one for Azure Resource Manager,
//! Graph and every data plane (client contract 1.4).
//!
//! It is its own record, sealed under the key ring, so it outlives a restart and tells its holder nothing. Whether
//! the person is still who signed in is looked up when it is used.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nave_engine::{Engine, Reply, Resource, route::Call};
use nave_vault::Purpose;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{SignedIn, client_proof::ClientProof};
use crate::{Inner, form::Form, principal, refusal::Refusal, scope::Scope, tokens::Lifetime};

/// What the seal is bound to, so that no other sealed thing passes for a refresh token.
const CONTEXT: &str = "refresh-token";

/// What a refresh token says.
struct Remembered {
    object_id: Uuid,
    client: String,
    scope: String,
    epoch: u64,
}

pub(super) async fn grant(inner: &Inner, call: &Call, mut form: Form) -> Result<Reply, Refusal> {
    let client = ClientProof::of(&mut form, &call.request)?
        .client(inner, call)
        .await?;
    let remembered = open(&call.engine, form.required("refresh_token")?)?;
    if remembered.client != client.id {
        return Err(Refusal::bad_grant(
            70_000,
            "The refresh token was issued to another application.",
        ));
    }
    let snapshot = call.engine.snapshot();
    let principal = snapshot
        .principal(remembered.object_id)
        .filter(|found| principal::enabled(found))
        .ok_or_else(|| Refusal::bad_grant(50_057, "The user account is disabled or gone."))?;
    if principal::epoch(principal) != remembered.epoch {
        return Err(Refusal::bad_grant(
            50_173,
            "The provided grant was called back: the password changed, or the sessions were ended. Sign in again.",
        ));
    }
    let scope = Scope::read(
        form.text("scope").unwrap_or(&remembered.scope),
        &snapshot,
        call.engine.site(),
    )?;
    // Whoever refreshes goes on to refresh, also where only the first request said so.
    let scope = Scope {
        offline: true,
        ..scope
    };
    let given = SignedIn {
        principal,
        client: &client.id,
        scope: &scope,
        nonce: None,
        capabilities: &super::capabilities(&form),
    };
    super::signed_in(inner, call, &given)
}

/// A refresh token for somebody who signed in.
pub(super) fn make(
    engine: &Engine,
    principal: &Resource,
    client: &str,
    scope: &str,
) -> Result<String, Refusal> {
    let record = json!({
        "oid": principal::object_id(principal),
        "client": client,
        "scope": scope,
        "epoch": principal::epoch(principal),
        "exp": Lifetime::REFRESH.from(engine.world().now()).as_second(),
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
    let field = |name: &str| {
        record
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let number = |name: &str| record.get(name).and_then(Value::as_i64).unwrap_or_default();
    if engine.world().now().as_second() >= number("exp") {
        return Err(Refusal::bad_grant(
            700_082,
            "The refresh token has expired. Sign in again.",
        ));
    }
    Ok(Remembered {
        object_id: Uuid::parse_str(&field("oid")).map_err(|_| not_ours())?,
        client: field("client"),
        scope: field("scope"),
        epoch: u64::try_from(number("epoch")).unwrap_or_default(),
    })
}
