//! Federated credentials of applications, below `/applications/{id}/federatedIdentityCredentials`. They are kept with the
//! application's row, so they come and go with it.

use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Put, Reply, Resource,
    federation::{FederatedCredential, MOST, OF_APPLICATIONS},
    route::Call,
};
use serde_json::{Value, json};

use super::{
    bad_request, body,
    kind::{Kind, of_kind},
    not_found, view,
    write::{self, Answer, Planned},
};
use crate::Identity;

/// Lists an application's credentials.
pub(super) fn list(kind: &'static Kind, call: &Call) -> Result<Value, ArmError> {
    let application = view::named(kind, call)?;
    let collection = format!("applications('{}')/{OF_APPLICATIONS}", application.id.name());
    Ok(view::list(call.engine.site(), &collection, listed(&application)))
}

/// Shows one, by its id or its name.
pub(super) fn get(kind: &'static Kind, call: &Call) -> Result<Value, ArmError> {
    let application = view::named(kind, call)?;
    let key = call.params.get("credential");
    let found = listed(&application).into_iter().find(|one| is_called(one, key));
    found.ok_or_else(|| not_found(key))
}

/// Adds one.
pub(super) async fn create(_: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let body = body::of(&call)?;
    let name = name(&body)?.to_owned();
    let made = made(&body, &name, call.engine.world().new_id().to_string())?;
    change(kind, &call, |credentials| {
        if credentials.len() >= MOST {
            return Err(bad_request(format!(
                "An application has at most {MOST} federated identity credentials. Remove one first."
            )));
        }
        if credentials.iter().any(|one| is_called(one, &name)) {
            return Err(taken(format!(
                "FederatedIdentityCredential with name {name} already exists."
            )));
        }
        check_twins(credentials, &made)?;
        credentials.push(made.clone());
        Ok(Answer::Made(made.clone()))
    })
    .await
}

/// Changes one: what the body has replaces what there was.
pub(super) async fn update(_: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let patch = body::of(&call)?;
    let key = call.params.get("credential");
    change(kind, &call, |credentials| {
        let at = place(credentials, key)?;
        let mut merged = credentials.remove(at);
        let (id, name) = (merged["id"].clone(), merged["name"].clone());
        if patch.get("name").is_some_and(|given| *given != name) {
            return Err(bad_request(
                "The name of a federated identity credential cannot be changed.",
            ));
        }
        nave_arm::merge_patch(&mut merged, &patch);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let changed = made(&merged, &text(&name), text(&id))?;
        check_twins(credentials, &changed)?;
        credentials.insert(at, changed);
        Ok(Answer::Nothing)
    })
    .await
}

/// Removes one.
pub(super) async fn delete(_: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let key = call.params.get("credential");
    change(kind, &call, |credentials| {
        let at = place(credentials, key)?;
        credentials.remove(at);
        Ok(Answer::Nothing)
    })
    .await
}

async fn change(
    kind: &'static Kind,
    call: &Call,
    plan: impl Fn(&mut Vec<Value>) -> Result<Answer, ArmError>,
) -> Result<Reply, ArmError> {
    let key = call.params.get("id");
    write::commit(call, |snapshot| {
        let application = of_kind(snapshot, kind, key).ok_or_else(|| not_found(key))?;
        let mut credentials = listed(application);
        let answer = plan(&mut credentials)?;
        let mut put: Put = write::again(application);
        put.own[OF_APPLICATIONS] = credentials.into();
        Ok(Planned::put(put, answer))
    })
    .await
}

fn made(body: &Value, name: &str, id: String) -> Result<Value, ArmError> {
    let credential = FederatedCredential::read(body).map_err(body::bad)?;
    let mut made = json!({ "id": id, "name": name, "description": body::text(body, "/description")? });
    nave_arm::merge_patch(&mut made, &credential.body());
    made["description"] = json!(body::text(body, "/description")?);
    Ok(made)
}

fn name(body: &Value) -> Result<&str, ArmError> {
    let name = body::required(body, "/name")?;
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if (3..=120).contains(&name.len()) && name.chars().all(good) {
        return Ok(name);
    }
    Err(bad_request(
        "The name of a federated identity credential has 3 to 120 letters, digits, hyphens and underscores.",
    ))
}

fn listed(application: &Resource) -> Vec<Value> {
    let listed = application.own.get(OF_APPLICATIONS).and_then(Value::as_array);
    listed.cloned().unwrap_or_default()
}

fn is_called(one: &Value, key: &str) -> bool {
    ["id", "name"].iter().any(|member| {
        one[member]
            .as_str()
            .is_some_and(|text| text.eq_ignore_ascii_case(key))
    })
}

fn place(credentials: &[Value], key: &str) -> Result<usize, ArmError> {
    credentials
        .iter()
        .position(|one| is_called(one, key))
        .ok_or_else(|| not_found(key))
}

fn check_twins(credentials: &[Value], made: &Value) -> Result<(), ArmError> {
    let read = |one: &Value| FederatedCredential::read(one).ok();
    let twin = |made: &FederatedCredential| {
        credentials
            .iter()
            .filter_map(read)
            .any(|one| one.is_twin_of(made))
    };
    if read(made).is_some_and(|made| twin(&made)) {
        return Err(taken(String::from(
            "FederatedIdentityCredential with this issuer and subject already exists on the application.",
        )));
    }
    Ok(())
}

fn taken(message: String) -> ArmError {
    ArmError::new(ErrorCode::Request_MultipleObjectsWithSameKeyValue, message)
}
