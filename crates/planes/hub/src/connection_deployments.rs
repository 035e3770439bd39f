//! The model deployments behind a connection, for who may use the connection and has no role on the account itself
//! (features CON-11).
//!
//! nave answers for the account, so it asks for what the account would take: a connection by key shows the account
//! whose key it holds; a connection by Entra ID shows what the caller may read there himself. Naming an account in a
//! connection's metadata opens nothing.

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Caller, CallerKind, Reply, Resource,
    accounts::{DEPLOYMENTS, connected, key_holder},
    operation::{Access, Surface},
    route::{Call, Route, Target},
    without_nulls,
    workspaces::CREDENTIALS,
};
use nave_vault::Purpose;
use serde_json::{Value, json};

use crate::{WORKSPACES, inheritance::connection_of};

const READ: &str = "Microsoft.MachineLearningServices/workspaces/connections/deployments/read";
const READ_AT_ACCOUNT: &str = "Microsoft.CognitiveServices/accounts/deployments/read";
const TYPE: &str = "Microsoft.MachineLearningServices/workspaces/connections/deployments";

const LIST: &str = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices/workspaces/{workspace}/connections/{connection}/deployments";
const ONE: &str = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices/workspaces/{workspace}/connections/{connection}/deployments/{deployment}";

pub(crate) fn routes() -> [Route; 2] {
    [
        Route::new(Method::GET, LIST, Surface::Arm, Access::action(READ), list),
        Route::new(Method::GET, ONE, Surface::Arm, Access::action(READ), get),
    ]
    .map(|route| {
        route.about(|_, _, params| {
            let workspace = params.scope()?.extension(WORKSPACES, params.get("workspace"));
            Ok(Target::from(
                workspace.child("connections", params.get("connection")),
            ))
        })
    })
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    let value = deployments(&call).await?;
    Ok(Reply::ok(json!({ "value": value })))
}

async fn get(call: Call) -> Result<Reply, ArmError> {
    let wanted = call.params.get("deployment");
    let found = deployments(&call).await?.into_iter().find(|deployment| {
        deployment["name"]
            .as_str()
            .is_some_and(|name| name.eq_ignore_ascii_case(wanted))
    });
    found.map(Reply::ok).ok_or_else(|| {
        ArmError::new(
            ErrorCode::DeploymentNotFound,
            format!(
                "The connection '{}' leads to no deployment '{wanted}'.",
                call.grant.id().name()
            ),
        )
    })
}

async fn deployments(call: &Call) -> Result<Vec<Value>, ArmError> {
    let Call {
        engine,
        grant,
        request,
        ..
    } = call;
    let snapshot = engine.snapshot();
    let asked = grant.id();
    let connection = asked
        .parent()
        .and_then(|workspace| connection_of(&snapshot, &workspace, asked.name()))
        .ok_or_else(|| {
            ArmError::new(
                ErrorCode::ResourceNotFound,
                format!("The connection '{asked}' was not found."),
            )
        })?;
    let account = opened(call, &connection)?;
    // the account did not decide this reading, so it is written down whose right it was
    engine
        .record_through(
            grant,
            &connection.id,
            "Succeeded",
            request.correlation_id,
            json!({ "readThrough": account }),
        )
        .await?;
    let below = snapshot
        .below(&account)
        .filter(|row| row.id.resource_type().eq_ignore_ascii_case(DEPLOYMENTS));
    Ok(below.map(|row| shown(asked, row)).collect())
}

/// The account a connection opens to this caller.
fn opened(call: &Call, connection: &Resource) -> Result<ResourceId, ArmError> {
    let Call { engine, grant, .. } = call;
    let snapshot = engine.snapshot();
    let name = connection.id.name();
    let Some(account) = connected(&snapshot, engine.site(), connection) else {
        return Err(ArmError::new(
            ErrorCode::InvalidResourceReference,
            format!(
                "The connection '{name}' does not lead to an account of this server; what it offers is known where it \
                 leads."
            ),
        ));
    };
    let caller = grant.caller();
    let by_token = connection
        .text("/properties/authType")
        .is_some_and(|word| word.eq_ignore_ascii_case("AAD"));
    let opens = match by_token {
        true => engine.may(&snapshot, caller, Surface::Arm, READ_AT_ACCOUNT, &account),
        false => account_of_key(call, connection).as_ref() == Some(&account),
    };
    if opens {
        return Ok(account);
    }
    let why = match by_token {
        true => format!(
            "it passes on the caller, and '{}' may not perform '{READ_AT_ACCOUNT}' there",
            caller.name
        ),
        false => String::from("it holds none of the account's keys"),
    };
    Err(ArmError::new(
        ErrorCode::LinkedAuthorizationFailed,
        format!("The connection '{name}' does not open '{account}': {why}."),
    ))
}

fn account_of_key(call: &Call, connection: &Resource) -> Option<ResourceId> {
    let Call { engine, grant, .. } = call;
    let secrets = engine.open_secrets(grant, connection)?;
    let key = secrets
        .expose(&Purpose::Check)
        .get(CREDENTIALS)?
        .get("key")?
        .as_str()?;
    match key_holder(&engine.snapshot(), engine.vault(), key)? {
        Caller {
            kind: CallerKind::AccountKey { account, .. },
            ..
        } => Some(account),
        _ => None,
    }
}

/// A deployment under the connection's id, as the workspace's API shows it.
fn shown(connection: &ResourceId, deployment: &Resource) -> Value {
    let mut body = deployment.envelope();
    let properties = without_nulls(json!({
        "type": "Azure.OpenAI",
        "model": deployment.value("/properties/model"),
        "versionUpgradeOption": deployment.value("/properties/versionUpgradeOption"),
        "raiPolicyName": deployment.value("/properties/raiPolicyName"),
        "provisioningState": "Succeeded",
    }));
    let (sku, system_data) = (body["sku"].take(), body["systemData"].take());
    json!({
        "id": connection.child("deployments", deployment.id.name()),
        "name": deployment.id.name(),
        "type": TYPE,
        "sku": sku,
        "systemData": system_data,
        "properties": properties,
    })
}
