//! Writing the directory: a change made on one snapshot, and made again when the state moved meanwhile.

use jiff::Timestamp;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Act, Change, CommitError, Done, Engine, Expect, Grant, Guard, Put, PutSecrets, Reply, Resource, Snapshot,
    route::Call,
};
use serde_json::Value;
use uuid::Uuid;

use super::{bad_request, view};

/// How often a change is made again.
const TRIES: usize = 5;

/// A change and what its maker is told.
pub(super) struct Planned {
    pub(super) change: Change,
    pub(super) answer: Answer,
}

/// What the maker of a change is told.
pub(super) enum Answer {
    /// 204.
    Nothing,
    /// 201 with the first row written.
    Created,
    /// 201 with this.
    Made(Value),
    /// 200 with this.
    Body(Value),
}

impl Planned {
    /// A change of one row.
    pub(super) fn put(put: Put, answer: Answer) -> Self {
        Self {
            change: Change {
                puts: vec![put],
                ..Change::default()
            },
            answer,
        }
    }
}

/// Makes a change.
pub(super) async fn commit(
    call: &Call,
    plan: impl Fn(&Snapshot) -> Result<Planned, ArmError>,
) -> Result<Reply, ArmError> {
    let planned = |snapshot: &Snapshot| plan(snapshot).map(|Planned { change, answer }| (change, answer));
    match attempt(call, planned).await {
        Ok((done, answer)) => Ok(reply(call, answer, done.resources.first().map(AsRef::as_ref))),
        Err(CommitError::Taken { claim, .. }) => Err(taken(&claim)),
        Err(other) => Err(other.into()),
    }
}

/// Makes a change, again where the state moved meanwhile. The plan says besides what its maker wants to know after.
pub(crate) async fn attempt<T>(
    call: &Call,
    plan: impl Fn(&Snapshot) -> Result<(Change, T), ArmError>,
) -> Result<(Done, T), CommitError> {
    attempt_with(&call.engine, &call.grant, call.request.correlation_id, plan).await
}

/// As [`attempt`], with this leave.
pub(crate) async fn attempt_with<T>(
    engine: &Engine,
    grant: &Grant<Act>,
    correlation_id: Uuid,
    plan: impl Fn(&Snapshot) -> Result<(Change, T), ArmError>,
) -> Result<(Done, T), CommitError> {
    for _ in 0..TRIES {
        let (change, after) = plan(&engine.snapshot())?;
        match engine.commit_for(grant, change, correlation_id).await {
            Err(CommitError::Raced) => {}
            Err(other) => return Err(other),
            Ok(done) => return Ok((done, after)),
        }
    }
    Err(CommitError::Raced)
}

fn reply(call: &Call, answer: Answer, first: Option<&Resource>) -> Reply {
    match (answer, first) {
        (Answer::Created, Some(object)) => Reply::json(201, view::entity(call.engine.site(), object)),
        (Answer::Made(body), _) => Reply::json(201, body),
        (Answer::Body(body), _) => Reply::ok(body),
        _ => Reply::empty(204),
    }
}

fn taken(claim: &str) -> ArmError {
    match claim.split_once(':') {
        Some(("appid", name)) => ArmError::new(
            ErrorCode::Request_MultipleObjectsWithSameKeyValue,
            format!(
                "The service principal cannot be created, updated, or restored because the service principal name \
                 {name} is already in use."
            ),
        ),
        Some(("appuri", uri)) => bad_request(format!(
            "Another object with the same value for property identifierUris already exists: '{uri}'."
        )),
        _ => bad_request("Another object with the same value for property userPrincipalName already exists."),
    }
}

/// The row as it is, to be changed: nobody else may have changed it meanwhile.
pub(crate) fn again(object: &Resource) -> Put {
    Put {
        id: object.id.clone(),
        sent: object.sent.clone(),
        own: object.own.clone(),
        secrets: PutSecrets::Sealed(object.sealed.as_deref().map(<[u8]>::to_vec)),
        claims: object.claims.clone(),
        expect: Expect::Etag(object.etag.clone()),
    }
}

/// No row of the type was written since the snapshot.
pub(super) fn unchanged(snapshot: &Snapshot, row: &str) -> Guard {
    Guard::Unchanged {
        type_key: row.to_lowercase(),
        under: ResourceId::tenant().key().to_owned(),
        since: snapshot.revision(),
    }
}

/// An instant a client gave.
pub(super) fn instant(text: &str) -> Result<Timestamp, ArmError> {
    text.parse().map_err(|_| {
        bad_request(format!(
            "'{text}' is not a date and time such as 2030-01-31T12:00:00Z."
        ))
    })
}
