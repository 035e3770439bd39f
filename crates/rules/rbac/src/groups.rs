//! Who is in which group, nested as deep as it goes.

use std::{collections::HashSet, sync::Arc};

use uuid::Uuid;

use crate::map::Map;

/// How many groups are looked through one by one for one that is known already.
const FEW: usize = 32;

/// Memberships, in both directions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups {
    /// Each list is sorted and names nobody twice.
    members_of: Map<Uuid, Arc<[Uuid]>>,
    groups_with: Map<Uuid, Arc<[Uuid]>>,
    /// For each who is in a group: all groups the principal is in. Every decision asks, and hardly anything changes it.
    all_with: Map<Uuid, Arc<[Uuid]>>,
}

impl Groups {
    /// Puts a group with its direct members. Only those who joined or left, and who is inside them, cost anything.
    pub(crate) fn put(&mut self, group: Uuid, mut members: Vec<Uuid>) {
        members.sort_unstable();
        members.dedup();
        let before = self.members_of.insert(group, members.as_slice().into());
        let before = before.as_deref().unwrap_or_default();
        let gone: Vec<Uuid> = missing_from(&members, before).collect();
        let new: Vec<Uuid> = missing_from(before, &members).collect();
        for member in &gone {
            self.leave(*member, group);
        }
        for member in &new {
            self.join(*member, group);
        }
        self.follow(gone.into_iter().chain(new).collect());
    }

    pub(crate) fn remove(&mut self, group: Uuid) {
        let members = self.members_of.remove(&group);
        let members = members.as_deref().unwrap_or_default();
        for member in members {
            self.leave(*member, group);
        }
        self.follow(members.to_vec());
    }

    /// Every group the principal is in, directly or through another, nearest first.
    pub(crate) fn of(&self, principal: Uuid) -> &[Uuid] {
        self.all_with.get(&principal).map_or(&[], AsRef::as_ref)
    }

    /// Finds the groups anew of these and of all inside them.
    fn follow(&mut self, mut changed: Vec<Uuid>) {
        let mut seen: HashSet<Uuid> = changed.iter().copied().collect();
        while let Some(next) = changed.pop() {
            let inside = self.members_of.get(&next).map_or(&[][..], AsRef::as_ref);
            changed.extend(inside.iter().copied().filter(|member| seen.insert(*member)));
            let all = self.find(next);
            if all.is_empty() {
                self.all_with.remove(&next);
            } else {
                self.all_with.insert(next, all.into());
            }
        }
    }

    /// What [`Self::of`] keeps. A circle of groups ends. Looks at these groups alone, however many others there are.
    fn find(&self, principal: Uuid) -> Vec<Uuid> {
        let mut found: Vec<Uuid> = Vec::new();
        let mut seen = HashSet::new();
        let mut next = principal;
        let mut visited = 0;
        loop {
            for group in self.groups_with.get(&next).map_or(&[][..], AsRef::as_ref) {
                let known = match found.len() {
                    ..FEW => found.contains(group),
                    _ => {
                        if seen.is_empty() {
                            seen.extend(&found);
                        }
                        !seen.insert(*group)
                    }
                };
                if *group != principal && !known {
                    found.push(*group);
                }
            }
            let Some(group) = found.get(visited) else {
                return found;
            };
            next = *group;
            visited += 1;
        }
    }

    fn join(&mut self, member: Uuid, group: Uuid) {
        let groups = self.groups_with.get(&member).map_or(&[][..], AsRef::as_ref);
        let groups = groups.iter().copied().chain([group]).collect();
        self.groups_with.insert(member, groups);
    }

    fn leave(&mut self, member: Uuid, group: Uuid) {
        let groups = self.groups_with.get(&member).map_or(&[][..], AsRef::as_ref);
        let left: Arc<[Uuid]> = groups.iter().copied().filter(|other| *other != group).collect();
        if left.is_empty() {
            self.groups_with.remove(&member);
        } else {
            self.groups_with.insert(member, left);
        }
    }
}

/// Those of `these` that the sorted `others` do not name.
fn missing_from(others: &[Uuid], these: &[Uuid]) -> impl Iterator<Item = Uuid> {
    these
        .iter()
        .copied()
        .filter(|one| others.binary_search(one).is_err())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::Groups;

    const fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[test]
    fn membership_is_transitive_and_circles_end() {
        let mut groups = Groups::default();
        groups.put(id(10), vec![id(1)]);
        groups.put(id(20), vec![id(10), id(30)]);
        groups.put(id(30), vec![id(20), id(30)]);
        assert_eq!(groups.of(id(1)), [id(10), id(20), id(30)]);
        assert_eq!(groups.of(id(20)), [id(30)]);
        assert_eq!(groups.of(id(2)), Vec::<Uuid>::new());
    }

    #[test]
    fn a_changed_group_forgets_its_old_members() {
        let mut groups = Groups::default();
        groups.put(id(10), vec![id(1), id(1), id(2)]);
        groups.put(id(10), vec![id(3), id(2)]);
        assert_eq!(groups.of(id(1)), Vec::<Uuid>::new());
        assert_eq!(groups.of(id(2)), [id(10)]);
        assert_eq!(groups.of(id(3)), [id(10)]);
        groups.remove(id(10));
        assert_eq!(groups.of(id(2)), Vec::<Uuid>::new());
    }

    #[test]
    fn many_groups_are_each_found_once() {
        let mut groups = Groups::default();
        for n in 0..200 {
            let above = (0..n)
                .filter(|above| (n - above) % 7 < 3)
                .map(|above| id(1_000 + above));
            groups.put(id(1_000 + n), above.chain([id(n % 3)]).collect());
        }
        for who in 0..3 {
            let found = groups.of(id(who));
            let all: std::collections::BTreeSet<_> = found.iter().collect();
            assert_eq!(
                (found.len(), all.len()),
                (all.len(), 200 - usize::try_from(who).unwrap_or(0))
            );
        }
    }
}
