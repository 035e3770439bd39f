//! Certificates of applications: public, listed by their thumbprints, and compared when an application signs in.
//!
//! A client sends the whole list. It was told each certificate's id and not its bytes, so an entry without bytes stays
//! what it was; that is how `az` adds and removes one.

use jiff::Timestamp;
use nave_arm::ArmError;
use nave_engine::{Put, Reply, Resource, route::Call};
use nave_vault::{Certificate, Foreign, Secret};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    bad_request, body,
    kind::{Kind, of_kind},
    not_found,
    write::{self, Answer, Planned},
};
use crate::{
    Identity,
    assertions::{self, Certificates},
};

/// The member that lists them.
pub(super) const MEMBER: &str = "keyCredentials";
/// How many certificates an application may have at once.
const MOST: usize = 20;
/// For whom a proof is that allows to add or remove a certificate: the directory, by its old name.
const DIRECTORY: &str = "00000002-0000-0000-c000-000000000000";

/// Adds a certificate: `{"keyCredential", "proof"}`, the proof signed with a certificate that is there already.
pub(super) async fn add(_: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let body = body::of(&call)?;
    let key = call.params.get("id");
    let id = call.engine.world().new_id();
    write::commit(&call, |snapshot| {
        let holder = of_kind(snapshot, kind, key).ok_or_else(|| not_found(key))?;
        check_proof(&call, holder, &body)?;
        let made = made(&body["keyCredential"], id)?;
        let mut kept = listed(&holder.sent);
        kept.push(made.clone());
        let put = with(holder, &holder.sent, kept, || id)?;
        Ok(Planned::put(put, Answer::Body(hidden(&made))))
    })
    .await
}

/// Removes a certificate: `{"keyId", "proof"}`.
pub(super) async fn remove(_: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let body = body::of(&call)?;
    let key_id = body::parse_id(body::required(&body, "/keyId")?)?.to_string();
    let key = call.params.get("id");
    write::commit(&call, |snapshot| {
        let holder = of_kind(snapshot, kind, key).ok_or_else(|| not_found(key))?;
        check_proof(&call, holder, &body)?;
        let mut kept = listed(&holder.sent);
        let before = kept.len();
        kept.retain(|one| !has_id(one, &key_id));
        if kept.len() == before {
            return Err(unknown(&key_id));
        }
        let put = with(holder, &holder.sent, kept, Uuid::nil)?;
        Ok(Planned::put(put, Answer::Nothing))
    })
    .await
}

/// Makes of the list that a body has what is stored. `before` is the row as it was.
pub(super) fn settle(sent: &mut Value, before: &Value, new_id: impl Fn() -> Uuid) -> Result<(), ArmError> {
    let Some(given) = sent.get(MEMBER).filter(|given| !given.is_null()) else {
        return Ok(());
    };
    let given = given
        .as_array()
        .ok_or_else(|| bad_request("The value of 'keyCredentials' must be a list."))?;
    let known = listed(before);
    let mut settled: Vec<Value> = Vec::with_capacity(given.len());
    for one in given {
        let id = one.get("keyId").and_then(Value::as_str).unwrap_or_default();
        let same = known.iter().find(|known| has_id(known, id));
        let one = match (one.get("key").filter(|key| !key.is_null()), same) {
            (Some(_), _) => made(one, new_id())?,
            (None, Some(same)) => same.clone(),
            (None, None) => return Err(unknown(id)),
        };
        if settled.iter().any(|other| other["keyId"] == one["keyId"]) {
            return Err(bad_request(format!(
                "The keyId {} stands twice in the list.",
                one["keyId"]
            )));
        }
        settled.push(one);
    }
    if settled.len() > MOST {
        return Err(bad_request(format!(
            "An application has at most {MOST} certificates. Remove one first."
        )));
    }
    sent[MEMBER] = settled.into();
    Ok(())
}

/// The object without its certificates' bytes, as it is shown unless they are asked for by name.
pub(super) fn hide(shown: &mut Value) {
    let listed = shown.get_mut(MEMBER).and_then(Value::as_array_mut);
    for one in listed.into_iter().flatten() {
        *one = hidden(one);
    }
}

fn hidden(one: &Value) -> Value {
    let mut one = one.clone();
    one["key"] = Value::Null;
    one
}

/// A credential as it is stored. It ends with its certificate at the latest.
fn made(given: &Value, new_id: Uuid) -> Result<Value, ArmError> {
    let text = |name: &str| body::text(given, &format!("/{name}"));
    for (name, expected) in [("type", "AsymmetricX509Cert"), ("usage", "Verify")] {
        if text(name)?.is_some_and(|found| found != expected) {
            return Err(bad_request(format!(
                "The value of 'keyCredentials.{name}' must be '{expected}'."
            )));
        }
    }
    let certificate = Certificate::from_base64(body::required(given, "/key")?).map_err(|error| {
        bad_request(format!(
            "The value of 'keyCredentials.key' is not valid: {error}."
        ))
    })?;
    let instant = |second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
    let (first, last) = (instant(certificate.not_before), instant(certificate.not_after));
    let start = text("startDateTime")?
        .map_or(Ok(first), write::instant)?
        .max(first);
    let end = text("endDateTime")?.map_or(Ok(last), write::instant)?.min(last);
    if end <= start {
        return Err(bad_request(format!(
            "Key credential end date is invalid: the certificate is valid from {first} to {last}."
        )));
    }
    let id = text("keyId")?.map_or(Ok(new_id), body::parse_id)?;
    Ok(json!({
        "customKeyIdentifier": assertions::hex(&certificate.thumbprint()),
        "displayName": text("displayName")?, "endDateTime": end.to_string(), "key": certificate.to_base64(),
        "keyId": id, "startDateTime": start.to_string(), "type": "AsymmetricX509Cert", "usage": "Verify",
    }))
}

fn with(
    holder: &Resource,
    before: &Value,
    list: Vec<Value>,
    new_id: impl Fn() -> Uuid,
) -> Result<Put, ArmError> {
    let mut put = write::again(holder);
    put.sent[MEMBER] = list.into();
    settle(&mut put.sent, before, new_id)?;
    Ok(put)
}

fn listed(object: &Value) -> Vec<Value> {
    object
        .get(MEMBER)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

fn has_id(one: &Value, id: &str) -> bool {
    one["keyId"]
        .as_str()
        .is_some_and(|found| found.eq_ignore_ascii_case(id))
}

fn unknown(id: &str) -> ArmError {
    bad_request(format!(
        "No key credential found with keyId '{id}'; a new one needs its certificate as 'key'."
    ))
}

/// Who adds or removes a certificate holds one that is there: a JWT by the object, for the directory.
fn check_proof(call: &Call, holder: &Resource, body: &Value) -> Result<(), ArmError> {
    let refuse = |why: String| {
        bad_request(format!(
            "The proof is not accepted: {why}. It is a JWT with the object's id as 'iss' and '{DIRECTORY}' as 'aud', signed \
             with a certificate that the object has; without one, change 'keyCredentials' by PATCH."
        ))
    };
    let proof = Foreign::read(Secret::new(body::required(body, "/proof")?.to_owned()));
    let proof = proof.map_err(|error| refuse(error.to_string()))?;
    if proof.text("iss") != holder.id.name() || !proof.audiences().contains(&DIRECTORY) {
        return Err(refuse(String::from("issuer or audience are not the ones needed")));
    }
    let now = call.engine.world().now();
    Certificates::of([holder])
        .verify(&proof, now)
        .map_err(|refusal| refuse(refusal.message))?;
    proof
        .check_times(now.as_second(), assertions::SKEW)
        .map_err(|error| refuse(error.to_string()))
}
