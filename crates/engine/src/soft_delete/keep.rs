//! Keeping what a change deletes.
//!
//! While the end of a resource is staged, each row that goes is noted with the resource it goes with ([`Heads`]); when
//! all is staged, each of those becomes one row of its deleted type ([`keep`]). What goes with a hub, its projects
//! included, is kept with the hub, in whatever order they were staged.

use std::{collections::HashMap, sync::Arc};

use nave_arm::{ArmError, ResourceId};
use nave_store::Expect;
use nave_vault::Purpose;
use serde_json::{Map, Value, json};

use super::{Kept, SoftDelete, id_claim};
use crate::{
    Engine, Resource,
    change::{Change, Put, PutSecrets},
    declaration::{Cx, ResourceType},
    secrets,
};

const ROLE_ASSIGNMENTS: &str = "Microsoft.Authorization/roleAssignments";

/// The resources that a change deletes and keeps, and what goes with each.
#[derive(Debug, Default)]
pub struct Heads {
    /// Nothing is kept.
    for_good: bool,
    /// The one whose end is being staged.
    current: Option<ResourceId>,
    /// What goes, with what it goes with.
    with: HashMap<ResourceId, ResourceId>,
}

impl Heads {
    /// Of a change that deletes for good.
    pub(crate) fn none() -> Self {
        Self {
            for_good: true,
            ..Self::default()
        }
    }

    /// Begins with a resource that may be kept; what is staged until [`Self::end`] goes with it, or with the one that
    /// is under way already. One that was staged by itself before goes with that one from now on.
    pub(crate) fn begin(&mut self, id: &ResourceId, is_kept: bool) -> Option<ResourceId> {
        let before = self.current.clone();
        match &before {
            Some(head) => self.absorb(id, &head.clone()),
            None if is_kept && !self.for_good => self.current = Some(id.clone()),
            None => {}
        }
        before
    }

    /// Goes back to what was under way before.
    pub(crate) fn end(&mut self, before: Option<ResourceId>) {
        self.current = before;
    }

    /// Notes that a row goes. What goes with one already stays with it.
    pub(crate) fn goes(&mut self, id: &ResourceId) {
        if let Some(head) = &self.current {
            self.with.entry(id.clone()).or_insert_with(|| head.clone());
        }
    }

    fn absorb(&mut self, id: &ResourceId, head: &ResourceId) {
        if self.with.get(id) == Some(id) && id != head {
            self.with
                .values_mut()
                .filter(|with| **with == *id)
                .for_each(|with| *with = head.clone());
        }
    }

    /// What a row goes with: noted, or as what it is below of.
    fn of(&self, id: &ResourceId) -> Option<&ResourceId> {
        id.ancestors().find_map(|above| self.with.get(&above))
    }
}

/// Adds to a change what is to be kept of what it deletes. `stored` are the rows among it that are not in memory.
pub(crate) fn keep(
    engine: &Engine,
    cx: &Cx<'_>,
    change: &mut Change,
    stored: Vec<Arc<Resource>>,
) -> Result<(), ArmError> {
    let heads = std::mem::take(&mut change.heads);
    if heads.with.is_empty() {
        return Ok(());
    }
    let stored: HashMap<ResourceId, Arc<Resource>> =
        stored.into_iter().map(|row| (row.id.clone(), row)).collect();
    let mut groups: Vec<(ResourceId, Vec<Arc<Resource>>)> = Vec::new();
    for erase in &change.erases {
        let row = cx.snapshot.get(&erase.id).or_else(|| stored.get(&erase.id));
        let (Some(head), Some(row)) = (heads.of(&erase.id), row) else {
            continue;
        };
        match groups.iter_mut().find(|(known, _)| known == head) {
            Some((_, rows)) => rows.push(row.clone()),
            None => groups.push((head.clone(), vec![row.clone()])),
        }
    }
    for (head, rows) in groups {
        change.puts.extend(left_of(engine, cx, &head, rows)?);
    }
    Ok(())
}

/// What is left of one resource.
fn left_of(
    engine: &Engine,
    cx: &Cx<'_>,
    head: &ResourceId,
    mut rows: Vec<Arc<Resource>>,
) -> Result<Option<Put>, ArmError> {
    let Some((soft, at)) = soft_delete(engine, head).zip(rows.iter().position(|row| row.id == *head)) else {
        return Ok(None);
    };
    rows.swap(0, at);
    let resource = rows[0].clone();
    if !soft.keeps_roles {
        rows.retain(|row| !(is_role(row) && head.contains(&row.id)));
    }
    let Some(id) = soft.id_of(&resource) else {
        return Ok(None);
    };
    let until = cx
        .now
        .saturating_add((soft.retention)(cx.snapshot, &resource))
        .unwrap_or(cx.now);
    let ids = rows.iter().filter(|row| soft_delete(engine, &row.id).is_some());
    // who gives the same role anew need not wait
    let named = rows.iter().filter(|row| !is_role(row));
    let claims: Vec<String> = ids
        .map(|row| id_claim(&row.id))
        .chain(named.flat_map(|row| row.claims.iter().cloned()))
        .collect();
    Ok(Some(Put {
        own: Kept::own_part(head, cx.now, until, &rows),
        secrets: sealed_anew(engine, &rows),
        claims,
        expect: Expect::Absent,
        ..Put::new(id, json!({}))
    }))
}

/// How a resource's type keeps it.
pub(crate) fn soft_delete(engine: &Engine, id: &ResourceId) -> Option<&'static SoftDelete> {
    let kind = engine.registry().resource_type(&id.resource_type())?;
    kind.declaration().soft_delete
}

/// Whether a resource is kept when it is deleted.
pub(crate) fn is_kept(cx: &Cx<'_>, kind: &dyn ResourceType, resource: &Resource) -> bool {
    let soft = kind.declaration().soft_delete;
    soft.is_some_and(|soft| (soft.retention)(cx.snapshot, resource).is_positive())
}

fn is_role(row: &Resource) -> bool {
    row.id.resource_type().eq_ignore_ascii_case(ROLE_ASSIGNMENTS)
}

/// The secrets of the rows, by their keys. Those that do not open are lost already, and the log says so.
fn sealed_anew(engine: &Engine, rows: &[Arc<Resource>]) -> PutSecrets {
    let opened: Map<String, Value> = rows
        .iter()
        .filter_map(|row| {
            let secrets = secrets::open(engine.vault(), row)?;
            Some((row.id.key().to_owned(), secrets.expose(&Purpose::Seal).clone()))
        })
        .collect();
    match opened.is_empty() {
        true => PutSecrets::Sealed(None),
        false => PutSecrets::Plain(Value::Object(opened)),
    }
}
