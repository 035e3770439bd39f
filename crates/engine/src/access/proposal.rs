//! Changes that somebody thinks of, made in a rehearsal: each by the request that would make it.

use std::{collections::BTreeSet, sync::Arc};

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Caller, Engine, Reply, Request, Snapshot, directory, inner_request, site::Site};

/// The version of the requests that changes are made by.
const VERSION: &str = "2022-04-01";

/// The most requests that changes may take together. A group is changed one member at a time.
const REQUESTS: usize = 1_000;

/// One change to roles, assignments, deny assignments or groups.
#[derive(Debug, Clone)]
pub struct Proposed {
    /// What: the id of a role definition, an assignment, a deny assignment, or a group
    /// (`/providers/Microsoft.Graph/groups/{id}`).
    pub id: ResourceId,
    /// The body's `properties`, as a PUT takes them; of a group its `members`. `None`: it is deleted.
    pub properties: Option<Value>,
}

/// What is known of a change that was made in a rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rehearsed {
    /// Whether the one who asks could make it.
    pub may: bool,
    /// Whether there was anything to change.
    pub changes: bool,
}

/// Why a change cannot be made, by anybody.
pub struct Impossible {
    /// Which of the changes.
    pub at: usize,
    /// What its maker would be told.
    pub reply: Reply,
}

impl Proposed {
    fn is_group(&self) -> bool {
        self.id.resource_type().eq_ignore_ascii_case(directory::GROUPS)
    }

    /// Whether it is made at one place and belongs to it, as assignments do.
    fn is_of_a_place(&self) -> bool {
        let kind = self.id.resource_type().to_lowercase();
        matches!(
            kind.as_str(),
            "microsoft.authorization/roleassignments" | "microsoft.authorization/denyassignments"
        )
    }

    /// The requests that make it.
    fn requests(&self, snapshot: &Snapshot, site: &Site, by: &Caller, outer: &Request) -> Vec<Request> {
        let ask = |method, path: &str, body: &Value| inner_request(by, method, path, VERSION, body, outer);
        match &self.properties {
            Some(properties) if self.is_group() => {
                let path = format!("/graph/v1.0/groups/{}/members", self.id.name());
                let present = group_members(snapshot, &self.id);
                let wanted = wanted_members(properties);
                let added = wanted.difference(&present).map(|member| {
                    let address = format!("{}/graph/v1.0/directoryObjects/{member}", site.origin);
                    ask(
                        Method::POST,
                        &format!("{path}/$ref"),
                        &json!({ "@odata.id": address }),
                    )
                });
                let gone = present
                    .difference(&wanted)
                    .map(|member| ask(Method::DELETE, &format!("{path}/{member}/$ref"), &Value::Null));
                added.chain(gone).collect()
            }
            None if self.is_group() => {
                let path = format!("/graph/v1.0/groups/{}", self.id.name());
                vec![ask(Method::DELETE, &path, &Value::Null)]
            }
            Some(properties) => {
                vec![ask(
                    Method::PUT,
                    self.id.as_str(),
                    &json!({ "properties": properties }),
                )]
            }
            None => vec![ask(Method::DELETE, self.id.as_str(), &Value::Null)],
        }
    }

    /// The caller as the protocol of the change wants its tokens made.
    fn caller(&self, caller: &Caller, site: &Site) -> Caller {
        let audience = match self.is_group() {
            true => format!("{}/graph", site.origin),
            false => site.origin.clone(),
        };
        Caller {
            audience,
            ..caller.clone()
        }
    }
}

/// Makes changes in a rehearsal, one after the other; each sees those before it. What the asker could not do is done all
/// the same, on the server's account: it is asked what it would come to. Why it cannot be done is told of what belongs
/// to the place that was asked about; of roles and groups, which belong to others too, the asker is told that he may not.
///
/// # Errors
/// The first change that nobody could make.
pub(super) async fn rehearse(
    stage: &Arc<Engine>,
    asker: &Caller,
    changes: &[Proposed],
    outer: &Request,
) -> Result<Vec<Rehearsed>, Impossible> {
    let mut done = Vec::with_capacity(changes.len());
    let mut left = REQUESTS;
    for (at, change) in changes.iter().enumerate() {
        let asker = change.caller(asker, stage.site());
        let tried = match make(stage, change, &asker, outer, &mut left).await {
            Err(refused) if matches!(refused.status, 401 | 403) => {
                let made = make(stage, change, &Caller::system(), outer, &mut left).await;
                let made = made.map_err(|reply| if change.is_of_a_place() { reply } else { refused });
                made.map(|changes| Rehearsed { may: false, changes })
            }
            made => made.map(|changes| Rehearsed { may: true, changes }),
        };
        done.push(tried.map_err(|reply| Impossible { at, reply })?);
    }
    Ok(done)
}

/// Makes one change; whether there was anything to change.
async fn make(
    stage: &Arc<Engine>,
    change: &Proposed,
    by: &Caller,
    outer: &Request,
    left: &mut usize,
) -> Result<bool, Reply> {
    let before = stage.snapshot();
    let requests = change.requests(&before, stage.site(), by, outer);
    *left = left.checked_sub(requests.len()).ok_or_else(too_much)?;
    for request in requests {
        let reply = Box::pin(stage.serve(request)).await;
        if reply.status >= 300 {
            return Err(reply);
        }
    }
    Ok(stage.snapshot().revision() != before.revision())
}

fn too_much() -> Reply {
    Reply::from(ArmError::new(
        ErrorCode::InvalidParameter,
        format!(
            "The changes take more than {REQUESTS} requests together; ask about fewer members at a time."
        ),
    ))
}

fn group_members(snapshot: &Snapshot, group: &ResourceId) -> BTreeSet<Uuid> {
    let row = snapshot.get(group);
    row.map_or_else(BTreeSet::new, |row| directory::members(row).into_iter().collect())
}

fn wanted_members(properties: &Value) -> BTreeSet<Uuid> {
    let members = properties.get("members").and_then(Value::as_array);
    let members = members.into_iter().flatten().filter_map(Value::as_str);
    members.filter_map(|member| member.parse().ok()).collect()
}
