//! What a PUT would come to, without doing it and without a trace: for validating deployments and for what-if.
//!
//! It takes the way of a real PUT up to the commit: the same routing, the same decision, the same rules.

use std::sync::Arc;

use http::Method;
use nave_arm::{ArmError, ResourceId};
use nave_rbac::RoleAssignment;
use serde_json::Value;

use super::{Place, check_api_version, check_extended, check_parents, not_found, place, write};
use crate::{
    Caller, Decision, Engine, Resource, Snapshot,
    change::Change,
    decision::Need,
    declaration::{Asked, Draft, ResourceType},
    engine::{not_allowed, not_signed_in},
    operation::Surface,
    registry::Routed,
    request::Request,
    resource::History,
};

/// What a PUT would come to.
#[derive(Debug)]
pub struct Preview {
    /// Whether the caller may; the other members are worked out either way.
    pub decision: Decision,
    /// What GET shows now.
    pub before: Option<Value>,
    /// What GET would show, or why the PUT would be refused. `None` where a route and not a declaration answers.
    pub after: Result<Option<Value>, ArmError>,
}

impl Engine {
    /// Works out what a PUT would come to.
    ///
    /// # Errors
    /// Where the request names nothing that can be put, or its type cannot say who may.
    pub async fn preview(self: &Arc<Self>, request: &Request) -> Result<Preview, ArmError> {
        let caller = request
            .caller
            .clone()
            .ok_or_else(|| not_signed_in(request, Surface::Arm))?;
        if let Some(decision) = self.preview_route(&caller, request)? {
            return Ok(Preview {
                decision,
                before: None,
                after: Ok(None),
            });
        }
        let place = place(self.registry(), request)?;
        check_api_version(request)?;
        match place {
            Place::One(kind, id) if kind.declaration().put().is_some() => {
                let id = self.registry().canonical(&id);
                let existing = self.row(&id).await?;
                let id = existing.as_ref().map_or(id, |existing| existing.id.clone());
                let draft = Draft {
                    id,
                    body: request.json()?,
                    existing,
                };
                self.preview_draft(&caller, &*kind, draft)
            }
            _ => Err(not_allowed(request)),
        }
    }

    /// The role assignments that would be there if this one were made, by the rules of every plane: itself, and those
    /// that follow from it.
    pub(crate) fn staged_assignments(
        &self,
        snapshot: &Snapshot,
        id: ResourceId,
        body: Value,
    ) -> Result<Vec<RoleAssignment>, ArmError> {
        let system = Caller::system();
        let cx = self.cx(snapshot, &system);
        let name = id.resource_type();
        let kind = self.registry().resource_type(&name).cloned();
        let kind = kind.ok_or_else(|| not_found(&id))?;
        let mut change = Change::default();
        let draft = Draft {
            id,
            body,
            existing: None,
        };
        write::stage(self, &cx, &*kind, draft, &mut change)?;
        let assignments = change
            .puts
            .iter()
            .filter(|put| put.id.resource_type().eq_ignore_ascii_case(&name));
        assignments
            .map(|put| RoleAssignment::from_properties(&put.id, &put.sent["properties"]))
            .collect()
    }

    fn preview_route(&self, caller: &Caller, request: &Request) -> Result<Option<Decision>, ArmError> {
        let Routed::Here(route, params) = self.registry().route(&Method::PUT, &request.path) else {
            return Ok(None);
        };
        let target = route.target(&self.snapshot(), request, &params)?;
        let declared = route.operation.access.needed();
        let declared = declared.map(|(action, plane)| Need {
            plane,
            ..Need::action(action.to_owned(), target.id.clone())
        });
        let ways = if target.ways.is_empty() {
            vec![declared.into_iter().collect()]
        } else {
            target.ways
        };
        Ok(Some(self.decide(caller, route.operation.surface, ways)))
    }

    fn preview_draft(
        &self,
        caller: &Caller,
        kind: &dyn ResourceType,
        draft: Draft,
    ) -> Result<Preview, ArmError> {
        let snapshot = self.snapshot();
        let cx = self.cx(&snapshot, caller);
        let own = Need::action(kind.declaration().permission("write"), draft.id.clone());
        let ways = kind.ways(&cx, &Asked::Write(&draft), own)?;
        let decision = self.decide(caller, Surface::Arm, ways);
        let before = draft.existing.as_ref().map(|existing| kind.view(&cx, existing));
        let existing = draft.existing.clone();
        let mut change = Change::default();
        let staged = check_parents(self, kind.declaration(), &draft.id)
            .and_then(|()| check_extended(self, &cx, kind.declaration(), &draft.id))
            .and_then(|()| write::stage(self, &cx, kind, draft, &mut change));
        let after = staged.map(|()| {
            let put = change.puts.into_iter().next()?;
            let history = existing.as_ref().map_or_else(
                || History {
                    created_at: cx.now,
                    created_by: caller.name.clone(),
                    updated_at: cx.now,
                    updated_by: caller.name.clone(),
                },
                |existing| existing.history.clone(),
            );
            let etag = existing
                .as_ref()
                .map_or_else(String::new, |existing| existing.etag.clone());
            let (id, sent, own, claims) = (put.id, put.sent, put.own, put.claims);
            Some(kind.view(
                &cx,
                &Resource {
                    id,
                    sent,
                    own,
                    sealed: None,
                    etag,
                    claims,
                    history,
                },
            ))
        });
        Ok(Preview {
            decision,
            before,
            after,
        })
    }
}
