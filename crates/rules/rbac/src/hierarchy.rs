//! The tree above subscriptions, and the way from a scope up to the tenant.

use std::sync::Arc;

use nave_arm::ResourceId;

use crate::map::Map;

/// What every management group's key starts with.
const GROUP_PREFIX: &str = "/providers/microsoft.management/managementgroups/";
const SUBSCRIPTION_PREFIX: &str = "/subscriptions/";
const TENANT: &str = "/";

/// Management groups, by the keys of their ids. What lies below a group is known from here alone, never from text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hierarchy {
    groups: Map<Arc<str>, Group>,
    group_of_subscription: Map<Arc<str>, Arc<str>>,
    /// Whether any group is above itself. None should be; where one is, a way up has to look out for its end.
    has_circle: bool,
}

#[derive(Debug, Clone, Default)]
struct Group {
    /// Whether the group was put, not only named as a parent.
    put: bool,
    parent: Option<Arc<str>>,
    children: usize,
    subscriptions: Arc<[Arc<str>]>,
}

impl Hierarchy {
    /// Puts a group, in place of the one of this name. Names may also be whole ids. A subscription is in one group
    /// at a time: the last to claim it.
    pub(crate) fn put(
        &mut self,
        name: &str,
        parent: Option<&str>,
        subscriptions: impl Iterator<Item = String>,
    ) {
        let key = group_key(name);
        self.remove(name);
        let parent = parent.map(group_key);
        if let Some(parent) = &parent {
            self.groups.entry(parent.clone()).or_default().children += 1;
        }
        let subscriptions: Arc<[Arc<str>]> = subscriptions
            .map(|text| last_segment(&text).to_lowercase().into())
            .collect();
        for subscription in subscriptions.iter() {
            self.group_of_subscription
                .insert(subscription.clone(), key.clone());
        }
        let group = self.groups.entry(key.clone()).or_default();
        group.put = true;
        group.parent = parent;
        group.subscriptions = subscriptions;
        self.has_circle = self.has_circle || self.is_above_itself(&key);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        let key = group_key(name);
        let Some(old) = self.groups.remove(&key) else {
            return;
        };
        for subscription in old.subscriptions.iter() {
            if self.group_of_subscription.get(subscription) == Some(&key) {
                self.group_of_subscription.remove(subscription);
            }
        }
        if old.children > 0 {
            self.groups.insert(
                key,
                Group {
                    children: old.children,
                    ..Group::default()
                },
            );
        }
        if let Some(parent) = old.parent
            && let Some(group) = self.groups.get_mut(&parent)
        {
            group.children = group.children.saturating_sub(1);
            if group.children == 0 && !group.put {
                self.groups.remove(&parent);
            }
        }
        self.has_circle = self.has_circle && self.groups.keys().any(|key| self.is_above_itself(key));
    }

    /// The keys of this scope and of everything above it, nearest first, the tenant last. Between them stand some
    /// texts that are no scope's key, such as `…/providers/namespace`; nothing is ever assigned there. A group nobody put
    /// is not on the way.
    pub(crate) fn chain<'a>(&'a self, scope: &'a ResourceId) -> Chain<'a> {
        let key = scope.key();
        if let Some(rest) = key.strip_prefix(GROUP_PREFIX) {
            let name = rest.split('/').next().unwrap_or_default();
            let group = &key[..GROUP_PREFIX.len() + name.len()];
            let known = self.groups.contains_key(group);
            let below = (known && rest.len() > name.len()).then_some(key);
            Chain::new(self, below, group.len(), known.then_some(group))
        } else {
            let group = key
                .strip_prefix(SUBSCRIPTION_PREFIX)
                .and_then(|rest| rest.split('/').next())
                .and_then(|subscription| self.group_of_subscription.get(subscription));
            Chain::new(self, (key != TENANT).then_some(key), 0, group.map(AsRef::as_ref))
        }
    }

    /// The scopes on the way up, as ids: those the path names, then the management groups, then the tenant.
    pub(crate) fn scopes_above(&self, scope: &ResourceId) -> Vec<ResourceId> {
        let is_group =
            |id: &ResourceId| id.key().starts_with(GROUP_PREFIX) && id.management_group().is_some();
        let own = scope
            .ancestors()
            .filter(|id| !id.is_tenant() && (!is_group(id) || self.groups.contains_key(id.key())));
        let mut scopes: Vec<ResourceId> = own.collect();
        for key in self.chain(scope) {
            let known = scopes.iter().any(|known| known.key() == key);
            if !known && key.starts_with(GROUP_PREFIX) {
                scopes.extend(ResourceId::parse(&group_id(key)).ok().filter(is_group));
            }
        }
        scopes.push(ResourceId::tenant());
        scopes
    }

    /// A group and those above it, round and round where they are a circle.
    fn upwards<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a str> {
        std::iter::successors(Some(group), |group| self.parent(group))
    }

    fn parent(&self, group: &str) -> Option<&str> {
        self.groups.get(group)?.parent.as_deref()
    }

    fn is_above_itself(&self, group: &str) -> bool {
        let mut above = self.upwards(group).skip(1).take(self.groups.len());
        above.any(|above| above == group)
    }

    /// Whether `upper` is `lower` or lies above it.
    pub(crate) fn contains(&self, upper: &ResourceId, lower: &ResourceId) -> bool {
        self.chain(lower).any(|key| key == upper.key())
    }
}

/// See [`Hierarchy::chain`].
#[derive(Clone)]
pub(crate) struct Chain<'a> {
    hierarchy: &'a Hierarchy,
    /// The next key on the way up the path: every prefix of an even number of segments, as all ids have.
    path: Option<&'a str>,
    /// The length of the prefix where the path ends and the groups begin.
    path_end: usize,
    /// The first management group, and the next one.
    first_group: Option<&'a str>,
    group: Option<&'a str>,
    /// How many of them have come.
    groups: usize,
    tenant: bool,
}

impl<'a> Chain<'a> {
    fn new(hierarchy: &'a Hierarchy, path: Option<&'a str>, path_end: usize, group: Option<&'a str>) -> Self {
        Self {
            hierarchy,
            path,
            path_end,
            first_group: group,
            group,
            groups: 0,
            tenant: true,
        }
    }

    /// Whether a group has come already: the way up is a circle, and ends there.
    fn has_come(&self, group: &str) -> bool {
        let come = self.first_group.into_iter();
        let mut come = come
            .flat_map(|first| self.hierarchy.upwards(first))
            .take(self.groups);
        self.hierarchy.has_circle && come.any(|come| come == group)
    }
}

impl<'a> Iterator for Chain<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if let Some(path) = self.path {
            self.path = without_last(path)
                .and_then(without_last)
                .filter(|path| path.len() > self.path_end);
            return Some(path);
        }
        if let Some(group) = self.group.filter(|group| !self.has_come(group)) {
            self.groups += 1;
            self.group = self.hierarchy.parent(group);
            return Some(group);
        }
        self.group = None;
        std::mem::take(&mut self.tenant).then_some(TENANT)
    }
}

/// The id of a group as Azure spells it, from its key.
fn group_id(key: &str) -> String {
    format!(
        "/providers/Microsoft.Management/managementGroups/{}",
        last_segment(key)
    )
}

fn without_last(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(rest, _)| rest)
}

fn group_key(name: &str) -> Arc<str> {
    format!("{GROUP_PREFIX}{}", last_segment(name).to_lowercase()).into()
}

fn last_segment(text: &str) -> &str {
    text.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use nave_arm::ResourceId;

    use super::Hierarchy;

    fn put(hierarchy: &mut Hierarchy, name: &str, parent: Option<&str>, subscriptions: &[&str]) {
        hierarchy.put(name, parent, subscriptions.iter().map(|text| (*text).to_owned()));
    }

    fn groups_above(hierarchy: &Hierarchy, scope: &str) -> Vec<String> {
        let scope = ResourceId::parse(scope).expect("scope");
        hierarchy
            .chain(&scope)
            .filter_map(|key| key.strip_prefix(super::GROUP_PREFIX).map(str::to_owned))
            .collect()
    }

    fn group_id(name: &str) -> String {
        format!("/providers/Microsoft.Management/managementGroups/{name}")
    }

    #[test]
    fn the_way_up_is_nearest_first_and_ends_at_the_tenant() {
        let mut hierarchy = Hierarchy::default();
        put(&mut hierarchy, "Corp", Some("root"), &["/subscriptions/S1"]);
        let scope =
            ResourceId::parse("/subscriptions/s1/resourceGroups/g/providers/N/t/n/c/m").expect("scope");
        let chain: Vec<_> = hierarchy.chain(&scope).collect();
        for ancestor in scope.ancestors() {
            assert!(chain.contains(&ancestor.key()), "{ancestor}");
        }
        assert_eq!(chain.first(), Some(&scope.key()));
        assert_eq!(chain.last(), Some(&"/"));
        assert_eq!(groups_above(&hierarchy, scope.as_str()), ["corp", "root"]);
    }

    #[test]
    fn moving_a_subscription_moves_its_way_up() {
        let mut hierarchy = Hierarchy::default();
        put(&mut hierarchy, "a", None, &["s"]);
        put(&mut hierarchy, "b", None, &["s"]);
        assert_eq!(groups_above(&hierarchy, "/subscriptions/s"), ["b"]);
        put(&mut hierarchy, "a", None, &[]);
        assert_eq!(groups_above(&hierarchy, "/subscriptions/s"), ["b"]);
        put(&mut hierarchy, "b", None, &[]);
        assert_eq!(groups_above(&hierarchy, "/subscriptions/s"), Vec::<String>::new());
    }

    #[test]
    fn unknown_groups_lead_nowhere_and_parents_are_known() {
        let mut hierarchy = Hierarchy::default();
        assert_eq!(groups_above(&hierarchy, &group_id("x")), Vec::<String>::new());
        put(&mut hierarchy, "child", Some("x"), &[]);
        assert_eq!(groups_above(&hierarchy, &group_id("X")), ["x"]);
        assert_eq!(groups_above(&hierarchy, &group_id("child")), ["child", "x"]);
        hierarchy.remove("child");
        assert_eq!(groups_above(&hierarchy, &group_id("x")), Vec::<String>::new());
    }

    #[test]
    fn a_circle_ends_where_it_began() {
        let mut hierarchy = Hierarchy::default();
        put(&mut hierarchy, "a", Some("b"), &["s"]);
        put(&mut hierarchy, "b", Some("a"), &[]);
        put(&mut hierarchy, "c", Some("c"), &[]);
        put(&mut hierarchy, "d", Some("a"), &[]);
        assert_eq!(groups_above(&hierarchy, "/subscriptions/s"), ["a", "b"]);
        assert_eq!(groups_above(&hierarchy, &group_id("c")), ["c"]);
        assert_eq!(groups_above(&hierarchy, &group_id("d")), ["d", "a", "b"]);
        put(&mut hierarchy, "b", Some("root"), &[]);
        assert_eq!(groups_above(&hierarchy, &group_id("d")), ["d", "a", "b", "root"]);
        assert_eq!(groups_above(&hierarchy, &group_id("c")), ["c"]);
    }
}
