//! Locks: what nobody may change or delete, whatever roles he has (rest-surface 3.7).
//!
//! A lock is a row of `Microsoft.Authorization/locks` at a subscription, a group or a resource, and holds there and
//! below. `CanNotDelete` stops deletions, `ReadOnly` every change: writes, deletions and POST actions but those whose
//! permission is a read. Of several, the strictest wins. Reads, the data planes and the locks themselves are never
//! stopped.
//!
//! Two looks are taken. [`decide`](crate::decision::decide) looks at what was asked for, after the roles have allowed
//! it. And before anything is committed for a caller of ARM, [`taken`] looks at everything that would change along with
//! it: what a deletion takes, what the rules of planes write elsewhere. One lock in the way refuses the whole, as ARM
//! would refuse that part. Rulings:
//!
//! * a role assignment that ends because its principal ends is not looked at: there is no right left to be kept (ARM
//!   leaves it behind, orphaned);
//! * what nave does on its own account (the upkeep of its records) is not stopped by locks, and neither is what follows
//!   from a change of the directory: who leaves it loses his roles, locked or not.

use std::{collections::HashSet, sync::Arc};

use imbl::OrdMap;
use nave_arm::ResourceId;
use nave_rbac::Plane;
use serde_json::{Value, json};

use crate::{
    Change, Resource, Snapshot,
    decision::{Basis, Need},
    directory,
    operation::Surface,
};

/// The type of locks.
pub const LOCKS: &str = "Microsoft.Authorization/locks";

/// What every operation on locks begins with.
const OWN_OPERATIONS: &str = "microsoft.authorization/locks/";
/// Operations that no lock stops: those on locks, and questions about access, which change nothing.
const NEVER_STOPPED: [&str; 2] = [OWN_OPERATIONS, "nave.access/"];
const ASSIGNMENTS: &str = "Microsoft.Authorization/roleAssignments";

/// How many of the things that are locked a refusal names.
const NAMED: usize = 10;

/// How much a lock stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Deletions.
    CanNotDelete,
    /// Every change.
    ReadOnly,
}

impl Level {
    /// Every level's word, as bodies write it.
    pub const WORDS: [&'static str; 2] = ["CanNotDelete", "ReadOnly"];

    /// The level in ARM's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::CanNotDelete => "CanNotDelete",
            Self::ReadOnly => "ReadOnly",
        }
    }

    /// The level of a word, without case.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let levels = [Self::CanNotDelete, Self::ReadOnly];
        levels
            .into_iter()
            .find(|level| level.word().eq_ignore_ascii_case(word))
    }

    fn stops(self, effect: Effect) -> bool {
        match effect {
            Effect::Delete => true,
            Effect::Write => self == Self::ReadOnly,
        }
    }
}

/// What an operation does to what it is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It changes it, or does something with it that is no read.
    Write,
    /// It ends it.
    Delete,
}

impl Effect {
    /// The effect of a control-plane operation; `None`: locks do not stop it.
    pub(crate) fn of(operation: &str) -> Option<Self> {
        let operation = operation.to_ascii_lowercase();
        match operation.rsplit('/').next() {
            _ if NEVER_STOPPED.iter().any(|head| operation.starts_with(head)) => None,
            None | Some("read") => None,
            Some("delete") => Some(Self::Delete),
            Some(_) => Some(Self::Write),
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }
}

/// One lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Its id.
    pub id: ResourceId,
    /// What it stops.
    pub level: Level,
}

impl Lock {
    /// What it locks, with everything below.
    #[must_use]
    pub fn scope(&self) -> ResourceId {
        self.id.scope().unwrap_or_else(ResourceId::tenant)
    }

    pub(crate) fn record(&self) -> Value {
        json!({ "id": self.id.as_str(), "level": self.level.word() })
    }
}

/// The locks there are, in the order of their keys: those of a scope stand together, and those below it do.
#[derive(Debug, Clone, Default)]
pub struct Locks(OrdMap<Arc<str>, Arc<Lock>>);

impl Locks {
    /// Whether there is none at all, as nearly always.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The locks that hold at an id: those at it and at what it is in, nearest first.
    pub fn at_or_above<'a>(&'a self, id: &ResourceId) -> impl Iterator<Item = &'a Arc<Lock>> + use<'a> {
        let scopes: Vec<ResourceId> = match self.is_empty() {
            true => Vec::new(),
            false => id.ancestors().collect(),
        };
        scopes.into_iter().flat_map(|scope| self.at(&scope))
    }

    /// The locks at exactly this scope.
    pub fn at<'a>(&'a self, scope: &ResourceId) -> impl Iterator<Item = &'a Arc<Lock>> + use<'a> {
        self.under(format!("{}/providers/{OWN_OPERATIONS}", base(scope)))
    }

    /// The locks at scopes that are below this one.
    pub fn below<'a>(&'a self, scope: &ResourceId) -> impl Iterator<Item = &'a Arc<Lock>> + use<'a> {
        let own = scope.clone();
        self.under(format!("{}/", base(scope)))
            .filter(move |lock| lock.scope() != own)
    }

    fn under<'a>(&'a self, prefix: String) -> impl Iterator<Item = &'a Arc<Lock>> + use<'a> {
        let start: Arc<str> = prefix.as_str().into();
        self.0
            .range(start..)
            .take_while(move |(key, _)| key.starts_with(&prefix))
            .map(|(_, lock)| lock)
    }

    /// The locks that stop an operation on an id. A resource is deleted with what is below it, so what is locked there
    /// stops that too.
    #[must_use]
    pub fn stopping(&self, operation: &str, id: &ResourceId) -> Vec<Lock> {
        if self.is_empty() {
            return Vec::new();
        }
        let Some(effect) = Effect::of(operation) else {
            return Vec::new();
        };
        let takes_all = effect == Effect::Delete && is_of(operation, id);
        let below = takes_all
            .then(|| self.below(id).take(NAMED))
            .into_iter()
            .flatten();
        self.at_or_above(id)
            .chain(below)
            .filter(|lock| lock.level.stops(effect))
            .map(|lock| Lock::clone(lock))
            .collect()
    }

    /// Takes in a row that is a lock. One that cannot be read locks nothing, and is logged.
    pub(crate) fn put(&mut self, row: &Resource) {
        let Some(level) = row.text("/properties/level").and_then(Level::named) else {
            tracing::error!(id = %row.id, "a stored lock cannot be read; it locks nothing");
            return;
        };
        let lock = Lock {
            id: row.id.clone(),
            level,
        };
        self.0.insert(row.id.key().into(), Arc::new(lock));
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }
}

fn base(scope: &ResourceId) -> &str {
    if scope.is_tenant() { "" } else { scope.key() }
}

/// Whether an operation is one of the type of this id, and not of something else there.
fn is_of(operation: &str, id: &ResourceId) -> bool {
    operation
        .rsplit_once('/')
        .is_some_and(|(kind, _)| kind.eq_ignore_ascii_case(&id.resource_type()))
}

/// The locks in the way of a need. Links to other scopes are rights that are looked at there, and change nothing there.
pub(crate) fn in_the_way(snapshot: &Snapshot, surface: Surface, need: &Need) -> Vec<Lock> {
    let is_asked = match need.basis {
        Basis::Own | Basis::Role(_) | Basis::Along => true,
        Basis::Linked | Basis::SignedIn => false,
    };
    if !is_asked || surface != Surface::Arm || need.plane != Plane::Control {
        return Vec::new();
    }
    snapshot.locks().stopping(&need.operation, &need.scope)
}

/// Of everything a change does besides what was asked for, what a lock is in the way of: as needs that no right meets,
/// only the absence of a lock.
pub(crate) fn taken(snapshot: &Snapshot, asked: &ResourceId, change: &Change) -> Vec<Need> {
    if snapshot.locks().is_empty() {
        return Vec::new();
    }
    let ended = ended_principals(change);
    let written = change.puts.iter().map(|put| (&put.id, "write"));
    let erased = change
        .erases
        .iter()
        .map(|erase| (&erase.id, "delete"))
        .filter(|(id, _)| !is_orphan(snapshot, id, &ended));
    written
        .chain(erased)
        .filter(|(id, _)| *id != asked && id.subscription().is_some())
        .map(|(id, verb)| along(id, verb))
        .filter(|need| !in_the_way(snapshot, Surface::Arm, need).is_empty())
        .take(NAMED)
        .collect()
}

/// A lock goes only by itself: who would delete it along with what it locks would delete what it locks.
fn along(id: &ResourceId, verb: &str) -> Need {
    let is_lock = id.resource_type().eq_ignore_ascii_case(LOCKS);
    let locked = id.scope().filter(|_| is_lock && verb == "delete");
    let id = locked.unwrap_or_else(|| id.clone());
    Need {
        basis: Basis::Along,
        ..Need::action(format!("{}/{verb}", id.resource_type()), id)
    }
}

fn ended_principals(change: &Change) -> HashSet<&str> {
    let is_principal = |id: &ResourceId| {
        id.resource_type()
            .eq_ignore_ascii_case(directory::SERVICE_PRINCIPALS)
    };
    let erased = change.erases.iter().map(|erase| &erase.id);
    erased
        .filter(|id| is_principal(id))
        .map(|id| id.key().rsplit('/').next().unwrap_or_default())
        .collect()
}

fn is_orphan(snapshot: &Snapshot, id: &ResourceId, ended: &HashSet<&str>) -> bool {
    !ended.is_empty()
        && id.resource_type().eq_ignore_ascii_case(ASSIGNMENTS)
        && snapshot
            .get(id)
            .and_then(|row| row.text("/properties/principalId"))
            .is_some_and(|principal| ended.contains(principal.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GROUP: &str = "/subscriptions/s/resourceGroups/g";

    fn id(text: &str) -> ResourceId {
        ResourceId::parse(text).expect(text)
    }

    fn locks(at: &[(&str, Level)]) -> Locks {
        let mut locks = Locks::default();
        for (number, (scope, level)) in at.iter().enumerate() {
            let id = id(scope).extension(LOCKS, &format!("lock{number}"));
            let lock = Lock { id, level: *level };
            locks.0.insert(lock.id.key().into(), Arc::new(lock));
        }
        locks
    }

    #[test]
    fn operations_have_the_effect_their_last_word_says() {
        for (operation, effect) in [
            ("A.B/things/read", None),
            ("A.B/things/diagnose/read", None),
            ("A.B/things/write", Some(Effect::Write)),
            ("A.B/things/listKeys/action", Some(Effect::Write)),
            ("A.B/things/DELETE", Some(Effect::Delete)),
            ("Microsoft.Authorization/locks/write", None),
            ("microsoft.authorization/LOCKS/delete", None),
            ("Nave.Access/suggestRole/action", None),
            (
                "Microsoft.Authorization/roleAssignments/delete",
                Some(Effect::Delete),
            ),
        ] {
            assert_eq!(Effect::of(operation), effect, "{operation}");
        }
    }

    #[test]
    fn a_neighbour_with_a_longer_name_is_not_locked() {
        let locks = locks(&[(GROUP, Level::ReadOnly)]);
        let other = id("/subscriptions/s/resourceGroups/g2/providers/A.B/things/t");
        assert!(locks.stopping("A.B/things/write", &other).is_empty());
        assert_eq!(locks.below(&id("/subscriptions/s")).count(), 1);
        assert_eq!(locks.below(&id(GROUP)).count(), 0, "its own lock is at it");
    }

    #[test]
    fn what_is_deleted_at_a_scope_does_not_take_what_is_below_it() {
        let locks = locks(&[(&format!("{GROUP}/providers/A.B/things/t"), Level::CanNotDelete)]);
        let groups = "Microsoft.Resources/subscriptions/resourceGroups/delete";
        assert_eq!(locks.stopping(groups, &id(GROUP)).len(), 1);
        assert!(
            locks
                .stopping("Microsoft.Resources/tags/delete", &id(GROUP))
                .is_empty()
        );
    }

    /// Scopes of a small town, each below others.
    fn scope() -> impl Strategy<Value = String> {
        let name = "[ab]{1,2}";
        prop_oneof![
            Just(String::from("/subscriptions/s")),
            name.prop_map(|group| format!("/subscriptions/s/resourceGroups/{group}")),
            (name, name).prop_map(|(group, thing)| format!(
                "/subscriptions/s/resourceGroups/{group}/providers/A.B/things/{thing}"
            )),
            (name, name, name).prop_map(|(group, thing, part)| format!(
                "/subscriptions/S/resourceGroups/{group}/providers/a.b/Things/{thing}/parts/{part}"
            )),
        ]
    }

    fn level() -> impl Strategy<Value = Level> {
        prop_oneof![Just(Level::CanNotDelete), Just(Level::ReadOnly)]
    }

    proptest! {
        /// Against the obvious model: every lock is asked whether its scope is the id's, or above it, or, of a
        /// deletion, below it.
        #[test]
        fn locks_are_inherited_and_the_strictest_wins(
            at in proptest::collection::vec((scope(), level()), 0..6), place in scope(), verb in "write|delete|read|listKeys/action",
        ) {
            let at: Vec<(&str, Level)> = at.iter().map(|(scope, level)| (scope.as_str(), *level)).collect();
            let place = id(&place);
            let operation = format!("{}/{verb}", place.resource_type());
            let stopping = locks(&at).stopping(&operation, &place);
            let expected = at.iter().filter(|(scope, level)| {
                let scope = id(scope);
                let is_deletion = verb == "delete";
                let reaches = scope.contains(&place) || is_deletion && place.contains(&scope);
                reaches && verb != "read" && (is_deletion || *level == Level::ReadOnly)
            });
            prop_assert_eq!(stopping.len(), expected.count());
        }
    }
}
