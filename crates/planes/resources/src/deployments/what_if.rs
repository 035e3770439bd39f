//! `POST deployments/{name}/whatIf`: what a deployment would change.
//!
//! The deployment is carried out in a rehearsal, and what it touched is compared before and after, as GET shows it to
//! the caller. What only a run can tell, such as the id that a new identity will have, stands in a new resource as it is
//! written in the template.

use std::collections::HashSet;

use http::Method;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Reply,
    declaration::Verb,
    operation::{Access, Surface},
    route::{Call, Route, Target},
};
use nave_template::{PropertyChange, differences};
use serde_json::{Value, json};

use super::{
    DEPLOYMENTS, Deployments, complete,
    door::Refusal,
    job::Job,
    levels::{self, at_all_scopes},
    prepare::{Place, Prepared},
    rehearse::{self, Rehearsed, Tried},
    wanted::Request,
};

pub(super) fn routes(deployments: &Deployments) -> Vec<Route> {
    let paths = at_all_scopes!("/providers/Microsoft.Resources/deployments/{name}/whatIf");
    paths
        .map(|path| {
            let deployments = deployments.clone();
            let access = Access::action("Microsoft.Resources/deployments/whatIf/action");
            let route = Route::new(Method::POST, path, Surface::Arm, access, move |call| {
                what_if(deployments.clone(), call)
            });
            route.about(|_, _, params| levels::deployment(params).map(Target::from))
        })
        .into()
}

async fn what_if(deployments: Deployments, call: Call) -> Result<Reply, ArmError> {
    let Call {
        engine,
        grant,
        request,
        ..
    } = call;
    let mut job = Job::new(&engine, &deployments.live, &deployments.links, &request);
    job.keeps_bodies = true;
    let wanted = Request::of(&request)?.fetched(&job.fetched).await?;
    let prepared = Prepared::new(&job, grant.id(), wanted, Place::Root)?;
    let before = job.rehearsed(engine.rehearsal());
    let rehearsed = rehearse::check_on(&job, &prepared, before.engine.rehearsal()).await?;
    let comparison = Comparison {
        before,
        rehearsed,
        ids_only: prepared.wanted.settings.ids_only,
    };
    let changes = comparison.changes(&prepared).await;
    let diagnostics: Vec<Value> = comparison.rehearsed.tried.iter().filter_map(diagnostic).collect();
    Ok(Reply::ok(json!({
        "status": "Succeeded",
        "properties": {"correlationId": request.correlation_id, "changes": changes, "potentialChanges": [],
                       "diagnostics": diagnostics},
    })))
}

/// The state before and after.
struct Comparison {
    before: Job,
    rehearsed: Rehearsed,
    ids_only: bool,
}

/// A resource before and after, as GET shows it to the caller.
struct Seen {
    before: Result<Value, Refusal>,
    after: Result<Value, Refusal>,
}

impl Comparison {
    async fn changes(&self, prepared: &Prepared) -> Vec<Value> {
        let mut changes = Vec::new();
        let mut listed = HashSet::new();
        for tried in &self.rehearsed.tried {
            // a nested deployment shows through what it deploys
            if tried.resource.nested.is_none() && listed.insert(tried.resource.id.clone()) {
                changes.push(self.written(tried).await);
            }
        }
        for id in self.rehearsed.stage.engine.rehearsed() {
            if !listed.contains(&id)
                && self.is_shown(&id)
                && let Some(change) = self.followed(&id).await
            {
                listed.insert(id);
                changes.push(change);
            }
        }
        let snapshot = self.before.engine.snapshot();
        for id in complete::not_in_template(&self.before.engine, &snapshot, prepared) {
            if !listed.contains(&id)
                && let Ok(before) = self.before.seen(&id, &self.before.version(&id, None)).await
            {
                changes.push(self.ignored(&id, &without_history(before)));
            }
        }
        changes
    }

    async fn seen(&self, id: &ResourceId, version: &str) -> Seen {
        Seen {
            before: self.before.seen(id, version).await.map(without_history),
            after: self.rehearsed.stage.seen(id, version).await.map(without_history),
        }
    }

    /// What is in the template.
    async fn written(&self, tried: &Tried) -> Value {
        let resource = &tried.resource;
        let mut change = json!({ "resourceId": resource.id, "deploymentId": tried.deployment });
        if let Some(symbolic) = &resource.symbolic_name {
            change["symbolicName"] = symbolic.as_str().into();
        }
        if self.ids_only {
            change["changeType"] = "Deploy".into();
            return change;
        }
        let seen = self.seen(&resource.id, &resource.api_version).await;
        match (seen.before, seen.after, &tried.outcome) {
            (Err(missing), _, outcome) if missing.status == 404 && may_be_made(tried, outcome) => {
                change["changeType"] = "Create".into();
                change["after"] = created(tried);
            }
            (Ok(before), Ok(after), Ok(_)) => compare(&mut change, before, after),
            (before, _, outcome) => {
                let why = match (&before, outcome) {
                    (_, Err(refusal)) | (Err(refusal), Ok(_)) => refusal.detail.message.clone(),
                    (Ok(_), Ok(_)) => String::from("What it would be afterwards cannot be read."),
                };
                change["changeType"] = "Unsupported".into();
                change["unsupportedReason"] = why.into();
                if let Ok(before) = before {
                    change["before"] = before;
                }
            }
        }
        change
    }

    /// What follows from what is in the template; `None` where nothing changes.
    async fn followed(&self, id: &ResourceId) -> Option<Value> {
        let seen = self.seen(id, &self.before.version(id, None)).await;
        let mut change = json!({ "resourceId": id });
        match (seen.before, seen.after) {
            (Err(_), Err(_)) => return None,
            (Err(_), Ok(after)) => {
                change["changeType"] = "Create".into();
                change["after"] = after;
            }
            (Ok(before), Err(_)) => {
                change["changeType"] = "Delete".into();
                change["before"] = before;
            }
            (Ok(before), Ok(after)) => compare(&mut change, before, after),
        }
        if change["changeType"] == "NoChange" {
            return None;
        }
        Some(match (self.ids_only, change["changeType"] == "Delete") {
            (true, true) => json!({ "resourceId": id, "changeType": "Delete" }),
            (true, false) => json!({ "resourceId": id, "changeType": "Deploy" }),
            (false, _) => change,
        })
    }

    /// What the group holds besides.
    fn ignored(&self, id: &ResourceId, before: &Value) -> Value {
        match self.ids_only {
            true => json!({ "resourceId": id, "changeType": "Ignore" }),
            false => json!({ "resourceId": id, "changeType": "Ignore", "before": before, "after": before }),
        }
    }

    /// Whether rows of a type are resources to clients: not deployments, and not what nave keeps for itself.
    fn is_shown(&self, id: &ResourceId) -> bool {
        let name = id.resource_type();
        let is_own = ["nave.", "microsoft.graph/"]
            .iter()
            .any(|own| name.to_lowercase().starts_with(own));
        let kind = self.before.engine.registry().resource_type(&name);
        let is_read = kind.is_some_and(|kind| kind.declaration().verbs.contains(&Verb::Get));
        is_read && !is_own && !name.eq_ignore_ascii_case(DEPLOYMENTS)
    }
}

/// Whether a resource that is not there would come to be: it did, or all that is missing is the caller's right to it.
fn may_be_made(tried: &Tried, outcome: &Result<u16, Refusal>) -> bool {
    outcome.is_ok() || tried.refusal().is_some()
}

fn compare(change: &mut Value, before: Value, after: Value) {
    let delta = differences(&before, &after);
    change["changeType"] = if delta.is_empty() { "NoChange" } else { "Modify" }.into();
    change["before"] = before;
    change["after"] = after;
    change["delta"] = delta.iter().map(PropertyChange::body).collect();
}

/// A new resource as it is sent: what the server adds to it is not known before.
fn created(tried: &Tried) -> Value {
    let resource = &tried.resource;
    let mut after = json!({"id": resource.id, "name": resource.id.name(), "type": resource.resource_type,
                           "apiVersion": resource.api_version});
    for (name, value) in tried.body.iter().filter_map(Value::as_object).flatten() {
        after[name] = value.clone();
    }
    after
}

/// What every write changes says nothing.
fn without_history(mut view: Value) -> Value {
    if let Some(members) = view.as_object_mut() {
        members.shift_remove("etag");
        members.shift_remove("systemData");
    }
    view
}

/// What would go wrong while it runs.
fn diagnostic(tried: &Tried) -> Option<Value> {
    let refusal = tried.outcome.as_ref().err()?;
    Some(json!({
        "level": "Warning",
        "code": refusal.detail.code,
        "message": refusal.detail.message,
        "target": tried.resource.id,
    }))
}
