//! The regions of a subscription: those of the server.

use http::Method;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route},
    site::Location,
};
use serde_json::{Value, json};

use crate::scope;

const READ: &str = "Microsoft.Resources/subscriptions/locations/read";

pub(crate) fn routes() -> Vec<Route> {
    let path = "/subscriptions/{subscription}/locations";
    let route = Route::new(Method::GET, path, Surface::Arm, Access::action(READ), list);
    vec![route.about(scope::open_to_visitors(READ))]
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    let subscription = call.grant.id();
    scope::check(&call.engine.snapshot(), subscription)?;
    let locations = call.engine.site().locations.iter();
    let value: Vec<Value> = locations.map(|location| view(subscription, location)).collect();
    Ok(Reply::ok(json!({ "value": value })))
}

fn view(subscription: &ResourceId, location: &Location) -> Value {
    json!({
        "id": format!("{subscription}/locations/{}", location.name),
        "subscriptionId": subscription.name(),
        "name": location.name,
        "type": "Region",
        "displayName": location.display,
        "regionalDisplayName": location.display,
        "metadata": { "regionType": "Physical", "regionCategory": "Recommended", "pairedRegion": [] },
    })
}
