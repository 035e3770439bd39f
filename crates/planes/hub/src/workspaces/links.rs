//! The resources a workspace is made to use, and what it takes to make it use them.
//!
//! Whoever links a resource to a workspace gives others a part of it: a project's identity may write to the hub's
//! storage account, `listKeys` shows the instrumentation key. So naming one asks for the right to write it
//! (rbac-semantics 13.4), as a linked scope; what is linked already stays without asking.

use std::borrow::Cow;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Fields, Resource, Snapshot, decision::Need};
use serde_json::Value;

use crate::inheritance::default_group;

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

/// Where a hub's projects go by default. Who sets it opens that group to everybody who may join the hub.
const DEFAULT_GROUP: &str = "/properties/workspaceHubConfig/defaultWorkspaceResourceGroup";

/// What the caller must be allowed to do on the resources a body newly links. An id that cannot be read asks for
/// nothing here; [`check`] refuses it.
pub(super) fn needs(body: &Value, id: &ResourceId, existing: Option<&Resource>) -> Vec<Need> {
    let mut needs: Vec<Need> = LINKS
        .iter()
        .filter_map(|link| Some((link, named(body, link)?)))
        .filter(|(link, target)| {
            existing.and_then(|existing| existing.link(link.pointer)).as_ref() != Some(target)
        })
        .map(|(link, target)| Need::action(link.write, target).linked())
        .collect();
    let present = existing
        .and_then(default_group)
        .or_else(|| id.resource_group_id());
    if let Some(group) = group(body, id)
        && Some(&group) != present.as_ref()
    {
        let write: Cow<'static, str> = Cow::Borrowed("Microsoft.MachineLearningServices/workspaces/write");
        needs.push(Need::action(write, group).linked());
    }
    needs
}

/// Refuses links that are no ids, lead to another type, or to nothing.
pub(super) fn check(snapshot: &Snapshot, body: &Value, id: &ResourceId) -> Result<(), ArmError> {
    for link in &LINKS {
        let Some(target) = Fields(body).link(link.pointer)? else {
            continue;
        };
        if !target.resource_type().eq_ignore_ascii_case(link.resource_type) {
            return Err(not_a(link.pointer, &target, link.resource_type));
        }
        if snapshot.get(&target).is_none() {
            return Err(missing(link.pointer, &target));
        }
    }
    match (Fields(body).text(DEFAULT_GROUP)?, group(body, id)) {
        (None, _) => Ok(()),
        (Some(text), None) => Err(ArmError::new(
            ErrorCode::LinkedInvalidPropertyId,
            format!("'{text}' is neither the name nor the id of a resource group."),
        )
        .on(dotted(DEFAULT_GROUP))),
        (Some(_), Some(group)) if snapshot.get(&group).is_none() => Err(missing(DEFAULT_GROUP, &group)),
        (Some(_), Some(_)) => Ok(()),
    }
}

/// The resource a body names by a link.
pub(super) fn named(body: &Value, link: &Link) -> Option<ResourceId> {
    Fields(body).link(link.pointer).ok().flatten()
}

fn group(body: &Value, id: &ResourceId) -> Option<ResourceId> {
    let text = Fields(body).text(DEFAULT_GROUP).ok().flatten()?;
    let group = match text.starts_with('/') {
        true => ResourceId::parse(text).ok()?,
        false => ResourceId::of_resource_group(id.subscription()?, text),
    };
    group.is_resource_group().then_some(group)
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

fn missing(pointer: &str, target: &ResourceId) -> ArmError {
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
