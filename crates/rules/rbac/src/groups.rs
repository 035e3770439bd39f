//! Who is in which group, nested as deep as it goes.

use imbl::{HashMap, Vector};
use uuid::Uuid;

/// Memberships, in both directions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups {
    members_of: HashMap<Uuid, Vector<Uuid>>,
    groups_with: HashMap<Uuid, Vector<Uuid>>,
}

impl Groups {
    pub(crate) fn put(&mut self, group: Uuid, members: Vec<Uuid>) {
        self.remove(group);
        for member in &members {
            let groups = self.groups_with.entry(*member).or_default();
            if !groups.contains(&group) {
                groups.push_back(group);
            }
        }
        self.members_of.insert(group, members.into());
    }

    pub(crate) fn remove(&mut self, group: Uuid) {
        let Some(members) = self.members_of.remove(&group) else {
            return;
        };
        for member in members {
            if let Some(groups) = self.groups_with.get_mut(&member) {
                groups.retain(|other| *other != group);
                if groups.is_empty() {
                    self.groups_with.remove(&member);
                }
            }
        }
    }

    /// Every group the principal is in, directly or through another, nearest first. A circle of groups ends.
    pub(crate) fn of(&self, principal: Uuid) -> Vec<Uuid> {
        let mut found: Vec<Uuid> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut next = principal;
        let mut visited = 0;
        loop {
            for group in self.groups_with.get(&next).into_iter().flatten() {
                if *group != principal && seen.insert(*group) {
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
        groups.put(id(10), vec![id(2)]);
        assert_eq!(groups.of(id(1)), Vec::<Uuid>::new());
        assert_eq!(groups.of(id(2)), [id(10)]);
        groups.remove(id(10));
        assert_eq!(groups.of(id(2)), Vec::<Uuid>::new());
    }
}
