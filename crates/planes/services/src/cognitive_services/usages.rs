//! What is in use: accounts per region and capacity per model, counted from what is there. This release sets no
//! limits; clients subtract what is used from one, so the largest number they can read stands for none.

use std::collections::BTreeMap;

use http::Method;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Fields, Reply, Resource, Snapshot,
    accounts::{ACCOUNTS, DEPLOYMENTS},
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Value, json};

use super::models;
use crate::place;

pub(super) fn routes() -> [Route; 2] {
    let region =
        "/subscriptions/{subscription}/providers/Microsoft.CognitiveServices/locations/{location}/usages";
    let account = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.CognitiveServices/accounts/{name}/usages";
    let access = |action| Access::action(format!("Microsoft.CognitiveServices/{action}"));
    [
        Route::new(
            Method::GET,
            region,
            Surface::Arm,
            access("locations/usages/read"),
            of_location,
        ),
        place::about(
            Route::new(
                Method::GET,
                account,
                Surface::Arm,
                access("accounts/usages/read"),
                of_account,
            ),
            ACCOUNTS,
        ),
    ]
}

async fn of_location(call: Call) -> Result<Reply, ArmError> {
    let location = super::locations::check(&call)?;
    let snapshot = call.engine.snapshot();
    let subscription = call.grant.id();
    let here = |account: &Resource| account.text("/location") == Some(location);
    let accounts: Vec<_> = snapshot
        .of_type(ACCOUNTS)
        .filter(|account| subscription.contains(&account.id) && here(account))
        .collect();
    let mut used = BTreeMap::from([(String::from("AccountCount"), accounts.len() as i64)]);
    for account in accounts {
        add_capacity(&snapshot, &account.id, &mut used);
    }
    Ok(answer(used))
}

async fn of_account(call: Call) -> Result<Reply, ArmError> {
    let account = place::resource(&call)?;
    let mut used = BTreeMap::new();
    add_capacity(&call.engine.snapshot(), &account.id, &mut used);
    Ok(answer(used))
}

fn add_capacity(snapshot: &Snapshot, account: &ResourceId, used: &mut BTreeMap<String, i64>) {
    for deployment in snapshot
        .of_type(DEPLOYMENTS)
        .filter(|deployment| account.contains(&deployment.id))
    {
        let sku = deployment.text("/sku/name").unwrap_or_default();
        let model = deployment.text("/properties/model/name").unwrap_or_default();
        let sent = Fields(&deployment.sent).integer("/sku/capacity").ok().flatten();
        *used.entry(models::usage_name(sku, model)).or_default() += sent.unwrap_or(1);
    }
}

fn answer(used: BTreeMap<String, i64>) -> Reply {
    let value: Vec<Value> = used
        .into_iter()
        .map(|(name, count)| {
            json!({ "name": { "value": name, "localizedValue": name }, "unit": "Count", "currentValue": count, "limit": models::MOST_CAPACITY })
        })
        .collect();
    Reply::ok(json!({ "value": value }))
}
