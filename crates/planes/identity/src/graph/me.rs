//! `/me`: the person who asks.

use std::sync::Arc;

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    CallerKind, Reply, Resource,
    operation::{Access, Surface},
    route::{Call, Route},
};
use nave_vault::Secret;
use serde_json::Value;

use super::{
    bad_request, body,
    kind::{APPLICATION, GROUP, SERVICE_PRINCIPAL, USER, of_kind},
    memberships, query,
    references::{MEMBERS, OWNERS},
    routes::own,
    users, view,
    write::{self, Answer},
};
use crate::{Identity, principal};

pub(super) fn routes(identity: &Identity) -> Vec<Route> {
    let read = |method, path, handler: fn(&Call, &Resource) -> Result<Value, ArmError>| {
        let access = Access::action(USER.operation("read"));
        Route::new(method, path, Surface::Graph, access, move |call| {
            let answer = me(&call).and_then(|me| handler(&call, &me)).map(Reply::ok);
            async move { answer }
        })
        .about(|snapshot, request, _| Ok(own(snapshot, request).into()))
    };
    let identity = identity.clone();
    let change = move |call| change_password(identity.clone(), call);
    vec![
        read(Method::GET, "/graph/v1.0/me", show),
        read(Method::GET, "/graph/v1.0/me/ownedObjects", owned),
        read(Method::GET, "/graph/v1.0/me/memberOf", member_of),
        read(Method::POST, "/graph/v1.0/me/getMemberGroups", all_groups),
        Route::new(
            Method::POST,
            "/graph/v1.0/me/changePassword",
            Surface::Graph,
            Access::SignedIn,
            change,
        )
        .about(|snapshot, request, _| Ok(own(snapshot, request).into())),
    ]
}

pub(super) fn me(call: &Call) -> Result<Arc<Resource>, ArmError> {
    let caller = call.grant.caller();
    if caller.kind != CallerKind::User {
        return Err(bad_request(
            "/me request is only valid with delegated authentication flow.",
        ));
    }
    let found = call.engine.snapshot().principal(caller.object_id).cloned();
    found.ok_or_else(|| super::not_found(&caller.object_id.to_string()))
}

fn show(call: &Call, me: &Resource) -> Result<Value, ArmError> {
    Ok(query::selected(
        &call.request,
        view::entity(call.engine.site(), me),
    ))
}

fn owned(call: &Call, me: &Resource) -> Result<Value, ArmError> {
    let (snapshot, me) = (call.engine.snapshot(), principal::object_id(me));
    let kinds = [&APPLICATION, &GROUP, &SERVICE_PRINCIPAL];
    let rows = kinds.into_iter().flat_map(|kind| snapshot.of_type(kind.row));
    let owned = rows
        .filter(|row| OWNERS.ids(row).contains(&me))
        .map(AsRef::as_ref);
    query::page(call, "directoryObjects", owned, view::typed)
}

fn member_of(call: &Call, me: &Resource) -> Result<Value, ArmError> {
    let (snapshot, me) = (call.engine.snapshot(), principal::object_id(me));
    let groups = snapshot
        .of_type(GROUP.row)
        .filter(|group| MEMBERS.ids(group).contains(&me));
    query::page(call, "directoryObjects", groups.map(AsRef::as_ref), view::typed)
}

fn all_groups(call: &Call, me: &Resource) -> Result<Value, ArmError> {
    body::of(call)?;
    Ok(memberships::ids(call, memberships::groups_of(call, me)))
}

/// Changes the caller's password, who shows the present one; every token made before is called back.
async fn change_password(identity: Identity, call: Call) -> Result<Reply, ArmError> {
    let person = me(&call)?;
    let mut body = body::of(&call)?;
    let mut take = |name: &str| match body.get_mut(name).map(Value::take) {
        Some(Value::String(password)) => Ok(Secret::new(password)),
        _ => Err(bad_request(format!(
            "The property '{name}' is required and must be a string."
        ))),
    };
    let (present, new) = (take("currentPassword")?, take("newPassword")?);
    let checked = identity
        .0
        .check_password(&call, principal::name(&person), present)
        .await;
    checked.map_err(|refusal| match refusal.number {
        50_126 => bad_request("The specified password does not match the present one."),
        _ => bad_request(refusal.message),
    })?;
    let hash = users::new_hash(&identity, &call.engine.snapshot(), &person, &new).await?;
    let key = principal::object_id(&person).to_string();
    write::commit(&call, |snapshot| {
        let user = of_kind(snapshot, &USER, &key).ok_or_else(|| super::not_found(&key))?;
        let mut put = write::again(user);
        put.secrets = users::with_password(&call, user, &hash);
        put.own["mustChangePassword"] = false.into();
        Ok(users::called_back(snapshot, put, user, Answer::Nothing))
    })
    .await
}
