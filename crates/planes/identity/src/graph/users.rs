//! People.

use nave_arm::ArmError;
use nave_engine::{
    Change, Expect, Put, PutSecrets, Reply, Resource, Snapshot, directory::upn_claim, principal_claim,
    route::Call,
};
use nave_vault::{Purpose, Secret};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    bad_request, body,
    kind::{Kind, of_kind},
    not_found,
    write::{self, Answer, Planned},
};
use crate::{
    Identity, methods,
    passwords::{self, Chooser},
    policies, principal, sessions,
};

/// A password that somebody is given.
struct Given {
    password: Secret<String>,
    /// Whether he must set another one when he signs in.
    for_now: bool,
}

pub(super) async fn create(identity: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let mut body = body::of(&call)?;
    let given = take_password(&mut body)?
        .and_then(Profile::into_given)
        .ok_or_else(|| bad_request("A passwordProfile with a password is required."))?;
    let name = body::required(&body, "/userPrincipalName")?.to_owned();
    check_name(&name)?;
    let id = call.engine.world().new_id();
    let sent = body::created(kind, body, json!({ "id": id, "accountEnabled": true }))?;
    let chooser = Chooser {
        name: &name,
        display_name: sent["displayName"].as_str().unwrap_or_default(),
        has_second_factor: policies::demand_second_factors(&call.engine.snapshot()),
    };
    passwords::check(&given.password, chooser, identity.0.breached.get())?;
    let hash = identity.0.hash(passwords::normal(&given.password)).await?;
    write::commit(&call, |_| {
        let mut put = Put::new(kind.id(id), sent.clone());
        put.own["mustChangePassword"] = given.for_now.into();
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
    let key = call.params.get("id");
    let profile = take_password(&mut body)?.unwrap_or_default();
    let for_now = profile.for_now;
    let hash = match profile.into_given() {
        Some(given) => {
            let snapshot = call.engine.snapshot();
            let user = of_kind(&snapshot, kind, key).ok_or_else(|| not_found(key))?;
            Some(new_hash(&identity, &snapshot, user, &given.password).await?)
        }
        None => None,
    };
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
            put.secrets = with_password(&call, user, hash);
        }
        if let Some(for_now) = for_now.or(hash.is_some().then_some(false)) {
            put.own["mustChangePassword"] = for_now.into();
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

/// A person's sealed part with another password.
pub(super) fn with_password(call: &Call, user: &Resource, hash: &str) -> PutSecrets {
    let opened = call.engine.open_secrets(&call.grant, user);
    let mut sealed = opened.map_or_else(|| json!({}), |opened| opened.expose(&Purpose::Check).clone());
    sealed["password"] = hash.into();
    PutSecrets::Plain(sealed)
}

/// The hash of a new password of somebody, which follows the rules.
pub(super) async fn new_hash(
    identity: &Identity,
    snapshot: &Snapshot,
    user: &Resource,
    password: &Secret<String>,
) -> Result<String, ArmError> {
    let chooser = Chooser {
        name: principal::name(user),
        display_name: user.text("/displayName").unwrap_or_default(),
        has_second_factor: methods::standing(snapshot, user).always_second_factor(),
    };
    passwords::check(password, chooser, identity.0.breached.get())?;
    identity.0.hash(passwords::normal(password)).await
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

/// What a body says about a password.
#[derive(Default)]
struct Profile {
    password: Option<Secret<String>>,
    for_now: Option<bool>,
}

impl Profile {
    fn into_given(self) -> Option<Given> {
        Some(Given {
            password: self.password?,
            for_now: self.for_now.unwrap_or(false),
        })
    }
}

/// Takes the password out of a body, so that nothing of the profile is stored.
fn take_password(body: &mut Value) -> Result<Option<Profile>, ArmError> {
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
    let flag = |name: &str| profile.get(name).and_then(Value::as_bool);
    let for_now = flag("forceChangePasswordNextSignIn").or(flag("forceChangePasswordNextSignInWithMfa"));
    let password = match profile.get_mut("password").map(Value::take) {
        None | Some(Value::Null) => None,
        Some(Value::String(password)) => Some(Secret::new(password)),
        Some(_) => {
            return Err(bad_request(
                "The value of 'passwordProfile.password' must be a string.",
            ));
        }
    };
    Ok(Some(Profile { password, for_now }))
}
