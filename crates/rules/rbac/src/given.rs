//! The assignments at one place, by whom they are given to.
//!
//! At nearly all places there are few, and they lie next to each other. Where there are many, as at a subscription, each
//! principal is looked up.

use std::{cmp::Ordering, sync::Arc};

use equivalent::{Comparable, Equivalent};
use uuid::Uuid;

use crate::{RoleAssignment, assignments::Made, map::Map, sorted::Sorted};

/// What lies next to each other at most.
const FEW: usize = 128;

#[derive(Debug, Clone)]
pub(crate) enum Given {
    Few(Sorted<One>),
    Many(Map<Uuid, Sorted<Made>>),
}

/// By the tag of its principal, then by name.
#[derive(Debug, Clone)]
pub(crate) struct One {
    pub(crate) tag: Tag,
    assignment: Arc<RoleAssignment>,
}

/// Half a guid, which nearly always tells two principals apart; quick to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tag(u64);

impl Given {
    pub(crate) fn one(assignment: &Arc<RoleAssignment>) -> Self {
        Self::Few(Sorted::one(One::of(assignment)))
    }

    pub(crate) fn put(&mut self, assignment: &Arc<RoleAssignment>) {
        match self {
            Self::Few(few) if few.short().is_some_and(|few| few.len() < FEW) => few.put(One::of(assignment)),
            Self::Few(few) => {
                let mut many = Map::default();
                for one in few.iter() {
                    put(&mut many, &one.assignment);
                }
                put(&mut many, assignment);
                *self = Self::Many(many);
            }
            Self::Many(many) => put(many, assignment),
        }
    }

    pub(crate) fn remove(&mut self, assignment: &Arc<RoleAssignment>) {
        match self {
            Self::Few(few) => few.remove(&One::of(assignment)),
            Self::Many(many) => {
                if let Some(own) = many.get_mut(&assignment.principal) {
                    own.remove(&Made(assignment.clone()));
                    if own.is_empty() {
                        many.remove(&assignment.principal);
                    }
                }
            }
        }
    }

    /// What exactly this principal is given, by name.
    pub(crate) fn to(&self, who: Uuid) -> impl Iterator<Item = &Arc<RoleAssignment>> {
        let (few, many) = match self {
            Self::Few(few) => (Some(few), None),
            Self::Many(many) => (None, many.get(&who)),
        };
        let tag = Tag::of(who);
        let few = few
            .into_iter()
            .flat_map(move |few| few.from(&StartOf(tag)))
            .take_while(move |one| one.tag == tag)
            .map(|one| &one.assignment)
            .filter(move |assignment| assignment.principal == who);
        few.chain(many.into_iter().flat_map(Sorted::iter).map(|made| &made.0))
    }
}

fn put(many: &mut Map<Uuid, Sorted<Made>>, assignment: &Arc<RoleAssignment>) {
    let made = Made(assignment.clone());
    match many.get_mut(&assignment.principal) {
        Some(own) => own.put(made),
        None => drop(many.insert(assignment.principal, Sorted::one(made))),
    }
}

impl One {
    fn of(assignment: &Arc<RoleAssignment>) -> Self {
        Self {
            tag: Tag::of(assignment.principal),
            assignment: assignment.clone(),
        }
    }
}

impl Tag {
    pub(crate) fn of(who: Uuid) -> Self {
        let (left, right) = who.as_u64_pair();
        Self(left ^ right)
    }

    /// One of 64 bits. Who has another one is somebody else.
    pub(crate) fn bit(self) -> u64 {
        1 << (self.0 % 64)
    }
}

impl Ord for One {
    fn cmp(&self, other: &Self) -> Ordering {
        let names = || self.assignment.name().cmp(other.assignment.name());
        self.tag.cmp(&other.tag).then_with(names)
    }
}

impl PartialOrd for One {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for One {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for One {}

/// The place in a list before everything given to whom has this tag.
struct StartOf(Tag);

impl Equivalent<One> for StartOf {
    fn equivalent(&self, _: &One) -> bool {
        false
    }
}

impl Comparable<One> for StartOf {
    fn compare(&self, one: &One) -> Ordering {
        self.0.cmp(&one.tag).then(Ordering::Less)
    }
}
