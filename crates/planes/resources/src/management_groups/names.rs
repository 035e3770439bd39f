//! `POST /providers/Microsoft.Management/checkNameAvailability`.

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Value, json};

use super::{DECLARATION, MANAGEMENT_GROUPS, tree};

const PATH: &str = "/providers/Microsoft.Management/checkNameAvailability";

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Method::POST,
        PATH,
        Surface::Arm,
        Access::SignedIn,
        check,
    )]
}

async fn check(call: Call) -> Result<Reply, ArmError> {
    let body = call.request.json()?;
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    let answer = if let Err(error) = DECLARATION.name.check(MANAGEMENT_GROUPS, name) {
        json!({ "nameAvailable": false, "reason": "Invalid", "message": error.message })
    } else if call.engine.snapshot().get(&tree::id(name)).is_some() {
        let message = format!("The group with the specified name '{name}' already exists.");
        json!({ "nameAvailable": false, "reason": "AlreadyExists", "message": message })
    } else {
        json!({ "nameAvailable": true })
    };
    Ok(Reply::ok(answer))
}
