//! What exists before anybody asks for anything: a subscription, an administrator, and the administrator's Owner role
//! over everything.
//!
//! Each step looks first whether it was done, because a first start may have been interrupted anywhere. The password
//! is kept, sealed, before the administrator is made, so that it is never a password nobody knows. Once all of it has
//! happened none of it is ever done again: an organisation that took the role away from its first administrator does
//! not find it back after a restart.

use std::sync::Arc;

use http::{HeaderMap, Method};
use nave_arm::ResourceId;
use nave_engine::{Act, Caller, Change, Engine, Reply, Request, directory, rbac::built_in};
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
    subscription(engine, settings).await?;
    let administrator = administrator(engine, settings, &password).await?;
    owner(engine, settings, administrator).await?;
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

async fn subscription(engine: &Arc<Engine>, settings: &Settings) -> Result<(), SetupError> {
    let row = nave_resources::subscriptions::row(settings.subscription, &settings.tenant_name);
    if engine.snapshot().get(&row.id).is_some() {
        return Ok(());
    }
    let grant = engine.on_own_account::<Act>("Microsoft.Resources/subscriptions/write", &row.id);
    let change = Change {
        puts: vec![row],
        ..Change::default()
    };
    let done = engine.commit(&grant, change).await;
    done.map(drop).map_err(|error| SetupError::Step {
        step: "subscription",
        cause: error.into(),
    })
}

async fn administrator(
    engine: &Arc<Engine>,
    settings: &Settings,
    password: &Secret<String>,
) -> Result<Uuid, SetupError> {
    let name = settings.administrator.as_str();
    if let Some(found) = engine.snapshot().claimed(&directory::upn_claim(name)) {
        return Ok(Uuid::parse_str(found.id.name()).unwrap_or_default());
    }
    let user = json!({
        "accountEnabled": true,
        "displayName": "Administrator",
        "mailNickname": name.split('@').next(),
        "userPrincipalName": name,
        "passwordProfile": { "password": password.expose(&Purpose::Seal), "forceChangePasswordNextSignIn": false },
    });
    let made = ask(engine, "administrator", Method::POST, "/graph/v1.0/users", &user).await?;
    Ok(made["id"]
        .as_str()
        .and_then(|id| Uuid::parse_str(id).ok())
        .unwrap_or_default())
}

async fn owner(engine: &Arc<Engine>, settings: &Settings, principal: Uuid) -> Result<(), SetupError> {
    let name = Uuid::new_v5(&settings.tenant, b"first owner").to_string();
    let id = ResourceId::tenant().extension(ASSIGNMENTS, &name);
    if engine.snapshot().get(&id).is_some() {
        return Ok(());
    }
    let role = ResourceId::tenant().extension(
        "Microsoft.Authorization/roleDefinitions",
        &built_in::OWNER.to_string(),
    );
    let body = json!({ "properties": { "roleDefinitionId": role, "principalId": principal, "principalType": "User" } });
    ask(engine, "owner", Method::PUT, id.as_str(), &body)
        .await
        .map(drop)
}

/// Asks the engine on nave's own account.
async fn ask(
    engine: &Arc<Engine>,
    step: &'static str,
    method: Method,
    path: &str,
    body: &Value,
) -> Result<Value, SetupError> {
    let request = Request {
        method,
        path: path.to_owned(),
        query: vec![(String::from("api-version"), String::from("2022-04-01"))],
        headers: HeaderMap::new(),
        body: body.to_string().into(),
        caller: Some(Caller::system()),
        host: engine.site().authority.clone(),
        correlation_id: engine.world().new_id(),
    };
    let reply = engine.serve(request).await;
    let answer = reply.as_json().cloned().unwrap_or_default();
    if (200..300).contains(&reply.status) {
        return Ok(answer);
    }
    Err(SetupError::Step {
        step,
        cause: refusal(&reply),
    })
}

fn refusal(reply: &Reply) -> nave_arm::ArmError {
    let said = reply
        .as_json()
        .and_then(|body| body.pointer("/error/message"))
        .and_then(Value::as_str);
    nave_arm::ArmError::new(
        nave_arm::ErrorCode::InternalServerError,
        format!("status {}: {}", reply.status, said.unwrap_or_default()),
    )
}
