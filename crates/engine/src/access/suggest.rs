//! The least role that allows what somebody really did.
//!
//! A role is made from uses ([`Use`]): their operations by name, without wildcards, and the places they were done at.
//! Nothing that was refused is in it, because refusals are no uses. What a custom role cannot give is left out and said:
//! what a rule asks a built-in role for, what is done at the tenant, and operations custom roles cannot name, such as
//! those of the directory.

use std::collections::{BTreeMap, BTreeSet};

use nave_arm::ResourceId;
use nave_rbac::{Catalogue, Plane, custom_role};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    places::{place_of, topmost},
    proof::Proof,
    reach::{Held, Right},
    uses::Use,
};
use crate::{Engine, Snapshot, directory};

/// What is wished.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Whose uses.
    pub principal: Uuid,
    /// What the role is to be called; a role by scope gets a number.
    pub name: Option<String>,
    /// Whether there is to be a role for each place, with what was done there, in place of one for all places.
    pub by_scope: bool,
}

/// A role to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestedRole {
    /// Its name, which no other role has.
    pub name: String,
    /// What it is made from.
    pub description: String,
    /// The control operations, sorted.
    pub actions: Vec<String>,
    /// The data operations, sorted.
    pub data_actions: Vec<String>,
    /// Where it is to be assigned, and may be.
    pub scopes: Vec<ResourceId>,
}

/// Something that was done and that no custom role can give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beyond {
    /// The operation.
    pub operation: String,
    /// Its plane.
    pub plane: Plane,
    /// Where it was done.
    pub scope: ResourceId,
    /// Why not, and what gives it.
    pub why: String,
}

/// Something that is allowed today under a condition only. The role has no conditions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnderCondition {
    /// The operation.
    pub operation: String,
    /// Where it was done.
    pub scope: ResourceId,
    /// The condition.
    pub condition: String,
}

/// What is suggested, and why it is right.
#[derive(Debug, Clone)]
pub struct Suggestion {
    /// The roles; none where nothing was done that one could give.
    pub roles: Vec<SuggestedRole>,
    /// What the roles are made from: each operation at each place once, over all days.
    pub uses: Vec<Use>,
    /// What they cannot give.
    pub beyond: Vec<Beyond>,
    /// What is allowed under conditions today.
    pub conditions: Vec<UnderCondition>,
    /// The proof.
    pub proof: Proof,
}

impl Engine {
    /// Makes a role from uses. The places are those that are there now.
    #[must_use]
    pub fn suggest(&self, uses: Vec<Use>, wish: &Wish) -> Suggestion {
        let snapshot = self.snapshot();
        let uses = over_all_days(uses);
        let mut beyond = Vec::new();
        let mut done: Vec<(&Use, ResourceId)> = Vec::new();
        for one in &uses {
            let place = place_of(self.registry(), &snapshot, &one.scope);
            match out_of_reach(one, &place) {
                Some(why) => beyond.push(Beyond {
                    operation: one.operation.clone(),
                    plane: one.plane,
                    scope: one.scope.clone(),
                    why,
                }),
                None => done.push((one, place)),
            }
        }
        let roles = roles(&snapshot, &done, wish);
        let proof = Proof::of(self.registry(), &snapshot, &roles, &done);
        Suggestion {
            conditions: self.conditions(&snapshot, wish.principal, &done),
            roles,
            beyond,
            proof,
            uses,
        }
    }

    fn conditions(
        &self,
        snapshot: &Snapshot,
        principal: Uuid,
        done: &[(&Use, ResourceId)],
    ) -> Vec<UnderCondition> {
        let (held, now) = (Held::of(snapshot, principal), self.world().now());
        let found: BTreeSet<UnderCondition> = done
            .iter()
            .filter_map(
                |(one, place)| match held.at(place).may(&one.operation, one.plane, place, now) {
                    Right::Conditional(_, condition) => Some(UnderCondition {
                        operation: one.operation.clone(),
                        scope: one.scope.clone(),
                        condition,
                    }),
                    _ => None,
                },
            )
            .collect();
        found.into_iter().collect()
    }
}

/// Each operation at each place once; what was done through a rule's gate is another thing than the same without.
fn over_all_days(uses: Vec<Use>) -> Vec<Use> {
    let mut all: BTreeMap<(String, bool, ResourceId, Option<String>), Use> = BTreeMap::new();
    for one in uses {
        let key = (
            one.operation.to_lowercase(),
            one.plane == Plane::Data,
            one.scope.clone(),
            one.gate.clone(),
        );
        match all.get_mut(&key) {
            Some(known) => known.add(one),
            None => drop(all.insert(key, one)),
        }
    }
    all.into_values().collect()
}

/// Why no custom role gives it.
fn out_of_reach(one: &Use, place: &ResourceId) -> Option<String> {
    if let Some(gate) = &one.gate {
        return Some(format!(
            "The rule {gate} asks for a built-in role here, and no custom role stands in for it."
        ));
    }
    if one
        .operation
        .get(..16)
        .is_some_and(|head| head.eq_ignore_ascii_case("Microsoft.Graph/"))
    {
        return Some(String::from(
            "Writing the directory is no operation of custom roles; a built-in role at the tenant gives it.",
        ));
    }
    if place.is_tenant() {
        return Some(String::from(
            "It was done at the tenant, where custom roles cannot be assigned; a built-in role there gives it.",
        ));
    }
    let list = if one.plane == Plane::Data {
        "dataActions"
    } else {
        "actions"
    };
    let properties =
        json!({ "roleName": "x", "assignableScopes": [place], "permissions": [{ list: [one.operation] }] });
    let refused = custom_role::validate(&properties, Catalogue::built_in()).err();
    refused.map(|error| format!("No custom role can name it: {}", error.message))
}

fn roles(snapshot: &Snapshot, done: &[(&Use, ResourceId)], wish: &Wish) -> Vec<SuggestedRole> {
    let mut by_place: BTreeMap<&ResourceId, BTreeSet<Named>> = BTreeMap::new();
    for (one, place) in done {
        by_place.entry(place).or_default().insert(Named::of(one));
    }
    let mut made: BTreeMap<BTreeSet<Named>, Vec<ResourceId>> = BTreeMap::new();
    if wish.by_scope {
        for (place, operations) in by_place {
            made.entry(operations).or_default().push(place.clone());
        }
    } else if !by_place.is_empty() {
        let scopes = topmost(snapshot, by_place.keys().map(|place| (*place).clone()));
        made.insert(by_place.into_values().flatten().collect(), scopes);
    }
    let several = made.len() > 1;
    let mut taken = BTreeSet::new();
    made.into_iter()
        .enumerate()
        .map(|(at, (operations, scopes))| {
            let number = several.then_some(at + 1);
            let name = name(snapshot, wish, number, &mut taken);
            role(snapshot, wish.principal, name, &operations, scopes)
        })
        .collect()
}

/// An operation of a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    is_data: bool,
    key: String,
    name: String,
}

impl Named {
    fn of(one: &Use) -> Self {
        Self {
            is_data: one.plane == Plane::Data,
            key: one.operation.to_lowercase(),
            name: one.operation.clone(),
        }
    }
}

fn role(
    snapshot: &Snapshot,
    principal: Uuid,
    name: String,
    operations: &BTreeSet<Named>,
    scopes: Vec<ResourceId>,
) -> SuggestedRole {
    let of_plane = |data: bool| -> Vec<String> {
        let mut names: Vec<&Named> = operations.iter().filter(|named| named.is_data == data).collect();
        names.dedup_by_key(|named| &named.key);
        names.into_iter().map(|named| named.name.clone()).collect()
    };
    let who = directory::display_name(snapshot, principal).unwrap_or_else(|| principal.to_string());
    SuggestedRole {
        name,
        description: format!("What {who} did, and nothing else."),
        actions: of_plane(false),
        data_actions: of_plane(true),
        scopes,
    }
}

/// A name that no role has.
fn name(snapshot: &Snapshot, wish: &Wish, number: Option<usize>, taken: &mut BTreeSet<String>) -> String {
    let who =
        || directory::display_name(snapshot, wish.principal).unwrap_or_else(|| wish.principal.to_string());
    let base = wish
        .name
        .clone()
        .unwrap_or_else(|| format!("As used by {}", who()));
    let base = number.map_or_else(|| base.clone(), |number| format!("{base} ({number})"));
    let candidates = std::iter::once(base.clone()).chain((2..).map(|again| format!("{base}, {again}")));
    let mut free = candidates.filter(|name| snapshot.roles().definition_named(name).is_none());
    let name = free.find(|name| !taken.contains(name)).unwrap_or(base);
    taken.insert(name.clone());
    name
}

impl SuggestedRole {
    /// The properties of its definition, as ARM takes them.
    #[must_use]
    pub fn properties(&self) -> Value {
        json!({
            "roleName": self.name, "type": "CustomRole", "description": self.description,
            "assignableScopes": self.scopes,
            "permissions": [{
                "actions": self.actions, "notActions": [], "dataActions": self.data_actions, "notDataActions": [],
            }],
        })
    }
}
