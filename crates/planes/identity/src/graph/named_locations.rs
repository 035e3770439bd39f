//! Networks with names, as Graph's conditional access keeps them: `ipNamedLocation`. Conditions ask for them by name
//! (`@Environment[Nave.Network:locations]`), so a name belongs to one of them only.

use std::sync::Arc;

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Change, Erase, Expect, Params, Put, Reply, Resource, Snapshot,
    network::{NAMED_LOCATIONS, location_id, range},
    operation::{Access, Surface},
    route::{Call, Route, Target},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{bad_request, body, changing, kind::Kind, not_found, query, write};

const COLLECTION: &str = "identity/conditionalAccess/namedLocations";
const LIST: &str = "/graph/v1.0/identity/conditionalAccess/namedLocations";
const ONE: &str = "/graph/v1.0/identity/conditionalAccess/namedLocations/{id}";

/// The most ranges of one location, as in Entra.
const MOST_RANGES: usize = 2000;

static LOCATION: Kind = Kind {
    collection: COLLECTION,
    row: NAMED_LOCATIONS,
    odata_type: "#microsoft.graph.ipNamedLocation",
    read_only: &["id", "createdDateTime", "modifiedDateTime"],
    defaults: || json!({ "displayName": null, "isTrusted": false, "ipRanges": [] }),
};

pub(super) fn routes() -> Vec<Route> {
    let read = |path, handler: fn(&Call) -> Result<Value, ArmError>| {
        let access = Access::action(LOCATION.operation("read"));
        Route::new(Method::GET, path, Surface::Graph, access, move |call| {
            let answer = handler(&call).map(Reply::ok);
            async move { answer }
        })
        .about(|snapshot, _, params| Ok(about(snapshot, params).into()))
    };
    vec![
        read(LIST, list),
        read(ONE, get),
        change(Method::POST, LIST, "write", create),
        change(Method::PATCH, ONE, "write", update),
        change(Method::DELETE, ONE, "delete", delete),
    ]
}

fn change<F>(method: Method, path: &'static str, verb: &'static str, handler: fn(Call) -> F) -> Route
where
    F: Future<Output = Result<Reply, ArmError>> + Send + 'static,
{
    let access = Access::action(LOCATION.operation(verb));
    Route::new(method, path, Surface::Graph, access, handler).about(move |snapshot, _, params| {
        Ok(Target {
            id: about(snapshot, params),
            ..changing(snapshot, &LOCATION, verb, params)
        })
    })
}

/// The location a path names; the tenant where it names none, or one that is not there.
fn about(snapshot: &Snapshot, params: &Params) -> ResourceId {
    find(snapshot, params.get("id")).map_or_else(|_| ResourceId::tenant(), |found| found.id.clone())
}

fn find<'a>(snapshot: &'a Snapshot, key: &str) -> Result<&'a Arc<Resource>, ArmError> {
    let id = Uuid::parse_str(key).ok().map(location_id);
    id.and_then(|id| snapshot.get(&id)).ok_or_else(|| not_found(key))
}

fn list(call: &Call) -> Result<Value, ArmError> {
    let snapshot = call.engine.snapshot();
    let all = snapshot.of_type(NAMED_LOCATIONS).map(AsRef::as_ref);
    query::page(call, COLLECTION, all, view)
}

fn get(call: &Call) -> Result<Value, ArmError> {
    find(&call.engine.snapshot(), call.params.get("id")).map(|found| view(found))
}

fn view(location: &Resource) -> Value {
    let mut shown = json!({ "@odata.type": LOCATION.odata_type });
    nave_engine::fill(&mut shown, &location.sent);
    nave_engine::fill(&mut shown, &(LOCATION.defaults)());
    shown["createdDateTime"] = location.history.created_at.to_string().into();
    shown["modifiedDateTime"] = location.history.updated_at.to_string().into();
    shown
}

async fn create(call: Call) -> Result<Reply, ArmError> {
    let body = body::of(&call)?;
    check_kind(&body)?;
    let id = call.engine.world().new_id();
    let sent = checked(body::created(&LOCATION, body, json!({ "id": id }))?)?;
    let written = write::attempt(&call, |_| {
        let put = Put {
            claims: vec![claim(&sent)],
            expect: Expect::Absent,
            ..Put::new(location_id(id), sent.clone())
        };
        Ok((one(put), ()))
    });
    let (done, ()) = written.await.map_err(taken)?;
    Ok(Reply::json(
        201,
        done.resources.first().map_or(sent, |row| view(row)),
    ))
}

async fn update(call: Call) -> Result<Reply, ArmError> {
    let body = body::of(&call)?;
    check_kind(&body)?;
    let written = write::attempt(&call, |snapshot| {
        let present = find(snapshot, call.params.get("id"))?;
        let sent = checked(body::patched(&LOCATION, present, body.clone())?)?;
        let put = Put {
            claims: vec![claim(&sent)],
            sent,
            ..write::again(present)
        };
        Ok((one(put), ()))
    });
    written.await.map_err(taken)?;
    Ok(Reply::empty(204))
}

async fn delete(call: Call) -> Result<Reply, ArmError> {
    let written = write::attempt(&call, |snapshot| {
        let present = find(snapshot, call.params.get("id"))?;
        let change = Change {
            erases: vec![Erase::of(present)],
            ..Change::default()
        };
        Ok((change, ()))
    });
    written.await?;
    Ok(Reply::empty(204))
}

fn one(put: Put) -> Change {
    Change {
        puts: vec![put],
        ..Change::default()
    }
}

/// The unique name of a location: conditions know it by its display name.
fn claim(sent: &Value) -> String {
    let name = sent["displayName"].as_str().unwrap_or_default();
    format!("location:{}", name.to_lowercase())
}

fn taken(error: nave_engine::CommitError) -> ArmError {
    match error {
        nave_engine::CommitError::Taken { .. } => ArmError::new(
            ErrorCode::Request_MultipleObjectsWithSameKeyValue,
            "Another named location has this displayName. Conditions ask for locations by name, so choose another.",
        ),
        other => other.into(),
    }
}

fn check_kind(body: &Value) -> Result<(), ArmError> {
    match body.get("@odata.type").and_then(Value::as_str) {
        None => Ok(()),
        Some(kind) if kind.trim_start_matches('#') == LOCATION.odata_type.trim_start_matches('#') => Ok(()),
        Some(other) => Err(bad_request(format!(
            "Named locations of the type '{other}' are not offered: nave knows where a network is, not where a country \
             is. Use '{}'.",
            LOCATION.odata_type
        ))),
    }
}

/// A location as it is kept: at least one range, each of them one.
fn checked(mut sent: Value) -> Result<Value, ArmError> {
    let Some(ranges) = sent.get("ipRanges").and_then(Value::as_array) else {
        return Err(bad_request("The property 'ipRanges' must be a list of ranges."));
    };
    if ranges.is_empty() || ranges.len() > MOST_RANGES {
        return Err(bad_request(format!(
            "A named location has 1 to {MOST_RANGES} ranges in 'ipRanges'."
        )));
    }
    let ranges: Vec<Value> = ranges.iter().map(checked_range).collect::<Result<_, _>>()?;
    sent["ipRanges"] = ranges.into();
    match sent.get("isTrusted") {
        None | Some(Value::Bool(_)) => Ok(sent),
        Some(_) => Err(bad_request("The value of 'isTrusted' must be true or false.")),
    }
}

fn checked_range(given: &Value) -> Result<Value, ArmError> {
    let text = given
        .get("cidrAddress")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let network = range(text).ok_or_else(|| {
        bad_request(format!(
            "'{text}' is not a range of addresses. A 'cidrAddress' is an address and the length of its prefix, such as \
             '203.0.113.0/24' or '2001:db8::/32'."
        ))
    })?;
    let kind = if network.addr().is_ipv4() {
        "#microsoft.graph.iPv4CidrRange"
    } else {
        "#microsoft.graph.iPv6CidrRange"
    };
    Ok(json!({ "@odata.type": kind, "cidrAddress": text.trim() }))
}
