//! Members and owners: lists of object ids that a row keeps, changed one reference at a time.

use std::collections::HashSet;

use nave_arm::ArmError;
use nave_engine::{Change, Guard, Put, Reply, Resource, route::Call};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    bad_request, body,
    kind::{Kind, of_kind},
    not_found, query, view,
    write::{self, Answer, Planned},
};
use crate::principal;

/// A list of object ids.
pub(super) struct List {
    name: &'static str,
    /// Members are part of the object, where deciding looks for them; owners are nave's own.
    in_object: bool,
}

/// A group's direct members.
pub(super) static MEMBERS: List = List {
    name: "members",
    in_object: true,
};
/// Who looks after an object. It gives no right by itself (rbac-semantics 4.2).
pub(super) static OWNERS: List = List {
    name: "owners",
    in_object: false,
};

impl List {
    pub(super) fn ids(&self, object: &Resource) -> Vec<Uuid> {
        let kept = if self.in_object { &object.sent } else { &object.own };
        let list = kept
            .get(self.name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        list.filter_map(|id| Uuid::parse_str(id.as_str()?).ok()).collect()
    }

    pub(super) fn set(&self, put: &mut Put, ids: &[Uuid]) {
        let kept = if self.in_object {
            &mut put.sent
        } else {
            &mut put.own
        };
        kept[self.name] = json!(ids);
    }
}

pub(super) fn list(kind: &'static Kind, list: &'static List, call: &Call) -> Result<Value, ArmError> {
    let snapshot = call.engine.snapshot();
    let ids = list.ids(&*view::named(kind, call)?);
    let mut objects: Vec<&Resource> = ids
        .iter()
        .filter_map(|id| snapshot.principal(*id))
        .map(AsRef::as_ref)
        .collect();
    objects.sort_by_key(|object| object.id.key());
    query::page(call, "directoryObjects", objects.into_iter(), view::typed)
}

/// Who is in a group, itself or through other groups: each once, however the groups are nested.
pub(super) fn transitive_members(kind: &'static Kind, call: &Call) -> Result<Value, ArmError> {
    let (group, snapshot) = (view::named(kind, call)?, call.engine.snapshot());
    let (mut found, mut open) = (HashSet::from([principal::object_id(&group)]), MEMBERS.ids(&group));
    let mut objects: Vec<&Resource> = Vec::new();
    while let Some(id) = open.pop() {
        if let Some(object) = snapshot.principal(id).filter(|_| found.insert(id)) {
            open.extend(MEMBERS.ids(object));
            objects.push(object);
        }
    }
    objects.sort_by_key(|object| object.id.key());
    query::page(call, "directoryObjects", objects.into_iter(), view::typed)
}

/// Adds a reference: `{"@odata.id": "…/directoryObjects/{id}"}`.
pub(super) async fn add(kind: &'static Kind, list: &'static List, call: Call) -> Result<Reply, ArmError> {
    let body = body::of(&call)?;
    let other = referred(body.get("@odata.id").and_then(Value::as_str).unwrap_or_default())?;
    let key = call.params.get("id");
    write::commit(&call, |snapshot| {
        let object = of_kind(snapshot, kind, key).ok_or_else(|| not_found(key))?;
        let added = snapshot.principal(other).ok_or_else(|| not_found(&other.to_string()))?;
        let mut ids = list.ids(object);
        if ids.contains(&other) {
            return Err(bad_request(format!(
                "One or more added object references already exist for the following modified properties: '{}'.",
                list.name
            )));
        }
        if principal::object_id(object) == other {
            return Err(bad_request("A group cannot be a member or an owner of itself."));
        }
        ids.push(other);
        let mut put = write::again(object);
        list.set(&mut put, &ids);
        let guards = vec![Guard::Present { key: added.id.key().to_owned() }];
        Ok(Planned { change: Change { puts: vec![put], guards, ..Change::default() }, answer: Answer::Nothing })
    })
    .await
}

/// Takes a reference away.
pub(super) async fn remove(kind: &'static Kind, list: &'static List, call: Call) -> Result<Reply, ArmError> {
    let (key, other) = (call.params.get("id"), body::parse_id(call.params.get("other"))?);
    write::commit(&call, |snapshot| {
        let object = of_kind(snapshot, kind, key).ok_or_else(|| not_found(key))?;
        let mut ids = list.ids(object);
        let before = ids.len();
        ids.retain(|id| *id != other);
        if ids.len() == before {
            return Err(not_found(&other.to_string()));
        }
        let mut put = write::again(object);
        list.set(&mut put, &ids);
        Ok(Planned::put(put, Answer::Nothing))
    })
    .await
}

/// A row without the objects that are gone; `None` where it names none of them.
pub(super) fn without(object: &Resource, gone: &[Uuid]) -> Option<Put> {
    let mut put = None;
    for list in [&MEMBERS, &OWNERS] {
        let ids = list.ids(object);
        let remain: Vec<Uuid> = ids.iter().copied().filter(|id| !gone.contains(id)).collect();
        if remain.len() != ids.len() {
            list.set(put.get_or_insert_with(|| write::again(object)), &remain);
        }
    }
    put
}

/// The object that a reference's address names.
pub(super) fn referred(address: &str) -> Result<Uuid, ArmError> {
    let id = address.rsplit('/').next().and_then(|id| Uuid::parse_str(id).ok());
    id.ok_or_else(|| {
        bad_request(format!(
            "'{address}' does not name a directory object; send {{\"@odata.id\": \"…/directoryObjects/{{id}}\"}}."
        ))
    })
}
