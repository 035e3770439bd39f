//! `Microsoft.ManagedIdentity`: identities that are resources, and may be given to other resources.

mod user_assigned_identities;

use nave_engine::Registry;

pub(crate) use user_assigned_identities::USER_ASSIGNED_IDENTITIES;

pub(crate) fn register(registry: &mut Registry) {
    registry.add_type(user_assigned_identities::UserAssignedIdentities);
}
