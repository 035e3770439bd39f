//! `POST {scope}/providers/Microsoft.Authorization/checkAccess`: may this principal do these things here? Services ask it
//! that keep resources of their own and leave the deciding to Azure RBAC.
//!
//! Everybody may ask about himself. Who asks about others must be able to read the assignments there, since the answers
//! tell of them.

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Params, Reply, Request, Snapshot,
    decision::{Finding, Need, Outcome},
    directory,
    operation::{Access, Surface},
    rbac::{Plane, Refusal},
    route::{Call, Route, Target},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::role_id;
use crate::scope;

const PATH: &str = "/{scope}/providers/Microsoft.Authorization/checkAccess";
const READ: &str = "Microsoft.Authorization/roleAssignments/read";

/// The most actions in one question.
const ACTIONS: usize = 100;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(Method::POST, PATH, Surface::Arm, Access::SignedIn, check).about(asked)]
}

/// One thing that is asked for.
struct Action {
    id: String,
    plane: Plane,
}

/// The question.
struct Asked {
    subject: Uuid,
    actions: Vec<Action>,
    resource: ResourceId,
}

fn asked(_: &Snapshot, request: &Request, params: &Params) -> Result<Target, ArmError> {
    let id = params.scope()?;
    let asked = Asked::read(&request.json()?, &id)?;
    let about_himself = request
        .caller
        .as_ref()
        .is_some_and(|caller| caller.object_id == asked.subject);
    let ways = if about_himself {
        Vec::new()
    } else {
        vec![vec![Need::action(READ, asked.resource)]]
    };
    Ok(Target { id, ways })
}

async fn check(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let asked = Asked::read(&call.request.json()?, call.grant.id())?;
    // who asks about himself is not told what is there
    if call.grant.caller().object_id != asked.subject {
        scope::check(&snapshot, &asked.resource)?;
    }
    let subject = directory::caller(&snapshot, call.engine.site(), asked.subject);
    let answers: Vec<Value> = asked
        .actions
        .into_iter()
        .map(|action| {
            // it is asked about rights; what is locked is another question
            let need = Need {
                plane: action.plane,
                ..Need::action(action.id.clone(), asked.resource.clone()).linked()
            };
            let decision = call.engine.decide(&subject, Surface::Arm, vec![vec![need]]);
            let mut answer = decision
                .findings
                .first()
                .map_or_else(|| json!({}), |finding| verdict(&snapshot, finding));
            answer["actionId"] = action.id.into();
            answer["isDataAction"] = (action.plane == Plane::Data).into();
            // what an answer depends on takes effect at once, so that none is good for later
            answer["timeToLiveInMs"] = 0.into();
            answer
        })
        .collect();
    Ok(Reply::ok(answers.into()))
}

fn verdict(snapshot: &Snapshot, finding: &Finding) -> Value {
    match &finding.outcome {
        Outcome::Granted(reason) => {
            let assignment = snapshot.roles().assignment(&reason.assignment());
            let assignment = assignment.map(|assignment| {
                json!({
                    "id": assignment.id(),
                    "roleDefinitionId": role_id(&assignment.scope, assignment.role),
                    "principalId": assignment.principal,
                    "principalType": assignment.principal_type.as_str(),
                    "scope": assignment.scope,
                })
            });
            json!({ "accessDecision": "Allowed", "roleAssignment": assignment })
        }
        Outcome::Refused(Refusal::DenyAssignment { id }) => {
            json!({ "accessDecision": "Denied", "denyAssignment": { "id": id } })
        }
        _ => json!({ "accessDecision": "NotAllowed" }),
    }
}

impl Asked {
    /// Reads `{"Subject": {"Attributes": {"ObjectId"}}, "Actions": [{"Id", "IsDataAction"}], "Resource": {"Id"}}`; the
    /// resource is the scope of the request where the body names none.
    fn read(body: &Value, at: &ResourceId) -> Result<Self, ArmError> {
        let subject = member(body, &["Subject", "Attributes", "ObjectId"])
            .and_then(Value::as_str)
            .and_then(|text| Uuid::try_parse(text).ok())
            .ok_or_else(|| wrong("Subject.Attributes.ObjectId", "the object id of a principal"))?;
        let actions = member(body, &["Actions"])
            .and_then(Value::as_array)
            .filter(|actions| (1..=ACTIONS).contains(&actions.len()))
            .ok_or_else(|| wrong("Actions", &format!("a list of 1 to {ACTIONS} actions")))?
            .iter()
            .map(Action::read)
            .collect::<Result<_, _>>()?;
        let resource = match member(body, &["Resource", "Id"]).and_then(Value::as_str) {
            None => at.clone(),
            Some(text) => ResourceId::parse(text)
                .ok()
                .filter(|id| at.contains(id))
                .ok_or_else(|| {
                    wrong(
                        "Resource.Id",
                        "the id of the request's scope or of something below it",
                    )
                })?,
        };
        Ok(Self {
            subject,
            actions,
            resource,
        })
    }
}

impl Action {
    fn read(action: &Value) -> Result<Self, ArmError> {
        let id = member(action, &["Id"])
            .and_then(Value::as_str)
            .filter(|id| !id.is_empty())
            .ok_or_else(|| wrong("Actions.Id", "the name of an operation"))?;
        let is_data = member(action, &["IsDataAction"])
            .and_then(Value::as_bool)
            .unwrap_or(false);
        Ok(Self {
            id: id.to_owned(),
            plane: if is_data { Plane::Data } else { Plane::Control },
        })
    }
}

/// A member by names that compare without case, as the clients of this API write them both ways.
fn member<'a>(body: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(body, |value, name| {
        let members = value.as_object()?;
        members
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

fn wrong(target: &str, expected: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidRequestFormat,
        format!("'{target}' must be {expected}."),
    )
    .on(target)
}
