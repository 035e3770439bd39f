//! The two keys of an account. Beside the sealed keys a row holds their fingerprints: as unique names, so that a
//! presented key is found, and in nave's own part, so that it is known which of the two it is.

use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Fields, Reply,
    accounts::{KEYS, UPSTREAM_KEY, key_claim},
    declaration::{ActCall, Cx, Draft, Secrets},
};
use nave_vault::{KeyRing, Purpose, Random, Secret, api_key};
use serde_json::{Map, Value, json};

use super::{DECLARATION, upstream};
use crate::keys::{self, KeyPair, Marks};

static PAIR: KeyPair = KeyPair {
    names: KEYS,
    make: api_key::generate,
};

/// The sealed part of the row of a draft. Its keys are made on creation and stay as they are after that; the secrets
/// a body brings are kept beside them.
pub(super) fn write(
    cx: &Cx<'_>,
    random: &dyn Random,
    draft: &Draft,
    own: &mut Value,
) -> Result<Secrets, ArmError> {
    let mut secrets = match &draft.existing {
        None => {
            let keys = PAIR.create(random);
            own["keys"] = fingerprints(cx.vault, &keys);
            keys
        }
        Some(_) if brought(draft).next().is_none() && !upstream::redirects(draft) => {
            return Ok(Secrets::FromBody);
        }
        Some(existing) => {
            let sealed = existing.sealed.as_deref().unwrap_or_default();
            let opened = cx
                .vault
                .unseal_json(existing.id.key(), sealed)
                .map_err(|error| cannot_open(draft, &error))?;
            opened
                .expose(&Purpose::Seal)
                .as_object()
                .cloned()
                .unwrap_or_default()
        }
    };
    if upstream::redirects(draft) {
        secrets.shift_remove(UPSTREAM_KEY);
    }
    secrets.extend(brought(draft).map(|(pointer, value)| (pointer.to_owned(), value.clone())));
    Ok(Secrets::Replace(Value::Object(secrets)))
}

/// The unique names of an account's keys.
pub(super) fn claims(own: &Value) -> Vec<String> {
    let held = |name: &&str| {
        own.pointer(&format!("/keys/{name}"))
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    KEYS.iter().filter_map(held).collect()
}

/// Takes the fingerprints out of what is shown.
pub(super) fn hide(body: &mut Value) {
    if let Some(body) = body.as_object_mut() {
        body.shift_remove("keys");
    }
}

/// Answers with both keys.
pub(super) fn list(call: &ActCall) -> Result<Reply, ArmError> {
    Ok(answer(&keys::open(&call.engine, &call.grant, &call.resource)?))
}

/// Replaces one key. From the commit on, the old one is of nobody.
pub(super) async fn regenerate(random: &dyn Random, call: ActCall) -> Result<Reply, ArmError> {
    let name = PAIR.named(Fields(&call.body).required("/keyName")?, "keyName")?;
    let vault = call.engine.vault();
    let change = |account: &nave_engine::Resource, secrets: &mut Map<String, Value>| {
        let Marks {
            mut own,
            claims: before,
        } = Marks::of(account);
        let old = claims(&own);
        PAIR.renew(random, name, secrets);
        own["keys"] = fingerprints(vault, secrets);
        let kept = before.into_iter().filter(|claim| !old.contains(claim));
        let claims = kept.chain(claims(&own)).collect();
        Marks { own, claims }
    };
    let secrets = keys::replace(&call.engine, &call.grant, call.request.correlation_id, change).await?;
    Ok(answer(&secrets))
}

fn answer(secrets: &Secret<Value>) -> Reply {
    let [key1, key2] = KEYS;
    Reply::ok(json!({ key1: keys::shown(secrets, key1), key2: keys::shown(secrets, key2) }))
}

fn fingerprints(vault: &KeyRing, keys: &Map<String, Value>) -> Value {
    let print = |name: &str| {
        let key = keys.get(name).and_then(Value::as_str).unwrap_or_default();
        (
            name.to_owned(),
            key_claim(&api_key::fingerprint(vault, key)).into(),
        )
    };
    Value::Object(KEYS.into_iter().map(print).collect())
}

/// The secrets in a body, by pointer.
fn brought(draft: &Draft) -> impl Iterator<Item = (&'static str, &Value)> {
    let body = &draft.body;
    let value =
        |pointer: &&'static str| Some((*pointer, body.pointer(pointer).filter(|value| !value.is_null())?));
    DECLARATION.secret.iter().filter_map(value)
}

fn cannot_open(draft: &Draft, error: &nave_vault::VaultError) -> ArmError {
    tracing::error!(id = %draft.id, %error, "sealed secrets do not open");
    let message = "The keys of this account could not be decrypted, so nothing was changed; the server's log has the cause.";
    ArmError::new(ErrorCode::InternalServerError, message)
}
