//! What the resources of a template may be called by each other, and in which order they are deployed.

use std::collections::{BTreeSet, HashMap};

use nave_arm::ResourceId;

/// What a template says about one resource, for those that name it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Whether its condition holds.
    pub(crate) included: bool,
    /// Its id; `None` for an excluded resource whose name cannot be told.
    pub(crate) id: Option<ResourceId>,
    pub(crate) name: String,
    pub(crate) resource_type: String,
    pub(crate) api_version: Option<String>,
    pub(crate) symbolic_name: Option<String>,
}

/// The resources of a template by everything they may be called.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    entries: Vec<Entry>,
    by_name: HashMap<String, Vec<usize>>,
    loops: HashMap<String, Vec<usize>>,
    /// Whether a resource is left out whose name is not known, so that an unknown name may be its.
    open: bool,
}

impl Directory {
    /// Adds a resource; its place is its number.
    pub(crate) fn add(&mut self, entry: Entry) {
        let at = self.entries.len();
        self.open |= entry.id.is_none();
        for name in names_of(&entry) {
            self.by_name.entry(name).or_default().push(at);
        }
        self.entries.push(entry);
    }

    /// Notes the turns of a loop under its name.
    pub(crate) fn add_loop(&mut self, name: &str, members: &[usize]) {
        self.open |= members.is_empty();
        self.loops.entry(name.to_lowercase()).or_default().extend(members);
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn entry(&self, at: usize) -> Option<&Entry> {
        self.entries.get(at)
    }

    /// The one resource that is meant; of several, the first that is deployed.
    pub(crate) fn single(&self, target: &str) -> Option<&Entry> {
        let places = self.by_name.get(&key(target))?;
        let entries = || places.iter().filter_map(|at| self.entries.get(*at));
        entries()
            .find(|entry| entry.included)
            .or_else(|| entries().next())
    }

    /// The turns of a loop.
    pub(crate) fn loop_members(&self, name: &str) -> Option<Vec<&Entry>> {
        let places = self.loops.get(&name.to_lowercase())?;
        Some(places.iter().filter_map(|at| self.entries.get(*at)).collect())
    }

    /// The places of what a dependency names: one resource, or all turns of a loop. `None`: nothing of this
    /// template.
    pub(crate) fn places(&self, target: &str) -> Option<Vec<usize>> {
        let found = self
            .loops
            .get(&target.to_lowercase())
            .or_else(|| self.by_name.get(&key(target)));
        let turn_of_loop = || {
            target
                .split_once('[')
                .is_some_and(|(name, _)| self.loops.contains_key(&name.to_lowercase()))
        };
        found
            .cloned()
            .or_else(|| (self.open || turn_of_loop()).then(Vec::new))
    }
}

/// Ids may be written with a trailing slash or with empty segments.
fn key(target: &str) -> String {
    if target.starts_with('/') {
        return ResourceId::parse(target).map_or_else(|_| target.to_lowercase(), |id| id.key().to_owned());
    }
    target.to_lowercase()
}

/// Everything a resource may be called: symbolic name, id, `type/name` in both orders, name.
fn names_of(entry: &Entry) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    names.extend(entry.symbolic_name.as_ref().map(|name| name.to_lowercase()));
    if let Some(id) = &entry.id {
        names.insert(id.key().to_owned());
        names.extend(
            id.key()
                .rsplit_once("/providers/")
                .map(|(_, block)| block.to_owned()),
        );
        names.insert(format!("{}/{}", entry.resource_type, entry.name).to_lowercase());
        names.insert(entry.name.to_lowercase());
    }
    names
}

/// An order in which every node stands after those it depends on, as near to the given order as that allows; else
/// a node on a cycle.
pub(crate) fn order(dependencies: &[Vec<usize>]) -> Result<Vec<usize>, usize> {
    let mut followers = vec![Vec::new(); dependencies.len()];
    let mut waiting: Vec<usize> = dependencies.iter().map(Vec::len).collect();
    for (node, needed) in dependencies.iter().enumerate() {
        for other in needed {
            followers[*other].push(node);
        }
    }
    let mut ready: BTreeSet<usize> = (0..waiting.len()).filter(|node| waiting[*node] == 0).collect();
    let mut done = Vec::with_capacity(waiting.len());
    while let Some(node) = ready.pop_first() {
        done.push(node);
        for follower in &followers[node] {
            waiting[*follower] -= 1;
            if waiting[*follower] == 0 {
                ready.insert(*follower);
            }
        }
    }
    if done.len() == dependencies.len() {
        Ok(done)
    } else {
        Err(on_cycle(dependencies, &waiting))
    }
}

/// Every node that still waits leads to a cycle; going on from one of them long enough ends on it.
fn on_cycle(dependencies: &[Vec<usize>], waiting: &[usize]) -> usize {
    let mut node = waiting.iter().position(|count| *count > 0).unwrap_or_default();
    for _ in 0..dependencies.len() {
        node = dependencies[node]
            .iter()
            .copied()
            .find(|next| waiting[*next] > 0)
            .unwrap_or(node);
    }
    node
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::order;

    #[test]
    fn dependencies_come_first_and_the_rest_keeps_its_order() {
        assert_eq!(order(&[vec![2], vec![], vec![1], vec![]]), Ok(vec![1, 2, 0, 3]));
        assert_eq!(order(&[]), Ok(vec![]));
    }

    #[test]
    fn a_cycle_is_found_from_outside_of_it() {
        assert_eq!(
            order(&[vec![1], vec![2], vec![1]]).map_err(|node| node == 1 || node == 2),
            Err(true)
        );
        assert_eq!(order(&[vec![0]]), Err(0));
    }

    proptest! {
        #[test]
        fn what_has_no_cycle_is_ordered(edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..40)) {
            let mut dependencies = vec![Vec::new(); 12];
            for (from, to) in edges {
                if to < from && !dependencies[from].contains(&to) {
                    dependencies[from].push(to);
                }
            }
            let found = order(&dependencies).expect("no cycle");
            let place = |node: usize| found.iter().position(|other| *other == node);
            for (node, needed) in dependencies.iter().enumerate() {
                prop_assert!(needed.iter().all(|other| place(*other) < place(node)));
            }
        }
    }
}
