//! Which groups an object is in, nested as deep as it goes. Membership is looked up live, so a change counts at once.

use nave_arm::ArmError;
use nave_engine::{Resource, route::Call};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    body,
    kind::{GROUP, Kind},
    query,
    references::MEMBERS,
    view,
};
use crate::principal;

/// The groups an object is directly in.
pub(super) fn member_of(kind: &'static Kind, call: &Call) -> Result<Value, ArmError> {
    let object = principal::object_id(&*view::named(kind, call)?);
    let snapshot = call.engine.snapshot();
    let groups = snapshot
        .of_type(GROUP.row)
        .filter(|group| MEMBERS.ids(group).contains(&object));
    query::page(call, "directoryObjects", groups.map(AsRef::as_ref), view::typed)
}

/// The groups an object is in, itself or through others.
pub(super) fn transitive_member_of(kind: &'static Kind, call: &Call) -> Result<Value, ArmError> {
    let (object, snapshot) = (view::named(kind, call)?, call.engine.snapshot());
    let ids = groups_of(call, &object);
    let mut groups: Vec<&Resource> = ids
        .iter()
        .filter_map(|id| snapshot.principal(*id))
        .map(AsRef::as_ref)
        .collect();
    groups.sort_by_key(|group| group.id.key());
    query::page(call, "directoryObjects", groups.into_iter(), view::typed)
}

/// The ids of all groups an object is in.
pub(super) fn all(kind: &'static Kind, call: &Call) -> Result<Value, ArmError> {
    body::of(call)?;
    Ok(ids(call, groups_of(call, &*view::named(kind, call)?)))
}

/// Those of the named groups that an object is in.
pub(super) fn check(kind: &'static Kind, call: &Call) -> Result<Value, ArmError> {
    let asked = body::ids(&body::of(call)?, "groupIds")?;
    let mut groups = groups_of(call, &*view::named(kind, call)?);
    groups.retain(|group| asked.contains(group));
    Ok(ids(call, groups))
}

pub(super) fn groups_of(call: &Call, object: &Resource) -> Vec<Uuid> {
    call.engine
        .snapshot()
        .roles()
        .groups_of(principal::object_id(object))
}

pub(super) fn ids(call: &Call, ids: Vec<Uuid>) -> Value {
    view::list(
        call.engine.site(),
        "Collection(Edm.String)",
        ids.into_iter().map(|id| json!(id)).collect(),
    )
}
