//! How people prove who they are: `/me/authentication` for oneself, `/users/{id}/authentication` for an administrator, who
//! may also demand a second factor of one person (`requirements`) or of everybody (the security defaults).
//!
//! Methods are added where they can be shown, on the page `/account`. Here they are listed and removed: an administrator
//! who removes somebody's methods resets them.

use std::sync::Arc;

use http::Method;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Reply, Resource,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Value, json};

use super::{
    bad_request, body,
    kind::{Kind, USER, of_kind},
    me, not_found,
    routes::{own, write},
    write::{self, Answer, Planned},
};
use crate::{Identity, methods, policies, principal, refusal::Refusal};

/// A person's methods of one kind, or of all.
type Listing = fn(&Resource) -> Vec<Value>;

const PASSWORD: &str = "28c10230-6103-485e-b985-444c60001490";
const SECURITY_DEFAULTS: &str = "/graph/v1.0/policies/identitySecurityDefaultsEnforcementPolicy";

pub(super) fn routes(identity: &Identity) -> Vec<Route> {
    let (get, patch, delete) = (Method::GET, Method::PATCH, Method::DELETE);
    let it = identity;
    let mut routes = vec![
        mine("/graph/v1.0/me/authentication/methods", all),
        mine("/graph/v1.0/me/authentication/passwordMethods", password),
        mine("/graph/v1.0/me/authentication/softwareOathMethods", app),
        mine("/graph/v1.0/me/authentication/fido2Methods", passkeys),
        write(
            it,
            &USER,
            &get,
            "/graph/v1.0/users/{id}/authentication/methods",
            |_, kind, call| theirs(kind, call, all),
        ),
        write(
            it,
            &USER,
            &get,
            "/graph/v1.0/users/{id}/authentication/softwareOathMethods",
            |_, kind, call| theirs(kind, call, app),
        ),
        write(
            it,
            &USER,
            &get,
            "/graph/v1.0/users/{id}/authentication/fido2Methods",
            |_, kind, call| theirs(kind, call, passkeys),
        ),
        write(
            it,
            &USER,
            &get,
            "/graph/v1.0/users/{id}/authentication/requirements",
            requirements,
        ),
        write(
            it,
            &USER,
            &patch,
            "/graph/v1.0/users/{id}/authentication/requirements",
            require,
        ),
        write(it, &USER, &get, SECURITY_DEFAULTS, defaults),
        write(it, &USER, &patch, SECURITY_DEFAULTS, set_defaults),
    ];
    for path in [
        "/graph/v1.0/users/{id}/authentication/softwareOathMethods/{method}",
        "/graph/v1.0/users/{id}/authentication/fido2Methods/{method}",
    ] {
        routes.push(write(it, &USER, &delete, path, remove_theirs));
    }
    for path in [
        "/graph/v1.0/me/authentication/softwareOathMethods/{method}",
        "/graph/v1.0/me/authentication/fido2Methods/{method}",
    ] {
        routes.push(
            Route::new(
                Method::DELETE,
                path,
                Surface::Graph,
                Access::SignedIn,
                remove_mine,
            )
            .about(|snapshot, request, _| Ok(own(snapshot, request).into())),
        );
    }
    routes
}

fn mine(path: &'static str, listing: Listing) -> Route {
    Route::new(Method::GET, path, Surface::Graph, Access::SignedIn, move |call| {
        let answer = me::me(&call).map(|person| listed(&call, &person, listing));
        async move { answer }
    })
    .about(|snapshot, request, _| Ok(own(snapshot, request).into()))
}

async fn theirs(kind: &'static Kind, call: Call, listing: Listing) -> Result<Reply, ArmError> {
    Ok(listed(&call, &*person(kind, &call)?, listing))
}

fn listed(call: &Call, person: &Resource, listing: Listing) -> Reply {
    let origin = &call.engine.site().origin;
    Reply::ok(json!({
        "@odata.context": format!("{origin}/graph/v1.0/$metadata#users('{}')/authentication/methods", person.id.name()),
        "value": listing(person),
    }))
}

fn all(person: &Resource) -> Vec<Value> {
    [password(person), app(person), passkeys(person)].concat()
}

fn password(person: &Resource) -> Vec<Value> {
    let set = person.history.updated_at.to_string();
    let method = json!({
        "@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": PASSWORD, "password": null,
        "createdDateTime": set,
    });
    person.sealed.is_some().then_some(method).into_iter().collect()
}

fn app(person: &Resource) -> Vec<Value> {
    let app = person.own.get("authenticator").filter(|app| app.is_object());
    let shown = app.map(|app| {
        json!({
            "@odata.type": "#microsoft.graph.softwareOathAuthenticationMethod", "id": app["id"], "secretKey": null,
            "displayName": app["displayName"], "createdDateTime": app["createdDateTime"],
        })
    });
    shown.into_iter().collect()
}

fn passkeys(person: &Resource) -> Vec<Value> {
    let passkeys = methods::passkey::of(person).map(|(row, _)| {
        json!({
            "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": row["id"],
            "displayName": row["displayName"], "createdDateTime": row["createdDateTime"], "passkeyType": "synced",
            "model": null, "aaGuid": null, "attestationLevel": "notAttested", "attestationCertificates": [],
        })
    });
    passkeys.collect()
}

fn person(kind: &Kind, call: &Call) -> Result<Arc<Resource>, ArmError> {
    let key = call.params.get("id");
    let found = of_kind(&call.engine.snapshot(), kind, key).cloned();
    found.ok_or_else(|| not_found(key))
}

async fn remove_theirs(_: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let person = person(kind, &call)?;
    remove(&call, &person).await
}

async fn remove_mine(call: Call) -> Result<Reply, ArmError> {
    let person = me::me(&call)?;
    if !call.grant.caller().sign_in.is_multi_factor()
        && methods::standing(&call.engine.snapshot(), &person).has_second_factor
    {
        return Err(ArmError::new(
            ErrorCode::Authorization_RequestDenied,
            "Whoever removes a second factor must have signed in with one. Sign in again, with your second factor.",
        ));
    }
    remove(&call, &person).await
}

async fn remove(call: &Call, person: &Resource) -> Result<Reply, ArmError> {
    let id = call.params.get("method").to_owned();
    let operation = "Microsoft.Graph/users/authentication/methods/delete";
    let removed = methods::alter(call, principal::object_id(person), operation, |mut altered| {
        if methods::remove(&mut altered, &id) {
            Ok(())
        } else {
            Err(Refusal::bad_request(0, "none"))
        }
    });
    match removed.await {
        Ok(_) => Ok(Reply::empty(204)),
        Err(Refusal { number: 0, .. }) => Err(not_found(&id)),
        Err(refusal) => Err(bad_request(refusal.message)),
    }
}

async fn requirements(_: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let person = person(kind, &call)?;
    let state = person
        .own
        .get("perUserMfaState")
        .and_then(Value::as_str)
        .unwrap_or("disabled");
    Ok(Reply::ok(json!({ "perUserMfaState": state })))
}

async fn require(_: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let body = body::of(&call)?;
    let state = match body.get("perUserMfaState").and_then(Value::as_str) {
        Some("enforced" | "enabled") => "enforced",
        Some("disabled") => "disabled",
        _ => {
            return Err(bad_request(
                "The value of 'perUserMfaState' must be 'enforced' (or 'enabled', which is the same here) or 'disabled'.",
            ));
        }
    };
    let key = call.params.get("id");
    write::commit(&call, |snapshot| {
        let user = of_kind(snapshot, kind, key).ok_or_else(|| not_found(key))?;
        let mut put = write::again(user);
        put.own["perUserMfaState"] = state.into();
        Ok(Planned::put(put, Answer::Nothing))
    })
    .await
}

async fn defaults(_: Identity, _: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    Ok(Reply::ok(policies::view(&call.engine.snapshot())))
}

async fn set_defaults(_: Identity, _: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let body = body::of(&call)?;
    let Some(enabled) = body.get("isEnabled").and_then(Value::as_bool) else {
        return Err(bad_request("The value of 'isEnabled' must be true or false."));
    };
    write::commit(&call, |_| {
        Ok(Planned::put(policies::put(enabled), Answer::Nothing))
    })
    .await
}
