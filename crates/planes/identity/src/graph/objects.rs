//! What all kinds of directory object have in common: to be listed, shown and deleted.

use std::sync::Arc;

use nave_arm::ArmError;
use nave_engine::{Change, Erase, Put, Reply, Resource, Snapshot, directory, route::Call};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    bad_request, body, key_credentials,
    kind::{APPLICATION, GROUP, Kind, SERVICE_PRINCIPAL, any, kind_of, of_kind},
    not_found, query, references, view,
    write::{self, Answer, Planned},
};
use crate::{principal, sessions};

/// The most ids one question may name.
const MOST_IDS: usize = 1000;

pub(super) fn list(kind: &'static Kind, call: &Call) -> Result<Value, ArmError> {
    let snapshot = call.engine.snapshot();
    query::page(
        call,
        kind.collection,
        snapshot.of_type(kind.row).map(AsRef::as_ref),
        view::view,
    )
}

pub(super) fn get(kind: &'static Kind, call: &Call) -> Result<Value, ArmError> {
    let object = view::named(kind, call)?;
    let mut shown = view::entity(call.engine.site(), &object);
    if query::selects(&call.request, key_credentials::MEMBER) {
        shown[key_credentials::MEMBER] = object
            .value("/keyCredentials")
            .cloned()
            .unwrap_or_else(|| json!([]));
    }
    if kind.collection != kind_of(&object).collection {
        shown["@odata.type"] = kind_of(&object).odata_type.into();
    }
    Ok(query::selected(&call.request, shown))
}

/// A list of what nobody has.
pub(super) fn none_at_all(_: &'static Kind, _: &Call) -> Result<Value, ArmError> {
    Ok(json!({ "value": [] }))
}

/// The objects with these ids; those that are not there are left out.
pub(super) fn get_by_ids(_: &'static Kind, call: &Call) -> Result<Value, ArmError> {
    let body = body::of(call)?;
    let ids = body::ids(&body, "ids")?;
    if ids.len() > MOST_IDS {
        return Err(bad_request(format!(
            "At most {MOST_IDS} ids can be asked for at once."
        )));
    }
    let types = body.get("types").and_then(Value::as_array);
    let wanted = |object: &Resource| {
        types.is_none_or(|types| {
            types
                .iter()
                .any(|wanted| is_of_type(object, wanted.as_str().unwrap_or_default()))
        })
    };
    let snapshot = call.engine.snapshot();
    let found = ids
        .iter()
        .filter_map(|id| any(&snapshot, *id))
        .filter(|object| wanted(object));
    let value = found
        .map(|object| query::selected(&call.request, view::typed(object)))
        .collect();
    Ok(view::list(call.engine.site(), "directoryObjects", value))
}

fn is_of_type(object: &Resource, wanted: &str) -> bool {
    wanted.eq_ignore_ascii_case("directoryObject")
        || kind_of(object)
            .odata_type
            .rsplit('.')
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(wanted))
}

/// Deletes an object, and with an application its service principal. Nothing names what is gone afterwards, apart
/// from role assignments, which are harmless (rbac-semantics 4.4).
pub(super) async fn delete(kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let key = call.params.get("id");
    write::commit(&call, |snapshot| {
        let object = of_kind(snapshot, kind, key).ok_or_else(|| not_found(key))?;
        if object.text("/servicePrincipalType") == Some("ManagedIdentity") {
            return Err(bad_request(
                "A managed identity lives and dies with its resource. Delete the resource, or take its identity away.",
            ));
        }
        Ok(Planned { change: deletion(snapshot, object)?, answer: Answer::Nothing })
    })
    .await
}

/// The end of an object, in one commit.
pub(crate) fn deletion(snapshot: &Snapshot, object: &Arc<Resource>) -> Result<Change, ArmError> {
    let mut gone = vec![object];
    if kind_of(object).row == APPLICATION.row {
        let app = object.text("/appId").unwrap_or_default();
        gone.extend(snapshot.claimed(&directory::app_claim(app)));
    }
    let ids: Vec<Uuid> = gone.iter().map(|object| principal::object_id(object)).collect();
    Ok(Change {
        puts: without(snapshot, &ids),
        erases: gone
            .into_iter()
            .map(|object| Erase::of(object))
            .chain(ids.iter().flat_map(|id| sessions::all_end(snapshot, *id)))
            .collect(),
        guards: [&GROUP, &APPLICATION, &SERVICE_PRINCIPAL]
            .map(|kind| write::unchanged(snapshot, kind.row))
            .into(),
        ..Change::default()
    })
}

/// The rows that name these objects, without them.
fn without(snapshot: &Snapshot, gone: &[Uuid]) -> Vec<Put> {
    let rows = [&GROUP, &APPLICATION, &SERVICE_PRINCIPAL]
        .into_iter()
        .flat_map(|kind| snapshot.of_type(kind.row));
    let remain = rows.filter(|row| !gone.contains(&principal::object_id(row)));
    remain.filter_map(|row| references::without(row, gone)).collect()
}
