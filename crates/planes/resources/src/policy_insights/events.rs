//! `policyEvents`: what policies did to writes. A view of the log: the events of commits and of refusals say which
//! policies had a part in them, and so do those of what was deployed for a policy.

use http::Method;
use jiff::{SignedDuration, Timestamp};
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Event, EventQuery, Read, Reply, Snapshot,
    operation::{Access, Surface},
    policy::{PolicyState, Within},
    route::{Call, Route},
};
use serde_json::{Value, json};

use super::{
    query::{self, Query},
    record::{self, Expand},
    scopes::About,
};

const PATH: &str = "/{scope}/providers/Microsoft.PolicyInsights/policyEvents/{events}/queryResults";
const ACTION: &str = "Microsoft.PolicyInsights/policyEvents/queryResults/action";

/// The time asked about where the client does not say it: the day before its end.
const USUAL: SignedDuration = SignedDuration::from_hours(24);
/// How many events of the log are read at a time, and how many for one answer.
const BATCH: u32 = 1000;
const MOST: usize = 200_000;

/// The members of a record that those of states do not have.
const MORE: [&str; 2] = ["tenantId", "principalOid"];

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(Method::POST, PATH, Surface::Arm, Access::action(ACTION), list).about(About::target)]
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    super::one_of(call.params.get("events"), &["default"])?;
    let columns: Vec<&str> = record::COLUMNS.iter().copied().chain(MORE).collect();
    let query = Query::of(&call.request, &columns)?;
    let expand = Expand::of(&call.request)?;
    let about = About::of(&call.params)?;
    let snapshot = call.engine.snapshot();
    // what was refused is not there
    crate::scope::check(&snapshot, &about.place)?;
    let events = read(&call, &about, &query).await?;
    let tenant = call.engine.site().tenant.to_string();
    let mut records: Vec<Value> = events
        .iter()
        .flat_map(|event| records(&snapshot, event, &tenant, expand))
        .filter(|record| about.takes(record))
        .collect();
    records.sort_by(|left, right| right["timestamp"].as_str().cmp(&left["timestamp"].as_str()));
    let found = query.run(records.into_iter());
    let scope = call.params.get("scope");
    let slash = if scope.is_empty() { "" } else { "/" };
    let context = format!(
        "{}{slash}{scope}/providers/Microsoft.PolicyInsights/policyEvents/$metadata#default",
        call.engine.site().origin
    );
    query::page(&call.engine, &call.request, &context, found).map(Reply::ok)
}

/// The events of the place that policies had a part in.
async fn read(call: &Call, about: &About, query: &Query) -> Result<Vec<Event>, ArmError> {
    let to = query.to.unwrap_or_else(|| call.engine.world().now());
    let from = query
        .from
        .unwrap_or_else(|| to.checked_sub(USUAL).unwrap_or(Timestamp::MIN));
    let roots = match about.within(&call.engine.snapshot()) {
        Within::One(one) => vec![one],
        Within::Below(roots) => roots,
    };
    let (mut found, mut looked_at) = (Vec::new(), 0);
    for root in roots {
        // the caller was let in at the place; what it consists of may be elsewhere in the tree of ids
        let grant = call.engine.on_own_account::<Read>(ACTION, &root);
        let mut query = EventQuery {
            from: Some(from),
            to: Some(to),
            limit: Some(BATCH),
            ..EventQuery::default()
        };
        loop {
            let batch = call.engine.events(&grant, query.clone()).await?;
            looked_at += batch.len();
            if looked_at > MOST {
                return Err(too_many());
            }
            query.before = batch.last().map(|event| event.revision);
            let is_last = batch.len() < BATCH as usize;
            found.extend(batch.into_iter().filter(|event| !policies(event).is_empty()));
            if is_last {
                break;
            }
        }
    }
    Ok(found)
}

fn too_many() -> ArmError {
    let message = format!(
        "More than {MOST} events of the log lie in the time and place asked about. Ask about a shorter time with $from \
         and $to, or about a narrower scope."
    );
    ArmError::new(ErrorCode::InvalidFilterInQueryString, message).on("$from")
}

fn policies(event: &Event) -> &[Value] {
    let policies = event.detail.pointer("/detail/policies").and_then(Value::as_array);
    policies.map_or(&[], Vec::as_slice)
}

/// One record for each policy that had a part in an event.
fn records(snapshot: &Snapshot, event: &Event, tenant: &str, expand: Expand) -> Vec<Value> {
    let one = |note: &Value| {
        let text = |name: &str| note[name].as_str();
        let effect = text("policyDefinitionAction")
            .or(text("policyDefinitionEffect"))
            .unwrap_or_default();
        // what a policy changed, complies from then on
        let complies = matches!(effect.to_lowercase().as_str(), "modify" | "append");
        let resource = text("resourceId").unwrap_or(&event.resource);
        let id = ResourceId::parse(resource).unwrap_or_else(|_| ResourceId::tenant());
        let row = snapshot.get(&id);
        let assignment = text("policyAssignmentId").unwrap_or_default();
        let definition = text("policyDefinitionId").unwrap_or_default();
        let set = text("policySetDefinitionId");
        let mut record = record::about(&id);
        let more = json!({
            "timestamp": event.at.to_string(),
            "resourceLocation": row.and_then(|row| row.text("/location")),
            "policyAssignmentId": assignment,
            "policyAssignmentName": last(assignment),
            "policyAssignmentScope": scope_of(assignment),
            "policyDefinitionId": definition,
            "policyDefinitionName": last(definition),
            "policyDefinitionAction": effect.to_lowercase(),
            "policySetDefinitionId": set,
            "policySetDefinitionName": set.map(last),
            "policyDefinitionReferenceId": text("policyDefinitionReferenceId"),
            "complianceState": if complies { "Compliant" } else { "NonCompliant" },
            "isCompliant": complies,
            "tenantId": tenant,
            "principalOid": event.caller,
        });
        record::merge(&mut record, more);
        if expand == Expand::Components {
            record["components"] = json!([]);
        }
        record
    };
    policies(event).iter().map(one).collect()
}

fn last(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}

fn scope_of(assignment: &str) -> Option<ResourceId> {
    ResourceId::parse(assignment).ok()?.scope()
}

/// What an event keeps of a policy that something was done for.
pub(super) fn applied(state: &PolicyState) -> Value {
    let policy = state.policy();
    let mut note = json!({
        "resourceId": state.resource.id,
        "policyAssignmentId": state.assignment.id,
        "policyDefinitionId": policy.definition_id,
        "policyDefinitionAction": state.effect().word(),
    });
    if let Some(set) = policy.set.as_deref() {
        note["policySetDefinitionId"] = set.id.as_str().into();
        note["policyDefinitionReferenceId"] = json!(policy.reference_id());
    }
    note
}
