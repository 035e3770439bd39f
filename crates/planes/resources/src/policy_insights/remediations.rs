//! `Microsoft.PolicyInsights/remediations`: bringing what is there in line with a policy that changes or deploys.
//!
//! A PUT writes the wish. [`work`] carries it out, as the assignment's identity and never as the caller: each resource
//! that does not comply is changed (`modify`) or gets a deployment (`deployIfNotExists`), and the row says how far it is.
//! Nothing but the row drives the work, so a server that was killed goes on where it was.

mod life;
mod row;
mod work;

use std::sync::Arc;

use async_trait::async_trait;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Change, Expect, Put, PutSecrets, Registry, Reply, Request, Resource,
    declaration::{ActCall, Action, Cx, Declaration, Draft, Placement, ResourceType, Verb, Written},
    fill,
};
use serde_json::{Value, json};

use super::rules;
use row::Wish;

pub(super) use work::{carry_out, is_unfinished};

/// The type's name.
pub(super) const REMEDIATIONS: &str = "Microsoft.PolicyInsights/remediations";

const CANCEL: Action = Action::named("cancel");
const LIST_DEPLOYMENTS: Action = Action {
    name: "listDeployments",
    permission: Some("Microsoft.PolicyInsights/remediations/read"),
};

static DECLARATION: Declaration = Declaration {
    resource_type: REMEDIATIONS,
    api_versions: &["2024-10-01", "2021-10-01", "2019-07-01"],
    placement: Placement::Anywhere,
    verbs: &[Verb::Get, Verb::List, Verb::Put(201, 200), Verb::Delete(200)],
    actions: &[CANCEL, LIST_DEPLOYMENTS],
    tracked: false,
    ..Declaration::COMMON
};

pub(super) fn register(registry: &mut Registry) {
    registry.add_type(Remediations);
}

struct Remediations;

#[async_trait]
impl ResourceType for Remediations {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        let wish = Wish::read(cx, &draft)?;
        let own = match draft.existing.as_deref() {
            Some(before) if wish.is_that_of(before) => before.own.clone(),
            Some(before) if !row::state(before).is_over() => return Err(still_running(&before.id)),
            _ => row::begun(cx),
        };
        let mut written = Written::plain(draft);
        written.sent = wish.sent;
        written.own = own;
        Ok(written)
    }

    fn view(&self, _: &Cx<'_>, resource: &Resource) -> Value {
        view(resource)
    }

    fn list(
        &self,
        cx: &Cx<'_>,
        under: &ResourceId,
        request: &Request,
    ) -> Result<Option<Vec<Arc<Resource>>>, ArmError> {
        rules::listed(cx.snapshot, REMEDIATIONS, under, request).map(Some)
    }

    async fn act(&self, action: &'static Action, call: ActCall) -> Result<Reply, ArmError> {
        if action.name == LIST_DEPLOYMENTS.name {
            return Ok(deployments(&call));
        }
        cancel(&call).await
    }
}

/// The row without what only the work needs.
fn view(resource: &Resource) -> Value {
    let shown = Resource {
        own: json!({}),
        ..resource.clone()
    };
    let mut body = shown.envelope();
    fill(&mut body["properties"], &resource.own["properties"]);
    body
}

fn still_running(id: &ResourceId) -> ArmError {
    ArmError::new(
        ErrorCode::Conflict,
        format!(
            "The remediation '{}' still runs with other properties. Wait for its end, cancel it, or use another name.",
            id.name()
        ),
    )
}

fn deployments(call: &ActCall) -> Reply {
    let mut value = row::deployments(&call.resource);
    if let Some(top) = call.request.query("$top").and_then(|text| text.parse().ok()) {
        value.truncate(top);
    }
    Reply::ok(json!({ "value": value }))
}

/// Asks the work to stop. What is under way is brought to its end.
async fn cancel(call: &ActCall) -> Result<Reply, ArmError> {
    let row = &call.resource;
    let next = row::state(row).cancel().ok_or_else(|| {
        let message = format!(
            "The remediation '{}' is over ({}) and can no longer be cancelled.",
            row.id.name(),
            row::state(row).word()
        );
        ArmError::new(ErrorCode::Conflict, message)
    })?;
    let put = row::moved(row, next, call.engine.world().now());
    let change = Change {
        puts: vec![put],
        ..Change::default()
    };
    let done = call
        .engine
        .commit_for(&call.grant, change, call.request.correlation_id)
        .await?;
    let shown = done.resources.first().unwrap_or(row);
    Ok(Reply::ok(view(shown)))
}

/// A row as it will be, unless somebody changes it meanwhile.
fn put(row: &Resource, own: Value) -> Put {
    Put {
        id: row.id.clone(),
        sent: row.sent.clone(),
        own,
        secrets: PutSecrets::Sealed(None),
        claims: Vec::new(),
        expect: Expect::Etag(row.etag.clone()),
    }
}
