//! Questions about a region: whether a subdomain or a SKU can be had there.

use http::Method;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Fields, Reply,
    accounts::ACCOUNTS,
    operation::{Access, Surface},
    route::{Call, Route},
    without_nulls,
};
use serde_json::{Value, json};

use super::{accounts::subdomain, kinds::Kind};
use crate::place;

pub(super) fn routes() -> [Route; 2] {
    let domain =
        "/subscriptions/{subscription}/providers/Microsoft.CognitiveServices/checkDomainAvailability";
    let sku = "/subscriptions/{subscription}/providers/Microsoft.CognitiveServices/locations/{location}/checkSkuAvailability";
    let access = |action| Access::action(format!("Microsoft.CognitiveServices/{action}/action"));
    [
        Route::new(
            Method::POST,
            domain,
            Surface::Arm,
            access("checkDomainAvailability"),
            check_domain,
        ),
        Route::new(
            Method::POST,
            sku,
            Surface::Arm,
            access("locations/checkSkuAvailability"),
            check_sku,
        ),
    ]
}

/// The region a path names, if this server has it.
pub(super) fn check(call: &Call) -> Result<&'static str, ArmError> {
    place::check(&call.engine.snapshot(), call.grant.id())?;
    let asked = call.params.get("location");
    call.engine.site().location(asked).ok_or_else(|| {
        let message = format!("The provided location '{asked}' is not available.");
        ArmError::new(ErrorCode::LocationNotAvailableForResourceType, message).on("location")
    })
}

async fn check_domain(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    place::check(&snapshot, call.grant.id())?;
    let body = call.request.json()?;
    let fields = Fields(&body);
    let name = fields.required("/subdomainName")?;
    let refusal = subdomain::check(name)
        .err()
        .or_else(|| subdomain::taken(&snapshot, name, None));
    Ok(Reply::ok(without_nulls(json!({
        "isSubdomainAvailable": refusal.is_none(),
        "reason": refusal.map(|error| error.message),
        "subdomainName": name,
        "type": ACCOUNTS,
        "kind": fields.text("/kind")?,
    }))))
}

async fn check_sku(call: Call) -> Result<Reply, ArmError> {
    check(&call)?;
    let body = call.request.json()?;
    let kind = Kind::find(Fields(&body).required("/kind")?)?;
    let Some(skus) = body.get("skus").and_then(Value::as_array) else {
        let message = "The property 'skus' is required and must be an array.";
        return Err(ArmError::new(ErrorCode::InvalidRequestFormat, message).on("skus"));
    };
    let value: Vec<Value> = skus
        .iter()
        .filter_map(Value::as_str)
        .map(|sku| availability(kind, sku))
        .collect();
    Ok(Reply::ok(json!({ "value": value })))
}

fn availability(kind: &Kind, sku: &str) -> Value {
    let refusal = kind.sku(sku).err();
    without_nulls(json!({
        "kind": kind.name,
        "type": ACCOUNTS,
        "skuName": sku,
        "skuAvailable": refusal.is_none(),
        "reason": refusal.as_ref().map(|_| "NotAvailableForSubscription"),
        "message": refusal.map(|error| error.message),
    }))
}
