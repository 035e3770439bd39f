//! `GET /providers/Nave.Access/decisions/{id}`: why a request was refused, or allowed. The id is in every refusal.
//!
//! Who may ask: whose decision it is, and who holds `Nave.Access/decisions/read` where it was made. To everybody else
//! there is no such decision. Of a request without a usable credential nobody knows whose it was; its id is a random one
//! and was told to nobody but its sender, so whoever is signed in and has it may ask, and learns what he sent.

use http::Method;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Reply,
    explain::{Named, Sight},
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Value, json};
use uuid::Uuid;

const TYPE: &str = "Nave.Access/decisions";
const READ: &str = "Nave.Access/decisions/read";

pub(super) fn route() -> Route {
    let path = "/providers/Nave.Access/decisions/{decision}";
    Route::new(Method::GET, path, Surface::Arm, Access::SignedIn, get).or(&[READ])
}

async fn get(call: Call) -> Result<Reply, ArmError> {
    let asked = call.params.get("decision");
    let unknown = || unknown(asked);
    let id: Uuid = asked.parse().map_err(|_| unknown())?;
    let properties = match call.engine.named(id).await?.ok_or_else(unknown)? {
        Named::TurnedAway(request) => json!({ "kind": "turnedAway", "request": request }),
        Named::Decision(decided) => {
            let (engine, caller) = (&*call.engine, call.grant.caller());
            let snapshot = engine.snapshot();
            let is_own = decided.caller == caller.record_id();
            if !is_own && !engine.may(&snapshot, caller, Surface::Arm, READ, &decided.resource) {
                return Err(unknown());
            }
            let explanation = engine
                .explain(&decided, Sight::of(engine, &snapshot, caller))
                .await?;
            let mut properties = json!(explanation);
            properties["kind"] = "decision".into();
            properties
        }
    };
    Ok(Reply::ok(resource(id, properties)))
}

fn resource(id: Uuid, properties: Value) -> Value {
    json!({ "id": format!("/providers/{TYPE}/{id}"), "name": id, "type": TYPE, "properties": properties })
}

fn unknown(id: &str) -> ArmError {
    let shown: String = id.chars().take(80).collect();
    ArmError::new(
        ErrorCode::NotFound,
        format!(
            "There is no decision '{shown}', or you may not see it: one may ask about one's own decisions, and about \
             others with '{READ}' where they were made. Refusals without a usable credential are kept in memory for a \
             while only."
        ),
    )
}
