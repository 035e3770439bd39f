//! `POST {scope}/providers/Nave.Access/explain`: whether somebody may do something at a scope, why, and what would help;
//! now or at an earlier time.
//!
//! Who may ask: everybody about himself; about others, who holds `Nave.Access/explain/action` there or may read who has
//! which role there.

use http::Method;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Fields, Params, Reply, Request, Snapshot,
    decision::Need,
    directory,
    explain::{At, READ_ASSIGNMENTS, Sight, principals_called},
    operation::{Access, Surface},
    rbac::Attributes,
    route::{Call, Route, Target},
};
use serde_json::{Value, json};
use uuid::Uuid;

const ACTION: &str = "Nave.Access/explain/action";

pub(super) fn route() -> Route {
    let path = "/{scope}/providers/Nave.Access/explain";
    Route::new(Method::POST, path, Surface::Arm, Access::SignedIn, explain)
        .or(&[ACTION, READ_ASSIGNMENTS])
        .about(target)
}

fn target(snapshot: &Snapshot, request: &Request, params: &Params) -> Result<Target, ArmError> {
    let id = params.scope()?;
    let own = request.caller.as_ref().map(|caller| caller.object_id);
    let is_own = match who(&request.json()?)? {
        None => true,
        // who may not ask about others is not told who there is
        Some(named) => matches!(principals_called(snapshot, named).as_slice(), [one] if Some(*one) == own),
    };
    let ways = match is_own {
        true => Vec::new(),
        false => vec![
            vec![Need::action(ACTION, id.clone())],
            vec![Need::action(READ_ASSIGNMENTS, id.clone())],
        ],
    };
    Ok(Target { id, ways })
}

async fn explain(call: Call) -> Result<Reply, ArmError> {
    let body = call.request.json()?;
    let (engine, viewer, scope) = (&*call.engine, call.grant.caller(), call.grant.id());
    let snapshot = engine.snapshot();
    let caller = match who(&body)? {
        None => viewer.clone(),
        Some(named) => match one_called(&snapshot, named)? {
            own if own == viewer.object_id => viewer.clone(),
            other => directory::caller(&snapshot, engine.site(), other),
        },
    };
    let operation = Fields(&body).required("/can")?.to_owned();
    let need = match Fields(&body).flag("/dataAction")?.unwrap_or_default() {
        true => Need::data(operation, scope.clone()),
        false => Need::action(operation, scope.clone()),
    };
    let attributes = body
        .get("attributes")
        .map(Attributes::from_json)
        .unwrap_or_default();
    let sight = Sight::of(engine, &snapshot, viewer);
    let explanation = engine
        .explain_question(&caller, need.with(attributes), at(&body)?, sight)
        .await?;
    Ok(Reply::ok(json!(explanation)))
}

fn who(body: &Value) -> Result<Option<&str>, ArmError> {
    Fields(body).text("/who")
}

fn one_called(snapshot: &Snapshot, named: &str) -> Result<Uuid, ArmError> {
    let refuse = |message: String| ArmError::new(ErrorCode::PrincipalNotFound, message).on("who");
    match principals_called(snapshot, named).as_slice() {
        [one] => Ok(*one),
        [] => Err(refuse(format!(
            "There is no '{named}' in the directory; name a principal by object id, user principal name, application id \
             or display name."
        ))),
        several => Err(refuse(format!(
            "{} principals are called '{named}'; name one by its object id.",
            several.len()
        ))),
    }
}

fn at(body: &Value) -> Result<Option<At>, ArmError> {
    let text = match body.get("at") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let at = At::parse(&text).ok_or_else(|| {
        ArmError::new(
            ErrorCode::InvalidParameter,
            "The value of 'at' must be a revision or a time such as 2026-03-03T12:00:00Z.",
        )
        .on("at")
    })?;
    Ok(Some(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_or_a_revision_says_when() {
        assert_eq!(at(&json!({})).expect("none"), None);
        assert_eq!(at(&json!({ "at": 7 })).expect("revision"), Some(At::Revision(7)));
        assert_eq!(
            at(&json!({ "at": "7" })).expect("revision"),
            Some(At::Revision(7))
        );
        let time = at(&json!({ "at": "2026-03-03T12:00:00+01:00" })).expect("time");
        assert!(matches!(time, Some(At::Time(time)) if time.to_string() == "2026-03-03T11:00:00Z"));
        for wrong in [json!("yesterday"), json!(-1), json!(true)] {
            assert_eq!(
                at(&json!({ "at": wrong })).expect_err("wrong").code,
                ErrorCode::InvalidParameter
            );
        }
    }
}
