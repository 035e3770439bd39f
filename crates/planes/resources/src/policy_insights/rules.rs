//! What remediations and attestations have in common: both are about one policy of one assignment.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Fields, Request, Resource, Snapshot};
use serde_json::Value;
use std::sync::Arc;

use crate::{filter, scope};

/// The assignment a body is about. It must be there, and its scope must have to do with where the body is written.
pub(super) fn assignment(
    snapshot: &Snapshot,
    at: &ResourceId,
    body: &Value,
) -> Result<Arc<Resource>, ArmError> {
    const POINTER: &str = "/properties/policyAssignmentId";
    let fields = Fields(body);
    fields.required(POINTER)?;
    let id = fields.link(POINTER)?.unwrap_or_else(ResourceId::tenant);
    let found = snapshot
        .get(&id)
        .filter(|row| is_assignment(row))
        .ok_or_else(|| wrong(format!("The policy assignment '{id}' could not be found.")))?;
    let reach = id.scope().unwrap_or_else(ResourceId::tenant);
    let place = at.scope().unwrap_or_else(ResourceId::tenant);
    if scope::related(snapshot, &reach, &place) || is_of_hub(snapshot, &reach, &place) {
        return Ok(found.clone());
    }
    Err(wrong(format!(
        "The policy assignment '{id}' has nothing to do with '{place}': its scope is '{reach}'."
    )))
}

fn wrong(message: String) -> ArmError {
    ArmError::new(ErrorCode::InvalidResourceReference, message).on("properties.policyAssignmentId")
}

pub(super) fn is_assignment(row: &Resource) -> bool {
    row.id
        .resource_type()
        .eq_ignore_ascii_case("Microsoft.Authorization/policyAssignments")
}

/// Whether the place is a project of this hub, or in one: an assignment at a hub reaches them wherever they are.
fn is_of_hub(snapshot: &Snapshot, hub: &ResourceId, place: &ResourceId) -> bool {
    let mut places = std::iter::once(place.clone()).chain(place.ancestors());
    places.any(|place| {
        let row = snapshot.get(&place);
        row.and_then(|row| row.link("/properties/hubResourceId")).as_ref() == Some(hub)
    })
}

/// The rows of a type at or below a scope that pass the request's filter, as many as it asks for.
pub(super) fn listed(
    snapshot: &Snapshot,
    resource_type: &str,
    under: &ResourceId,
    request: &Request,
) -> Result<Vec<Arc<Resource>>, ArmError> {
    let filter = filter::of(request)?;
    filter::check(filter.as_ref(), |leaf| {
        filter::equals(leaf).is_some_and(|(property, _)| pointer(&property).is_some())
    })?;
    let passes = |row: &Resource| {
        let mut holds = |leaf: &nave_arm::Filter| {
            filter::equals(leaf).is_some_and(|(property, wanted)| {
                let own = pointer(&property).and_then(|pointer| row.text(pointer));
                own.is_some_and(|own| own.eq_ignore_ascii_case(wanted))
            })
        };
        filter.as_ref().is_none_or(|filter| filter.holds(&mut holds))
    };
    let top = request.query("$top").and_then(|text| text.parse().ok());
    let rows = snapshot
        .of_type(resource_type)
        .filter(|row| {
            let at = row.id.scope().unwrap_or_else(ResourceId::tenant);
            scope::contains(snapshot, under, &at)
        })
        .filter(|row| passes(row));
    Ok(rows.take(top.unwrap_or(usize::MAX)).cloned().collect())
}

fn pointer(property: &str) -> Option<&'static str> {
    Some(match property {
        "policyassignmentid" => "/properties/policyAssignmentId",
        "policydefinitionreferenceid" => "/properties/policyDefinitionReferenceId",
        "compliancestate" => "/properties/complianceState",
        "provisioningstate" => "/properties/provisioningState",
        "owner" => "/properties/owner",
        _ => return None,
    })
}

/// The properties a client may set, out of those it sent: what it got from a GET it may send again.
pub(super) fn kept(body: &Value, names: &[&str]) -> Value {
    let properties = body.get("properties").and_then(Value::as_object);
    let kept = properties
        .into_iter()
        .flatten()
        .filter(|(name, value)| !value.is_null() && names.contains(&name.as_str()));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}
