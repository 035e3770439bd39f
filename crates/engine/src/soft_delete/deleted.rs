//! The deleted types: reading, listing and purging what is kept.
//!
//! A right at the group that the resource was in counts as one at what is left of it, which lies in the subscription:
//! who may purge what he deletes need not be an owner of the subscription (features AIS-12).

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::{Value, json};

use super::{
    Kept, SoftDelete,
    kept::{resource_of, until},
};
use crate::{
    Caller, Engine, Reply, Resource, Snapshot,
    change::{Change, Erase},
    decision::Need,
    declaration::{ActCall, Action, Asked, Cx, Declaration, Erased, ResourceType},
    missing::check_place,
    operation::{Access, Surface},
    route::{Call, Route},
};

/// What is left of resources of a type.
pub(crate) struct Deleted {
    soft: &'static SoftDelete,
    of: Arc<dyn ResourceType>,
}

impl Deleted {
    pub(crate) fn new(soft: &'static SoftDelete, of: Arc<dyn ResourceType>) -> Self {
        Self { soft, of }
    }
}

#[async_trait]
impl ResourceType for Deleted {
    fn declaration(&self) -> &'static Declaration {
        &self.soft.deleted
    }

    fn ways(&self, cx: &Cx<'_>, asked: &Asked<'_>, own: Need) -> Result<Vec<Vec<Need>>, ArmError> {
        let id = match asked {
            Asked::Read(id) | Asked::Delete(id) | Asked::Act(id, _) => Some(*id),
            Asked::Write(_) => None,
        };
        let was = id
            .and_then(|id| cx.snapshot.get(id))
            .and_then(|row| resource_of(row));
        let there = was.map(|was| Need::action(own.operation.clone(), was));
        Ok([Some(own), there]
            .into_iter()
            .flatten()
            .map(|need| vec![need])
            .collect())
    }

    fn find(&self, cx: &Cx<'_>, id: &ResourceId) -> Option<Arc<Resource>> {
        let row = cx.snapshot.get(id)?;
        (until(row)? > cx.now).then(|| row.clone())
    }

    fn view(&self, cx: &Cx<'_>, row: &Resource) -> Value {
        match Kept::of(&Arc::new(row.clone())) {
            Some(kept) => view(self.soft, &*self.of, cx, &kept),
            None => json!({ "id": row.id }),
        }
    }

    fn erase(&self, cx: &Cx<'_>, row: &Resource) -> Result<Erased, ArmError> {
        if let Some(kept) = Kept::of(&Arc::new(row.clone())) {
            refuse_protected(self.soft, cx, &kept)?;
        }
        Ok(Erased::default())
    }

    /// The one action purges.
    async fn act(&self, _: &'static Action, call: ActCall) -> Result<Reply, ArmError> {
        let snapshot = call.engine.snapshot();
        self.erase(&call.engine.cx(&snapshot, call.grant.caller()), &call.resource)?;
        call.engine
            .commit_for(
                &call.grant,
                purged(&snapshot, &call.resource),
                call.request.correlation_id,
            )
            .await?;
        Ok(Reply::empty(200))
    }
}

/// The change that purges, with what somebody may have assigned at what is kept.
pub(crate) fn purged(snapshot: &Snapshot, row: &Resource) -> Change {
    let below = snapshot.below(&row.id).map(|below| Erase::of(below));
    Change {
        erases: std::iter::once(Erase::of(row)).chain(below).collect(),
        ..Change::default()
    }
}

/// Refuses to purge what is protected, before its time is over.
pub(crate) fn refuse_protected(soft: &SoftDelete, cx: &Cx<'_>, kept: &Kept) -> Result<(), ArmError> {
    if kept.until <= cx.now || !(soft.is_protected)(&kept.resource) {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::MethodNotAllowed,
        format!(
            "The deleted resource '{}' cannot be purged: purge protection is enabled on it. It is purged by itself when \
             its retention ends at {}; until then it can be recovered.",
            kept.resource.id, kept.until
        ),
    ))
}

/// The lists of what was deleted. They never refuse: they hold what the caller may see.
pub(crate) fn lists(soft: &'static SoftDelete, of: &Arc<dyn ResourceType>) -> Vec<Route> {
    let list = |path: &&'static str| {
        let of = of.clone();
        Route::new(
            Method::GET,
            path,
            Surface::Arm,
            Access::SignedIn,
            move |call: Call| {
                let of = of.clone();
                async move { all(soft, &*of, &call) }
            },
        )
    };
    soft.lists.iter().map(list).collect()
}

fn all(soft: &SoftDelete, of: &dyn ResourceType, call: &Call) -> Result<Reply, ArmError> {
    let (snapshot, scope, caller) = (call.engine.snapshot(), call.grant.id(), call.grant.caller());
    check_place(&snapshot, scope)?;
    let cx = call.engine.cx(&snapshot, caller);
    let sees_all = may(&call.engine, &snapshot, caller, soft.list_permission, scope);
    let read = soft.deleted.permission("read");
    let sees = |kept: &Kept| {
        sees_all
            || [&kept.row.id, &kept.resource.id]
                .into_iter()
                .any(|id| may(&call.engine, &snapshot, caller, &read, id))
    };
    let value: Vec<Value> = snapshot
        .of_type(soft.deleted.resource_type)
        .filter_map(Kept::of)
        .filter(|kept| kept.until > cx.now && scope.contains(&kept.resource.id) && sees(kept))
        .map(|kept| view(soft, of, &cx, &kept))
        .collect();
    Ok(Reply::ok(json!({ "value": value })))
}

fn may(engine: &Engine, snapshot: &Snapshot, caller: &Caller, action: &str, id: &ResourceId) -> bool {
    engine.may(snapshot, caller, Surface::Arm, action, id)
}

fn view(soft: &SoftDelete, of: &dyn ResourceType, cx: &Cx<'_>, kept: &Kept) -> Value {
    (soft.view)(kept, of.view(cx, &kept.resource))
}
