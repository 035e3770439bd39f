//! Soft delete: what is deleted is kept for a while, and comes back as it was (features HUB-07, AIS-12).
//!
//! A type says in its declaration how it is kept ([`SoftDelete`]). When such a resource is deleted, by whatever request,
//! one row of its *deleted type* is written in the same commit. It holds all that went with the resource: its children,
//! its identity and what that identity was given, the roles at it; its secrets are sealed anew, under the new row. While
//! that row is there, the unique names in it stay taken and nobody finds anything by them: keys open nothing, the
//! identity signs nobody in, and what was held open is cut by the commit that deleted.
//!
//! * Recovery (`restore`) is a PUT at the resource's id that asks for it. It is decided as the creation of what was
//!   deleted, and writes the rows back in the commit that takes the deleted row away: of a recovery and a purge at once,
//!   one wins.
//! * Purging takes the deleted row away: by a request, or by nave itself when its time is over
//!   ([`purge_what_is_over`](crate::Engine::purge_what_is_over)).

mod deleted;
mod keep;
mod kept;
mod restore;

use jiff::SignedDuration;
use nave_arm::{ArmError, ResourceId};
use serde_json::Value;

use crate::{Resource, Snapshot, declaration::Declaration};

pub(crate) use deleted::{Deleted, lists, purged, refuse_protected};
pub use keep::Heads;
pub(crate) use keep::{is_kept, keep};
pub use kept::Kept;
pub(crate) use kept::{is_deleted, is_over, kept_at};
pub(crate) use restore::restore;

/// How resources of a type are kept when they are deleted.
#[derive(Debug)]
pub struct SoftDelete {
    /// What is left of one. Its type is `{namespace}/locations/…`, with the location, the group where the type names
    /// `resourceGroups`, and the name of what was deleted for names. It has GET, and DELETE or one action to purge.
    pub deleted: Declaration,
    /// The paths that list what was deleted in a subscription or a group.
    pub lists: &'static [&'static str],
    /// The permission to see all of a subscription's.
    pub list_permission: &'static str,
    /// How long one is kept; zero is not at all.
    pub retention: fn(&Snapshot, &Resource) -> SignedDuration,
    /// Whether nobody may purge it before its time is over.
    pub is_protected: fn(&Resource) -> bool,
    /// The query parameter of DELETE that deletes for good, and purges what is deleted already.
    pub for_good: Option<&'static str>,
    /// Whether the body of a PUT asks for what was deleted.
    pub recovers: fn(&Value) -> bool,
    /// The refusal of a new one where one is kept. It says what helps.
    pub exists: fn(&Kept) -> ArmError,
    /// Whether the roles at one come back with it.
    pub keeps_roles: bool,
    /// What is shown of one, given what its type showed of the resource.
    pub view: fn(&Kept, Value) -> Value,
}

impl SoftDelete {
    /// Where what is left of a resource is.
    fn id_of(&self, resource: &Resource) -> Option<ResourceId> {
        let names: Vec<&str> = self
            .deleted
            .local_type()
            .split('/')
            .map(|word| match word {
                "locations" => resource.text("/location"),
                "resourceGroups" => resource.id.resource_group(),
                _ => Some(resource.id.name()),
            })
            .collect::<Option<_>>()?;
        let subscription = resource.id.subscription_id()?;
        Some(subscription.extension(self.deleted.resource_type, &names.join("/")))
    }

    /// The permission to purge one: the deleted type's DELETE, or its only action.
    pub(crate) fn purge_permission(&self) -> String {
        match self.deleted.actions {
            [purge, ..] => self.deleted.action_permission(purge),
            [] => self.deleted.permission("delete"),
        }
    }
}

/// The unique name that what is left of a resource holds for the resource's id.
fn id_claim(id: &ResourceId) -> String {
    format!("deleted:{}", id.key())
}
