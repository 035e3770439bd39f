//! `POST {scope}/providers/Nave.Access/suggestRole`: the least custom role that allows what somebody did at the scope and
//! below it.
//!
//! Who may ask: whoever holds `Nave.Access/suggestRole/action` there, and whoever may write roles there. What is told is
//! what somebody did, reads among it.

use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Fields, Params, Reply, Request, Snapshot,
    access::{Proof, SuggestedRole, Suggestion, Use, Wish},
    decision::Need,
    route::{Call, Target},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{number, plane, principal, shown};
use crate::scope;

pub(super) const ACTION: &str = "Nave.Access/suggestRole/action";

/// How many days are looked at, unless asked for otherwise.
const DAYS: u32 = 30;
/// The most days.
const MOST_DAYS: u32 = 365;

pub(super) fn target(_: &Snapshot, _: &Request, params: &Params) -> Result<Target, ArmError> {
    let id = params.scope()?;
    let ways = [ACTION, "Microsoft.Authorization/roleDefinitions/write"]
        .map(|action| vec![Need::action(action, id.clone())])
        .to_vec();
    Ok(Target { id, ways })
}

pub(super) async fn suggest(call: Call) -> Result<Reply, ArmError> {
    let Call {
        engine,
        grant,
        request,
        ..
    } = call;
    let snapshot = engine.snapshot();
    scope::check(&snapshot, grant.id())?;
    let body = request.json()?;
    let fields = Fields(&body);
    let wish = Wish {
        principal: principal(&snapshot, fields.required("/principal")?)?,
        name: fields.text("/roleName")?.map(str::to_owned),
        by_scope: fields.flag("/byScope")?.unwrap_or_default(),
    };
    let days = number(&body, "days", DAYS, MOST_DAYS)?;
    let uses = engine.uses_of(&grant, wish.principal, days).await?;
    let suggestion = engine.suggest(uses, &wish);
    let mut answer = answer(&snapshot, wish.principal, &suggestion);
    answer["days"] = days.into();
    answer["scope"] = grant.id().as_str().into();
    Ok(Reply::ok(answer))
}

fn answer(snapshot: &Snapshot, who: Uuid, suggestion: &Suggestion) -> Value {
    let beyond = suggestion.beyond.iter().map(|one| {
        json!({ "operation": one.operation, "plane": plane(one.plane), "scope": one.scope, "why": one.why })
    });
    let conditions = suggestion
        .conditions
        .iter()
        .map(|one| json!({ "operation": one.operation, "scope": one.scope, "condition": one.condition }));
    let who_is = shown(snapshot, who);
    let is_user = who_is["type"] == "User";
    json!({
        "principal": who_is,
        "roles": suggestion.roles.iter().map(|role| role_body(role, who, is_user)).collect::<Vec<_>>(),
        "notInRole": beyond.collect::<Vec<_>>(),
        "underConditionsToday": conditions.collect::<Vec<_>>(),
        "uses": suggestion.uses.iter().map(use_body).collect::<Vec<_>>(),
        "proof": proof(&suggestion.proof),
    })
}

/// `definition` has the form that `az role definition create --role-definition` takes; `properties` has ARM's.
fn role_body(role: &SuggestedRole, who: Uuid, is_user: bool) -> Value {
    let kind = if is_user { "User" } else { "ServicePrincipal" };
    let assign = |scope: &ResourceId| {
        format!(
            "az role assignment create --role \"{}\" --assignee-object-id {who} --assignee-principal-type {kind} \
             --scope {scope}",
            role.name
        )
    };
    json!({
        "definition": {
            "Name": role.name, "IsCustom": true, "Description": role.description, "Actions": role.actions,
            "NotActions": [], "DataActions": role.data_actions, "NotDataActions": [],
            "AssignableScopes": role.scopes,
        },
        "properties": role.properties(),
        "assignments": role.scopes.iter().map(assign).collect::<Vec<_>>(),
    })
}

fn use_body(one: &Use) -> Value {
    let mut body = json!({
        "operation": one.operation, "plane": plane(one.plane), "scope": one.scope, "times": one.times,
        "last": one.last.to_string(),
    });
    if let Some(gate) = &one.gate {
        body["gate"] = gate.as_str().into();
    }
    if one.coarse {
        body["coarse"] = true.into();
    }
    body
}

fn proof(proof: &Proof) -> Value {
    let pair = |(operation, scope): &(String, ResourceId)| json!({ "operation": operation, "scope": scope });
    let not_allowed = proof.not_allowed.iter().map(
        |(operation, scope, deny)| json!({ "operation": operation, "scope": scope, "denyAssignment": deny }),
    );
    json!({
        "holds": proof.not_allowed.is_empty() && proof.others_allowed.is_empty(),
        "usesReplayed": proof.replayed,
        "usesNotAllowed": not_allowed.collect::<Vec<_>>(),
        "otherOperationsAsked": proof.others_asked,
        "otherOperationsAllowed": proof.others_allowed.iter().map(pair).collect::<Vec<_>>(),
        "alsoAllowedElsewhere": proof.wider.iter().map(pair).collect::<Vec<_>>(),
    })
}
