//! Decisions without a server: one JSON object a line in, one decision a line out.
//!
//! The object holds everything there is: roles, assignments, groups, scopes and the request. Roles it does not define
//! are the built-in ones; nothing else exists outside it.

use nave_arm::ResourceId;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    AccessRequest, Attributes, Condition, DenyAssignment, Evaluation, Plane, Refusal, RoleIndex,
    action_matches,
    case::{self, extension, list},
};

/// The answer to one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// `{"id": …, "decision": "allow" | "deny"}`; with an `error` where the line asks nothing.
    pub line: String,
    /// Whether the line asks something.
    pub asked: bool,
}

/// Decides one line. Every line has its answer, also one that asks nothing: nobody is allowed anything by it. What
/// cannot be read stays on the safe side: a role or assignment grants nothing, a deny assignment blocks, a principal
/// or scope has nothing.
///
/// ```
/// # use nave_arm::ResourceId;
/// # use nave_rbac::*;
/// # use serde_json::json;
/// # use uuid::Uuid;
/// let case = r#"{"id": 1, "principal": "00000000-0000-0000-0000-000000000001", "scope": "/", "action": "N/t/read"}"#;
/// assert_eq!(eval::eval_line(case).line, r#"{"id":1,"decision":"deny"}"#);
/// assert!(!eval::eval_line("{}").asked);
/// ```
#[must_use]
pub fn eval_line(line: &str) -> Answer {
    let case: Result<Value, String> =
        serde_json::from_str(line).map_err(|error| format!("not a JSON object: {error}"));
    let id = case.as_ref().ok().and_then(|case| case.get("id")).cloned();
    let decided = case.and_then(|case| decide(case.as_object().ok_or("not a JSON object")?));
    let mut answer = json!({ "id": id, "decision": "deny" });
    let asked = decided.is_ok();
    match decided {
        Ok(evaluation) if evaluation.is_allowed() => answer["decision"] = "allow".into(),
        Ok(_) => {}
        Err(error) => answer["error"] = error.into(),
    }
    Answer {
        line: answer.to_string(),
        asked,
    }
}

/// Decides one object, with the reasons.
///
/// ```
/// # use nave_arm::ResourceId;
/// # use nave_rbac::*;
/// # use serde_json::json;
/// # use uuid::Uuid;
/// let case = json!({ "principal": Uuid::nil(), "scope": "/", "dataAction": "N/t/read" });
/// let decided = eval::decide(case.as_object().expect("an object")).expect("a question");
/// assert!(!decided.is_allowed());
/// ```
pub fn decide(case: &Map<String, Value>) -> Result<Evaluation, String> {
    let text = |name: &str| case.get(name).and_then(Value::as_str);
    let principal = text("principal").ok_or("`principal` is missing")?;
    let scope = text("scope").ok_or("`scope` is missing")?;
    let (operation, plane) = match (text("action"), text("dataAction")) {
        (Some(action), None) => (action, Plane::Control),
        (None, Some(action)) => (action, Plane::Data),
        _ => return Err(String::from("exactly one of `action` and `dataAction` is needed")),
    };
    let (Ok(principal), Ok(scope)) = (Uuid::try_parse(principal.trim()), ResourceId::parse(scope)) else {
        return Ok(Evaluation::Denied(Refusal::NoAssignment {
            considered: Vec::new(),
        }));
    };
    let attributes = case
        .get("attributes")
        .map(Attributes::from_json)
        .unwrap_or_default();
    let request = AccessRequest {
        principal,
        operation,
        plane,
        scope: &scope,
        sub_operation: text("subOperation"),
        attributes: &attributes,
        surroundings: &(),
    };
    let mut index = case::index_of(case, case::For::Decisions)?;
    match put_denies(case, &mut index)? {
        Some(unreadable) => Ok(Evaluation::Denied(Refusal::DenyAssignment { id: unreadable })),
        None => Ok(index.evaluate(&request)),
    }
}

/// Whether an action string covers an operation, for the command line.
///
/// ```
/// # use nave_arm::ResourceId;
/// # use nave_rbac::*;
/// # use serde_json::json;
/// # use uuid::Uuid;
/// assert!(eval::matches("*/read", "N/t/read"));
/// ```
#[must_use]
pub fn matches(pattern: &str, operation: &str) -> bool {
    action_matches(pattern, operation)
}

/// Whether a text is a condition, for the command line; where not, what is wrong with it and where.
///
/// ```
/// # use nave_arm::ResourceId;
/// # use nave_rbac::*;
/// # use serde_json::json;
/// # use uuid::Uuid;
/// assert!(eval::parse_condition("ActionMatches{'*'}").is_ok());
/// assert!(eval::parse_condition("ActionMatches('*')").expect_err("no braces").contains("^"));
/// ```
pub fn parse_condition(text: &str) -> Result<(), String> {
    Condition::parse(text)
        .map(|_| ())
        .map_err(|error| format!("{error}\n{}", error.excerpt(text)))
}

/// Puts the deny assignments; the id of the first that cannot be read.
fn put_denies(case: &Map<String, Value>, index: &mut RoleIndex) -> Result<Option<ResourceId>, String> {
    for (at, deny) in list(case, "denyAssignments")?.iter().enumerate() {
        let (name, deny) = (at.to_string(), case::flat(deny));
        let Some(id) = extension(&deny, "denyAssignments", &name) else {
            return Ok(Some(
                ResourceId::tenant().extension("Microsoft.Authorization/denyAssignments", &name),
            ));
        };
        match DenyAssignment::from_properties(&id, &deny) {
            Ok(deny) => index.put_deny(deny),
            Err(_) => return Ok(Some(id)),
        }
    }
    Ok(None)
}
