//! People.

use nave_arm::ArmError;
use nave_engine::{
    Change, Expect, Put, PutSecrets, Reply, Resource, Snapshot, directory::upn_claim, principal_claim,
    route::Call,
};
use nave_vault::Secret;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    bad_request, body,
    kind::{Kind, of_kind},
    not_found,
    write::{self, Answer, Planned},
};
use crate::{Identity, principal, sessions};

/// The shortest and longest password.
const PASSWORD: std::ops::RangeInclusive<usize> = 8..=256;

pub(super) async fn create(identity: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let mut body = body::of(&call)?;
    let password = take_password(&mut body)?
        .ok_or_else(|| bad_request("A passwordProfile with a password is required."))?;
    let name = body::required(&body, "/userPrincipalName")?.to_owned();
    check_name(&name)?;
    let id = call.engine.world().new_id();
    let sent = body::created(kind, body, json!({ "id": id, "accountEnabled": true }))?;
    let hash = identity.0.hash(password).await?;
    write::commit(&call, |_| {
        let mut put = Put::new(kind.id(id), sent.clone());
        put.claims = claims(id, &name, &put.own);
        put.secrets = sealed(&hash);
        put.expect = Expect::Absent;
        Ok(Planned::put(put, Answer::Created))
    })
    .await
}

/// A new password, and an account that is switched off, call back every token made before.
pub(super) async fn update(identity: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let mut body = body::of(&call)?;
    let hash = match take_password(&mut body)? {
        Some(password) => Some(identity.0.hash(password).await?),
        None => None,
    };
    let key = call.params.get("id");
    write::commit(&call, |snapshot| {
        let user = of_kind(snapshot, kind, key).ok_or_else(|| not_found(key))?;
        let mut put = write::again(user);
        put.sent = body::patched(kind, user, body.clone())?;
        let name = body::required(&put.sent, "/userPrincipalName")?.to_owned();
        if name != principal::name(user) {
            check_name(&name)?;
        }
        put.claims = claims(principal::object_id(user), &name, &put.own);
        let switched_off = principal::enabled(user) && put.sent["accountEnabled"] == json!(false);
        if let Some(hash) = &hash {
            put.secrets = sealed(hash);
        }
        if hash.is_some() || switched_off {
            return Ok(called_back(snapshot, put, user, Answer::Nothing));
        }
        Ok(Planned::put(put, Answer::Nothing))
    })
    .await
}

/// Calls back every token made before.
pub(super) async fn revoke_sessions(_: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let key = call.params.get("id");
    write::commit(&call, |snapshot| {
        let user = of_kind(snapshot, kind, key).ok_or_else(|| not_found(key))?;
        let answer = Answer::Body(json!({ "value": true }));
        Ok(called_back(snapshot, write::again(user), user, answer))
    })
    .await
}

/// A change of a person that calls back everything issued to him: his epoch moves on and his sessions end.
pub(super) fn called_back(snapshot: &Snapshot, mut put: Put, user: &Resource, answer: Answer) -> Planned {
    put.own["epoch"] = (principal::epoch(user) + 1).into();
    let change = Change {
        puts: vec![put],
        erases: sessions::all_end(snapshot, principal::object_id(user)),
        ..Change::default()
    };
    Planned { change, answer }
}

/// A person's sealed part.
pub(crate) fn sealed(hash: &str) -> PutSecrets {
    PutSecrets::Plain(json!({ "password": hash }))
}

/// A person's unique names, among them those that other identity providers know him by.
pub(crate) fn claims(id: Uuid, name: &str, own: &Value) -> Vec<String> {
    let elsewhere =
        principal::identities(own).map(|(issuer, subject)| principal::federated_claim(issuer, subject));
    [principal_claim(id), upn_claim(name)]
        .into_iter()
        .chain(elsewhere)
        .collect()
}

/// Checks a new password's length. More rules make people write it down.
pub(super) fn check_password(password: &str) -> Result<(), ArmError> {
    if PASSWORD.contains(&password.chars().count()) {
        return Ok(());
    }
    Err(bad_request(format!(
        "The specified password does not comply with password complexity requirements: it must have {} to {} \
         characters.",
        PASSWORD.start(),
        PASSWORD.end()
    )))
}

/// Any domain will do: nobody else issues tokens for the names in this directory.
pub(crate) fn check_name(name: &str) -> Result<(), ArmError> {
    let local = |c: char| c.is_ascii_alphanumeric() || "'.-_!#^~+".contains(c);
    let domain =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match name.split_once('@') {
        Some((before, after))
            if (1..=64).contains(&before.len())
                && before.chars().all(local)
                && after.len() <= 255
                && after.split('.').all(domain) =>
        {
            Ok(())
        }
        _ => Err(bad_request(format!(
            "Property userPrincipalName is invalid: '{name}' is not of the form name@domain."
        ))),
    }
}

/// Takes the password out of a body, so that nothing else of the profile is stored.
fn take_password(body: &mut Value) -> Result<Option<Secret<String>>, ArmError> {
    let Some(members) = body.as_object_mut() else {
        return Ok(None);
    };
    let Some(written) = members
        .keys()
        .find(|name| name.eq_ignore_ascii_case("passwordProfile"))
        .cloned()
    else {
        return Ok(None);
    };
    let mut profile = members.shift_remove(&written).unwrap_or_default();
    if profile
        .get("forceChangePasswordNextSignIn")
        .and_then(Value::as_bool)
        == Some(true)
    {
        return Err(bad_request(
            "forceChangePasswordNextSignIn is not offered: set a password that may stay, or let the person change it \
             with POST /me/changePassword.",
        ));
    }
    match profile.get_mut("password").map(Value::take) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(password)) => {
            check_password(&password)?;
            Ok(Some(Secret::new(password)))
        }
        Some(_) => Err(bad_request(
            "The value of 'passwordProfile.password' must be a string.",
        )),
    }
}
