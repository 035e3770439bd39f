//! The two keys of a storage account, and when each was made.

use nave_arm::ArmError;
use nave_engine::{Fields, Reply, Resource, declaration::ActCall};
use nave_vault::{Random, Secret};
use serde_json::{Map, Value, json};

use crate::{
    keys::{self, KeyPair, Marks},
    place,
};

pub(super) static PAIR: KeyPair = KeyPair {
    names: ["key1", "key2"],
    make: keys::base64_key,
};

/// Answers with both keys.
pub(super) fn list(call: &ActCall) -> Result<Reply, ArmError> {
    let secrets = keys::open(&call.engine, &call.grant, &call.resource)?;
    Ok(answer(&call.resource, &secrets))
}

/// Replaces one key.
pub(super) async fn regenerate(random: &dyn Random, call: ActCall) -> Result<Reply, ArmError> {
    let name = PAIR.named(Fields(&call.body).required("/keyName")?, "keyName")?;
    let now = call.engine.world().now().to_string();
    let change = |account: &Resource, keys: &mut Map<String, Value>| {
        PAIR.renew(random, name, keys);
        let mut marks = Marks::of(account);
        marks.own["properties"]["keyCreationTime"][name] = now.as_str().into();
        marks
    };
    let secrets = keys::replace(&call.engine, &call.grant, call.request.correlation_id, change).await?;
    let account = call
        .engine
        .read(&call.grant)
        .await?
        .ok_or_else(|| place::missing(call.grant.id()))?;
    Ok(answer(&account, &secrets))
}

/// When each key was made: with the account, unless it was replaced.
pub(super) fn creation_times(account: &Resource) -> Value {
    let time = |name: &str| {
        let replaced = account
            .own
            .pointer(&format!("/properties/keyCreationTime/{name}"))
            .cloned();
        (
            name.to_owned(),
            replaced.unwrap_or_else(|| account.history.created_at.to_string().into()),
        )
    };
    Value::Object(PAIR.names.map(time).into_iter().collect())
}

fn answer(account: &Resource, secrets: &Secret<Value>) -> Reply {
    let times = creation_times(account);
    let key = |name: &str| {
        let value = keys::shown(secrets, name);
        json!({ "keyName": name, "value": value, "permissions": "Full", "creationTime": times[name] })
    };
    Reply::ok(json!({ "keys": PAIR.names.map(key) }))
}
