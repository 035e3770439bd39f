//! `DELETE …?dryRun=true`: what a deletion would come to. A house extension.
//!
//! It is the deletion itself, up to the commit: the same decision, the same rules, the same locks. What would be
//! committed is committed in a rehearsal, and told.

use std::sync::Arc;

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::{Value, json};

use crate::{
    Caller, Change, CommitError, Engine, Grant, Reply, Request, Snapshot, grant::Changes, operation::Surface,
};

const NAME: &str = "dryRun";

/// Whether a request asks what it would do. Only deletions can be asked; anything else is not done by mistake.
pub(crate) fn is_asked(request: &Request) -> Result<bool, ArmError> {
    let asked = match request.query(NAME) {
        None => return Ok(false),
        Some(text) if text.is_empty() || text.eq_ignore_ascii_case("true") => true,
        Some(text) if text.eq_ignore_ascii_case("false") => false,
        Some(_) => return Err(refused("is 'true' or 'false'")),
    };
    match asked && request.method != Method::DELETE {
        true => Err(refused(
            "is for deletions of resources. What a write would do, a deployment's what-if tells",
        )),
        false => Ok(asked),
    }
}

/// Refuses a dry run where there is none.
pub(crate) fn refuse(request: &Request) -> Result<(), ArmError> {
    match is_asked(request)? {
        true => Err(refused(
            "is for deletions of resources, and this is none; nothing was done",
        )),
        false => Ok(()),
    }
}

fn refused(why: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidParameter,
        format!("The query parameter '{NAME}' {why}."),
    )
    .on(NAME)
}

/// Rehearses a change, and tells what it would delete and what it would only change.
pub(super) async fn rehearse<A: Changes>(
    engine: &Arc<Engine>,
    grant: &Grant<A>,
    change: Change,
    request: &Request,
) -> Result<Reply, CommitError> {
    let change = change.settled();
    engine.check_locks(grant, &change, request.correlation_id).await?;
    let snapshot = engine.snapshot();
    let sight = Sight {
        engine,
        snapshot: &snapshot,
        caller: grant.caller(),
    };
    let deleted = sight.of(change.erases.iter().map(|erase| &erase.id));
    let changed = sight.of(change.puts.iter().map(|put| &put.id));
    let not_shown = change.erases.len() + change.puts.len() - deleted.len() - changed.len();
    engine
        .rehearsal()
        .commit_for(grant, change, request.correlation_id)
        .await?;
    let reply = Reply::ok(json!({ "deleted": deleted, "changed": changed, "notShown": not_shown }));
    Ok(reply.decided(grant.decision()))
}

/// What of it the caller may see. Who may delete a hub need not know every place that its identity has a role at.
struct Sight<'a> {
    engine: &'a Engine,
    snapshot: &'a Snapshot,
    caller: &'a Caller,
}

impl Sight<'_> {
    fn of<'i>(&self, ids: impl Iterator<Item = &'i ResourceId>) -> Vec<Value> {
        let shown = ids.filter(|id| self.shows(id));
        shown
            .map(|id| json!({ "id": id.as_str(), "type": id.resource_type() }))
            .collect()
    }

    fn shows(&self, id: &ResourceId) -> bool {
        let kind = id.resource_type();
        let is_directory = kind.to_ascii_lowercase().starts_with("microsoft.graph/");
        let read = format!("{kind}/read");
        is_directory
            || self
                .engine
                .may(self.snapshot, self.caller, Surface::Arm, &read, id)
    }
}
