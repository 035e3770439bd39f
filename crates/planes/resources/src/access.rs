//! `Nave.Access`: access, looked at before it is changed and as it is used. The answers are the engine's
//! ([`nave_engine::access`]); here is who may ask, and their form.

mod decisions;
mod explain;
mod history;
mod suggest_role;
mod what_if;

use http::Method;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Fields, Registry, Snapshot, directory,
    operation::{Access, Surface},
    rbac::Plane,
    route::Route,
};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) fn register(registry: &mut Registry) {
    let what_if = "/{scope}/providers/Nave.Access/whatIf";
    let suggest = "/{scope}/providers/Nave.Access/suggestRole";
    registry.add_routes([decisions::route(), explain::route()]);
    registry.add_routes([
        Route::new(
            Method::POST,
            what_if,
            Surface::Arm,
            Access::action(what_if::ACTION),
            what_if::what_if,
        )
        .about(what_if::target),
        Route::new(
            Method::POST,
            suggest,
            Surface::Arm,
            Access::action(suggest_role::ACTION),
            suggest_role::suggest,
        )
        .about(suggest_role::target),
        Route::new(
            Method::GET,
            "/{scope}/providers/Nave.Access/history",
            Surface::Arm,
            Access::action(history::READ),
            history::history,
        )
        .about(history::target),
    ]);
}

/// A whole number within bounds; `usual` where it is not given.
fn number(body: &Value, name: &str, usual: u32, most: u32) -> Result<u32, ArmError> {
    let Some(given) = Fields(body).integer(&format!("/{name}"))? else {
        return Ok(usual);
    };
    u32::try_from(given)
        .ok()
        .filter(|number| *number <= most)
        .ok_or_else(|| {
            let message = format!("The value of '{name}' must be between 0 and {most}.");
            ArmError::new(ErrorCode::InvalidParameter, message).on(name)
        })
}

/// A principal as people name it: by object id, by user principal name, or by application id.
fn principal(snapshot: &Snapshot, named: &str) -> Result<Uuid, ArmError> {
    if let Ok(id) = named.parse::<Uuid>() {
        let by_application = snapshot.claimed(&directory::app_claim(named));
        let by_application = by_application.and_then(|object| object.id.name().parse().ok());
        return Ok(match snapshot.principal(id) {
            Some(_) => id,
            None => by_application.unwrap_or(id),
        });
    }
    let found = snapshot.claimed(&directory::upn_claim(named));
    found
        .and_then(|object| object.id.name().parse().ok())
        .ok_or_else(|| {
            let message = format!(
                "There is no '{named}' in the directory; name a principal by object id, user principal name or \
                 application id."
            );
            ArmError::new(ErrorCode::PrincipalNotFound, message).on("principal")
        })
}

/// Who a principal is, for people.
fn shown(snapshot: &Snapshot, principal: Uuid) -> Value {
    let object = snapshot.principal(principal);
    json!({
        "id": principal,
        "name": directory::display_name(snapshot, principal),
        "type": object.map(|object| directory::principal_type(object)),
    })
}

fn plane(plane: Plane) -> &'static str {
    match plane {
        Plane::Control => "control",
        Plane::Data => "data",
    }
}
