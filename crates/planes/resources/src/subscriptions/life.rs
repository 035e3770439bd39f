//! Renaming, cancelling and enabling a subscription: `POST …/providers/Microsoft.Subscription/{rename|cancel|enable}`.
//!
//! A cancelled subscription keeps all that is in it, to be read and deleted ([`State`]); nave itself never deletes one.
//! What each of the three comes to is the state afterwards, so asking twice changes nothing.

use http::Method;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Change, CommitError, Expect, Fields, Put, PutSecrets, Reply, Resource,
    missing::not_found,
    operation::{Access, Surface},
    route::{Call, Route},
    subscriptions::State,
};
use serde_json::json;

pub(super) fn routes() -> [Route; 3] {
    let route = |path, action: &str| {
        (
            path,
            Access::action(format!("Microsoft.Subscription/{action}/action")),
        )
    };
    let (rename_path, may_rename) = route(
        "/subscriptions/{subscription}/providers/Microsoft.Subscription/rename",
        "rename",
    );
    let (cancel_path, may_cancel) = route(
        "/subscriptions/{subscription}/providers/Microsoft.Subscription/cancel",
        "cancel",
    );
    let (enable_path, may_enable) = route(
        "/subscriptions/{subscription}/providers/Microsoft.Subscription/enable",
        "enable",
    );
    [
        Route::new(Method::POST, rename_path, Surface::Arm, may_rename, rename),
        Route::new(
            Method::POST,
            cancel_path,
            Surface::Arm,
            may_cancel,
            |call| async move { bring_to(&call, State::Disabled).await },
        ),
        Route::new(
            Method::POST,
            enable_path,
            Surface::Arm,
            may_enable,
            |call| async move { bring_to(&call, State::Enabled).await },
        ),
    ]
}

async fn rename(call: Call) -> Result<Reply, ArmError> {
    let body = call.request.json()?;
    let name = Fields(&body).required("/subscriptionName")?;
    super::check_name(name, "subscriptionName")?;
    change(&call, |put| put.sent["displayName"] = name.into()).await
}

async fn bring_to(call: &Call, state: State) -> Result<Reply, ArmError> {
    change(call, |put| put.own["state"] = state.word().into()).await
}

async fn change(call: &Call, edit: impl Fn(&mut Put)) -> Result<Reply, ArmError> {
    call.engine.again(|| attempt(call, &edit)).await
}

async fn attempt(call: &Call, edit: &impl Fn(&mut Put)) -> Result<Reply, CommitError> {
    let Call {
        engine,
        grant,
        request,
        ..
    } = call;
    let row = engine.read(grant).await?.ok_or_else(|| not_found(grant.id()))?;
    let mut put = as_it_is(&row);
    edit(&mut put);
    if put.sent != row.sent || put.own != row.own {
        let change = Change {
            puts: vec![put],
            ..Change::default()
        };
        engine.commit_for(grant, change, request.correlation_id).await?;
    }
    Ok(Reply::ok(json!({ "subscriptionId": row.id.name() })).decided(grant.decision()))
}

fn as_it_is(row: &Resource) -> Put {
    Put {
        id: row.id.clone(),
        sent: row.sent.clone(),
        own: row.own.clone(),
        secrets: PutSecrets::Sealed(None),
        claims: row.claims.clone(),
        expect: Expect::Etag(row.etag.clone()),
    }
}

/// Refuses what is no name of a subscription.
pub(super) fn check_name(name: &str, target: &str) -> Result<(), ArmError> {
    const MOST: usize = 64;
    let is_legal = !name.trim().is_empty()
        && name.chars().count() <= MOST
        && !name
            .chars()
            .any(|c| c.is_control() || matches!(c, '<' | '>' | ';' | '|'));
    match is_legal {
        true => Ok(()),
        false => Err(ArmError::new(
            ErrorCode::InvalidParameter,
            format!("A subscription's name has 1 to {MOST} characters, and none of '<', '>', ';' and '|'."),
        )
        .on(target)),
    }
}
