//! What people prove with who they are, besides the password: an authenticator app with its recovery codes, and passkeys.
//!
//! A person's row keeps in nave's part what may be listed (`authenticator`, `passkeys`, `mustChangePassword`,
//! `perUserMfaState`), and sealed what may not: the app's key (`totp`) and the hashes of the recovery codes (`recovery`).

pub(crate) mod passkey;
pub(crate) mod totp;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nave_engine::{Act, Change, CommitError, Erase, PutSecrets, Resource, Snapshot, route::Call};
use nave_vault::Purpose;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Inner, graph::again, one_time, policies, principal, refusal::Refusal, signin::state::Standing,
    throttle::Try,
};

/// How many recovery codes a person gets.
const RECOVERY_CODES: usize = 10;
/// Random bytes of each.
const RECOVERY_BYTES: usize = 10;
/// How often a change is made again that something else got ahead of.
const TRIES: usize = 8;

/// How a person must sign in.
pub(crate) fn standing(snapshot: &Snapshot, person: &Resource) -> Standing {
    let own = |name: &str| person.own.get(name);
    Standing {
        has_second_factor: has_authenticator(person) || passkey::of(person).next().is_some(),
        needs_second_factor: own("perUserMfaState").and_then(Value::as_str) == Some("enforced")
            || policies::demand_second_factors(snapshot),
        must_change_password: own("mustChangePassword") == Some(&Value::Bool(true)),
    }
}

/// Whether a person has an authenticator app.
pub(crate) fn has_authenticator(person: &Resource) -> bool {
    person.own.get("authenticator").is_some_and(Value::is_object)
}

/// What a change of a person's methods is made on.
pub(crate) struct Altered<'a> {
    /// The person as he is.
    pub(crate) person: &'a Resource,
    /// nave's part of the row.
    pub(crate) own: &'a mut Value,
    /// What is sealed.
    pub(crate) sealed: &'a mut Value,
    /// What ends with it.
    pub(crate) erases: &'a mut Vec<Erase>,
}

/// Changes a person's methods, and again where something else got ahead.
pub(crate) async fn alter<T>(
    call: &Call,
    person: Uuid,
    operation: &str,
    change: impl Fn(Altered<'_>) -> Result<T, Refusal>,
) -> Result<(T, Arc<Resource>), Refusal> {
    let engine = &call.engine;
    for _ in 0..TRIES {
        let snapshot = engine.snapshot();
        let found = snapshot
            .principal(person)
            .ok_or_else(|| Refusal::bad_grant(50_057, "The user account is disabled or gone."))?;
        let mut put = again(found);
        let opened = engine.open_secrets(&call.grant, found);
        let mut sealed = opened.map_or_else(|| json!({}), |opened| opened.expose(&Purpose::Check).clone());
        let mut erases = Vec::new();
        let made = change(Altered {
            person: found,
            own: &mut put.own,
            sealed: &mut sealed,
            erases: &mut erases,
        })?;
        put.secrets = PutSecrets::Plain(sealed);
        let change = Change {
            puts: vec![put],
            erases,
            ..Change::default()
        };
        let grant = engine.on_own_account::<Act>(operation, &found.id);
        match engine
            .commit_for(&grant, change, call.request.correlation_id)
            .await
        {
            Ok(done) => {
                let row = done.resources.into_iter().next();
                return row.map(|row| (made, row)).ok_or_else(Refusal::server_error);
            }
            Err(CommitError::Raced) => {}
            Err(error) => {
                tracing::error!(%error, "a person's methods cannot be written");
                return Err(Refusal::server_error());
            }
        }
    }
    Err(Refusal::busy())
}

/// A code of the authenticator app, or a recovery code. Each works once.
pub(crate) async fn check_code(
    inner: &Inner,
    call: &Call,
    person: &Resource,
    code: &str,
) -> Result<(), Refusal> {
    let now = call.engine.world().now();
    let tried = Try::at_code(principal::name(person), call.request.peer);
    if let Some(seconds) = inner.throttle.wait(&tried, now) {
        return Err(Refusal::wait(seconds));
    }
    let second = now.as_second();
    let checked = alter(
        call,
        principal::object_id(person),
        "Microsoft.Graph/users/authentication/use/action",
        |altered| use_code(altered, code, second),
    )
    .await;
    match &checked {
        Ok(_) => inner.throttle.passed(&tried),
        Err(refusal) if *refusal == Refusal::wrong_code() => inner.throttle.failed(&tried, now),
        Err(_) => {}
    }
    if let Err(refusal) = &checked {
        inner.tell_failure(call, principal::name(person), refusal).await;
    }
    checked.map(drop)
}

fn use_code(altered: Altered<'_>, code: &str, second: i64) -> Result<(), Refusal> {
    let Altered { own, sealed, .. } = altered;
    let key = sealed.get("totp").and_then(Value::as_str);
    let key = key.and_then(|key| URL_SAFE_NO_PAD.decode(key).ok());
    let used = own.pointer("/authenticator/usedStep").and_then(Value::as_i64);
    let step = key.and_then(|key| totp::right_step(&key, code, second, used.unwrap_or(-1)));
    if let Some(step) = step {
        own["authenticator"]["usedStep"] = step.into();
        return Ok(());
    }
    let hash = recovery_hash(code);
    let recovery = sealed.get_mut("recovery").and_then(Value::as_array_mut);
    let found = recovery.and_then(|codes| {
        let at = codes.iter().position(|code| code.as_str() == Some(&hash))?;
        Some(codes.remove(at))
    });
    found.map(drop).ok_or_else(Refusal::wrong_code)
}

/// Sets up an authenticator app with this key, whose first code was shown; the recovery codes.
pub(crate) async fn set_up(
    inner: &Inner,
    call: &Call,
    person: Uuid,
    key: &[u8],
    step: i64,
) -> Result<(Vec<String>, Arc<Resource>), Refusal> {
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code(inner)).collect();
    let hashes: Vec<String> = codes.iter().map(|code| recovery_hash(code)).collect();
    let (id, now) = (call.engine.world().new_id(), call.engine.world().now());
    let (_, row) = alter(
        call,
        person,
        "Microsoft.Graph/users/authentication/softwareOathMethods/write",
        |altered| {
            altered.own["authenticator"] = json!({
                "id": id, "displayName": "Authenticator app", "createdDateTime": now.to_string(), "usedStep": step,
            });
            altered.sealed["totp"] = URL_SAFE_NO_PAD.encode(key).into();
            altered.sealed["recovery"] = json!(hashes);
            Ok(())
        },
    )
    .await?;
    Ok((codes, row))
}

/// Takes a method away: the app with its codes, or a passkey. Whether there was one with this id.
pub(crate) fn remove(altered: &mut Altered<'_>, id: &str) -> bool {
    let app = altered.own.pointer("/authenticator/id").and_then(Value::as_str) == Some(id);
    if app {
        drop_members(altered.own, &["authenticator"]);
        drop_members(altered.sealed, &["totp", "recovery"]);
    }
    let passkeys = altered.own.get_mut("passkeys").and_then(Value::as_array_mut);
    let removed = passkeys.is_some_and(|passkeys| {
        let before = passkeys.len();
        passkeys.retain(|passkey| passkey["id"].as_str() != Some(id));
        passkeys.len() < before
    });
    app || removed
}

fn drop_members(body: &mut Value, names: &[&str]) {
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, _| !names.contains(&name.as_str()));
    }
}

/// Eighty random bits in groups that can be typed.
fn recovery_code(inner: &Inner) -> String {
    let mut bytes = [0; RECOVERY_BYTES];
    inner.random.fill(&mut bytes);
    let letters = totp::base32(&bytes).to_lowercase();
    let groups: Vec<&str> = [0, 4, 8, 12]
        .iter()
        .filter_map(|at| letters.get(*at..at + 4))
        .collect();
    groups.join("-")
}

/// Nobody guesses eighty bits, so a plain hash is enough.
fn recovery_hash(code: &str) -> String {
    let plain: String = code.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    URL_SAFE_NO_PAD.encode(one_time::hash(&plain.to_lowercase()))
}
