//! `/graph/v1.0/identity/identityProviders` and `/graph/v1.0/identity/signInSettings`: who may say who people are.
//!
//! Whoever describes a provider can become anybody, so it takes the right to give roles at the tenant.

use std::sync::Arc;

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Change, Engine, Erase, Expect, Put, PutSecrets, Reply, Resource,
    decision::Need,
    operation::{Access, Surface},
    route::{Call, Route, Target},
};
use serde_json::{Value, json};

use super::{
    provider::{self, PROVIDERS},
    settings::{self, SETTINGS},
};
use crate::graph::again;

const ALL: &str = "/graph/v1.0/identity/identityProviders";
const ONE: &str = "/graph/v1.0/identity/identityProviders/{id}";
const SETTINGS_PATH: &str = "/graph/v1.0/identity/signInSettings";

pub(super) fn routes() -> Vec<Route> {
    let read = |path, row: &str, handler: fn(&Call) -> Result<Value, ArmError>| {
        let access = Access::action(format!("{row}/read"));
        Route::new(Method::GET, path, Surface::Graph, access, move |call| {
            let answer = handler(&call).map(Reply::ok);
            async move { answer }
        })
    };
    vec![
        read(ALL, PROVIDERS, list),
        read(ONE, PROVIDERS, |call| {
            find(call).map(|row| provider::shown(call.engine.site(), &row))
        }),
        change(Method::POST, ALL, PROVIDERS, "write", create),
        change(Method::PATCH, ONE, PROVIDERS, "write", update),
        change(Method::DELETE, ONE, PROVIDERS, "delete", delete),
        read(SETTINGS_PATH, SETTINGS, |call| {
            Ok(settings::shown(&call.engine.snapshot()))
        }),
        change(Method::PATCH, SETTINGS_PATH, SETTINGS, "write", set),
    ]
}

fn change<F>(
    method: Method,
    path: &'static str,
    row: &'static str,
    verb: &'static str,
    handler: fn(Call) -> F,
) -> Route
where
    F: Future<Output = Result<Reply, ArmError>> + Send + 'static,
{
    Route::new(
        method,
        path,
        Surface::Graph,
        Access::action(format!("{row}/{verb}")),
        handler,
    )
    .about(move |_, _, _| {
        let needs = [
            format!("{row}/{verb}"),
            String::from("Microsoft.Authorization/roleAssignments/write"),
        ];
        let id = ResourceId::tenant();
        let ways = vec![
            needs
                .map(|operation| Need::action(operation, ResourceId::tenant()))
                .to_vec(),
        ];
        Ok(Target { id, ways })
    })
}

fn list(call: &Call) -> Result<Value, ArmError> {
    let snapshot = call.engine.snapshot();
    let shown: Vec<Value> = snapshot
        .of_type(PROVIDERS)
        .map(|row| provider::shown(call.engine.site(), row))
        .collect();
    Ok(json!({ "value": shown }))
}

fn find(call: &Call) -> Result<Arc<Resource>, ArmError> {
    let id = call.params.get("id");
    let found = call.engine.snapshot().get(&provider::row_id(id)).cloned();
    found.ok_or_else(|| {
        ArmError::new(
            ErrorCode::Request_ResourceNotFound,
            format!("No identity provider has the id '{id}'."),
        )
    })
}

fn body(call: &Call) -> Result<Value, ArmError> {
    let body = call.request.json()?;
    if body.is_object() {
        return Ok(body);
    }
    Err(ArmError::new(
        ErrorCode::Request_BadRequest,
        "The request body must be a JSON object.",
    ))
}

/// The row that a description of a new provider asks for.
pub(super) fn row(body: &Value) -> Result<Put, ArmError> {
    let id = provider::id_of(body)?;
    let mut put = Put::new(provider::row_id(&id), provider::described(&Value::Null, body)?);
    put.secrets = secret(body)?.unwrap_or(PutSecrets::Sealed(None));
    put.expect = Expect::Absent;
    Ok(put)
}

fn secret(body: &Value) -> Result<Option<PutSecrets>, ArmError> {
    let mut members = body.as_object().into_iter().flatten();
    let found = members.find(|(name, _)| name.eq_ignore_ascii_case("clientSecret"));
    match found.map(|(_, value)| value) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(PutSecrets::Sealed(None))),
        Some(Value::String(secret)) if !secret.is_empty() => {
            Ok(Some(PutSecrets::Plain(json!({ "clientSecret": secret }))))
        }
        Some(_) => Err(ArmError::new(
            ErrorCode::Request_BadRequest,
            "The value of 'clientSecret' must be a text.",
        )),
    }
}

async fn create(call: Call) -> Result<Reply, ArmError> {
    let put = row(&body(&call)?)?;
    if call.engine.snapshot().get(&put.id).is_some() {
        return Err(ArmError::new(
            ErrorCode::Request_BadRequest,
            format!("There is an identity provider '{}' already.", put.id.name()),
        ));
    }
    let row = commit(&call, put).await?;
    Ok(Reply::json(201, provider::shown(call.engine.site(), &row)))
}

async fn update(call: Call) -> Result<Reply, ArmError> {
    let (body, row) = (body(&call)?, find(&call)?);
    let mut put = again(&row);
    put.sent = provider::described(&row.sent, &body)?;
    if let Some(secret) = secret(&body)? {
        put.secrets = secret;
    }
    let row = commit(&call, put).await?;
    Ok(Reply::ok(provider::shown(call.engine.site(), &row)))
}

async fn delete(call: Call) -> Result<Reply, ArmError> {
    let row = find(&call)?;
    let change = Change {
        erases: vec![Erase::of(&row)],
        ..Change::default()
    };
    call.engine
        .commit_for(&call.grant, change, call.request.correlation_id)
        .await?;
    Ok(Reply::empty(204))
}

async fn set(call: Call) -> Result<Reply, ArmError> {
    let put = settings::row(&call.engine.snapshot(), &body(&call)?)?;
    commit(&call, put).await?;
    Ok(Reply::ok(settings::shown(&call.engine.snapshot())))
}

async fn commit(call: &Call, put: Put) -> Result<Arc<Resource>, ArmError> {
    let engine: &Engine = &call.engine;
    let change = Change {
        puts: vec![put],
        ..Change::default()
    };
    let done = engine
        .commit_for(&call.grant, change, call.request.correlation_id)
        .await?;
    done.resources.into_iter().next().ok_or_else(|| {
        ArmError::new(
            ErrorCode::InternalServerError,
            "The change was stored and cannot be shown.",
        )
    })
}
