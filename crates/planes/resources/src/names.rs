//! Questions about names and zones that clients ask before they create something.

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Fields, Reply,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Value, json};

use crate::scope;

/// Words that no resource may be called by, and words that none may begin with.
const RESERVED: [&str; 4] = ["microsoft", "windows", "azure", "office"];
const RESERVED_BEGINNINGS: [&str; 2] = ["login", "xbox"];

/// Availability zones are labels here, the same in every subscription.
const ZONES: [&str; 3] = ["1", "2", "3"];

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::POST,
            "/providers/Microsoft.Resources/checkResourceName",
            Surface::Arm,
            Access::SignedIn,
            check_name,
        ),
        Route::new(
            Method::POST,
            "/subscriptions/{subscription}/providers/Microsoft.Resources/checkZonePeers",
            Surface::Arm,
            Access::action("Microsoft.Resources/checkZonePeers/action"),
            check_zones,
        ),
    ]
}

async fn check_name(call: Call) -> Result<Reply, ArmError> {
    let body = call.request.json()?;
    // some clients send a list of one, and write its members large
    let body = body.get(0).unwrap_or(&body);
    let text = |name: &str| {
        let members = body.as_object().into_iter().flatten();
        let mut found = members.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.find_map(|(_, value)| value.as_str())
    };
    let (Some(name), Some(kind)) = (text("name"), text("type")) else {
        return Err(Fields(body)
            .required("/name")
            .and(Fields(body).required("/type"))
            .err()
            .unwrap_or_else(|| {
                ArmError::new(
                    ErrorCode::InvalidRequestFormat,
                    "A name and a type are asked for.",
                )
            }));
    };
    let status = if is_reserved(name) { "Reserved" } else { "Allowed" };
    Ok(Reply::ok(json!({ "name": name, "type": kind, "status": status })))
}

fn is_reserved(name: &str) -> bool {
    let name = name.to_lowercase();
    RESERVED.iter().any(|word| name == *word)
        || RESERVED_BEGINNINGS.iter().any(|word| name.starts_with(word))
        || ["microsoft", "windows"].iter().any(|word| name.contains(word))
}

async fn check_zones(call: Call) -> Result<Reply, ArmError> {
    let subscription = call.grant.id();
    scope::check(&call.engine.snapshot(), subscription)?;
    let body = call.request.json()?;
    let location = Fields(&body).required("/location")?;
    let site = call.engine.site();
    let Some(location) = site.location(location) else {
        let message = format!("The provided location '{location}' is not available.");
        return Err(ArmError::new(ErrorCode::LocationNotAvailableForResourceType, message).on("location"));
    };
    let given = body["subscriptionIds"].as_array().into_iter().flatten();
    let peers: Vec<&str> = given
        .filter_map(Value::as_str)
        .map(|id| id.rsplit('/').next().unwrap_or_default())
        .filter(|id| ResourceId::parse(&format!("/subscriptions/{id}")).is_ok())
        .collect();
    let zones = ZONES.map(|zone| {
        let peers = peers
            .iter()
            .map(|id| json!({ "subscriptionId": id, "availabilityZone": zone }));
        json!({ "availabilityZone": zone, "peers": peers.collect::<Vec<_>>() })
    });
    Ok(Reply::ok(json!({
        "subscriptionId": subscription.name(), "location": location, "availabilityZonePeers": zones,
    })))
}
