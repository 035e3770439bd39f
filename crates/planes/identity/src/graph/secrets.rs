//! Secrets of applications: made by nave, shown once, kept as hashes.

use jiff::SignedDuration;
use nave_arm::ArmError;
use nave_engine::{Put, PutSecrets, Reply, Resource, route::Call};
use nave_vault::{Purpose, Secret};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    bad_request, body,
    kind::{Kind, of_kind},
    not_found,
    write::{self, Answer, Planned},
};
use crate::Identity;

/// Random bytes of a secret: 40 characters.
const BYTES: usize = 30;
/// How long a secret works unless asked otherwise.
const TWO_YEARS: SignedDuration = SignedDuration::from_hours(2 * 365 * 24);
/// How many secrets an application may have at once: each is tried when it signs in.
const MOST: usize = 10;
/// How many of its first characters tell a secret from another.
const HINT: usize = 3;

/// Adds a secret. The answer is the only place where it is ever shown.
pub(super) async fn add(identity: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let secret = Secret::new(identity.0.random_text(BYTES));
    let listed = listed(&call, &secret)?;
    let hash = identity.0.hash(secret.duplicate()).await?;
    let key = call.params.get("id");
    write::commit(&call, |snapshot| {
        let holder = of_kind(snapshot, kind, key).ok_or_else(|| not_found(key))?;
        let (mut credentials, mut hashes) = kept(&call, holder);
        if credentials.len() >= MOST {
            return Err(bad_request(format!(
                "An application has at most {MOST} secrets. Remove one first."
            )));
        }
        credentials.push(listed.clone());
        hashes[listed["keyId"].as_str().unwrap_or_default()] = hash.as_str().into();
        let mut shown = listed.clone();
        shown["secretText"] = secret.expose(&Purpose::ListSecrets).as_str().into();
        Ok(Planned::put(
            with(holder, credentials, hashes),
            Answer::Body(shown),
        ))
    })
    .await
}

/// Removes a secret: `{"keyId"}`.
pub(super) async fn remove(_: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let body = body::of(&call)?;
    let key_id = body::parse_id(body::required(&body, "/keyId")?)?.to_string();
    let key = call.params.get("id");
    write::commit(&call, |snapshot| {
        let holder = of_kind(snapshot, kind, key).ok_or_else(|| not_found(key))?;
        let (mut credentials, mut hashes) = kept(&call, holder);
        let before = credentials.len();
        credentials.retain(|listed| listed["keyId"] != json!(key_id));
        if credentials.len() == before {
            return Err(bad_request(format!(
                "No password credential found with keyId '{key_id}'."
            )));
        }
        if let Some(hashes) = hashes.as_object_mut() {
            hashes.shift_remove(&key_id);
        }
        Ok(Planned::put(with(holder, credentials, hashes), Answer::Nothing))
    })
    .await
}

/// How a secret is listed from now on.
fn listed(call: &Call, secret: &Secret<String>) -> Result<Value, ArmError> {
    let body = call.request.json().map_err(body::bad)?;
    let asked = |name: &str| body::text(&body, &format!("/passwordCredential/{name}"));
    let now = call.engine.world().now();
    let start = asked("startDateTime")?.map_or(Ok(now), write::instant)?;
    let end = asked("endDateTime")?.map_or_else(
        || Ok(start.saturating_add(TWO_YEARS).unwrap_or(start)),
        write::instant,
    )?;
    if end <= now || end <= start {
        return Err(bad_request(format!(
            "The endDateTime {end} is not after the start and after now."
        )));
    }
    let key: Uuid = call.engine.world().new_id();
    let hint: String = secret.expose(&Purpose::ListSecrets).chars().take(HINT).collect();
    Ok(json!({
        "customKeyIdentifier": null, "displayName": asked("displayName")?, "endDateTime": end.to_string(),
        "hint": hint, "keyId": key, "secretText": null, "startDateTime": start.to_string(),
    }))
}

/// The secrets as listed, and their hashes by key id.
fn kept(call: &Call, holder: &Resource) -> (Vec<Value>, Value) {
    let listed = holder
        .value("/passwordCredentials")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let sealed = call.engine.open_secrets(&call.grant, holder);
    let hashes = sealed.and_then(|sealed| sealed.expose(&Purpose::Check).get("secrets").cloned());
    (listed, hashes.unwrap_or_else(|| json!({})))
}

fn with(holder: &Resource, credentials: Vec<Value>, hashes: Value) -> Put {
    let mut put = write::again(holder);
    put.sent["passwordCredentials"] = credentials.into();
    put.secrets = PutSecrets::Plain(json!({ "secrets": hashes }));
    put
}
