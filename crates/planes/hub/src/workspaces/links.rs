//! The resources a workspace is made to use, and what it takes to make it use them.
//!
//! Whoever links a resource to a workspace gives others a part of it: a project's identity may write to the hub's
//! storage account, `listKeys` shows the instrumentation key. So naming one asks for the right to write it
//! (rbac-semantics 13.4), as a linked scope; what is linked already stays without asking.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Fields, Resource, Snapshot, decision::Need};
use serde_json::Value;

/// A property that holds the id of another plane's resource.
pub(super) struct Link {
    pub(super) pointer: &'static str,
    pub(super) resource_type: &'static str,
    pub(super) write: &'static str,
}

pub(super) const STORAGE: Link = Link {
    pointer: "/properties/storageAccount",
    resource_type: "Microsoft.Storage/storageAccounts",
    write: "Microsoft.Storage/storageAccounts/write",
};
pub(super) const VAULT: Link = Link {
    pointer: "/properties/keyVault",
    resource_type: "Microsoft.KeyVault/vaults",
    write: "Microsoft.KeyVault/vaults/write",
};
pub(super) const INSIGHTS: Link = Link {
    pointer: "/properties/applicationInsights",
    resource_type: "Microsoft.Insights/components",
    write: "Microsoft.Insights/components/write",
};
const REGISTRY: Link = Link {
    pointer: "/properties/containerRegistry",
    resource_type: "Microsoft.ContainerRegistry/registries",
    write: "Microsoft.ContainerRegistry/registries/write",
};
const LINKS: [Link; 4] = [STORAGE, VAULT, INSIGHTS, REGISTRY];

/// What the caller must be allowed to do on the resources a body newly links. An id that cannot be read asks for
/// nothing here; [`check`] refuses it.
pub(super) fn needs(body: &Value, existing: Option<&Resource>) -> Vec<Need> {
    let named = LINKS.iter().filter_map(|link| Some((link, named(body, link)?)));
    named
        .filter(|(link, target)| is_new(link, target, existing))
        .map(|(link, target)| Need::action(link.write, target).linked())
        .collect()
}

/// Refuses new links that are no ids, lead to another type, or to nothing. What is linked already may be gone: then
/// everything else about the workspace can still be changed.
pub(super) fn check(snapshot: &Snapshot, body: &Value, existing: Option<&Resource>) -> Result<(), ArmError> {
    for link in &LINKS {
        let Some(target) = Fields(body).link(link.pointer)? else {
            continue;
        };
        if !is_new(link, &target, existing) {
            continue;
        }
        if !target.resource_type().eq_ignore_ascii_case(link.resource_type) {
            return Err(not_a(link.pointer, &target, link.resource_type));
        }
        if snapshot.get(&target).is_none() {
            return Err(missing(link.pointer, &target));
        }
    }
    Ok(())
}

/// The resource a body names by a link.
pub(super) fn named(body: &Value, link: &Link) -> Option<ResourceId> {
    Fields(body).link(link.pointer).ok().flatten()
}

fn is_new(link: &Link, target: &ResourceId, existing: Option<&Resource>) -> bool {
    existing.and_then(|existing| existing.link(link.pointer)).as_ref() != Some(target)
}

fn not_a(pointer: &str, target: &ResourceId, resource_type: &str) -> ArmError {
    let name = dotted(pointer);
    ArmError::new(
        ErrorCode::LinkedInvalidPropertyId,
        format!(
            "Property id '{target}' at path '{name}' is invalid: it must be the id of a '{resource_type}'."
        ),
    )
    .on(name)
}

pub(super) fn missing(pointer: &str, target: &ResourceId) -> ArmError {
    let name = dotted(pointer);
    ArmError::new(
        ErrorCode::InvalidResourceReference,
        format!("'{target}' at path '{name}' was not found."),
    )
    .on(name)
}

fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}
