//! `testconnection`: whether a stored connection leads where it says. For an account of this server nave knows the
//! answer; what lies outside is reached when it is called, and an error of that call says what is wrong.

use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Caller, CallerKind, Reply, Resource,
    accounts::{connected, key_holder},
    declaration::ActCall,
    workspaces::CREDENTIALS,
};
use nave_vault::Purpose;
use serde_json::Value;

/// 202 without a place to ask again: the test is over, and nothing wrong was found.
pub(super) fn test(call: &ActCall) -> Result<Reply, ArmError> {
    let ActCall {
        engine,
        grant,
        resource,
        ..
    } = call;
    let snapshot = engine.snapshot();
    let Some(account) = connected(&snapshot, engine.site(), resource) else {
        return Ok(Reply::empty(202));
    };
    if !by_key(resource) {
        return Ok(Reply::empty(202));
    }
    let secrets = engine.open_secrets(grant, resource);
    let key = secrets.as_ref().and_then(|secrets| {
        secrets
            .expose(&Purpose::Check)
            .get(CREDENTIALS)?
            .get("key")?
            .as_str()
    });
    let holder = key.and_then(|key| key_holder(&snapshot, engine.vault(), key));
    match holder {
        Some(Caller {
            kind: CallerKind::AccountKey { account: of, .. },
            ..
        }) if of == account => Ok(Reply::empty(202)),
        _ => Err(ArmError::new(
            ErrorCode::InvalidParameter,
            format!(
                "The connection '{}' holds no key of '{account}'; store one of the account's present keys.",
                resource.id.name()
            ),
        )
        .on("properties.credentials.key")),
    }
}

fn by_key(connection: &Resource) -> bool {
    connection
        .value("/properties/authType")
        .and_then(Value::as_str)
        .is_some_and(|word| word.eq_ignore_ascii_case("ApiKey"))
}
