//! What can be asked of which kind of thing: the operations of the registry, and the types each is about.
//!
//! A role says nothing of types: Contributor at a storage account grants the reading of vaults there, which means
//! nothing. So a change of rights is told for the operations that make sense at a resource: those of its own type, of
//! what can be made below it, and those that are asked of anything. At a group, a subscription and above, everything can
//! be.

use std::collections::BTreeMap;

use nave_rbac::Plane;

use crate::{
    Registry,
    declaration::Placement,
    operation::{Operation, Surface},
    workspaces::WORKSPACES,
};

/// An operation that roles grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its name.
    pub name: String,
    /// Its plane.
    pub plane: Plane,
    about: About,
}

/// What an operation is asked of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum About {
    Anything,
    /// The tenant alone: the directory has no other scope.
    Tenant,
    /// Resources of these types, in lower case; and whatever these are made in.
    Types(Vec<String>),
}

/// Every operation that a role is needed for, by name. The directory's reads are not among them: its members may read
/// it, whatever their roles.
#[must_use]
pub fn operations(registry: &Registry) -> Vec<Asked> {
    let mut all: BTreeMap<(String, bool), Asked> = BTreeMap::new();
    for (operation, about) in declared(registry).chain(routed(registry)) {
        let Some((name, plane)) = operation.access.needed() else {
            continue;
        };
        let is_directory = matches!(operation.surface, Surface::Graph | Surface::Scim);
        if is_directory && name.ends_with("/read") {
            continue;
        }
        let asked = Asked {
            name: name.to_owned(),
            plane,
            about,
        };
        match all.get_mut(&(name.to_lowercase(), plane == Plane::Data)) {
            Some(known) => known.also(asked.about),
            None => drop(all.insert((name.to_lowercase(), plane == Plane::Data), asked)),
        }
    }
    all.into_values().collect()
}

fn declared(registry: &Registry) -> impl Iterator<Item = (Operation, About)> {
    registry.declarations().flat_map(|declaration| {
        let about = match declaration.placement {
            Placement::Anywhere => About::Anything,
            _ => About::Types(vec![declaration.resource_type.to_lowercase()]),
        };
        let operations = declaration.operations().into_iter();
        operations.map(move |operation| (operation, about.clone()))
    })
}

fn routed(registry: &Registry) -> impl Iterator<Item = (Operation, About)> {
    registry.routes().iter().map(|route| {
        let operation = route.operation.clone();
        let about = about(registry, &operation);
        (operation, about)
    })
}

/// What a route is about, by its path; the data planes' paths name no types, but their operations do.
fn about(registry: &Registry, operation: &Operation) -> About {
    if matches!(operation.surface, Surface::Graph | Surface::Scim) {
        return About::Tenant;
    }
    let in_path = operation
        .path
        .rsplit_once("/providers/")
        .and_then(|(_, block)| typed(registry, block));
    let in_name = || {
        let (name, _) = operation.access.needed()?;
        typed_by_name(registry, name)
    };
    let of_projects = || match operation.surface {
        Surface::Inference | Surface::Workspace => Some(WORKSPACES.to_lowercase()),
        _ => None,
    };
    let mut types: Vec<String> = in_path.into_iter().collect();
    if types.is_empty() {
        types.extend(in_name());
        types.extend(of_projects());
    }
    let at_any_scope = operation.path.starts_with("/{scope}/") || operation.path == "/{scope}";
    match types.is_empty() || at_any_scope {
        true => About::Anything,
        false => About::Types(types),
    }
}

/// The longest type at the beginning of `Namespace/type/{name}/type/{name}…`.
fn typed(registry: &Registry, block: &str) -> Option<String> {
    let mut words = block.split('/').filter(|word| !word.starts_with('{'));
    longest(registry, words.next()?, words)
}

/// The longest type at the beginning of an operation's name.
fn typed_by_name(registry: &Registry, name: &str) -> Option<String> {
    let mut words = name.split('/');
    longest(registry, words.next()?, words)
}

fn longest<'a>(registry: &Registry, namespace: &str, words: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut candidate = namespace.to_lowercase();
    let mut found = None;
    for word in words {
        candidate.push('/');
        candidate.push_str(&word.to_lowercase());
        if registry.resource_type(&candidate).is_some() {
            found = Some(candidate.clone());
        }
    }
    found
}

impl Asked {
    /// Whether it makes sense at a resource of a type, given in lower case.
    #[must_use]
    pub fn makes_sense_at(&self, type_key: &str) -> bool {
        match &self.about {
            About::Anything => true,
            About::Tenant => type_key == "microsoft.resources/tenants",
            About::Types(types) => {
                is_container(type_key)
                    || types.iter().any(|about| {
                        about
                            .strip_prefix(type_key)
                            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                    })
            }
        }
    }

    fn also(&mut self, other: About) {
        match (&mut self.about, other) {
            (About::Types(own), About::Types(others)) => {
                own.extend(others);
                own.sort_unstable();
                own.dedup();
            }
            (About::Anything, _) => {}
            (own, other) => *own = other,
        }
    }
}

fn is_container(type_key: &str) -> bool {
    matches!(
        type_key,
        "microsoft.resources/tenants"
            | "microsoft.resources/subscriptions"
            | "microsoft.resources/subscriptions/resourcegroups"
            | "microsoft.management/managementgroups"
    )
}
