//! Calls through a project's connections: used by whoever may call models at the project, seen by nobody.
//!
//! The project's members need the data action at the project (RBAC-11); what is behind the connection is entered with
//! what the connection holds. A connection to an account of this server is answered here, under the same rules as a
//! call over the wire: a stored key must be a present key of that account, and a connection that uses the caller's own
//! identity (authType AAD) asks whether he may at the account himself (CON-06).

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Act, Caller, CallerKind, Grant, Resource, Snapshot, accounts,
    decision::Need,
    operation::Surface,
    route::Call,
    site::Site,
    workspaces::{connections_of, sees},
};

use crate::{account, failure::Failure, outbound, outbound::Outbound, place::Named};

/// The categories of connections that lead to models, in lower case.
const MODEL_CATEGORIES: [&str; 4] = ["azureopenai", "aiservices", "openai", "serverless"];

/// What a call through a connection ends at.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The connection.
    pub(crate) connection: Arc<Resource>,
    /// The deployment of an account of this server; `None`: a model on another server.
    pub(crate) deployment: Option<Arc<Resource>>,
}

/// The connections of a project that lead to models; its own first.
pub(crate) fn model_connections(snapshot: &Snapshot, project: &ResourceId) -> Vec<Arc<Resource>> {
    let mut seen = connections_of(snapshot, project);
    seen.retain(|connection| MODEL_CATEGORIES.contains(&outbound::category(connection).as_str()));
    seen
}

/// What a name means at a project that sees these connections.
pub(crate) fn find(
    snapshot: &Snapshot,
    site: &Site,
    seen: &[Arc<Resource>],
    project: &ResourceId,
    named: Named<'_>,
) -> Result<Found, ArmError> {
    match named.connection {
        Some(connection) => behind(snapshot, site, seen, connection, named.deployment),
        None => anywhere(snapshot, site, seen, project, named.deployment),
    }
}

fn behind(
    snapshot: &Snapshot,
    site: &Site,
    seen: &[Arc<Resource>],
    connection: &str,
    deployment: &str,
) -> Result<Found, ArmError> {
    let Some(found) = seen
        .iter()
        .find(|resource| resource.id.name().eq_ignore_ascii_case(connection))
    else {
        let names: Vec<&str> = seen.iter().map(|connection| connection.id.name()).collect();
        return Err(ArmError::new(
            ErrorCode::ResourceNotFound,
            format!(
                "The project sees no connection '{connection}' to models. It sees '{}'.",
                names.join("', '")
            ),
        ));
    };
    let deployment = match accounts::connected(snapshot, site, found) {
        Some(account) => Some(account::deployment(snapshot, &account, deployment)?.clone()),
        None => None,
    };
    Ok(Found {
        connection: found.clone(),
        deployment,
    })
}

/// Whether a connection that was found is there still, and for this project.
pub(crate) fn still_sees(
    snapshot: &Snapshot,
    project: &ResourceId,
    connection: &ResourceId,
) -> Result<(), ArmError> {
    if sees(snapshot, project, connection) {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::ResourceNotFound,
        format!(
            "The connection '{}' was deleted, or is no longer shared with the project '{}'.",
            connection.name(),
            project.name()
        ),
    ))
}

/// The first connection whose account has the deployment. Other servers are not searched, so that no prompt goes to
/// one that was not named.
fn anywhere(
    snapshot: &Snapshot,
    site: &Site,
    seen: &[Arc<Resource>],
    project: &ResourceId,
    deployment: &str,
) -> Result<Found, ArmError> {
    let has = |connection: &Arc<Resource>| {
        let account = accounts::connected(snapshot, site, connection)?;
        let deployment = account::find(snapshot, &account, deployment)?.clone();
        Some(Found {
            connection: connection.clone(),
            deployment: Some(deployment),
        })
    };
    seen.iter().find_map(has).ok_or_else(|| {
        let listed = listed(snapshot, site, seen);
        let names: Vec<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
        let mut refusal = account::missing(
            deployment,
            &format!("the connections of '{}'", project.name()),
            &names,
        );
        refusal
            .message
            .push_str(" A model of another server is named 'connection/model'.");
        refusal
    })
}

/// The deployments behind connections, with the names to call them by: alone, or with the connection in front where
/// an earlier connection has the same name.
pub(crate) fn listed(snapshot: &Snapshot, site: &Site, seen: &[Arc<Resource>]) -> Vec<(String, Found)> {
    let mut listed: Vec<(String, Found)> = Vec::new();
    for connection in seen {
        let Some(account) = accounts::connected(snapshot, site, connection) else {
            continue;
        };
        for deployment in account::deployments(snapshot, &account) {
            let name = deployment.id.name();
            let is_taken = listed.iter().any(|(taken, _)| taken.eq_ignore_ascii_case(name));
            let name = if is_taken {
                format!("{}/{name}", connection.id.name())
            } else {
                name.to_owned()
            };
            let found = Found {
                connection: connection.clone(),
                deployment: Some(deployment.clone()),
            };
            listed.push((name, found));
        }
    }
    listed
}

/// Enters the account behind a connection, with what the connection holds: leave for whoever that makes the caller.
pub(crate) async fn enter(
    outbound: Outbound<'_>,
    call: &Call,
    snapshot: &Snapshot,
    connection: &Resource,
    account: &ResourceId,
) -> Result<Grant<Act>, ArmError> {
    let caller = match outbound::auth_type(connection).as_str() {
        "aad" => call.grant.caller().clone(),
        "apikey" => {
            let holder = outbound.key_holder(snapshot, connection);
            let of_account = |holder: &Caller| matches!(&holder.kind, CallerKind::AccountKey { account: of, .. } if of == account);
            holder
                .filter(of_account)
                .ok_or_else(|| Failure::CredentialRejected.error())?
        }
        other => {
            return Err(outbound::unsupported(&format!(
                "The connection '{}' has the authType '{other}'; an account takes a key (ApiKey) or the caller's own \
                 identity (AAD).",
                connection.id.name()
            )));
        }
    };
    let need = Need::data(call.grant.operation().to_owned(), account.clone());
    call.engine
        .authorize::<Act>(
            &caller,
            Surface::Inference,
            vec![vec![need]],
            account,
            &call.request,
        )
        .await
}
