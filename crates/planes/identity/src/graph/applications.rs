//! Application registrations: what an application is called, where it sends people back to, and its secrets. Who it
//! is when it acts is its service principal.

use nave_arm::ArmError;
use nave_engine::{Change, Expect, Put, Reply, Resource, Snapshot, directory, route::Call};
use serde_json::{Value, json};

use super::{
    bad_request, body, key_credentials,
    kind::{Kind, of_kind},
    not_found,
    references::OWNERS,
    write::{self, Answer, Planned},
};
use crate::{
    Identity,
    principal::{application_claim, uri_claim},
};

/// Creates an application. Its maker looks after it.
pub(super) async fn create(_: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let (id, app) = (call.engine.world().new_id(), call.engine.world().new_id());
    let set = json!({ "id": id, "appId": app, "publisherDomain": call.engine.site().domain });
    let mut sent = body::created(kind, body::of(&call)?, set)?;
    check(&sent)?;
    key_credentials::settle(&mut sent, &Value::Null, || call.engine.world().new_id())?;
    write::commit(&call, |_| {
        let mut put = Put::new(kind.id(id), sent.clone());
        put.claims = claims(&sent);
        put.expect = Expect::Absent;
        OWNERS.set(&mut put, &[call.grant.caller().object_id]);
        Ok(Planned::put(put, Answer::Created))
    })
    .await
}

/// Changes an application; its service principal bears the same names.
pub(super) async fn update(_: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let body = body::of(&call)?;
    let key = call.params.get("id");
    write::commit(&call, |snapshot| {
        let application = of_kind(snapshot, kind, key).ok_or_else(|| not_found(key))?;
        let mut put = write::again(application);
        put.sent = body::patched(kind, application, body.clone())?;
        check(&put.sent)?;
        key_credentials::settle(&mut put.sent, &application.sent, || call.engine.world().new_id())?;
        put.claims = claims(&put.sent);
        let principal = renamed(snapshot, application, &put.sent);
        let puts = std::iter::once(put).chain(principal).collect();
        Ok(Planned {
            change: Change {
                puts,
                ..Change::default()
            },
            answer: Answer::Nothing,
        })
    })
    .await
}

/// The names a service principal answers to: its application's id and identifier URIs.
pub(super) fn names(application: &Value) -> Vec<Value> {
    let uris = application
        .get("identifierUris")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    application
        .get("appId")
        .cloned()
        .into_iter()
        .chain(uris)
        .collect()
}

/// The unique names of an application.
pub(crate) fn claims(application: &Value) -> Vec<String> {
    let app = application
        .get("appId")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let names = names(application);
    let uris = names.iter().skip(1).filter_map(Value::as_str).map(uri_claim);
    std::iter::once(application_claim(app)).chain(uris).collect()
}

fn renamed(snapshot: &Snapshot, application: &Resource, sent: &Value) -> Option<Put> {
    let principal = snapshot.claimed(&directory::app_claim(application.text("/appId")?))?;
    let mut put = write::again(principal);
    put.sent["servicePrincipalNames"] = names(sent).into();
    for member in ["displayName", "appDisplayName"] {
        put.sent[member] = sent["displayName"].clone();
    }
    Some(put)
}

/// Addresses are lists of texts that begin with a scheme; a redirect to anything else would go nowhere.
fn check(application: &Value) -> Result<(), ArmError> {
    for place in [
        "/identifierUris",
        "/web/redirectUris",
        "/spa/redirectUris",
        "/publicClient/redirectUris",
    ] {
        let Some(list) = application.pointer(place) else {
            continue;
        };
        let good = |address: &Value| address.as_str().is_some_and(is_address);
        if !list.as_array().is_some_and(|list| list.iter().all(good)) {
            let name = place.trim_start_matches('/').replace('/', ".");
            return Err(bad_request(format!(
                "The value of '{name}' must be a list of absolute URIs."
            )));
        }
    }
    Ok(())
}

fn is_address(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let executable = ["javascript", "data", "vbscript"]
        .iter()
        .any(|bad| bad.eq_ignore_ascii_case(scheme));
    !scheme.is_empty()
        && !executable
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        && text.chars().all(|c| c.is_ascii_graphic())
}
