//! What auditIfNotExists and deployIfNotExists look for beside a resource (policy-language 5).

use std::sync::Arc;

use nave_arm::ResourceId;
use nave_policy::{Existence, Policy};

use super::view::View;
use crate::{Resource, declaration::Placement};

/// What was found beside a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Whether one of them is as the policy wants it.
    pub satisfied: bool,
    /// The last that was looked at: the one that satisfies, if one does.
    pub last: Option<ResourceId>,
    /// How many there are to look at.
    pub total: usize,
}

/// Looks for what a policy wants to be there. A resource whose details have no value has nothing beside it.
pub(super) fn find(view: &View<'_>, resource: &Resource, policy: &Policy) -> Related {
    let wanted = view.judged_as(resource, |subject| policy.existence(subject));
    let Ok(Some(wanted)) = wanted else {
        return Related {
            satisfied: false,
            last: None,
            total: 0,
        };
    };
    let candidates = candidates(view, resource, &wanted);
    let satisfies = |candidate: &&Arc<Resource>| {
        let satisfied = view.judged_as(candidate, |subject| policy.is_satisfied_by(subject));
        satisfied.unwrap_or(false)
    };
    let satisfying = candidates.iter().find(satisfies);
    Related {
        satisfied: satisfying.is_some(),
        last: satisfying.or(candidates.last()).map(|found| found.id.clone()),
        total: candidates.len(),
    }
}

/// Those of the type, kind and name in the place to look in.
fn candidates(view: &View<'_>, resource: &Resource, wanted: &Existence) -> Vec<Arc<Resource>> {
    let Some(place) = place(view, &resource.id, wanted) else {
        return Vec::new();
    };
    let fits = |candidate: &&Arc<Resource>| {
        place.contains(&candidate.id)
            && wanted
                .kind
                .as_deref()
                .is_none_or(|kind| candidate.kind().eq_ignore_ascii_case(kind))
            && wanted
                .name
                .as_deref()
                .is_none_or(|name| is_called(&candidate.id, name))
    };
    let all = view.snapshot.of_type(&wanted.resource_type);
    all.filter(fits).cloned().collect()
}

/// What is below the resource or extends it is looked for there; everything else in its group or subscription.
fn place(view: &View<'_>, resource: &ResourceId, wanted: &Existence) -> Option<ResourceId> {
    let group = || match &wanted.resource_group_name {
        Some(name) => Some(ResourceId::of_resource_group(resource.subscription()?, name)),
        None => resource.resource_group_id(),
    };
    if wanted.in_subscription {
        return resource.subscription_id();
    }
    if wanted.resource_group_name.is_none() && hangs_off(view, resource, &wanted.resource_type) {
        return Some(resource.clone());
    }
    group().or_else(|| resource.subscription_id())
}

fn hangs_off(view: &View<'_>, resource: &ResourceId, related: &str) -> bool {
    let own = resource.resource_type().to_lowercase();
    let is_child = related.to_lowercase().starts_with(&format!("{own}/"));
    let kind = view.engine.registry().resource_type(related);
    is_child || kind.is_some_and(|kind| kind.declaration().placement == Placement::Anywhere)
}

/// A name is the last segment, or with those of the parents: `account/default`.
fn is_called(id: &ResourceId, name: &str) -> bool {
    let block = id.as_str().rsplit("/providers/").next().unwrap_or_default();
    let names: Vec<&str> = block.split('/').skip(2).step_by(2).collect();
    name.eq_ignore_ascii_case(id.name()) || name.eq_ignore_ascii_case(&names.join("/"))
}
