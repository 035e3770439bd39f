//! What exists before anybody asks for anything: a subscription, an administrator, and the administrator's Owner role
//! over everything.
//!
//! Each step looks first whether it was done, because a first start may have been interrupted anywhere. The password
//! is kept, sealed, before the administrator is made, so that it is never a password nobody knows. Once all of it has
//! happened none of it is ever done again: an organisation that took the role away from its first administrator does
//! not find it back after a restart.

use std::sync::Arc;

use http::{HeaderMap, Method};
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Act, Caller, Change, Engine, Reply, Request, rbac::built_in};
use nave_identity::bootstrap::{NewUser, user_row};
use nave_vault::{Purpose, Random, Secret};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{DataDirectory, Settings, SetupError, password};

const KEPT: &str = "administrator";
const ASSIGNMENTS: &str = "Microsoft.Authorization/roleAssignments";

/// Makes what is missing; the administrator's password.
pub(crate) async fn make(
    engine: &Arc<Engine>,
    directory: &DataDirectory,
    settings: &Settings,
    random: &dyn Random,
) -> Result<Secret<String>, SetupError> {
    let password = first_password(engine, directory, random)?;
    first_rows(engine, settings, random, &password).await?;
    owner(engine, settings).await?;
    Ok(password)
}

/// The first administrator's password, as it was first made up.
pub(crate) fn kept_password(
    engine: &Engine,
    directory: &DataDirectory,
) -> Result<Option<Secret<String>>, SetupError> {
    let kept = directory.kept(engine.vault(), KEPT)?;
    Ok(kept.and_then(|kept| {
        kept.expose(&Purpose::Check)
            .as_str()
            .map(|text| Secret::new(text.to_owned()))
    }))
}

fn first_password(
    engine: &Engine,
    directory: &DataDirectory,
    random: &dyn Random,
) -> Result<Secret<String>, SetupError> {
    if let Some(kept) = kept_password(engine, directory)? {
        return Ok(kept);
    }
    let password = password::generate(random);
    directory.keep(
        engine.vault(),
        KEPT,
        &password.expose(&Purpose::Seal).as_str().into(),
    )?;
    Ok(password)
}

/// The subscription and the administrator, in one commit.
async fn first_rows(
    engine: &Arc<Engine>,
    settings: &Settings,
    random: &dyn Random,
    password: &Secret<String>,
) -> Result<(), SetupError> {
    let subscription = nave_resources::subscriptions::row(settings.subscription, &settings.tenant_name);
    if engine.snapshot().get(&subscription.id).is_some() {
        return Ok(());
    }
    let administrator = NewUser {
        id: administrator(settings),
        user_principal_name: &settings.administrator,
        display_name: "Administrator",
        password,
    };
    let grant = engine.on_own_account::<Act>("Microsoft.Resources/subscriptions/write", &subscription.id);
    let puts = vec![subscription, user_row(random, &administrator)];
    let done = engine
        .commit(
            &grant,
            Change {
                puts,
                ..Change::default()
            },
        )
        .await;
    done.map(drop).map_err(|error| SetupError::Step {
        step: "administrator",
        cause: Box::new(error.into()),
    })
}

/// The administrator's object id.
fn administrator(settings: &Settings) -> Uuid {
    Uuid::new_v5(&settings.tenant, b"first administrator")
}

async fn owner(engine: &Arc<Engine>, settings: &Settings) -> Result<(), SetupError> {
    let name = Uuid::new_v5(&settings.tenant, b"first owner").to_string();
    let id = ResourceId::tenant().extension(ASSIGNMENTS, &name);
    if engine.snapshot().get(&id).is_some() {
        return Ok(());
    }
    let role = ResourceId::tenant().extension(
        "Microsoft.Authorization/roleDefinitions",
        &built_in::OWNER.to_string(),
    );
    let body = json!({ "properties": {
        "roleDefinitionId": role, "principalId": administrator(settings), "principalType": "User",
    } });
    let reply = engine.serve(put(engine, &id, &body)).await;
    match reply.status {
        200..300 => Ok(()),
        _ => Err(SetupError::Step {
            step: "owner",
            cause: Box::new(refusal(&reply)),
        }),
    }
}

/// A request on nave's own account.
fn put(engine: &Engine, id: &ResourceId, body: &Value) -> Request {
    Request {
        method: Method::PUT,
        path: id.as_str().to_owned(),
        query: vec![(String::from("api-version"), String::from("2022-04-01"))],
        headers: HeaderMap::new(),
        body: body.to_string().into(),
        caller: Some(Caller::system()),
        host: engine.site().authority.clone(),
        correlation_id: engine.world().new_id(),
        peer: None,
    }
}

fn refusal(reply: &Reply) -> ArmError {
    let said = reply
        .as_json()
        .and_then(|body| body.pointer("/error/message"))
        .and_then(Value::as_str);
    ArmError::new(
        ErrorCode::InternalServerError,
        format!("{} {}", reply.status, said.unwrap_or_default()),
    )
}
