//! Users and groups: made, shown, replaced, patched and deleted. They are the directory's own rows, which Graph shows
//! as well.

use http::header::{IF_MATCH, IF_NONE_MATCH};
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Change, CommitError, Erase, Expect, Guard, Put, Reply, Resource, Snapshot, principal_claim, route::Call,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    list, patch, people,
    shape::{PEOPLE, Shape},
    teams,
    view::{self, Wanted},
};
use crate::{
    graph::{self, check_user_name, user_claims},
    principal, sessions,
};

pub(super) fn get(shape: &'static Shape, call: &Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let row = find(&snapshot, shape, call)?;
    let version = view::version(row);
    if call
        .request
        .header(IF_NONE_MATCH.as_str())
        .is_some_and(|known| names(known, &version))
    {
        return Ok(Reply::empty(304).with(http::header::ETAG, &version));
    }
    Ok(shown(200, shape, call, &snapshot, row))
}

pub(super) async fn create(shape: &'static Shape, call: Call) -> Result<Reply, ArmError> {
    let document = read(shape, &call)?;
    let id = call.engine.world().new_id();
    commit(shape, 201, &call, |snapshot| {
        let mut put = new(shape, id);
        let guards = keep(shape, &call, snapshot, &mut put, None, &document)?;
        Ok(Change {
            puts: vec![put],
            guards,
            ..Change::default()
        })
    })
    .await
}

pub(super) async fn replace(shape: &'static Shape, call: Call) -> Result<Reply, ArmError> {
    let document = read(shape, &call)?;
    change(shape, &call, |_| Ok(document.clone())).await
}

pub(super) async fn patch(shape: &'static Shape, call: Call) -> Result<Reply, ArmError> {
    let body = call.request.json().map_err(syntax)?;
    change(shape, &call, |mut present| {
        patch::apply(shape, &mut present, &body)?;
        Ok(present)
    })
    .await
}

pub(super) async fn delete(shape: &'static Shape, call: Call) -> Result<Reply, ArmError> {
    graph::attempt(&call, |snapshot| {
        let row = find(snapshot, shape, &call)?;
        if_match(&call, row)?;
        Ok((graph::deletion(snapshot, row)?, ()))
    })
    .await
    .map_err(told)?;
    Ok(Reply::empty(204))
}

/// The document in a body. Who is not said to be switched off is active.
fn read(shape: &Shape, call: &Call) -> Result<Value, ArmError> {
    let mut document = shape.read(&call.request.json().map_err(syntax)?)?;
    shape.check(&document)?;
    if shape.name == PEOPLE.name && document["active"].is_null() {
        document["active"] = true.into();
    }
    Ok(document)
}

/// Changes a resource from what it is to what the function makes of it.
async fn change(
    shape: &'static Shape,
    call: &Call,
    make: impl Fn(Value) -> Result<Value, ArmError>,
) -> Result<Reply, ArmError> {
    commit(shape, 200, call, |snapshot| {
        let row = find(snapshot, shape, call)?;
        if_match(call, row)?;
        let document = make(present(shape, call, snapshot, row))?;
        let mut put = graph::again(row);
        let guards = keep(shape, call, snapshot, &mut put, Some(row), &document)?;
        let erases = ended(shape, snapshot, row, &put);
        Ok(Change {
            puts: vec![put],
            erases,
            guards,
            ..Change::default()
        })
    })
    .await
}

/// The sessions of somebody who is switched off: they end with the epoch that [`people::keep`] moves.
fn ended(shape: &Shape, snapshot: &Snapshot, before: &Resource, put: &Put) -> Vec<Erase> {
    let switched_off = principal::enabled(before) && put.sent["accountEnabled"] == json!(false);
    if shape.name == PEOPLE.name && switched_off {
        sessions::all_end(snapshot, principal::object_id(before))
    } else {
        Vec::new()
    }
}

fn present(shape: &Shape, call: &Call, snapshot: &Snapshot, row: &Resource) -> Value {
    if shape.name == PEOPLE.name {
        people::document(call.engine.site(), row)
    } else {
        teams::document(snapshot, row, None)
    }
}

fn new(shape: &Shape, id: Uuid) -> Put {
    let set = if shape.name == PEOPLE.name {
        json!({ "id": id, "accountEnabled": true })
    } else {
        json!({ "id": id, "securityEnabled": true, "mailEnabled": false })
    };
    let row = nave_engine::directory::object_id(list::row_type(shape), id);
    let mut put = Put::new(row, set);
    put.claims = vec![principal_claim(id)];
    put.expect = Expect::Absent;
    put
}

fn keep(
    shape: &Shape,
    call: &Call,
    snapshot: &Snapshot,
    put: &mut Put,
    before: Option<&Resource>,
    document: &Value,
) -> Result<Vec<Guard>, ArmError> {
    if shape.name != PEOPLE.name {
        return teams::keep(snapshot, put, document);
    }
    people::keep(call.engine.site(), put, before, document)?;
    let name = put.sent["userPrincipalName"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if before.is_none_or(|before| principal::name(before) != name) {
        check_user_name(&name).map_err(|error| ArmError {
            code: ErrorCode::invalidValue,
            ..error
        })?;
    }
    let id = Uuid::parse_str(put.id.name()).unwrap_or_default();
    put.claims = user_claims(id, &name, &put.own);
    Ok(Vec::new())
}

async fn commit(
    shape: &'static Shape,
    status: u16,
    call: &Call,
    plan: impl Fn(&Snapshot) -> Result<Change, ArmError>,
) -> Result<Reply, ArmError> {
    let made = graph::attempt(call, |snapshot| Ok((plan(snapshot)?, ())))
        .await
        .map_err(told)?;
    let row = made.0.resources.first().ok_or(CommitError::Raced)?;
    Ok(shown(status, shape, call, &call.engine.snapshot(), row))
}

fn shown(status: u16, shape: &'static Shape, call: &Call, snapshot: &Snapshot, row: &Resource) -> Reply {
    let whole = view::whole(snapshot, call.engine.site(), shape, row);
    let location = whole["meta"]["location"].as_str().unwrap_or_default().to_owned();
    let shown = Wanted::of(&call.request).show(shape, whole);
    view::resource(status, shown, &view::version(row), &location)
}

fn find<'a>(
    snapshot: &'a Snapshot,
    shape: &Shape,
    call: &Call,
) -> Result<&'a std::sync::Arc<Resource>, ArmError> {
    let id = call.params.get("id");
    let row = Uuid::parse_str(id)
        .ok()
        .and_then(|id| snapshot.get(&nave_engine::directory::object_id(list::row_type(shape), id)));
    row.ok_or_else(|| {
        ArmError::new(
            ErrorCode::Request_ResourceNotFound,
            format!("No {} has the id '{id}'.", shape.name),
        )
    })
}

/// What the client knows must be what is there (RFC 7644, 3.14).
fn if_match(call: &Call, row: &Resource) -> Result<(), ArmError> {
    let Some(known) = call.request.header(IF_MATCH.as_str()) else {
        return Ok(());
    };
    let version = view::version(row);
    if names(known, &version) {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::PreconditionFailed,
        format!("The resource has the version {version} by now. Read it again and repeat the request."),
    ))
}

/// Whether a header's list of versions names this one, weak or not.
fn names(list: &str, version: &str) -> bool {
    let plain = |version: &str| {
        version
            .trim()
            .trim_start_matches("W/")
            .trim_matches('"')
            .to_owned()
    };
    list.split(',')
        .any(|known| known.trim() == "*" || plain(known) == plain(version))
}

fn syntax(error: ArmError) -> ArmError {
    ArmError {
        code: ErrorCode::invalidSyntax,
        ..error
    }
}

fn told(error: CommitError) -> ArmError {
    match error {
        CommitError::Taken { claim, .. } => {
            let name = claim.split_once(':').map_or(claim.as_str(), |(_, name)| name);
            ArmError::new(
                ErrorCode::uniqueness,
                format!("Another user has the userName '{name}'."),
            )
        }
        other => other.into(),
    }
}
