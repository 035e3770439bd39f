//! Who gains or loses what, where: the rights of everybody a change can touch, before it and after it.
//!
//! Nearly all principals and places are like others in everything that matters, the assignments and deny assignments
//! that reach them. Rights are worked out once for all that are alike, so the work grows with the number of different
//! cases and not with people times places times operations.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use jiff::Timestamp;
use nave_arm::ResourceId;
use nave_rbac::Plane;
use uuid::Uuid;

use super::{
    affected::{Affected, Step},
    operations::Asked,
    places::{places, topmost},
    reach::{By, Held, Likeness, Right},
};
use crate::{Registry, directory};

/// What becomes of a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It was not there and is.
    Gained,
    /// It was there and is not.
    Lost,
    /// It hangs on a condition that only a real request decides, before, after or both; and not the same one.
    Conditional,
}

/// The operations of one principal at one place that change in the same way, by the same assignment.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What becomes of them.
    pub kind: Kind,
    /// The principal's object id.
    pub principal: Uuid,
    /// The place.
    pub place: ResourceId,
    /// The operations, with their planes.
    pub operations: Vec<(String, Plane)>,
    /// `allowed`, `denied` or `conditional`.
    pub before: &'static str,
    /// The same afterwards.
    pub after: &'static str,
    /// The assignment that gives them, or gave them.
    pub assignment: Option<ResourceId>,
    /// Its role's name.
    pub role_name: Option<String>,
    /// The group it comes through.
    pub group: Option<Uuid>,
    /// The deny assignment that takes them, or took them.
    pub deny: Option<ResourceId>,
    /// The condition they hang on afterwards, else the one they hung on before.
    pub condition: Option<String>,
}

/// Everything that changes, counted; and a part of it, told.
#[derive(Debug, Default)]
pub struct Difference {
    /// The entries that were asked for, by principal, place and kind.
    pub entries: Vec<Entry>,
    /// How many entries there are.
    pub total: usize,
    /// How many rights change, by kind: one for each principal, place and operation.
    pub rights: BTreeMap<Kind, usize>,
    /// Whose rights change.
    pub principals: BTreeSet<Uuid>,
    /// At how many places.
    pub places: usize,
    /// Whether the change reaches places that were not asked about.
    pub beyond: bool,
}

/// What is asked: at or below a scope, and which part of the answer is told.
pub(super) struct Asking<'a> {
    pub(super) registry: &'a Registry,
    pub(super) operations: &'a [Asked],
    pub(super) scope: &'a ResourceId,
    pub(super) now: Timestamp,
    pub(super) told: Range<usize>,
}

type Case = (Likeness, Likeness, String);

/// Operations that change alike.
struct Block {
    kind: Kind,
    before: Right,
    after: Right,
    operations: Vec<usize>,
}

impl Asking<'_> {
    pub(super) fn difference(&self, step: &Step<'_>, affected: &Affected) -> Difference {
        let mut found = Difference::default();
        let mut cases: HashMap<Case, Arc<Vec<Block>>> = HashMap::new();
        let mut roots_seen: HashMap<Vec<ResourceId>, Arc<Vec<ResourceId>>> = HashMap::new();
        let mut places_seen = HashSet::new();
        for (principal, scopes) in by_name(step, affected) {
            let roots = self.within(step, scopes, &mut found.beyond);
            let here = roots_seen
                .entry(roots)
                .or_insert_with_key(|roots| Arc::new(places(self.registry, step.after, roots)))
                .clone();
            let held = step.both().map(|state| Held::of(state, principal));
            for place in here.iter() {
                let [before, after] = held.each_ref().map(|held| held.at(place));
                let kind = place.resource_type().to_lowercase();
                let case = (before.likeness(), after.likeness(), kind);
                let blocks = match cases.get(&case) {
                    Some(blocks) => blocks.clone(),
                    None => {
                        let blocks = Arc::new(self.blocks(&case.2, |asked| {
                            [&before, &after].map(|here| here.may(&asked.name, asked.plane, place, self.now))
                        }));
                        cases.insert(case, blocks.clone());
                        blocks
                    }
                };
                if blocks.is_empty() {
                    continue;
                }
                found.principals.insert(principal);
                places_seen.insert(place.clone());
                for block in blocks.iter() {
                    *found.rights.entry(block.kind).or_default() += block.operations.len();
                    if self.told.contains(&found.total) {
                        found.entries.push(self.entry(block, principal, place));
                    }
                    found.total += 1;
                }
            }
        }
        found.places = places_seen.len();
        found
    }

    /// The scopes that a change touches, as far as they were asked about.
    fn within(&self, step: &Step<'_>, scopes: &BTreeSet<ResourceId>, beyond: &mut bool) -> Vec<ResourceId> {
        let roles = step.after.roles();
        let inside = topmost(step.after, scopes.iter().cloned())
            .into_iter()
            .filter_map(|root| {
                if roles.scope_contains(self.scope, &root) {
                    return Some(root);
                }
                *beyond = true;
                roles
                    .scope_contains(&root, self.scope)
                    .then(|| self.scope.clone())
            });
        topmost(step.after, inside)
    }

    fn blocks(&self, kind: &str, rights: impl Fn(&Asked) -> [Right; 2]) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let asked = self.operations.iter().enumerate();
        for (at, asked) in asked.filter(|(_, asked)| asked.makes_sense_at(kind)) {
            let [before, after] = rights(asked);
            let Some(kind) = kind_of(&before, &after) else {
                continue;
            };
            match blocks
                .iter_mut()
                .find(|block| block.before == before && block.after == after)
            {
                Some(block) => block.operations.push(at),
                None => blocks.push(Block {
                    kind,
                    before,
                    after,
                    operations: vec![at],
                }),
            }
        }
        blocks.sort_by_key(|block| block.kind);
        blocks
    }

    fn entry(&self, block: &Block, principal: Uuid, place: &ResourceId) -> Entry {
        let Block {
            kind, before, after, ..
        } = block;
        let by: Option<&Arc<By>> = after.by().or(before.by());
        let deny = |right: &Right| match right {
            Right::Denied(deny) => deny.clone(),
            _ => None,
        };
        let operations = block.operations.iter().map(|at| &self.operations[*at]);
        Entry {
            kind: *kind,
            principal,
            place: place.clone(),
            operations: operations
                .map(|asked| (asked.name.clone(), asked.plane))
                .collect(),
            before: before.word(),
            after: after.word(),
            assignment: by.map(|by| by.assignment.clone()),
            role_name: by.map(|by| by.role_name.clone()),
            group: by.and_then(|by| by.group),
            deny: deny(after).or_else(|| deny(before)),
            condition: after.condition().or(before.condition()).map(str::to_owned),
        }
    }
}

/// `None`: nothing becomes of it. Which assignment gives a right is no matter as long as one does.
fn kind_of(before: &Right, after: &Right) -> Option<Kind> {
    match (before, after) {
        (Right::Denied(_), Right::Denied(_)) | (Right::Allowed(_), Right::Allowed(_)) => None,
        (Right::Denied(_), Right::Allowed(_)) => Some(Kind::Gained),
        (Right::Allowed(_), Right::Denied(_)) => Some(Kind::Lost),
        (Right::Conditional(_, one), Right::Conditional(_, other)) if one == other => None,
        _ => Some(Kind::Conditional),
    }
}

/// Principals in the order people look for them.
fn by_name<'a>(step: &Step<'_>, affected: &'a Affected) -> Vec<(Uuid, &'a BTreeSet<ResourceId>)> {
    let name = |principal: Uuid| {
        let names = step.both().into_iter();
        names
            .rev()
            .find_map(|state| directory::display_name(state, principal))
    };
    let mut all: Vec<_> = affected
        .iter()
        .map(|(principal, scopes)| (*principal, scopes))
        .collect();
    all.sort_by_cached_key(|(principal, _)| (name(*principal).map(|name| name.to_lowercase()), *principal));
    all
}
