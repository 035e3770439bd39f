//! Which assignments reach a caller at a scope.
//!
//! A caller is in a dozen groups, and most of them have nothing at the scope or above. So each place on the way up is
//! looked at once, for all of them together, and what is found there is put into the order of a decision.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    RoleAssignment,
    given::{Given, Tag},
};

/// Up to so many groups are looked through for the principal of an assignment.
const FEW: usize = 32;

/// The caller and the caller's groups.
pub(crate) struct Callers<'a> {
    principal: Uuid,
    groups: &'a [Uuid],
    /// The bits of all their tags.
    bits: u64,
}

/// What one of them has at one place; hardly ever nothing.
struct Run<'a> {
    /// 0 is the caller, the groups follow.
    rank: usize,
    level: usize,
    who: Uuid,
    place: &'a Given,
}

/// All that reaches the caller.
pub(crate) struct Reach<'a>(Vec<Run<'a>>);

impl<'a> Callers<'a> {
    pub(crate) fn new(principal: Uuid, groups: &'a [Uuid]) -> Self {
        let all = groups.iter().fold(Tag::of(principal).bit(), |bits, group| {
            bits | Tag::of(*group).bit()
        });
        Self {
            principal,
            groups,
            bits: all,
        }
    }

    /// What they have at these places, which are in the order of the way up.
    pub(crate) fn reach<'p>(&self, places: impl Iterator<Item = &'p Given>) -> Reach<'p> {
        let mut runs = Vec::new();
        for (level, place) in places.enumerate() {
            let run = |(rank, who)| Run {
                rank,
                level,
                who,
                place,
            };
            match place {
                Given::Few(few) if self.groups.len() <= FEW => {
                    let mut last = None;
                    for tag in few.iter().map(|one| one.tag) {
                        if tag.bit() & self.bits != 0 && last.replace(tag) != Some(tag) {
                            runs.extend(self.ranked().filter(|(_, who)| Tag::of(*who) == tag).map(run));
                        }
                    }
                }
                _ => {
                    let has = |(_, who): &(usize, Uuid)| place.to(*who).next().is_some();
                    runs.extend(self.ranked().filter(has).map(run));
                }
            }
        }
        runs.sort_unstable_by_key(|run| (run.rank, run.level));
        Reach(runs)
    }

    fn ranked(&self) -> impl Iterator<Item = (usize, Uuid)> {
        std::iter::once(self.principal)
            .chain(self.groups.iter().copied())
            .enumerate()
    }
}

impl<'a> Reach<'a> {
    /// The assignments, with the group they come through: the caller's own first, nearest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Option<Uuid>, &'a Arc<RoleAssignment>)> {
        self.0.iter().flat_map(|run| {
            let through = (run.rank > 0).then_some(run.who);
            run.place.to(run.who).map(move |assignment| (through, assignment))
        })
    }
}
